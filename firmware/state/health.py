"""How the device itself is doing: heap, loop lag, uptime, why it started."""

import asyncio
import gc
from time import ticks_diff, ticks_us

from micropython import const

_STEP_MS = const(100)
_WINDOW = const(600)  # steps: the lag is the highest of the last minute, or of the one before


class Health:
    """`lag_us`: the longest time the loop was held in the last minute. `heap_min`: least free heap seen at a collection."""

    def __init__(self, reset_cause, beat):
        self.reset_cause = reset_cause
        self._beat = beat
        self.lag_us = 0
        self._window_us = 0
        self.heap_min = gc.mem_free()

    def heap_free(self):
        """Return the free heap in bytes after a collection; takes a few milliseconds."""
        gc.collect()
        free = gc.mem_free()
        self.heap_min = min(self.heap_min, free)
        return free

    async def run(self):
        """Measure the loop: how much later than asked does a sleep end?"""
        steps = 0
        while True:
            before = ticks_us()
            await asyncio.sleep_ms(_STEP_MS)
            self._beat.beat()
            late_us = ticks_diff(ticks_us(), before) - _STEP_MS * 1000
            self._window_us = max(self._window_us, late_us)
            self.lag_us = max(self.lag_us, late_us)
            steps += 1
            if steps >= _WINDOW:
                steps = 0
                self.lag_us = self._window_us
                self._window_us = 0
