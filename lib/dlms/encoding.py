"""Writes data of COSEM objects (A-XDR) into a buffer, element by element.

Source: DLMS UA 1000-2 (Green Book), 9.5 (type Data, lengths).
"""

from lib.dlms.data_kernels import copy
from lib.dlms.errors import FormatError


class Writer:
    """Writes from the beginning of `buffer` on; `view` is what was written so far. All big-endian.

    FormatError: "no room", or "range" for a number that its type cannot hold; what was written before stays.
    """

    def __init__(self, buffer):
        self._buffer = memoryview(buffer)
        self.used = 0

    @property
    def view(self):
        return self._buffer[: self.used]

    def restart(self):
        """Write from the beginning again."""
        self.used = 0

    def put_raw(self, octets):
        """Octets as they are: parts of an APDU, data that is encoded already."""
        count = len(octets)
        self._room(count)
        copy(octets, 0, self._buffer, self.used, count)
        self.used += count

    def put_number(self, value, size, is_signed=False):
        """A number of so many octets without a tag."""
        if not -int(is_signed) <= value >> 8 * size - is_signed <= 0:
            raise FormatError("range")
        self._room(size)
        at = self.used
        self.used = at + size
        while size:
            size -= 1
            self._buffer[at] = value >> 8 * size & 0xFF
            at += 1

    def put_length(self, count):
        """A length or a count: one octet below 0x80, else their number with bit 7, and they."""
        size = 0
        if count > 0x7F:
            size = 1 if count < 0x100 else 2 if count < 0x10000 else 4
            self.put_number(0x80 | size, 1)
        self.put_number(count, size or 1)

    def put_null(self):
        self.put_number(0, 1)

    def put_array(self, count):
        """The head of an array: `count` elements of one type follow."""
        self._begin(1, count)

    def put_structure(self, count):
        """The head of a structure: `count` elements follow."""
        self._begin(2, count)

    def put_boolean(self, value):
        self._tagged(3, int(bool(value)), 1)

    def put_bits(self, octets, count):
        """A bit-string of `count` bits, the first in the highest bit of the first octet."""
        if len(octets) != count + 7 >> 3:
            raise FormatError("range")
        self._begin(4, count)
        self.put_raw(octets)

    def put_i32(self, value):
        self._tagged(5, value, 4, True)

    def put_u32(self, value):
        self._tagged(6, value, 4)

    def put_octets(self, octets):
        self._begin(9, len(octets))
        self.put_raw(octets)

    def put_text(self, text):
        """A visible-string: ASCII as bytes or a view."""
        self._begin(10, len(text))
        self.put_raw(text)

    def put_i8(self, value):
        self._tagged(15, value, 1, True)

    def put_i16(self, value):
        self._tagged(16, value, 2, True)

    def put_u8(self, value):
        self._tagged(17, value, 1)

    def put_u16(self, value):
        self._tagged(18, value, 2)

    def put_i64(self, value):
        self._tagged(20, value, 8, True)

    def put_u64(self, value):
        self._tagged(21, value, 8)

    def put_enum(self, value):
        self._tagged(22, value, 1)

    def put_time(self, octets):
        """A date-time of 12 octets, as type of its own; most objects have it as put_octets()."""
        if len(octets) != 12:
            raise FormatError("range")
        self.put_number(25, 1)
        self.put_raw(octets)

    def _begin(self, tag, count):
        self.put_number(tag, 1)
        self.put_length(count)

    def _tagged(self, tag, value, size, is_signed=False):
        at = self.used
        self.put_number(tag, 1)
        try:
            self.put_number(value, size, is_signed)
        except FormatError:
            self.used = at
            raise

    def _room(self, count):
        if self.used + count > len(self._buffer):
            raise FormatError("no room")
