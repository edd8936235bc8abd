"""The part of a register map that one request asks for: values are put by their address, and what was asked for is kept.

So a value of several registers is written in one way, whether a request takes all of it or an end.
"""


class Window:
    """`data`: a view of two bytes for each of `count` registers from `first` on, zero at the start."""

    def __init__(self, data, first, count):
        self.data = data
        self.first = first
        self.count = count

    def overlaps(self, address, count):
        """Whether any of `count` registers from `address` on is asked for."""
        return address < self.first + self.count and self.first < address + count

    def is_within(self, blocks):
        """Whether all that is asked for lies in one of these (first address, registers) pairs."""
        for address, count in blocks:
            if address <= self.first and self.first + self.count <= address + count:
                return True
        return False

    def put(self, address, values):
        """Write the bytes of a value whose first register has this address: two for each register, high byte first."""
        data = self.data
        at = 2 * (address - self.first)
        for index in range(max(0, -at), min(len(values), len(data) - at)):
            data[at + index] = values[index]


def rows(table):
    """Yield (address, registers, type, name) of a table that is text: a line "address name type registers" for each row.

    Without the last two it is a uint16, of one register. Text is the smallest form of a table in flash, and needs no RAM there.
    """
    for row in table.strip().split("\n"):
        words = row.split(" ")
        count = len(words)
        yield int(words[0]), int(words[3]) if count > 3 else 1, words[2] if count > 2 else "uint16", words[1]


def text_bytes(text, size, fill=b" "):
    """Return a text as exactly `size` bytes of UTF-8: cut behind a whole character, and filled up."""
    content = text.encode()
    end = len(content)
    if end > size:
        end = size
        while content[end] & 0xC0 == 0x80:  # amid a character
            end -= 1
    return content[:end] + fill * (size - end)
