"""What was read of meters, as profiles of the DLMS server: rows of the archive by range and by entry, none kept in RAM.

0.128.k.h.l.255, class 7: kind k of the meter with the id h x 256 + l; 0.129.k.h.l.255, class 1: scaler and unit of its columns.
Kinds: 0 profile, 1 daily, 2 monthly, 3 maxima, 4 present values (lib/store/archive.py), 5 events.
Source: DLMS UA 1000-1 (Blue Book), 4.3.6 (profile generic).
"""

from micropython import const

from firmware.services.dlms_server_objects import CLOCK, CLOCK_CLASS, DATA, UNDEFINED, UNMATCHED, refusal
from lib.dlms import selection, times
from lib.dlms.errors import FormatError, PeerError

_STATUS = b"\0\0\x60\x0a\1\xff"
_LOG = b"\0\x80\x62\0\0\xff"
_CODE = b"\0\0\x60\x0b\0\xff"
_TEXT = b"\0\x80\x62\0\1\xff"
_EVENTS = const(5)
_NEVER = const(0xFFFFFFFF)
_ABORTED = const(15)  # long get aborted: what was counted is no longer there
_FIFO = const(1)
_NO_UNIT = const(255)
_OWN = const(2)  # columns in front of those of a layout: clock, status
# What the archive keeps as UTC: a clock, and when something was captured
_MOMENTS = const(((8, 2), (4, 5), (5, 6), (5, 7)))
_EVENT_COLUMNS = ((CLOCK_CLASS, CLOCK, 2, 0), (DATA, _LOG, 2, 0), (DATA, _CODE, 2, 0), (DATA, _TEXT, 2, 0))


def get(objects, ln, attribute, selector):
    """Return the pieces of an attribute of such an object, None among them."""
    dlms = objects.gateway.field.dlms
    if dlms is None:
        raise PeerError("no archive", 11)  # object unavailable
    profile = _Profile(objects, dlms.archive, ln[3] << 8 | ln[4], ln[2])
    if ln[1] == 0x81:
        return profile.scalers()
    if attribute == 2:
        return profile.buffer(selector)
    if attribute == 3:
        return profile.columns()
    return profile.other(attribute)


class _Profile:
    def __init__(self, objects, archive, meter, kind):
        self._objects = objects
        self._archive = archive
        self._meter = meter
        self._kind = kind
        self._layout = 0  # of the newest row
        self._columns = ()  # of that layout

    def _describe(self):
        """Find out the columns; yields None now and then. Returns all of them, without exponent and unit."""
        if self._kind == _EVENTS:
            return _EVENT_COLUMNS
        newest = 0
        for found in self._archive.newest(self._meter, self._kind):
            yield
            newest = found or 0
        if newest:
            for row in self._archive.rows(self._meter, self._kind, newest, newest):
                yield
                if row:
                    self._layout = row[2]
            self._columns = self._archive.columns(self._layout) or ()
        own = ((CLOCK_CLASS, CLOCK, 2, 0), (DATA, _STATUS, 2, 0))
        return own + tuple([column[:4] for column in self._columns])

    def columns(self):
        columns = yield from self._describe()
        yield self._objects.head(len(columns))
        for column in columns:
            yield self._objects.column(*column)

    def scalers(self):
        """An array of scaler and unit, one for each column, those in front included."""
        columns = yield from self._describe()
        yield self._objects.head(len(columns))
        writer = self._objects.writer
        for place in range(len(columns)):
            exponent, unit = 0, _NO_UNIT
            if place >= _OWN and self._kind != _EVENTS:
                exponent, unit = self._columns[place - _OWN][4:]
            writer.restart()
            writer.put_structure(2)
            writer.put_i8(exponent)
            writer.put_enum(unit)
            yield writer.view

    def other(self, attribute):
        writer = self._objects.writer
        count = 0
        if attribute in (7, 8):
            for stamp in self._stamps(0, _NEVER):
                if stamp is None:
                    yield
                else:
                    count += 1
        writer.restart()
        if attribute == 4:
            writer.put_u32(0)  # rows come when meters are read
        elif attribute == 5:
            writer.put_enum(_FIFO)
        elif attribute == 6:
            yield self._objects.column(0, bytes(6), 0, 0)
            return
        elif attribute in (7, 8):
            writer.put_u32(count)
        else:
            raise refusal(UNDEFINED)
        yield writer.view

    def buffer(self, selector):
        """The rows that a selector wants: counted first, then read again, a row at a time."""
        columns = yield from self._describe()
        since, until, first, last, places = _wanted(self._objects, selector, columns)
        count = total = same = skip = 0
        begin = end = None
        for stamp in self._stamps(since, until):
            if stamp is None:
                yield
                continue
            total += 1
            same = same + 1 if stamp == end else 0
            end = stamp
            if total == first:
                begin, skip = stamp, same  # events of one second may be on either side of it
            if total == last:
                break
        count = max(0, total - first + 1)
        yield self._objects.head(count)
        if not count:
            return
        for row in self._rows(begin, end):
            if row is None:
                yield
            elif skip:
                skip -= 1
            elif count:
                count -= 1
                yield self._row(row, columns, places)
        if count:
            raise PeerError("long get aborted", _ABORTED)

    def _rows(self, since, until):
        if self._kind == _EVENTS:
            return self._archive.logged(self._meter, since, until)
        return self._archive.rows(self._meter, self._kind, since, until)

    def _stamps(self, since, until):
        if self._kind != _EVENTS:
            yield from self._archive.times(self._meter, self._kind, since, until)
            return
        for event in self._archive.logged(self._meter, since, until):
            yield event and event[0]

    def _row(self, row, columns, places):
        """Return a view of a row."""
        objects = self._objects
        writer = objects.writer
        writer.restart()
        writer.put_structure(len(places))
        if self._kind == _EVENTS:
            for place in places:
                if place == 0:
                    objects.put_time(row[0])
                elif place == 3:
                    writer.put_octets(row[3].encode())
                else:
                    objects.put_number(row[place])
            return writer.view
        time, status, layout, values = row
        theirs = self._columns if layout == self._layout else self._archive.columns(layout) or ()
        for place in places:
            if place == 0:
                objects.put_time(time)
            elif place == 1:
                objects.put_number(status)
            else:
                value = _value(self._columns[place - _OWN], place - _OWN, theirs, values)
                if (columns[place][0], columns[place][2]) in _MOMENTS:
                    objects.put_time(value)
                else:
                    objects.put_number(value)
        return writer.view


def _value(column, place, theirs, values):
    """Return the value of a column in a row that may have others: None if it has not this one, in the same unit."""
    if place < len(theirs) and theirs[place] == column:
        return values[place]
    for other, value in zip(theirs, values):
        if other == column:
            return value
    return None


def _wanted(objects, selector, columns):
    """Return (since, until, first entry, last, places of columns); raises PeerError."""
    since, until, first, last = 0, _NEVER, 1, 0
    places = list(range(len(columns)))
    try:
        if selector and selector[0] == selection.BY_RANGE:
            if selection.restricting(selector[1]) != CLOCK_CLASS:
                raise refusal(UNMATCHED)
            bounds = [times.utc(bound, objects.offset()) for bound in selection.bounds(selector[1])]
            since, until = bounds[0] or 0, bounds[1] or _NEVER
            named = selection.columns(selector[1])
            if named:
                places = [columns.index(column) for column in named]
        elif selector and selector[0] == selection.BY_ENTRY:
            first, last, first_column, last_column = selection.entries(selector[1])
            places = places[max(first_column, 1) - 1 : last_column or len(columns)]
        elif selector:
            raise refusal(UNMATCHED)
    except (FormatError, ValueError):
        raise refusal(UNMATCHED)
    if not first or 0 < last < first or not places:
        raise refusal(UNMATCHED)
    return since, until, first, last, places
