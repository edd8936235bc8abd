"""Finds where a value ends in a stream of A-XDR octets, without decoding it. The decoder is axdr.py.

Source: DLMS UA 1000-2, 9.5; compact arrays: DLMS UA 1000-1, 4.1.6.
"""

from micropython import const

from lib.dlms.errors import FormatError

_MOST_DEPTH = const(8)
_ARRAY = const(1)
_STRUCTURE = const(2)
_BIT_STRING = const(4)
_COMPACT_ARRAY = const(19)
_DO_NOT_CARE = const(255)
_COUNTED = const(0xFE)  # a length, or a count, follows the tag
_NONE = const(0xFF)
# Octets behind each tag
_SIZES = (
    b"\x00\xfe\xfe\x01\xfe\x04\x04\xff\xff\xfe\xfe\xff\xfe\x01\xff\x01\x02"
    b"\x01\x02\xfe\x08\x08\x01\x04\x08\x0c\x05\x04\x01\x02\x04\x01\x02\x04"
)


class Extent:
    """feed() views of any size, until is_whole."""

    def __init__(self):
        self._left = [0] * (_MOST_DEPTH + 1)  # elements that each level still has to come
        self.restart()

    def restart(self):
        """Begin with another value."""
        self.is_whole = False
        self._depth = 0
        self._left[0] = 1
        self._skip = 0  # octets of the element
        self._descriptions = 0  # types of a compact array to come
        self._expect(self._tag)

    def feed(self, view):
        """Return how many of the octets belong to the value: less than all if it ends before. FormatError: "tag", "depth"."""
        at = 0
        end = len(view)
        while at < end and not self.is_whole:
            if self._skip:
                count = min(self._skip, end - at)
                self._skip -= count
                at += count
                if not self._skip:
                    self._next()
            else:
                self._state(view[at])
                at += 1
        return at

    def _expect(self, state):
        self._state = state

    def _tag(self, octet):
        self._type = octet
        size = 0 if octet == _DO_NOT_CARE else _NONE if octet >= len(_SIZES) else _SIZES[octet]
        if size == _NONE:
            raise FormatError("tag")
        if size == _COUNTED:
            if octet == _COMPACT_ARRAY:
                self._descriptions = 1
                self._expect(self._description)
            else:
                self._expect(self._length)
        elif size:
            self._skip = size
        else:
            self._next()

    def _length(self, octet):
        if octet < 0x80:
            self._number = octet
            self._counted()
            return
        self._octets = octet & 0x7F
        if not 1 <= self._octets <= 4:
            raise FormatError("length")
        self._number = 0
        self._expect(self._length_octet)

    def _length_octet(self, octet):
        self._number = self._number << 8 | octet
        self._octets -= 1
        if not self._octets:
            self._counted()

    def _counted(self):
        number = self._number
        if self._descriptions:  # the members of a structure in a compact array
            self._descriptions += number
            self._described()
        elif self._type == _ARRAY or self._type == _STRUCTURE:
            if self._depth == _MOST_DEPTH:
                raise FormatError("depth")
            self._depth += 1
            self._left[self._depth] = number + 1  # the array itself is an element, too
            self._next()
        else:
            self._skip = number + 7 >> 3 if self._type == _BIT_STRING else number
            if not self._skip:
                self._next()

    def _description(self, octet):
        if octet == _STRUCTURE:
            self._expect(self._length)
        elif octet == _ARRAY:
            self._octets = 2
            self._expect(self._array_count)
        elif octet >= len(_SIZES) or _SIZES[octet] == _NONE or octet == _COMPACT_ARRAY:
            raise FormatError("tag")
        else:
            self._described()

    def _array_count(self, octet):
        self._octets -= 1
        if not self._octets:
            self._expect(self._description)

    def _described(self):
        """One type is described; behind the last of them come the length and the contents."""
        self._descriptions -= 1
        self._expect(self._description if self._descriptions else self._length)

    def _next(self):
        """An element is over."""
        left = self._left
        self._expect(self._tag)
        while True:
            left[self._depth] -= 1
            if left[self._depth]:
                return
            if not self._depth:
                self.is_whole = True
                return
            self._depth -= 1
