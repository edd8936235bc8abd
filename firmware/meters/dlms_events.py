"""Reads the event logs of a DLMS meter into the archive: time and code of each event since the last good reading.

Source: DLMS UA 1000-1 (Blue Book), 4.3.6, 6.2 (0.0.99.98.e.255: logs, 0.0.96.11.e.255: their codes).
"""

import asyncio
from array import array

from micropython import const

from firmware.meters.dlms_small import Small, is_there
from lib.dlms.association import BLOCKS_OF_GET, SELECTIVE_ACCESS
from lib.dlms.errors import FormatError
from lib.dlms.profile import Rows, capture_objects
from lib.dlms.requests import CLOCK, by_range

_CLASS = const(7)
_CLOCK = const(8)
_CODE = const(b"\x60\x0b")  # 0.b.96.11.e.f
_MOST = const(100)  # events that are taken of a log in one round, the newest
_MOST_CODE = const(0xFFFFFFFF)
_FIRST_S = const(40 * 86400)  # how far back a log is read the first time
_AGAIN_S = const(86400)  # how far before the last reading it begins, for a meter's clock may be off
_LIMIT_MS = const(60000)


class _Log:
    """Collects the newest events of one log, packed."""

    def __init__(self, columns):
        self.count = 0
        self._times = array("I")
        self._codes = array("I")
        self.code = 0
        self.clock = CLOCK
        for place, column in enumerate(columns):
            class_id, ln, attribute = column[:3]
            if class_id == _CLOCK and attribute == 2:
                self.clock = ln
            elif ln[2:4] == _CODE or not self.code:
                self.code = place

    def take(self, time, status, values):
        """Take a row."""
        code = values[self.code]
        if time is None or not isinstance(code, int) or not 0 <= code <= _MOST_CODE:
            return
        at = self.count % _MOST
        self.count += 1
        if at == len(self._times):
            self._times.append(time)
            self._codes.append(code)
        else:
            self._times[at] = time
            self._codes[at] = code

    def events(self):
        """Yield (UTC, code, text) of each, in their order."""
        for place in range(max(0, self.count - _MOST), self.count):
            yield self._times[place % _MOST], self._codes[place % _MOST], ""


async def read(kept, plan, table, state, clock, session):
    """Read the logs that the table of the meter's type names; those that it does not have are passed over.

    A meter that cannot send blocks is not asked: nobody knows how many events fit in an answer.
    """
    names = list(table.logs())
    if not names or not session.client.conformance & BLOCKS_OF_GET:
        return
    objects = [Small() for _ in names]
    results = await session.get_list([(_CLASS, ln, 3) for ln in names], [small.take for small in objects])
    now = kept.clock.utc()
    since = max(state.good_utc - _AGAIN_S, now - _FIRST_S)
    for at, ln in enumerate(names):
        if not is_there(results[at]):
            continue
        columns = capture_objects(objects[at].octets)
        log = _Log(columns)
        rows = Rows(columns, 0, clock.offset_minutes, log.take, clock.is_reversed)
        selector = None
        if session.client.conformance & SELECTIVE_ACCESS:
            selector = by_range(clock.octets(since), clock.octets(now + max(0, state.drift_s or 0)), log.clock)
        await session.get(_CLASS, ln, 2, rows.feed, selector, _LIMIT_MS)
        if not rows.is_whole:
            raise FormatError("truncated")
        del rows, columns, selector  # RAM that writing may want
        if log.count:
            async with kept.lock:
                with kept.archiving:
                    for _ in kept.archive.log(plan.id, ln[4], log.events()):
                        await asyncio.sleep_ms(0)
