"""Modbus TCP: takes clients in. What serves them is loaded for the first and dropped after the last.

More connections than the heap has room for make way: the one that has been silent longest and waits for nothing is closed; if
there is none, the newcomer is.
"""

from time import ticks_diff, ticks_ms

from micropython import const

from lib.aio.listener import Listener

MOST_CLIENTS = const(10)
_SESSION = "firmware.services.modbus_session"
_LEFT_ALONE_MS = const(1000)  # a connection that was used so lately is not closed for another


class ModbusTcp:
    """`sessions`: the open connections. `refused`: how many were turned away. `port`: where it listens, 0 before.

    `gateway` is that of firmware/main.py; `wrap(sock)` makes a TLS socket of a client's, None for plain TCP.
    """

    def __init__(self, gateway, wrap=None):
        self.gateway = gateway
        self.wrap = wrap
        self.sessions = []
        self.refused = 0
        self.served = 0  # requests answered since the start
        self.shared = None  # what all sessions use, while there is one
        self.port = 0
        self._listener = None

    def listen(self, port):
        """Listen at a port, 0 for any. Raises OSError."""
        self._listener = Listener("0.0.0.0", port, MOST_CLIENTS)
        self.port = self._listener.port

    async def run(self):
        """Accept clients, for ever; listens again if it was started again."""
        if self._listener is None:
            self.listen(self.port)
        listener = self._listener
        try:
            while True:
                await listener.waiting()  # pyright: ignore[reportGeneralTypeIssues]
                try:
                    taken = listener.take()
                except OSError as error:
                    self._evict()
                    await listener.passed(error)
                    continue
                if taken is not None and not self._begin(*taken):
                    self.refused += 1
                    taken[0].close()
        finally:
            self._listener = None
            listener.close()

    def _begin(self, sock, address):
        """Serve a client; False if there is no room."""
        if len(self.sessions) >= MOST_CLIENTS and not self._evict():
            return False
        try:
            self.gateway.router.module(_SESSION).begin(self, sock, address)
        except (MemoryError, OSError):  # OSError: of the TLS layer, which tells so when it has no memory
            return False
        return True

    def _evict(self):
        """Close the connection that is missed least; False if all are in use."""
        now = ticks_ms()
        best, longest = None, _LEFT_ALONE_MS
        for session in self.sessions:
            silent_ms = ticks_diff(now, session.since)
            if not session.open and silent_ms > longest:
                best, longest = session, silent_ms
        if best is None:
            return False
        best.end()
        self.sessions.remove(best)
        return True

    def tick(self):
        """End what lasts too long; to be called every second or so."""
        if self.sessions:
            self.gateway.router.module(_SESSION)  # it is used
            for session in list(self.sessions):
                session.tick()
