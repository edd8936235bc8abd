"""Makes rows of the buffer of a profile: time, status, values, as its capture objects say. No row is kept but the last.

Source: DLMS UA 1000-1 (Blue Book), 4.3.6 (profile generic), 4.1.6.1 (date-time); null-data stands for what the row before
tells: the clock goes on by a period, all else is as it was.
"""

from micropython import const

from lib.dlms import axdr
from lib.dlms.columns import MOST_CLASS, Columns
from lib.dlms.elements import BEGIN_ARRAY, BITS, DELTA, END, FLOAT, INTEGER, NULL, OCTETS
from lib.dlms.errors import FormatError
from lib.dlms.times import utc

MOST_COLUMNS = const(64)

_CLOCK = const(8)
_DATA = const(1)
_STATUS = const(b"\x60\x0a")  # 0.b.96.10.e.f
_ROW = const(2)  # level of the columns: a row within the buffer
_NONE = const(-1)
_NAME = const(6)  # octets
_PLACE_OF_NAME = const(1)
_MEMBERS = const(4)  # of a capture object


def capture_objects(view):
    """Return the Columns that attribute 3 of a profile (A-XDR) tells, all without exponent and unit.

    Only class, logical name, attribute and index together name a column. FormatError: "columns", or what axdr.Decoder says.
    """
    objects = _Objects()
    decoder = axdr.Decoder(objects.take, True)
    decoder.feed(view)
    if not decoder.is_whole:
        raise FormatError("truncated")
    return objects.columns


class _Objects:
    """Consumer of a Decoder: capture objects become columns."""

    def __init__(self):
        self.columns = Columns()
        self._level = 0
        self._place = 0  # of the next member of a row
        self._name = bytearray(_NAME)
        self._numbers = [0] * _MEMBERS  # class, nothing, attribute, index

    def take(self, event, value):
        level = self._level
        if event == END:
            self._level = level - 1
            if level == _ROW:
                self._end()
        elif event >= BEGIN_ARRAY:
            self._level = level + 1
            if level == _ROW:  # newer versions of the class have structures behind the first four members
                self._member(event, value)
            elif level < _ROW:
                self._place = 0
        elif level < _ROW:
            raise FormatError("columns")
        elif level == _ROW:
            self._member(event, value)

    def _member(self, event, value):
        place = self._place
        self._place = place + 1
        if place == _PLACE_OF_NAME:
            if event != OCTETS or len(value) != _NAME:
                raise FormatError("columns")
            self._name[:] = value
        elif place < _MEMBERS:
            if event != INTEGER:
                raise FormatError("columns")
            self._numbers[place] = value

    def _end(self):
        class_id, _, attribute, index = self._numbers
        is_good = 0 <= class_id <= MOST_CLASS and -128 <= attribute < 128 and 0 <= index <= MOST_CLASS
        if self._place < _MEMBERS or len(self.columns) == MOST_COLUMNS or not is_good:
            raise FormatError("columns")
        self.columns.append(class_id, self._name, attribute, index)


class Rows:
    """Consumer of a Decoder: calls take_row(time, status, values) for each row of a buffer.

    time     Unix seconds (UTC) of the first clock among the columns; None if there is none, or it says no moment
    status   of the first data object 0.b.96.10.e.f, an int; None if there is none
    values   one for each column, in their order: int, (mantissa, exponent) of a float, bytes; None for what no row told, for
             clocks, and for structures. The list is the same for all rows.

    columns: Columns, or tuples that begin like theirs, those that were asked for. period_s: seconds from row to row; negative
    where the newest comes first, 0 if there is none: then a row without a clock has no time. offset_minutes, is_reversed: as in
    times.utc().
    """

    def __init__(self, columns, period_s, offset_minutes, take_row, is_reversed=False):
        self._decoder = axdr.Decoder(self.take, True)
        self._columns = len(columns)
        self._period_s = period_s
        self._offset = offset_minutes
        self._is_reversed = is_reversed
        self._take_row = take_row
        self._clock = self._status = _NONE
        for place, column in enumerate(columns):
            class_id, name, attribute = column[:3]
            if class_id == _CLOCK and attribute == 2 and self._clock < 0:
                self._clock = place
            elif class_id == _DATA and attribute == 2 and name[2:4] == _STATUS and name[0] == 0 and self._status < 0:
                self._status = place
        self._values: list = [None] * self._columns
        self.restart()

    def restart(self):
        """Begin with another buffer of the same columns: nothing is known of a row before."""
        self._decoder.restart()
        self._level = 0
        self._place = 0
        self._time = None
        for place in range(self._columns):
            self._values[place] = None

    @property
    def is_whole(self):
        return self._decoder.is_whole

    def feed(self, view):
        """Take the next octets of the buffer (attribute 2), any number of them.

        FormatError: as of Decoder.feed(); "row": it has too few columns, or is none. The rows before are good.
        """
        self._decoder.feed(view)

    def take(self, event, value):
        """Take an event of a Decoder; feed() has one of its own that lends its strings."""
        level = self._level
        if level == _ROW and event < BEGIN_ARRAY:
            place = self._place
            self._place = place + 1
            if place >= self._columns:
                pass  # some meters add to a row what was not asked for
            elif place == self._clock:
                self._tell_time(event, value)
            elif event == INTEGER:
                self._values[place] = value
            elif event != NULL:
                self._other(place, event, value)
        elif event == END:
            self._level = level - 1
            if level == _ROW:
                if self._place < self._columns:
                    raise FormatError("row")
                status = self._values[self._status] if self._status >= 0 else None
                self._take_row(self._time, status if isinstance(status, int) else None, self._values)
        elif event >= BEGIN_ARRAY:
            self._level = level + 1
            if level == _ROW:  # a structure in a column: nothing of it is told
                if self._place < self._columns:
                    self._values[self._place] = None
                self._place += 1
            elif level < _ROW:
                self._place = 0
        elif level < _ROW:
            raise FormatError("row")

    def _tell_time(self, event, value):
        if event == NULL:
            if self._time is not None:
                self._time = self._time + self._period_s if self._period_s else None
        elif event == INTEGER:
            self._time = value or None  # Unix seconds
        elif event == DELTA:
            self._time = None if self._time is None else self._time + value
        elif event == BITS or event == FLOAT:
            self._time = None
        else:
            self._time = utc(value, self._offset, self._is_reversed)

    def _other(self, place, event, value):
        if event == DELTA:
            before = self._values[place]
            value = before + value if isinstance(before, int) else None
        elif event == BITS:
            value = bytes(value[0])
        elif event != FLOAT:
            value = bytes(value)
        self._values[place] = value
