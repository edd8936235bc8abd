"""The states of all DLMS meters on flash, and their invocation counters, of which none is ever handed out twice.

What changes is written a minute later, page by page, with all that is due in it: a power cut loses that minute. Counters are
reserved on flash by the thousand before the first of them is used; after a start each meter goes on behind its reservation.

A counter that was once used under a key must not be used again, though its record may be lost: by damage, or because the meter
was removed, and comes back with the same key. A mark M takes care of that: no number above (M + 1) million is ever handed out,
and meters without a record begin at M million, at least one. Before a record goes that has used some of the last million, when
a page is damaged, and after a factory reset, which leaves the mark, M rises by one: a loss costs one of 4000 millions.
"""

from struct import pack_into, unpack_from
from time import ticks_diff, ticks_ms

from micropython import const

from firmware.state.dlms_state import COUNTER, EMPTY, SIZE, State
from lib.store.mark import Mark
from lib.store.pages import Pages

_MARK = const("/dlms_counters.")  # a factory reset leaves it
_SPAN = const(32)  # meters of a page: as many as always have room
_STEP = const(1000)  # counters reserved at once
_MILLION = const(1000000)
_LAST = const(4000000000)  # behind it there is no room for another mark
_KEPT = const(12)  # records that wait in RAM
_WAIT_MS = const(60000)


class States:
    """In `folder`, with the mark at `root`. `is_known(id)`: whether there is such a meter in the list; records of others go
    when their page is written."""

    def __init__(self, root, folder, block, is_known):
        self._pages = Pages(folder + "/s", _SPAN, block)
        self._mark = Mark(root + _MARK)
        self._is_known = is_known
        self._waiting = {}  # id -> [record, since when]
        self._lost = 0  # highest reservation of meters that are not in the list
        self._current = bytearray(65536 // _SPAN // 8)  # a bit for each page written since the start

    def load(self):
        """Find what there is, yields between the steps; returns how many pages were damaged. Raises OSError."""
        self._lost = 0
        yield from self._pages.load(self._found)
        damaged = len(self._pages.damaged)
        lost = list(self._pages.damaged)
        if self._mark.value and not self._pages.starts:  # a factory reset
            lost.append(0)
        if lost:
            self._mark.raise_to(self._mark.value + 1)
        self._rise_above(self._lost)
        for start in lost:
            self._pages.put({start: None})  # empty, so that the mark does not rise again at the next start
            yield
        return damaged

    def _found(self, number, view):
        if not self._is_known(number):  # its line is damaged, or was just removed when the power failed
            self._lost = max(self._lost, _reserved(view))

    def get(self, number):
        """Return the State of a meter."""
        return State(self.record(number))

    def save(self, number, state, urgent=False):
        """Keep a state; urgent: it is on flash when this returns. OSError: the flash does not take it; the former one stays."""
        record = bytearray(state.record())
        record[COUNTER : COUNTER + 8] = self.record(number)[COUNTER : COUNTER + 8]
        self._keep(number, record, urgent)

    def next_counter(self, number):
        """Return the next invocation counter for a request to a meter, 1 or higher.

        OSError: the flash does not keep it. ValueError: all are used up, the meter needs new keys.
        """
        record = bytearray(self.record(number))
        counter, reserved = unpack_from("<II", record, COUNTER)
        is_new = counter >= reserved
        if is_new:
            reserved = counter + _STEP
            self._mark_for(reserved)
        pack_into("<II", record, COUNTER, counter + 1, reserved)
        self._keep(number, record, is_new)
        return counter + 1

    def counter_at_least(self, number, value):
        """Go on behind a counter that the meter knows. Errors as of next_counter()."""
        record = bytearray(self.record(number))
        counter, reserved = unpack_from("<II", record, COUNTER)
        if value > counter:
            reserved = max(reserved, value)
            self._mark_for(reserved)
            pack_into("<II", record, COUNTER, value, reserved)
            self._keep(number, record, False)

    def give_up(self, number):
        """A meter is about to be removed, None for all: who has its keys then begins behind its counter. Raises OSError."""
        if number is not None:
            self._rise_above(_reserved(self.record(number)))
            return
        highest = max([_reserved(record) for record, _ in self._waiting.values()] + [0])
        for start in self._pages.starts:
            for _, view in self._pages.records(self._pages.read(start)):
                highest = max(highest, _reserved(view))
        self._rise_above(highest)

    def remove(self, number):
        """Forget a meter that was given up. Raises OSError."""
        self._waiting.pop(number, None)
        if self._pages.find(number) is not None:
            self._pages.put({number: None})

    def clear(self):
        """Forget all meters, which were given up; yields between the steps. Raises OSError."""
        self._waiting.clear()
        yield from self._pages.clear()

    def tick(self):
        """Write the page of a record that has waited long enough. OSError: it waits on."""
        now = ticks_ms()
        for number, (_, since) in self._waiting.items():
            if ticks_diff(now, since) >= _WAIT_MS:
                self._write(number)
                return

    def flush(self):
        """Write all that waits; yields after each page. OSError."""
        while self._waiting:
            self._write(next(iter(self._waiting)))
            yield

    def _mark_for(self, reserved):
        if reserved > _LAST:
            raise ValueError("the invocation counter is used up: the meter needs new keys")
        if reserved >= (self._mark.value + 1) * _MILLION:
            self._mark.raise_to(reserved // _MILLION)

    def _rise_above(self, reserved):
        """A record goes that has reserved so much: others with its key shall begin behind that."""
        if reserved > self._first():
            self._mark.raise_to(self._mark.value + 1)

    def _first(self):
        """Return what a meter without a record begins behind."""
        return max(1, self._mark.value) * _MILLION

    def record(self, number):
        """Return the record of a meter's state, not to be changed: of many meters it takes less RAM than a State."""
        if number in self._waiting:
            return self._waiting[number][0]
        view = self._pages.find(number)
        if view is None or len(view) != SIZE:
            record = bytearray(EMPTY)
            pack_into("<II", record, COUNTER, self._first(), self._first())
            return record
        if not self._is_current(number):
            _skip_reserved(view)
        return bytearray(view)

    def _is_current(self, number):
        page = number // _SPAN
        return self._current[page >> 3] >> (page & 7) & 1

    def _keep(self, number, record, urgent):
        before = self._waiting.get(number)
        if before is None and len(self._waiting) >= _KEPT:
            self._write(next(iter(self._waiting)))
        self._waiting[number] = [record, before[1] if before else ticks_ms()]
        if urgent:
            try:
                self._write(number)
            except OSError:
                if before:
                    self._waiting[number] = before
                else:
                    del self._waiting[number]
                raise

    def _write(self, number):
        """Write the page of a meter with all that waits for it."""
        page = number // _SPAN
        changes = {other: self._waiting[other][0] for other in self._waiting if other // _SPAN == page}
        if not self._is_current(number):
            self._bring_up(number, changes)
        self._pages.put(changes)
        self._current[page >> 3] |= 1 << (page & 7)
        for other in changes:
            self._waiting.pop(other, None)

    def _bring_up(self, number, changes):
        """Skip in the page of the block what was reserved before this start; drop records of meters that are gone."""
        for other, view in self._pages.records(self._pages.read(number)):
            _skip_reserved(view)
            if not self._is_known(other):
                changes[other] = None


def _reserved(record):
    return unpack_from("<I", record, COUNTER + 4)[0]


def _skip_reserved(view):
    pack_into("<I", view, COUNTER, _reserved(view))
