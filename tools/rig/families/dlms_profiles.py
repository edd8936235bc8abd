"""Profiles of simulated DLMS meters, computed when they are asked for: class 7 (the sheet, sections 7 and 11)."""

import bisect

from tools.rig.families import dlms_values as values
from tools.rig.families.dlms_data import NULL, Malformed, array, name, octets, structure, u8

CLOCK = (8, name("0.0.1.0.0.255"), 2, 0)
STATUS = (1, name("0.0.96.10.1.255"), 2, 0)
CLOCK_ADJUSTED, POWER_DOWN = 0x20, 0x80
_BY_RANGE, _BY_ENTRY = 1, 2
POWER_CUT, POWER_BACK = 1, 2  # codes of the standard event log


class Profile:
    """One profile generic. `columns` are (class, name, attribute, index); the first is the clock.

    `stamps()` tells the UTC of its rows, oldest first, as a sequence; `cell(column, utc)` the octets of a value in one.
    """

    def __init__(self, columns, period_s, stamps, cell, zone, most, has_nulls=False):
        self.columns, self.period_s, self.stamps, self.most = columns, period_s, stamps, most
        self._cell, self._zone, self._has_nulls = cell, zone, has_nulls

    def buffer(self, selector):
        """The rows that a (number, parameters) of selective access asks for, all without one."""
        stamps, columns = self.stamps(), self.columns
        if selector:
            number, parameters = selector
            try:
                if number == _BY_RANGE:
                    _, begin, end, wanted = parameters
                    stamps = stamps[
                        bisect.bisect_left(stamps, self._instant(begin)) : bisect.bisect_right(stamps, self._instant(end))
                    ]
                    columns = [tuple(column) for column in wanted] or columns
                elif number == _BY_ENTRY:
                    first, last, first_column, last_column = parameters
                    stamps = stamps[max(first, 1) - 1 : last or None]
                    columns = columns[max(first_column, 1) - 1 : last_column or None]
                else:
                    raise Malformed("selector")
            except (TypeError, ValueError) as error:
                raise Malformed("selector") from error
        return array(self._rows(stamps, columns))

    def _instant(self, bound):
        return bound if isinstance(bound, int) else self._zone.utc(bound)

    def _rows(self, stamps, columns):
        before, previous = None, 0
        for utc in stamps:
            cells = [octets(self._zone.time(utc)) if column == CLOCK else self._cell(column, utc) for column in columns]
            row = cells
            if self._has_nulls and before:
                row = [
                    NULL if (utc - previous == self.period_s if column == CLOCK else cell == old) else cell
                    for column, cell, old in zip(columns, cells, before, strict=True)
                ]
            yield structure(*row)
            before, previous = cells, utc


class Periods:
    """The periods a meter has recorded: without those of `holes`, and of power cuts, each [first, last] in UTC."""

    def __init__(self, now, days, holes, cuts, offset_s):
        self._now, self.days, self._holes, self.cuts, self._offset_s = now, days, holes, cuts, offset_s
        self.adjusted = []  # instants at which the clock was set

    @property
    def since(self):
        return int(self._now()) - self.days * values.DAY_S

    def every(self, period_s):
        """Ends of periods, counted from local midnight."""
        shift = self._offset_s % period_s
        first = ((self.since + shift) // period_s + 1) * period_s - shift
        return self._without(range(first, int(self._now()) + 1, period_s))

    def months(self, count=12):
        now = int(self._now())
        return self._without([values.month_begin(now, -back, self._offset_s) for back in range(count - 1, -1, -1)])

    def _without(self, stamps):
        gaps = [*self._holes, *self.cuts]
        return [utc for utc in stamps if not any(first <= utc <= last for first, last in gaps)] if gaps else stamps

    def status(self, utc, period_s):
        """The octets of the status column: what happened within the period that ends at an instant."""
        is_cut = any(utc - period_s < last < utc for _, last in self.cuts)
        is_adjusted = any(utc - period_s < at <= utc for at in self.adjusted)
        return u8(POWER_DOWN * is_cut | CLOCK_ADJUSTED * is_adjusted)


class Event(int):
    """The UTC of an event, which has a code, too."""

    code = 0

    def __new__(cls, utc, code):
        made = super().__new__(cls, utc)
        made.code = code
        return made


class EventLog:
    """Events of one log, oldest first: those that follow from the number, power cuts in log 0, and what was noted."""

    def __init__(self, number, log, periods, now, most=100):
        self._number, self._log, self._periods, self._now, self.most = number, log, periods, now, most
        self._noted = []

    def note(self, code):
        self._noted.append(Event(self._now(), code))

    def stamps(self):
        until = int(self._now())
        found = [Event(*event) for event in values.events(self._number, self._log, self._periods.since, until)]
        if self._log == 0:
            for first, last in self._periods.cuts:
                found += [Event(first, POWER_CUT), Event(last, POWER_BACK)]
        return sorted(event for event in found + self._noted if event <= until)[-self.most :]

    def last(self):
        """The code of the last event, 0 without any."""
        stamps = self.stamps()
        return stamps[-1].code if stamps else 0
