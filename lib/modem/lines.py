"""What a modem says, cut into lines: characters in, text out. It has no end of its own: data mode begins with a line, too."""

from micropython import const

_LONGEST = const(120)  # of what is longer the rest is left out
_CR = const(13)
_LF = const(10)


class Lines:
    """Collects characters until a line is whole. Lines without text are none."""

    def __init__(self):
        self._line = bytearray(_LONGEST)
        self._length = 0

    def clear(self):
        """Forget what has come of a line."""
        self._length = 0

    def feed(self, byte):
        """Take one character; return the line that ends with it as text, None if none does."""
        if byte in (_CR, _LF):
            length, self._length = self._length, 0
            text = "".join([chr(each) for each in self._line[:length]]).strip()
            return text or None
        if 32 <= byte < 127 and self._length < _LONGEST:  # what else comes is noise, of a speed that is not agreed yet
            self._line[self._length] = byte
            self._length += 1
        return None
