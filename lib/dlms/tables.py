"""Looks texts up in a table that is one string in flash: "|1 text|2 other text|". No RAM, no order.

What stands in front of the text may be any word without blank and bar.
"""


def text(table, key):
    """Return the text of a key (int or str), "" if the table has none."""
    key = "|" + str(key) + " "
    at = table.find(key)
    if at < 0:
        return ""
    at += len(key)
    return table[at : table.find("|", at)]
