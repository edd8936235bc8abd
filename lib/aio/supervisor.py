"""Keeps tasks alive: a task that ends or raises is started again, later each time; a silent one stops the watchdog.

Every task that must not stand still calls its `beat()`; the watchdog is fed only while all of them do.
"""

import asyncio
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

_FIRST_MS = const(500)
_TOP_MS = const(60000)
_CALM_MS = const(60000)  # a task that ran this long starts again without delay growth


class Supervisor:
    """`told(name, error)` hears of each crash; error is None when a task ended by itself, which none should."""

    def __init__(self, told):
        self._told = told
        self._beats = []
        self.crashes = 0

    def start(self, name, run):
        """Run the coroutine function `run` for ever; return the task, which ends only by cancel()."""
        return asyncio.create_task(self._keep(name, run))

    def beat(self, name, within_ms):
        """Return a Beat that must be beaten every `within_ms`, from now on."""
        beat = Beat(name, within_ms)
        self._beats.append(beat)
        return beat

    def forget(self, beat):
        """The task of this beat is no more."""
        self._beats.remove(beat)

    def late(self):
        """Return the name of a task whose beat is overdue, None if all report."""
        for beat in self._beats:
            if beat.is_late():
                return beat.name
        return None

    async def _keep(self, name, run):
        delay_ms = _FIRST_MS
        while True:
            began = ticks_ms()
            error = None
            try:
                await run()
            except Exception as caught:  # a crash of any kind is this task's own; the others go on
                error = caught
            self.crashes += 1
            try:
                self._told(name, error)
            except Exception:  # no memory to tell it
                pass
            if ticks_diff(ticks_ms(), began) > _CALM_MS:
                delay_ms = _FIRST_MS
            await asyncio.sleep_ms(delay_ms)
            delay_ms = min(2 * delay_ms, _TOP_MS)


class Beat:
    """The sign of life of one task. Calling beat() costs no memory."""

    def __init__(self, name, within_ms):
        self.name = name
        self.within_ms = within_ms
        self._due = ticks_add(ticks_ms(), within_ms)

    def beat(self):
        self._due = ticks_add(ticks_ms(), self.within_ms)

    def is_late(self):
        return ticks_diff(ticks_ms(), self._due) > 0
