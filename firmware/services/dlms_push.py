"""The archive of DLMS meters on its way out: to one link what it has not got yet, in the order in which it came, at least once.

Keeps the contract of firmware/services/push_profile.py's Feed, and lets that one go first where both are wanted. Nothing waits
in RAM: a message is made from flash when the link can take it; firmware/state/dlms_unsent.py notes how far the link is.
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from firmware.services import dlms_text, pieces, profile_message
from firmware.state.dlms_plan import Plan
from firmware.state.dlms_unsent import KINDS

_TEXT = const(1536)  # bytes of the records in a message
_LOOK_MS = const(5000)  # between two looks at the archive, when there was nothing
_AT_ONCE = const(4)  # records, or parts of nobody, before others run
_EVENTS = const(5)
_OF_EVENTS = const((("log", ""), ("code", "")))


class Feed:
    """Of one link. `other`: the load profiles of other meters for it, or None. `is_flying`: a message was given out."""

    def __init__(self, gateway, link, other):
        self._gateway = gateway
        self._number = link.number
        self._other = other
        self._is_other = False  # who made the message that is on its way
        self._kind = KINDS - 1
        self._segment = 0
        self._ends = []  # of parts to send, the last first
        self._row = self._next_row = 0  # of the first of them, sent so far; and with the message that is on its way
        self._rows = 0
        self._looked_ms = None
        self.is_flying = False

    async def next(self):
        """Return (topic below the base, render(out)) of a message, None for nothing now."""
        found = await self._other.next() if self._other else None
        self._is_other = found is not None
        return found or await self._next()

    def arrived(self):
        """The message that was given out last has arrived."""
        self.is_flying = False
        if self._is_other:
            self._other.arrived()
        elif self._next_row < self._rows:
            self._row = self._next_row
        elif self._ends:
            self._behind()

    async def _next(self):
        dlms = self._gateway.field.dlms
        if dlms is None:
            return None
        count = 0
        while self._ends or await self._find(dlms):
            message = await self._made(dlms)
            if message:
                return message
            self._behind()  # it is nobody's, or damaged
            count += 1
            if not count % _AT_ONCE:
                await asyncio.sleep_ms(0)
        return None

    def _behind(self):
        """The link has all of a part."""
        dlms = self._gateway.field.dlms
        dlms.track().arrived(self._number, self._kind, dlms.archive.rank(self._segment), self._ends.pop())
        self._row = 0

    async def _find(self, dlms):
        """Look for parts that the link has not got, each kind in its turn; return whether there are any."""
        now = ticks_ms()
        if self._looked_ms is not None and ticks_diff(now, self._looked_ms) < _LOOK_MS:
            return False
        unsent = dlms.track()
        unsent.want(self._number, True)
        for _ in range(KINDS):
            self._kind = (self._kind + 1) % KINDS
            found = None
            for step in dlms.archive.following(self._kind, unsent.place(self._number, self._kind)):
                found = step
                await asyncio.sleep_ms(0)
            if found:
                self._segment, self._ends = found[0], found[1]
                self._ends.reverse()
                self._row = 0
                self._looked_ms = None
                return True
        self._looked_ms = now
        return False

    async def _made(self, dlms):
        """Return (topic, render(out)) of what is next of the first part, None: nobody wants it."""
        part = dlms.archive.part(self._segment, self._ends[-1])
        line = self._gateway.dlms_meters.find(part.meter) if part else None
        if not line:
            return None
        plan = Plan(line)
        text = pieces.Pieces(_TEXT)
        columns = () if self._kind == _EVENTS else dlms.archive.columns(part.layout) or ()
        values, row, end = [], self._row, 0
        self._rows = part.rows
        while row < part.rows:
            try:
                profile_message.put(text, self._record(part, row, columns, values))
            except ValueError:  # it is full
                break
            end = text.used
            row += 1
            if not row % _AT_ONCE:
                await asyncio.sleep_ms(0)
        self._next_row = row
        if not end:
            return None
        name = "events" if self._kind == _EVENTS else dlms_text.KINDS[self._kind]
        titles = _OF_EVENTS if self._kind == _EVENTS else list(dlms_text.titles(columns))
        items = (("key", plan.serial), ("id", plan.id), ("kind", name))
        return f"archive/{plan.serial}/{name}", profile_message.renderer(items, titles, text, end)

    def _record(self, part, row, columns, values):
        if self._kind == _EVENTS:
            time, code, _ = part.event(row)
            return time, None, ((part.log, 0), (code, 0))
        time, status, _, values = part.record(row, values)
        return time, status, [dlms_text.exact(column, value) for column, value in zip(columns, values)]
