"""Reads a profile of a DLMS meter into the archive: what is missing of it, the newest first, piece by piece.

A piece is kept when it came whole; the next one is as long as fits the time. What was asked for and answered is not asked for
again: `newest` of a State tells up to where, so holes that the meter has itself cost no more than one question.
Source: DLMS UA 1000-1 (Blue Book), 4.3.6 (profile generic).
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from firmware.meters.dlms_small import Small, is_there
from firmware.meters.dlms_values import plain, read_scalers
from lib.dlms.association import BLOCKS_OF_GET, SELECTIVE_ACCESS
from lib.dlms.columns import Columns
from lib.dlms.errors import FormatError
from lib.dlms.profile import Rows, capture_objects
from lib.dlms.requests import CLOCK, by_range
from lib.dlms.times import is_moment

_CLASS = const(7)
_CLOCK = const(8)
_PIECE_MS = const(15000)  # that one takes
_LIMIT_MS = const(120000)
_TURN_MS = const(60000)  # then others' turns come
_FIRST_ROWS = const(96)
_FEWEST = const(8)
_MOST_HOLES = const(16)
_MOST_COLUMNS = const(40)  # that the archive takes
_SETTLE_S = const(300)  # a row is there so long after the end of its period
_HOUR_S = const(3600)
_LEAST_S = const((900, 86400, 28 * 86400, 28 * 86400))  # from row to row at least where the meter tells no period, by kind
_HEAD = const(64)  # octets of an answer beside its rows, ciphered
_TIME_OCTETS = const(8)  # of a row more than its columns take
_COLUMN_OCTETS = const(7)


class Reading:
    """Of a profile with the logical name `ln`; `clock`: the MeterClock. `trusts`: scalers as they were kept are good."""

    def __init__(self, kept, number, state, clock, kind, ln, trusts):
        self._kept = kept
        self._number = number
        self._state = state
        self._clock = clock
        self._kind = kind
        self._ln = ln
        self._trusts = trusts
        self._columns = Columns()  # all of a row
        self._places = b""  # of those that are kept
        self._times = b""  # which of those are times
        self._values: list = []
        self._layout = 0
        self._period = 0
        self._rows = 0  # of the piece
        self._newest = 0  # UTC of the newest row that came
        self._clock_ln = CLOCK

    async def fill(self, reader, session, back_s):
        """Read what is missing since the last time, or of so many seconds; leave the rest to another turn if somebody waits."""
        now = self._kept.clock.utc() + max(0, self._state.drift_s or 0)
        if not self._ln or not await self._describe(session):
            self._state.newest[self._kind] = now
            return
        since = max(self._state.newest[self._kind], now - back_s)
        began = ticks_ms()
        rows = min(_FIRST_ROWS, self._most_rows(session))
        for first, last in await self._holes(since, now):
            while last >= first:
                begin = max(first, last - (rows - 1) * self._period) if self._period else first
                ticks = ticks_ms()
                is_all = await self._piece(session, begin, last)
                if self._rows:
                    rows = rows * _PIECE_MS // max(1, ticks_diff(ticks_ms(), ticks))
                    rows = min(max(_FEWEST, rows), self._most_rows(session))
                if is_all:
                    self._filled(now)
                    return
                last = begin - max(1, self._period)
                if reader.is_awaited() or ticks_diff(ticks_ms(), began) > _TURN_MS:
                    if last >= first:
                        return
        self._filled(now)

    def _filled(self, now):
        self._state.newest[self._kind] = max(min(self._newest, now), now - min(self._period, _HOUR_S) - _SETTLE_S)

    def _most_rows(self, session):
        """Return how many rows may be asked for at once: what the archive has room for, without blocks what an answer has."""
        client = session.client
        most = self._kept.archive.room(len(self._values))
        if client.conformance & BLOCKS_OF_GET:
            return most
        return max(1, (min(client.size, client.peer_pdu) - _HEAD) // (_TIME_OCTETS + _COLUMN_OCTETS * len(self._columns)))

    async def _holes(self, since, now):
        """Return (first, last) of what is missing, the newest first, up to now."""
        if not self._period:
            return [(since, now)]
        found = []
        async with self._kept.looking:
            for hole in self._kept.archive.gaps(self._number, self._kind, self._period, since, now):
                if hole is None:
                    await asyncio.sleep_ms(0)
                    continue
                found.append(hole)
                if len(found) > _MOST_HOLES:  # the oldest are asked for at once
                    found[0:2] = [(found[0][0], found[1][1])]
        found.reverse()
        return found

    async def since(self, session, utc):
        """Read all from a moment on, or from what was there the last time if that is earlier."""
        now = self._kept.clock.utc() + max(0, self._state.drift_s or 0)
        newest = self._state.newest[self._kind]
        if await self._describe(session):
            first = min(newest or utc, utc)
            step_s = self._most_rows(session) * (self._period or _LEAST_S[self._kind])
            while first <= now:
                last = min(now, first + step_s - 1)
                if await self._piece(session, first, last):
                    break
                first = last + 1
            self._state.newest[self._kind] = max(newest, self._newest)

    async def _describe(self, session):
        """Read columns and period; return whether the meter has this profile."""
        objects, period = Small(), Small()
        results = await session.get_list([(_CLASS, self._ln, 3), (_CLASS, self._ln, 4)], [objects.take, period.take])
        if not is_there(results[0]):
            return False
        self._columns = columns = capture_objects(objects.octets)
        self._period = 0 if results[1] else period.value() or 0
        del objects, period, results  # RAM that is not needed while scalers are read
        wanted, places = Columns(), bytearray()
        for place, column in enumerate(columns):
            class_id, ln, attribute = column[:3]
            if class_id == _CLOCK and attribute == 2:
                self._clock_ln = ln
            elif ln[2:4] != b"\x60\x0a" and len(places) < _MOST_COLUMNS:
                places.append(place)
                wanted.append(*column)
        if not places:
            return False
        self._places = places
        if not (self._trusts and await self._knows(wanted)):
            await read_scalers(session, wanted)
        self._keep_as(wanted)
        return True

    async def _knows(self, wanted):
        """Whether what was kept last has the same columns: their scalers are taken."""
        known = await self._kept.columns_of(self._number, self._kind, self._state.newest[self._kind])
        if known is None or len(known) != len(wanted):
            return False
        for place, column in enumerate(known):
            if column[:4] != wanted[place][:4]:
                return False
            wanted.tell(place, *column[4:])
        return True

    def _keep_as(self, columns):
        self._times = bytes([is_moment(column[0], column[2]) for column in columns])
        self._values = [None] * len(columns)
        with self._kept.archiving:
            self._layout = self._kept.archive.layout(columns)

    async def _piece(self, session, first, last):
        """Read the rows from a moment to another, both included; return whether that was all there is."""
        clock = self._clock
        selector = None
        if session.client.conformance & SELECTIVE_ACCESS:
            selector = by_range(clock.octets(first), clock.octets(last), self._clock_ln)
        self._rows = 0
        async with self._kept.lock:
            rows = Rows(self._columns, self._period, clock.offset_minutes, self._take, clock.is_reversed)
            is_good = False
            with self._kept.archiving:
                self._kept.archive.begin(self._number, self._kind, self._layout)
            try:
                await session.get(_CLASS, self._ln, 2, rows.feed, selector, _LIMIT_MS)
                if not rows.is_whole:
                    raise FormatError("truncated")
                del rows  # RAM that writing may want
                await self._commit()
                is_good = True
            finally:
                if not is_good:
                    self._kept.archive.give_up()
        return selector is None

    async def _commit(self):
        with self._kept.archiving:
            for _ in self._kept.archive.commit():
                await asyncio.sleep_ms(0)
            self._kept.archiving.is_told = False

    def _take(self, time, status, values):
        """Take a row."""
        self._rows += 1
        if time is None:
            return
        self._newest = max(self._newest, time)
        clock = self._clock
        for at, place in enumerate(self._places):
            self._values[at] = plain(values[place], self._times[at], clock.offset_minutes, clock.is_reversed)
        with self._kept.archiving:
            self._kept.archive.add(time, status, self._values)

    async def keep_one(self, columns, utc, values):
        """Keep one row that was read value by value."""
        clock = self._clock
        self._keep_as(columns)
        async with self._kept.lock:
            with self._kept.archiving:
                self._kept.archive.begin(self._number, self._kind, self._layout)
            for at, is_time in enumerate(self._times):
                value = values[at]
                if isinstance(value, bytes) and not is_time:
                    value = None
                self._values[at] = plain(value, is_time, clock.offset_minutes, clock.is_reversed)
            self._kept.archive.add(utc, None, self._values)
            await self._commit()
        self._state.newest[self._kind] = max(self._state.newest[self._kind], utc)
