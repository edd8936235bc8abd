"""What stands for a bus to be polled: something that wants its turn every 10 ms, and how long it had to wait for it."""

import asyncio
from time import ticks_diff, ticks_us


class Ticker:
    def __init__(self):
        self.restart()

    def restart(self):
        self._last = ticks_us()
        self._gap_us = 0

    def gap_ms(self):
        """The longest time between two turns since the start, the one under way included."""
        self._tick()
        return self._gap_us / 1000

    async def run(self):
        while True:
            await asyncio.sleep_ms(10)
            self._tick()

    def _tick(self):
        now = ticks_us()
        self._gap_us = max(self._gap_us, ticks_diff(now, self._last))
        self._last = now
