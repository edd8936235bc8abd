"""Keeps the archive of DLMS meters in order: meters that were removed are forgotten, and once a day small parts are merged.

Merging writes much, so it waits until no meter is being read; where that is never so, for some hours.
"""

import asyncio

from micropython import const

_LOOK_MS = const(1000)
_AFTER_START_S = const(600)
_PATIENCE_S = const(21600)  # from midnight on


class Upkeep:
    """Of the `archive` (lib/store/archive.py) of `kept` (firmware/meters/dlms.py). is_idle(): whether no meter is being read.
    tell(text) is called when the flash fails.
    """

    def __init__(self, kept, archive, is_idle, tell):
        self._kept = kept
        self._archive = archive
        self._is_idle = is_idle
        self._tell = tell
        self._gone = []  # ranges of the meters that are to be forgotten
        self._day = 0  # UTC of the beginning of the last one that was tidied

    def changed(self, number):
        """A meter of the list is new, another one or gone; None: all are gone."""
        meters = self._kept.meters
        if number is None:
            self._gone = [range(1, meters.next_id)]
        elif not meters.has(number):
            self._gone.append(range(number, number + 1))

    async def run(self):
        """Work, for ever."""
        while True:
            try:
                while self._gone:
                    await self._forget(self._gone.pop())
                if self._is_due():
                    await self._tidy()
            except OSError as error:
                self._tell(f"archive of DLMS meters: error {error.errno}")
            await asyncio.sleep_ms(_LOOK_MS)

    async def _forget(self, numbers):
        for number in numbers:
            async with self._kept.lock:
                self._archive.forget(number)
            await asyncio.sleep_ms(0)

    def _is_due(self):
        clock = self._kept.clock
        if not clock.is_set or clock.uptime_s() < _AFTER_START_S:
            return False
        now = clock.utc()
        day = self._kept.day_begin(now)
        return day != self._day and (self._is_idle() or now - day > _PATIENCE_S)

    async def _tidy(self):
        self._day = self._kept.day_begin(self._kept.clock.utc())  # one that fails is tried the next day
        steps = self._archive.tidy()
        while True:
            async with self._kept.lock:  # a step at a time, for readers want to write meanwhile
                if next(steps, self) is self:
                    return
            await asyncio.sleep_ms(0)
