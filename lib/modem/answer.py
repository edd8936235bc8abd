"""The answer to one AT command, out of the lines that come while it is awaited: unsolicited ones come at any time.

3GPP TS 27.007 and ITU-T V.250; what makers send besides is known from their manuals only in so far as it is to be ignored.
"""

from micropython import const

FINAL = ("OK", "ERROR", "CONNECT", "NO CARRIER", "BUSY", "NO DIALTONE", "NO ANSWER")
_MOST_LINES = const(4)
_FAILED = ("+CME ERROR:", "+CMS ERROR:")
# What modems say by themselves without a sign before it; a row of words begins any of them
_UNASKED = ("RING", "RDY", "SMS ", "PB DONE", "Call Ready", "NORMAL POWER", "DST:", "START", "OVER-", "UNDER-", "POWERED")


class Answer:
    """`final`: one of FINAL, None while it is awaited, "" if it did not come in time. `error`: number of a CME or CMS error,
    or its words. `lines`: what belongs to the command."""

    def __init__(self, command):
        """`command`: as it is sent, text without its end."""
        self._command = command
        name = command[2:].rstrip("?").split("=")[0]
        self._prefix = name + ":" if name[:1] == "+" else None
        self._is_plain = command.startswith("AT+CG") and "=" not in command
        self.final = None
        self.error = ""
        self.lines = []

    def take(self, line):
        """Take a line; return whether the answer is whole."""
        if line == self._command:
            return False  # echo
        for word in FINAL:
            if line == word or (word == "CONNECT" and line.startswith("CONNECT ")):
                self.final = word
                return True
        for word in _FAILED:
            if line.startswith(word):
                self.final, self.error = "ERROR", line[len(word) :].strip()
                return True
        if len(self.lines) >= _MOST_LINES:
            return False
        if self._prefix and line.startswith(self._prefix):
            self.lines.append(line[len(self._prefix) :].strip())
        elif self._is_plain and line[0] not in "+*^%$" and not line.startswith(_UNASKED):
            self.lines.append(line)
        return False

    @property
    def is_ok(self):
        return self.final == "OK"

    @property
    def text(self):
        """The first line, "" if there is none."""
        return self.lines[0] if self.lines else ""


def fields(text):
    """Return what stands between commas, quotes removed: '2,1,"00C3"' is ["2", "1", "00C3"]. No comma is expected in quotes
    but in the name of an operator, which stays whole."""
    found, start, is_quoted = [], 0, False
    for at, character in enumerate(text + ","):
        if character == '"':
            is_quoted = not is_quoted
        elif character == "," and (not is_quoted or at == len(text)):
            found.append(text[start:at].strip().strip('"'))
            start = at + 1
    return found


def number(text):
    """Return a number in decimal, None for a text that is none."""
    return int(text) if text.isdigit() and len(text) < 9 else None
