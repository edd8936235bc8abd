"""Keeps the clock right by SNTP: the task that knows when to ask.

How that is done is in firmware/services/sntp.py, which is in RAM only meanwhile.
"""

import asyncio
from os import urandom

from micropython import const

_FIRST_S = const(16)  # the pauses after failures double from here to _UNSET_S while the clock is not set
_UNSET_S = const(64)  # ... and from here to _SET_S once it is
_SET_S = const(3600)
_OFF_S = const(60)  # how often the settings are looked at while synchronising is switched off


class SntpService:
    """The task that keeps `clock` right; see run().

    `settings.get(name)`: ntp_server1 to ntp_server3 (text, empty for none) and time_sync_src (0: off).
    `events.add(kind, text)`: set, stepped, no server answers, one answers again. `dns_servers()` returns the addresses to ask
    for names. `load(name)` returns a module.
    """

    timeout_ms = 3000  # for the answer of a time server
    dns_timeout_ms = 2000
    spacing_ms = 2000  # between two samples

    def __init__(self, clock, settings, events, dns_servers, load):
        self.clock = clock
        self.settings = settings
        self.events = events
        self.dns_servers = dns_servers
        self._load = load
        self._wake = False
        self.known = {}  # of the resolver
        self.preferred = 0  # index of the server that answered last
        self.held = {}  # host: (uptime_s until which it is not asked, how long that was)
        self.is_down = False  # there was an event that no server answers
        self.failures = 0  # rounds without any answer, since the last one with
        self.server = ""  # the last that gave the time
        self.correction_ms = 0  # what it changed
        self.delay_ms = 0  # there and back
        self.synced_s = None  # uptime of that, None: never

    def wake(self):
        """Ask within a second: the network came up, or the settings changed."""
        self.failures = 0
        self._wake = True

    async def run(self):
        """Ask every 64 s until the clock is set, then every hour; after failures sooner at first, then less and less."""
        while True:
            self._wake = False
            pause_s = _OFF_S
            if self.settings.get("time_sync_src"):
                await self.sync()
                pause_s = self.pause_s()
            spread = urandom(1)[0]  # seven to nine eighths: many gateways do not ask in one moment
            for _ in range(pause_s - pause_s // 8 + pause_s * spread // 1024):
                if self._wake:
                    break
                await asyncio.sleep(1)  # a task with a deadline would cost half a kilobyte all the while

    def pause_s(self):
        """Return the seconds until the next round, before they are spread."""
        if not self.clock.is_set:
            return min(_FIRST_S << min(self.failures, 8), _UNSET_S)
        if self.failures:
            return min(_UNSET_S << min(self.failures - 1, 8), _SET_S)
        return _SET_S

    async def sync(self):
        """Ask the servers in turn until one gives the time, and apply it; return False if none does."""
        return await self._load("firmware.services.sntp").sync(self)
