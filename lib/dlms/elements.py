"""What all streams of COSEM data have in common: elements that are cut, strings, events.

Source: DLMS UA 1000-2 (Green Book), 9.5 (type Data); DLMS UA 1000-1 (Blue Book), 4.1.5 (types).
"""

from array import array

from micropython import const

from lib.dlms.data_kernels import copy, unsigned
from lib.dlms.decimals import decimal
from lib.dlms.errors import FormatError

# Events, and what comes with them; data_kernels.py has the first three
INTEGER = const(0)  # int; also of boolean (0, 1), enum and BCD
DELTA = const(1)  # int: by how much more than in the row before
NULL = const(2)  # None; also for don't-care
OCTETS = const(3)  # bytes; also of date (5) and time (4)
TEXT = const(4)  # bytes, ASCII or UTF-8
TIME = const(5)  # bytes, 12 octets of a date-time
BITS = const(6)  # (bytes, how many bits of them), the first in the highest bit
FLOAT = const(7)  # (mantissa, decimal exponent), None for NaN and infinity
BEGIN_ARRAY = const(8)  # how many elements follow, None for a compact array that does not tell
BEGIN_STRUCTURE = const(9)  # how many elements follow
END = const(10)  # None; of the array or structure that began last

MOST_DEPTH = const(8)  # structures within arrays within ...
MOST_ELEMENTS = const(0xFFFF)  # of one array or structure
MOST_TEXT = const(2048)  # octets of one string
MOST_HEAD = const(128)  # octets of an element in front of its contents: a compact array describes its elements there
_LENT = const(13)  # strings shorter than this may be lent

ARRAY = const(1)
STRUCTURE = const(2)
_BIT_STRING = const(4)
_VISIBLE_STRING = const(10)
_UTF8_STRING = const(12)
COMPACT_ARRAY = const(19)
_LONG64 = const(20)
_LONG64_UNSIGNED = const(21)
_FLOAT32 = const(23)
_FLOAT64 = const(24)
_DATE_TIME = const(25)


def lent():
    """Return bytearrays to lend, by their length from 0 to 12 octets: that of clocks, others are made when they are wanted."""
    return [None] * (_LENT - 1) + [bytearray(_LENT - 1)]


class Elements:
    """The part of a stream that does not mind where the types of its elements are told; see Decoder in axdr.py.

    What is derived from it defines _run().
    """

    def __init__(self, take, lent_octets, most_depth):
        self._take = take
        self._lent = lent_octets
        self._most_depth = most_depth
        self._found = array("i", (0, 0))
        self._left = array("i", [0] * (most_depth + 1))  # elements that each level still has to come
        self._head = bytearray(MOST_HEAD)
        self._clear()

    def _clear(self):
        self._depth = 0
        self._kept = 0  # octets in _head: an element that was cut
        self._text = b""  # a string that was cut
        self._missing = 0  # octets of it
        self._tag = 0
        self._bits = 0  # of the last bit-string

    def _run(self, view, at, end):
        """Tell what stands whole in view[at:end], _keep() what is cut; return the offset behind what was taken."""
        raise NotImplementedError

    def _some(self, view, at, end):
        """Take octets of view[at:end], at least one; return the offset behind them."""
        if self._missing:
            return self._more_text(view, at, end)
        if not self._kept:
            return self._run(view, at, end)
        while at < end and self._kept:
            self._keep(view, at, at + 1)
            at += 1
            kept, self._kept = self._kept, 0
            self._run(self._head, 0, kept)
        return at

    def _keep(self, view, at, end):
        """Keep an element that is cut; return `end`."""
        if self._kept + end - at > MOST_HEAD:
            raise FormatError("compact array")
        copy(view, at, self._head, self._kept, end - at)
        self._kept += end - at
        return end

    def _more_text(self, view, at, end):
        text = self._text
        count = min(self._missing, end - at)
        copy(view, at, text, len(text) - self._missing, count)
        self._missing -= count
        at += count
        if self._missing:
            return at
        self._tell(text, 0, self._tag, len(text))
        return self._run(view, at, end)

    def _open(self, event, count):
        """An array or structure begins; its elements are those of one level more."""
        if self._depth == self._most_depth:
            raise FormatError("depth")
        if count > MOST_ELEMENTS:
            raise FormatError("length")
        self._depth += 1
        self._left[self._depth] = count
        self._take(event, count)

    def _close(self):
        """End the arrays and structures that have no element left."""
        while self._depth and not self._left[self._depth]:
            self._depth -= 1
            self._take(END, None)

    def _value(self, view, at, end, tag, size):
        """Tell a string or a large number that begins at `at`; return the offset behind, `end` if it is cut."""
        if tag == _BIT_STRING:
            self._bits = size
            size = size + 7 >> 3
        if size > MOST_TEXT:
            raise FormatError("length")
        if at + size <= end:
            self._tell(view, at, tag, size)
            return at + size
        self._text = text = self._room(size) or bytearray(size)
        self._tag = tag
        self._missing = at + size - end
        copy(view, at, text, 0, end - at)
        return end

    def _room(self, size):
        """Return the buffer in which a string of a size is lent, None if it is not."""
        if self._lent is None or size >= _LENT:
            return None
        if not self._lent[size]:
            self._lent[size] = bytearray(size)
        return self._lent[size]

    def _tell(self, view, at, tag, size):
        take = self._take
        if tag == _LONG64 or tag == _LONG64_UNSIGNED:
            high = unsigned(view, at)
            if tag == _LONG64 and high > 0x7FFFFFFF:
                high -= 0x100000000
            low = unsigned(view, at + 4)
            take(INTEGER, high << 32 | low if high else low)
            return
        octets = self._room(size)
        if octets:
            copy(view, at, octets, 0, size)
        else:
            octets = bytes(view[at : at + size])
        if tag == _FLOAT32 or tag == _FLOAT64:
            take(FLOAT, decimal(octets))
        elif tag == _BIT_STRING:
            take(BITS, (octets, self._bits))
        elif tag == _DATE_TIME:
            take(TIME, octets)
        else:
            take(TEXT if tag == _VISIBLE_STRING or tag == _UTF8_STRING else OCTETS, octets)
