"""The bytes of the archive of meters: records in columns, each column as differences; no I/O.

A part holds records of one meter and layout, in the order of time. It ends with its FOOT, so that a file of parts is read from
its end: what comes before is what the size of each tells. Numbers with the low byte first:

    with one record: for status and each column a varint (zigzag): 0 if there is none, the value and 1 more, or a negative value
    with more, for each column - time, status, columns:
        form: 5 bits for the low bits of its Rice code, 31: all are alike, or on a straight line; 30: there are none;
        ORDER: of second order; GAPS: some are missing
        but for the time, whose first is in FOOT: varint (zigzag) of the first value; with ORDER what the second has more
        with GAPS a bit per record, the low one first: it is missing; such a one repeats the value before
        Rice code of the others as in lib/store/profile_kernels.py, to a whole byte
    CRC-32 of all else
    FOOT: magic, count of records, size of the whole part (u16), meter (u16), layout, count of columns beside time and status,
    UTC of the first and of the last record (u32 each), sum of these bytes

With meter 0 it is an index, see lib/store/archive_segments.py; what kind 5 holds: lib/store/archive_events.py.
"""

from array import array
from binascii import crc32
from struct import pack_into, unpack_from

from micropython import const

from lib.store.profile_kernels import decode, encode, weight
from lib.store.varint import put_varint, varint

MOST_ROWS = const(120)
MOST_COLUMNS = const(40)
SIZE = const(1536)  # of a buffer that holds any part
FOOT_SIZE = const(17)
TAIL_SIZE = const(21)  # with the CRC-32 before it
MAGIC = const(0xA9)

_FOOT = const("<BBHHBBII")
_CRC_SIZE = const(4)
_TIME = const(0)
_STATUS = const(1)
_VALUES = const(2)  # the first of them
_CELLS = const(1024)  # records times columns
_ALIKE = const(31)
_NONE = const(30)
_ORDER = const(32)
_GAPS = const(64)
_MOST_LOW = const(24)
_BIAS = const(1 << 27)  # so that no value in a column is negative
_MOST_HEAD = const(36)  # bytes before the Rice code of a column
_MOST_BITS = const(64)


def foot(buffer, at=0):
    """Return (count of records, size, meter, layout, columns, first time, last time) of a foot, None if there is none."""
    if buffer[at] != MAGIC or buffer[at + FOOT_SIZE - 1] != _sum(buffer, at):
        return None
    found = unpack_from(_FOOT, buffer, at)
    return found[1:] if found[2] > TAIL_SIZE else None


def seal(buffer, at, rows, meter, layout, columns, first, last):
    """Put CRC-32 and foot behind the `at` bytes of a part; return its size."""
    end = at + _CRC_SIZE
    size = end + FOOT_SIZE
    pack_into(_FOOT, buffer, end, MAGIC, rows, size, meter, layout, columns, first, last)
    buffer[size - 1] = _sum(buffer, end)
    whole = memoryview(buffer)
    pack_into("<I", buffer, at, crc32(whole[end:size], crc32(whole[:at])))
    return size


def is_sound(buffer, size):
    whole = memoryview(buffer)
    crc_at = size - TAIL_SIZE
    return unpack_from("<I", buffer, crc_at)[0] == crc32(whole[size - FOOT_SIZE : size], crc32(whole[:crc_at]))


def _sum(buffer, at):
    return sum(buffer[at : at + FOOT_SIZE - 1]) & 255


def room(columns):
    """Return how many records with so many columns a part has room for."""
    return min(MOST_ROWS, _CELLS // (columns + _VALUES))


class Part:
    """Records of one meter and layout; `rows` of them are there.

    `cells`: room for so many numbers, records times columns and two more; with less than others need only times() works.
    """

    def __init__(self, cells=_CELLS):
        self._values = array("i", bytes(4 * cells))
        self._bases: list = []  # None: no value yet
        self._gaps = []  # of each column: a bit per row, that is missing
        self.begin(0, 0, 0)

    def begin(self, meter, layout, columns):
        """Hold nothing, to get records of this meter and layout."""
        self.meter, self.layout, self.columns = meter, layout, columns
        columns += _VALUES
        self._stride = min(MOST_ROWS, len(self._values) // columns)
        self.rows = 0
        self._is_sorted = True
        if len(self._bases) != columns:
            self._bases, self._gaps = [None] * columns, [0] * columns
        for column in range(columns):
            self._bases[column], self._gaps[column] = None, 0

    def add(self, time, status, values):
        """Add a record: UTC in seconds, status and values integers of up to 64 bits or None.

        Return False, nothing changed, if it is one too many or its values are too far from those of the others.
        """
        row, bases = self.rows, self._bases
        if row == self._stride:
            return False
        for column in range(len(bases)):  # twice: to see whether all fit, and to put them there
            value = values[column - _VALUES] if column >= _VALUES else status if column else time
            if value is None:
                continue
            if bases[column] is None:
                if abs(value) >> _MOST_BITS:
                    return False
            elif not -_BIAS < value - bases[column] < _BIAS:
                return False
        for column in range(len(bases)):
            value = values[column - _VALUES] if column >= _VALUES else status if column else time
            at = column * self._stride + row
            if value is None:
                self._gaps[column] |= 1 << row
                self._values[at] = self._values[at - 1] if row else _BIAS
                continue
            if bases[column] is None:
                bases[column] = value
            self._values[at] = value - bases[column] + _BIAS
        if row and self._values[row] < self._values[row - 1]:
            self._is_sorted = False
        self.rows = row + 1
        return True

    def time(self, row):
        return self._bases[_TIME] + self._values[row] - _BIAS

    def status(self, row):
        return self._value(_STATUS, row)

    def value(self, column, row):
        return self._value(column + _VALUES, row)

    def record(self, row, values):
        """Return (time, status, layout, values), which are in the list `values` then."""
        while len(values) > self.columns:
            values.pop()
        while len(values) < self.columns:
            values.append(None)
        for column in range(self.columns):
            values[column] = self._value(column + _VALUES, row)
        return self.time(row), self._value(_STATUS, row), self.layout, values

    def _value(self, column, row):
        if self._gaps[column] >> row & 1:
            return None
        return self._bases[column] + self._values[column * self._stride + row] - _BIAS

    def has(self, time):
        """Whether there is a record of this time."""
        if self._is_sorted and (not self.rows or time > self.time(self.rows - 1)):
            return False  # so they come mostly
        for row in range(self.rows):
            if self.time(row) == time:
                return True
        return False

    def sort(self):
        """Put the records in the order of time."""
        if not self._is_sorted:
            self.keep(sorted(range(self.rows), key=self.time))
            self._is_sorted = True

    def keep(self, order):
        """Keep the records of these numbers only, in this order."""
        for column in range(len(self._bases)):
            start = column * self._stride
            there = self._values[start : start + self.rows]
            gaps = 0
            for row, old in enumerate(order):
                self._values[start + row] = there[old]
                gaps |= (self._gaps[column] >> old & 1) << row
            self._gaps[column] = gaps
        self.rows = len(order)

    def pieces(self, buffer):
        """Yield (size, first time, last time) of the parts that the records make, which are in the buffer then: one mostly."""
        self.sort()
        at = 0
        while at < self.rows:
            count = self.rows - at
            size = self._put(buffer, at, count)
            while not size:
                count = count + 1 >> 1
                size = self._put(buffer, at, count)
            yield size, self.time(at), self.time(at + count - 1)
            at += count

    def _put(self, buffer, first, rows):
        """Write `rows` records from number `first` on; return the size of the part, 0 if it has no room."""
        at = self._encode_one(buffer, first) if rows == 1 else self._encode(buffer, first, rows)
        if at < 0:
            return 0
        return seal(buffer, at, rows, self.meter, self.layout, self.columns, self.time(first), self.time(first + rows - 1))

    def _encode_one(self, buffer, row):
        at = 0
        for column in range(_STATUS, len(self._bases)):
            value = self._value(column, row)
            if value is None:
                buffer[at] = 0
                at += 1
            else:
                at = put_varint(buffer, at, value + 1 if value >= 0 else value)
        return at

    def _encode(self, buffer, first, rows):
        values = self._values
        end = len(buffer) - TAIL_SIZE
        at = 0
        for column in range(len(self._bases)):
            if at + _MOST_HEAD > end:
                return -1
            start = column * self._stride + first
            gaps = self._gaps[column] >> first & (1 << rows) - 1
            form = self._form(start, rows)
            if gaps:
                form = _NONE if gaps == (1 << rows) - 1 else form | _GAPS
            buffer[at] = form
            at += 1
            if form == _NONE:
                continue
            if column:
                at = put_varint(buffer, at, self._bases[column] + values[start] - _BIAS)
            if form & _ORDER:
                at = put_varint(buffer, at, values[start + 1] - values[start])
            if gaps:
                count = rows + 7 >> 3
                buffer[at : at + count] = gaps.to_bytes(count, "little")
                at += count
            if form & 31 != _ALIKE:
                at = encode(values, start, rows, 2 if form & _ORDER else 1, form & 31, buffer, at, end)
                if at < 0:
                    return -1
        return at

    def _form(self, start, rows):
        """Return order and low bits that make a column short."""
        alone = weight(self._values, start, rows, 1)
        on_line = weight(self._values, start, rows, 2)
        form = _ORDER if on_line < alone else 0
        least = min(alone, on_line)
        if not least:
            return form | _ALIKE
        low, mean = 0, least // (rows - 1) >> 1
        while mean and low < _MOST_LOW:
            mean >>= 1
            low += 1
        return form | low

    def times(self, buffer, size):
        """Take the times only of a part as decode() does, for which `cells` of MOST_ROWS are enough."""
        return self.decode(buffer, size, 0)

    def decode(self, buffer, size, most=255):
        """Take what encode() wrote; return False, and hold nothing, if it is damaged. Of its columns at most `most`."""
        self.rows = 0
        there = foot(buffer, size - FOOT_SIZE) if size > TAIL_SIZE else None
        if there is None or there[1] != size or not is_sound(buffer, size):
            return False
        rows, _, meter, layout, columns, first, _ = there
        if most:
            self.begin(meter, layout, min(columns, most))
            wanted = self.columns + _VALUES
        else:
            self.begin(meter, layout, 0)
            self._stride = min(MOST_ROWS, len(self._values))
            wanted = 1
        if rows > self._stride:
            return False
        self._bases[_TIME] = first
        self._values[0] = _BIAS
        if rows == 1:
            self._decode_one(buffer, wanted)
        elif not self._decode(buffer, size, rows, wanted):
            return False
        self.rows = rows
        return True

    def _decode_one(self, buffer, wanted):
        at = 0
        for column in range(_STATUS, wanted):
            number, at = varint(buffer, at)
            if number:
                self._bases[column] = number - 1 if number > 0 else number
                self._values[column * self._stride] = _BIAS
            else:
                self._gaps[column] = 1

    def _decode(self, buffer, size, rows, wanted):
        values = self._values
        end = size - TAIL_SIZE
        at = 0
        for column in range(wanted):
            form = buffer[at]
            at += 1
            if form == _NONE:
                self._gaps[column] = (1 << rows) - 1
                continue
            start = column * self._stride
            if column:
                self._bases[column], at = varint(buffer, at)
            values[start] = _BIAS
            slope = 0
            if form & _ORDER:
                slope, at = varint(buffer, at)
                values[start + 1] = _BIAS + slope
            if form & _GAPS:
                count = rows + 7 >> 3
                self._gaps[column] = int.from_bytes(buffer[at : at + count], "little")
                at += count
            if form & 31 == _ALIKE:
                for row in range(1, rows):
                    values[start + row] = _BIAS + slope * row
            else:
                at = decode(values, start, rows, 2 if form & _ORDER else 1, form & 31, buffer, at, end)
            if not 0 <= at <= end:
                return False
        return True
