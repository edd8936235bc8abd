"""Makes records of load profiles and log books from the values of a message, row by row: no row is kept but the last.

Source: VDEW 2.0 (P.01, P.02, P.98, P.99); TEDAS-MLZ/2017-062 and MASS v11 (rows that begin with their time).
"""

from micropython import const

from lib.iec62056.errors import FormatError
from lib.iec62056.message_reader import BLOCK, PART, ROW, TEXT, VALUE
from lib.iec62056.times import date_time, later
from lib.iec62056.values import items, number

MOST_CHANNELS = const(16)

# Where in its line a value stands
_HEADER = const(0)
_VALUES = const(1)
_OTHER = const(2)  # of another code


class LoadProfile:
    """The last record of one profile; take() fills it in.

    time      of the record, as in times.py. Rows below a header are counted on from its time, on its clock
    head      time of the header above it, None where rows have their own time
    row       how many rows came since the header
    status    status word of the record, an integer; 0 below the first row of a header, None where rows have none
    values    (mantissa, exponent) of each channel, None for a missing one; texts of a log book stay bytes
    count     how many of them there are
    period    minutes between rows as the header says; 0 for a log book, None where there is no header
    codes     address of each channel (b"1.5"), b"" where the meter tells none
    units     as sent

    Records are void until the reader said BLOCK or PART.
    """

    def __init__(self):
        self.values: list = [None] * MOST_CHANNELS
        self.codes = [b""] * MOST_CHANNELS
        self.units = [b""] * MOST_CHANNELS
        self.restart(b"P.01")

    def restart(self, code):
        """Begin with the answer to a request for `code`; values of other codes are passed over."""
        self._code = code
        self._place = 0  # in the header; 0 as long as there was none
        self._part = _OTHER
        self.head = None  # time of the last header
        self._rows = -1  # since it; -1 without a header that had sense
        self._is_first = True  # in its line
        self._fault = ""
        self.time = self.status = self.period = None
        self.count = 0
        self._channels = 0
        self.row = 0
        self.mark()

    def mark(self):
        """All is good up to here: a block has ended."""
        self._marked = (self._place, self.head, self._rows, self.period, self._channels)

    def again(self):
        """What came since restart() or mark() was damaged and is sent once more."""
        self._place, self.head, self._rows, self.period, self._channels = self._marked
        self._part = _OTHER
        self._is_first = True
        self._fault = ""

    def name_columns(self, columns):
        """Tell code and unit of each column of rows that begin with their time: `1.8.0*kWh,5.8.0*kVArh`.

        Rows with another number of values are refused from here on. FormatError if there are too many.
        """
        names = columns.split(b",")
        if len(names) > MOST_CHANNELS:
            raise FormatError("header")
        for at, name in enumerate(names):
            self.codes[at], _, self.units[at] = name.partition(b"*")
        self._channels = len(names)

    def take(self, event, reader):
        """Take what reader.next() returned; return True if that made a record, to be used before the next call.

        The reader must tell rows. FormatError: a row that is no record ("row"), a header without sense ("header"), a time
        that does not exist ("date"), a value that is no number ("number"). What follows is read on; rows below a header
        that had no sense are no records.
        """
        if event == VALUE:
            try:
                self._value(reader)
            except FormatError as error:
                self._fault = self._fault or error.reason
        elif event == TEXT:
            name, colon, columns = bytes(reader.text).strip().partition(b":")
            if colon and name[:2] == b"LP":  # LPCH:1.8.0*kWh,5.8.0*kVArh
                self.name_columns(columns)
        elif event == ROW:
            return self._ended()
        elif event in (BLOCK, PART):
            self._is_first = True
        return False

    def _value(self, reader):
        if self._is_first or reader.line == reader.index == 0:
            self._is_first = False
            self._first(reader)
        elif self._fault:
            pass
        elif self._part == _HEADER:
            self._header(reader)
        elif self._part == _VALUES:
            text = reader.text
            if self.period is None:
                for part in items(text, b","):
                    self._channel(part)
            else:
                self._channel(text)

    def _first(self, reader):
        """The first value of a line, or of a code within it, tells what the line is."""
        self._part = _OTHER
        if reader.address not in (self._code, b""):
            return
        text = bytes(reader.text)
        length = len(text)
        has_header = self._rows >= 0 and self.period is not None
        self.count = 0
        if text.isdigit() and (length == 13 or (not has_header and 10 < length < 13)):
            self._part = _HEADER
            self._place = 1
            self._rows = -1
            self.period = None
            self.head = date_time(text)
            if self.head is None:
                raise FormatError("date")
            return
        self._part = _VALUES
        if 0x2D in text[1:5] or (length == 10 and text.isdigit() and self._place == 0):
            self._place = self.row = 0
            self.period = self.status = self.head = None
            self.time = date_time(text)
            if self.time is None:
                raise FormatError("date")
            return
        if not has_header:
            raise FormatError("row")
        self.time = later(self.head, self.period * self._rows)
        self.row = self._rows
        if self._rows:
            self.status = 0
        self._rows += 1
        self._channel(text)

    def _header(self, reader):
        place = self._place
        self._place = place + 1
        text = bytes(reader.text).strip()
        if place == 1:
            self.status = _integer(text, 16)
        elif place == 2:
            self.period = _integer(text, 10) if text else 0
        elif place == 3:
            self._channels = _integer(text, 10)
            if self._channels > MOST_CHANNELS:
                raise FormatError("header")
            if not self._channels:
                self._begin_values()
        else:
            names = self.units if place & 1 else self.codes
            at = (place - 4) // 2
            if names[at] != text:
                names[at] = text
            if place == 3 + 2 * self._channels:
                self._begin_values()

    def _begin_values(self):
        self._part = _VALUES
        self._rows = self.row = 0
        self.time = self.head

    def _channel(self, text):
        if self.count == MOST_CHANNELS:
            raise FormatError("row")
        at = self.count
        self.count = at + 1
        self.values[at] = None
        if self.period == 0:
            self.values[at] = bytes(text)
            return
        if self.period is None:
            value, star, unit = bytes(text).partition(b"*")
            if star and self.units[at] != unit:
                self.units[at] = unit
            text = value
        self.values[at] = number(text)

    def _ended(self):
        """A line has ended."""
        fault, self._fault = self._fault, ""
        part, self._part = self._part, _OTHER
        self._is_first = True
        if fault:
            raise FormatError(fault)
        if part == _HEADER:
            raise FormatError("header")
        if part != _VALUES:
            return False
        has_header = self.period is not None
        if has_header and self.count == 0 and (self.period or self._channels):
            return False  # the header's own line
        if not self._rows:
            self._rows = 1  # the header's line had values too
        if self.count != self._channels and (has_header or self._channels):
            raise FormatError("row")
        return True


def _integer(text, base):
    try:
        return int(text, base)
    except ValueError:
        raise FormatError("header") from None
