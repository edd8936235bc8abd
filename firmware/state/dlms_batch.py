"""Changes of the list of DLMS meters: one, or a whole list of them. What is wrong is refused, the rest is written page by page.

While it lasts, tables tell meters apart by number and place: 6 bytes of RAM for each, in small pieces. Of both they have 16
bits of their checksum; where these agree, the line decides.
"""

from binascii import crc32

from micropython import const

from firmware.state.dlms_fields import SHOWN, Wrong, checked
from firmware.state.dlms_meters import MOST
from firmware.state.dlms_plan import Plan

_MORE = const(100)  # meters of a piece of the tables: longer ones may not be had
_WRITE = const(1000)  # bytes of lines that wait, and are written then


class Batch:
    """One at a time: Meters.is_busy from its begin() to its end(). `added`, `changed`: what is on flash."""

    def __init__(self, meters):
        self._meters = meters
        self._lines = {}  # id -> line without id, not yet on flash
        self._new = set()  # ids of those that are not in the list
        self._size = 0
        self._more_shown = 0
        self._count = 0  # meters in the tables
        self._ids, self._serials, self._places = [], [], []  # the tables
        self._taken = bytearray()  # a bit for each: whether a meter was in this batch
        self.added = self.changed = 0

    def begin(self):
        """List who there is; yields between the steps. RuntimeError: somebody else is changing the list."""
        if self._meters.is_busy:
            raise RuntimeError
        self._meters.is_busy = True
        for line in self._meters.lines():
            if line is None:
                yield
            else:
                plan = Plan(line)
                self._list(self._count, plan.id, plan)
                self._count += 1

    def end(self):
        """Let others change the list; what was not written is forgotten."""
        self._meters.is_busy = False

    def take(self, values):
        """Take a meter, added or, if one has the number, changed; return its id. Raises Wrong."""
        serial = values.get("serial")
        at = self._with_serial(serial) if isinstance(serial, str) else -1
        if at < 0:
            return self.add(values)
        if self._taken[at >> 3] >> (at & 7) & 1:
            raise Wrong("serial", "this meter is in the list already")
        return self._change(at, values)

    def add(self, values):
        """Take a new meter; return its id. Raises Wrong."""
        meters = self._meters
        line = checked(values)
        plan = Plan("0|" + line)
        if meters.count + len(self._new) >= MOST:
            raise Wrong("serial", f"there is room for {MOST} meters")
        self._check(-1, plan, None)
        number = meters.new_id()
        self._new.add(number)
        self._keep(self._count, number, plan, None, line)
        self._count += 1
        return number

    def change(self, number, values):
        """Take other values of a meter. Raises Wrong, KeyError: there is no such meter."""
        at = self._find(self._ids, number)
        if at < 0:
            raise KeyError(number)
        return self._change(at, values)

    def _change(self, at, values):
        number = self._id(at)
        before = self._line(number)
        line = checked(values, before)
        plan, before = Plan("0|" + line), Plan(before)
        self._check(at, plan, before)
        self._keep(at, number, plan, before, line)
        return number

    @property
    def is_due(self):
        """So much waits that it is time to write."""
        return self._size >= _WRITE

    def write(self):
        """Write what waits; return the ids. OSError: the flash did not take all; what it has is counted, the rest forgotten."""
        lines, shown, self._lines, self._size, self._more_shown = self._lines, self._more_shown, {}, 0, 0
        try:
            self._meters.put(lines, shown)
        except OSError:
            for number in list(lines):
                if self._meters.find(number) != f"{number}|{lines[number]}":
                    del lines[number]
            raise
        finally:
            added = len([number for number in lines if number in self._new])
            self._new.clear()
            self.added += added
            self.changed += len(lines) - added
        return list(lines)

    def _check(self, at, plan, before):
        """See that nobody else has its number or place. Raises Wrong."""
        other = self._with_serial(plan.serial)
        if other not in (-1, at):
            raise Wrong("serial", "another meter has this number")
        other = self._with_place(plan.place, at)
        if other >= 0:
            raise Wrong("physical", f"the meter {Plan(self._line(self._id(other))).serial} has this address")
        if plan.shown and not (before and before.shown) and self._meters.shown + self._more_shown >= SHOWN:
            raise Wrong("shown", f"at most {SHOWN} meters can be among the readings")

    def _keep(self, at, number, plan, before, line):
        self._list(at, number, plan)
        self._taken[at >> 3] |= 1 << (at & 7)
        self._more_shown += plan.shown - (before.shown if before else 0)
        self._lines[number] = line
        self._size += len(line)

    def _list(self, at, number, plan):
        for table in (self._ids, self._serials, self._places):
            if at == len(table) * _MORE:
                table.append(bytearray(2 * _MORE))
        if at == 8 * len(self._taken):
            self._taken.append(0)
        _set(self._ids, at, number)
        _set(self._serials, at, _short(plan.serial))
        _set(self._places, at, _short(plan.place))

    def _id(self, at):
        piece, at = self._ids[at // _MORE], 2 * (at % _MORE)
        return piece[at] | piece[at + 1] << 8

    def _line(self, number):
        """Return a line with its id, of what waits or is on flash."""
        line = self._lines.get(number)
        return f"{number}|{line}" if line is not None else self._meters.find(number)

    def _with_serial(self, serial):
        return self._same(self._serials, serial, lambda plan: plan.serial, -1)

    def _with_place(self, place, but):
        return self._same(self._places, place, lambda plan: plan.place, but)

    def _same(self, table, value, value_of, but):
        """Return which meter of the tables, but one, has a value; -1 for none."""
        short, at = _short(value), -1
        while True:
            at = self._find(table, short, at + 1)
            if at < 0:
                return -1
            line = self._line(self._id(at)) if at != but else None
            if line and value_of(Plan(line)) == value:
                return at

    def _find(self, table, number, start=0):
        wanted = bytes((number & 255, number >> 8))
        while start < self._count:
            first = start - start % _MORE
            end = 2 * min(_MORE, self._count - first)
            at = table[first // _MORE].find(wanted, 2 * (start - first), end)
            if at >= 0 and not at & 1:
                return first + at // 2
            start = first + (at + 1 >> 1 if at >= 0 else _MORE)
        return -1


def _short(value):
    return crc32(value.encode()) & 0xFFFF


def _set(table, at, number):
    piece, at = table[at // _MORE], 2 * (at % _MORE)
    piece[at] = number & 255
    piece[at + 1] = number >> 8
