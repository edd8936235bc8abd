"""Which of a link's two servers has its turn: the main one, the reserve while that fails. docs/mqtt.md has the rules.

In RAM while a link has a reserve server.
"""

import asyncio

from micropython import const

from firmware.services import push_connect
from lib.aio.connect import ConnectionFailed

_TRIES = const(3)  # at the main server; then each has its turn, until one of them takes readings
_MINUTES = const(b"\x01\x02\x05\x0f")  # until the main server is looked for; the last for ever
_OURS = const(("memory", "tls_files"))  # causes that another server would not heal


class Reserve:
    """Of one link. A try has failed when the next one begins before the server took a reading, or stood for a minute.

    `await probe()` connects to the main server and returns the connection, or raises ConnectionFailed.
    """

    def __init__(self, gateway, link, probe=None):
        self._gateway = gateway
        self._link = link
        # Without TLS, whose memory the link itself has: whether it is the right one shows when it is connected to.
        self._probe = probe or (lambda: push_connect.open_link(gateway, link.number, has_tls=False))
        self._failures = 0  # in a row

    def choose(self):
        """A connection is about to be made: decide to whom."""
        link = self._link
        if not link.is_trying:
            self._failures = 0
        elif link.cause not in _OURS and self._gateway.platform.network.address != "0.0.0.0":
            self._failures += 1
        if link.is_returning:
            link.is_returning = link.is_reserve = False
            self._failures = _TRIES - 1  # one failure leads back
        elif self._failures >= (1 if link.is_reserve else _TRIES):
            link.is_reserve = not link.is_reserve
        link.is_trying = True

    async def run(self):
        """While the reserve serves, look now and then whether the main server is there again, for ever."""
        link = self._link
        step = 0
        while True:
            await asyncio.sleep(60 * _MINUTES[step])
            if not link.is_reserve:
                step = max(step - 1, 0)  # one that comes and goes is not followed each time
                continue
            step = min(step + 1, len(_MINUTES) - 1)
            if link.is_trying:
                continue  # none of them takes readings: each has its turn anyway
            try:
                (await self._probe()).close()
                link.is_returning = link.is_reserve
            except (ConnectionFailed, MemoryError):
                pass
