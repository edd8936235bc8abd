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

from micropython import const

from lib.store.archive_file import FOOT_SIZE, MOST_ROWS, TAIL_SIZE, foot, is_sound, room, seal
from lib.store.profile_kernels import decode, encode, weight
from lib.store.varint import put_varint, varint

ERA = const(0x60000000)  # UTC less than this is a small integer, which takes no memory, from 1987 to 2055

_TIME = const(0)
_STATUS = const(1)
_VALUES = const(2)  # the first of them
_ALL = const(255)
_MORE = const(24)  # records that there is room for at once
_ALIKE = const(31)
_NONE = const(30)
_ORDER = const(32)
_GAPS = const(64)
_MOST_LOW = const(24)
_BIAS = const(1 << 27)  # so that no value in a column is negative
_MOST_HEAD = const(36)  # bytes before the Rice code of a column
_MOST_BITS = const(64)


class Part:
    """Records of one meter and layout; `rows` of them are there.

    While it is written, piece by piece: `size`, UTC of the `first` and the `last` record of a piece, and `turn`, in which it
    came into the buffer that all share.
    """

    def __init__(self):
        self._offsets = []  # of each column: of each row what it is more than the base, None while all are the base
        self._bases: list = []  # None: no value yet
        self._gaps = []  # of each column: a bit per row, that is missing
        self.begin(0, 0, 0)

    def begin(self, meter, layout, columns):
        """Hold nothing, to get records of this meter and layout."""
        self.meter, self.layout, self.columns = meter, layout, columns
        self._room = room(columns)
        columns += _VALUES
        self.rows = self.size = self.turn = 0
        self._held = 0  # rows that all columns have room for
        self._at = self._count = 0  # first record of the piece that is written, and how many it has
        self._is_sorted = True
        self._start = 0  # time of the first that came, less ERA
        self._offsets, self._bases, self._gaps = [None] * columns, [None] * columns, [0] * columns

    def add(self, time, status, values):
        """Add a record: UTC in seconds, status and values integers of up to 64 bits or None.

        Return False, nothing changed, if it is one too many or its values are too far from those of the others.
        """
        row, bases, columns = self.rows, self._bases, self._offsets
        if row == self._room:
            return False
        try:
            if row == self._held:
                self._make_room(min(row + _MORE, self._room))
            for column in range(len(bases)):  # twice: to see whether all fit, and to put them there
                value = values[column - _VALUES] if column >= _VALUES else status if column else time
                base = bases[column]
                if value is None or value == base:
                    continue
                if base is None:
                    if abs(value) >> _MOST_BITS:
                        return False
                elif not -_BIAS < value - base < _BIAS:
                    return False
                elif columns[column] is None:
                    columns[column] = _line(self._held, row, 0)
        except MemoryError:
            if row < _MORE:
                raise
            return False  # those that are there are worth a part
        for column in range(len(bases)):
            value = values[column - _VALUES] if column >= _VALUES else status if column else time
            offsets = columns[column]
            if value is None:
                self._gaps[column] |= 1 << row
                if offsets:
                    offsets[row] = offsets[row - 1]
            elif offsets:
                offsets[row] = value - bases[column] + _BIAS
            elif bases[column] is None:
                bases[column] = value
        if not row:
            self._start = time - ERA
        elif self._is_sorted and self.moment(row) < self.moment(row - 1):
            self._is_sorted = False
        self.rows = row + 1
        return True

    def _make_room(self, rows):
        """Have room for so many records in all columns."""
        for offsets in self._offsets:
            if offsets:
                offsets.extend(bytes(4 * (rows - len(offsets))))
        self._held = rows

    def moment(self, row):
        """Return the time less ERA, which is quicker."""
        offsets = self._offsets[_TIME]
        return self._start + offsets[row] - _BIAS if offsets else self._start

    def time(self, row):
        return self.moment(row) + ERA

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
        offsets = self._offsets[column]
        return self._bases[column] + offsets[row] - _BIAS if offsets else self._bases[column]

    def has(self, time):
        """Whether there is a record of this time."""
        moment = time - ERA
        if self._is_sorted and (not self.rows or moment > self.moment(self.rows - 1)):
            return False  # so they come mostly
        for row in range(self.rows):
            if self.moment(row) == moment:
                return True
        return False

    def sort(self):
        """Put the records in the order of time."""
        if not self._is_sorted:
            self.keep(sorted(range(self.rows), key=self.moment))
            self._is_sorted = True

    def keep(self, order):
        """Keep the records of these numbers only, in this order."""
        for column, offsets in enumerate(self._offsets):
            there = offsets[: self.rows] if offsets else None
            gaps = 0
            for row, old in enumerate(order):
                if there:
                    offsets[row] = there[old]
                gaps |= (self._gaps[column] >> old & 1) << row
            self._gaps[column] = gaps
        self.rows = len(order)

    def piece(self, buffer):
        """Go on to the next records, as many as make a part that the buffer has room for, and fill() it; False: that was all.

        The records are to be sorted.
        """
        self._at += self._count
        self._count = self.rows - self._at
        if not self._count:
            return False
        self.fill(buffer)
        while not self.size:
            self._count -= (self._count >> 2) + (self._count < 4)
            self.fill(buffer)
        self.first, self.last = self.time(self._at), self.time(self._at + self._count - 1)
        return True

    def fill(self, buffer):
        """Write the piece to the beginning of a buffer; `size` is 0 then if it has no room."""
        first, rows = self._at, self._count
        at = self._encode_one(buffer, first) if rows == 1 else self._encode(buffer, first, rows)
        self.size = 0
        if at >= 0:
            last = self.time(first + rows - 1)
            self.size = seal(buffer, at, rows, self.meter, self.layout, self.columns, self.time(first), last)

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
        end = len(buffer) - TAIL_SIZE
        at = 0
        for column, values in enumerate(self._offsets):
            if at + _MOST_HEAD > end:
                return -1
            gaps = self._gaps[column] >> first & (1 << rows) - 1
            form = _form(values, first, rows) if values else _ALIKE
            if gaps:
                form = _NONE if gaps == (1 << rows) - 1 else form | _GAPS
            buffer[at] = form
            at += 1
            if form == _NONE:
                continue
            if column:
                base = self._bases[column]
                at = put_varint(buffer, at, base + values[first] - _BIAS if values else base)
            if form & _ORDER:
                at = put_varint(buffer, at, values[first + 1] - values[first])
            if gaps:
                count = rows + 7 >> 3
                buffer[at : at + count] = gaps.to_bytes(count, "little")
                at += count
            if form & 31 != _ALIKE:
                at = encode(values, first, rows, 2 if form & _ORDER else 1, form & 31, buffer, at, end)
                if at < 0:
                    return -1
        return at

    def decode(self, buffer, size, most=_ALL):
        """Take what fill() wrote; return False, and hold nothing, if damaged. Of its columns at most `most`; -1: times."""
        self.rows = 0
        there = foot(buffer, size - FOOT_SIZE) if size > TAIL_SIZE else None
        if there is None or there[1] != size or not is_sound(buffer, size):
            return False
        rows, _, meter, layout, columns, first, _ = there
        if not 0 < rows <= MOST_ROWS:
            return False
        self.begin(meter, layout, max(0, min(columns, most)))
        self._bases[_TIME] = first
        self._start = first - ERA
        wanted = min(columns, most) + _VALUES
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
            else:
                self._gaps[column] = 1

    def _decode(self, buffer, size, rows, wanted):
        end = size - TAIL_SIZE
        at = 0
        for column in range(wanted):
            form = buffer[at]
            at += 1
            if form == _NONE:
                self._gaps[column] = (1 << rows) - 1
                continue
            if column:
                self._bases[column], at = varint(buffer, at)
            slope = 0
            if form & _ORDER:
                slope, at = varint(buffer, at)
            if form & _GAPS:
                count = rows + 7 >> 3
                self._gaps[column] = int.from_bytes(buffer[at : at + count], "little")
                at += count
            if form & 31 == _ALIKE:
                if slope:
                    self._offsets[column] = _line(rows, rows, slope)
            else:
                self._offsets[column] = offsets = _line(rows, 2, slope)
                at = decode(offsets, 0, rows, 2 if form & _ORDER else 1, form & 31, buffer, at, end)
            if not 0 <= at <= end:
                return False
        return True


def _line(held, rows, slope):
    """Return room for so many rows of a column, the first of which are on a straight line."""
    offsets = array("i", bytes(4 * held))
    for row in range(rows):
        offsets[row] = _BIAS + slope * row
    return offsets


def _form(values, start, rows):
    """Return order and low bits that make a column short."""
    alone = weight(values, start, rows, 1)
    on_line = weight(values, start, rows, 2)
    form = _ORDER if on_line < alone else 0
    least = min(alone, on_line)
    if not least:
        return form | _ALIKE
    low, mean = 0, least // (rows - 1) >> 1
    while mean and low < _MOST_LOW:
        mean >>= 1
        low += 1
    return form | low
