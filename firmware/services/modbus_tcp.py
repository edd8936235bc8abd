"""Modbus TCP: takes clients in. What serves them is loaded for the first and dropped after the last."""

import asyncio

from micropython import const

from lib.aio.listener import Listener

_BACKLOG = const(10)
_AGAIN_MS = const(30000)
_SESSION = const("firmware.services.modbus_session")


class ModbusTcp:
    """`sessions`: the open connections. `refused`: how many were turned away. `port`: where it listens, 0 before.

    `gateway` is that of firmware/main.py; `wrap(sock)` makes a TLS socket of a client's, it is None for plain TCP.
    """

    def __init__(self, gateway, is_tls=False):
        self.gateway = gateway
        self._is_tls = is_tls
        self.wrap = None
        self.sessions = []
        self.refused = 0
        self.served = 0  # requests answered since the start
        self.count = 0  # of clients since the start
        self.told_s = -3600  # uptime when a refused client or write was told last
        self.shared = None  # what all sessions use, while there is one
        self.port = 0
        self._listener = None

    @property
    def name(self):
        return "modbus_tls" if self._is_tls else "modbus_tcp"

    def listen(self, port):
        """Listen at a port, 0 for any. Raises OSError, and ValueError with a sentence if TLS lacks what it needs."""
        if self._is_tls:
            self.wrap = self.gateway.router.module("firmware.services.modbus_tls").wrapper(self.gateway)
        self._listener = Listener("0.0.0.0", port, _BACKLOG)
        self.port = self._listener.port

    async def run(self):
        """Accept clients, for ever. What kept it from listening has been told; it is tried again until it is gone."""
        while self._listener is None:
            try:
                self.listen(self.port)
            except (OSError, ValueError, MemoryError):
                await asyncio.sleep_ms(_AGAIN_MS)
        listener = self._listener
        try:
            while True:
                await listener.waiting()  # pyright: ignore[reportGeneralTypeIssues]
                error = self._accept()
                if error:
                    await listener.passed(error)
        finally:
            self._listener = None
            listener.close()

    def _accept(self):
        """Take in whoever waits; return the error if that failed.

        A function of its own, for a variable of the task would keep the sessions' module in RAM.
        """
        sessions = self.gateway.router.module(_SESSION)
        try:
            taken = self._listener.take()
        except OSError as error:
            sessions.evict(self)  # the shortage may be our own
            return error
        if taken is not None:
            sessions.begin(self, *taken)
        return None

    def tick(self):
        """End what lasts too long; to be called every second or so."""
        if self.sessions:
            self.gateway.router.module(_SESSION)  # it is used
            for session in list(self.sessions):
                session.tick()
