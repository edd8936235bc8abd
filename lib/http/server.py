"""The HTTP/1.1 server: accepts clients, bounds them in number and time, and hands each to a Connection.

When all connections are taken, room is made for a new client rather than refusing it: a browser keeps up to six idle
connections open and takes their closing without a word, but shows a 503 to its user. First the oldest idle connection
goes, then one that sent nothing or only half a request for a second (a browser's speculative connection, a slow loris).
If all are at work, the newcomer waits in the listen queue for two seconds, and gets 503 with Retry-After after that.
"""

import asyncio
import time

from micropython import const

from lib.aio.listener import Listener
from lib.http.connection import BUSY, HEAD, IDLE, LINGERING, SENDING, SILENT, Connection, Exchange

_TICK_MS = const(250)  # the deadlines' resolution
_FULL_MS = const(2000)  # so long a newcomer waits while all connections are at work
_STALE_MS = const(1000)  # so long a silent or half-said request is left alone while others wait
_UNREAD_MS = const(3000)  # so long an unread piece of an answer is left alone while others wait
_LINGER_MS = const(1000)


class Pool:
    """Things lent out, `most` at a time; one is made at once and kept, the others are made when they are needed.

    Who finds none waits, first come first served; so does who finds no memory for another.
    """

    def __init__(self, make, most):
        self._make = make
        self._first = make()  # made when the heap is empty, so that it lies where it cuts nothing up
        self._free = [self._first]
        self._more = most - 1  # that may still be made
        self._given = asyncio.Event()
        self.waiting = 0

    async def take(self):
        """Return one of the things; wait while all are lent."""
        while not self._free:
            if self._more:
                self._more -= 1
                try:
                    return self._make()
                except MemoryError:
                    self._more += 1
            self._given.clear()
            self.waiting += 1
            try:
                await self._given.wait()
            finally:
                self.waiting -= 1
        return self._free.pop()

    def give(self, item):
        """Take a thing back."""
        if item is self._first and not self.waiting:
            self._more += len(self._free)  # one is enough to keep
            self._free.clear()
        if item is self._first or self.waiting or not self._free:
            self._free.append(item)
        else:
            self._more += 1
        self._given.set()


class HttpServer:
    """The server and what it counts: requests answered or refused in form, connections open, connections refused.

    find(method, path) returns the handler or None (404, or 405 if another method would have one); it may raise
    HttpError. HEAD is asked as GET. A handler is `async def handler(request, response)`; HttpError raised in it becomes
    the answer, any other exception 500 and a call of on_error(error, request), which also gets (error, None) once when
    accepting starts to fail.
    """

    def __init__(
        self,
        find,
        connections=6,
        idle_ms=15000,
        header_bytes=2048,
        body_bytes=4096,
        exchanges=2,
        header_ms=5000,
        body_ms=10000,
        write_ms=10000,
        on_error=None,
        on_watch=None,
    ):
        """exchanges: requests in progress at once, each with a receive buffer of header_bytes and 2048 bytes for the
        answer, the first made now, the others while they are needed; more connections than that wait for one another. A
        body that does not fit behind its head gets a buffer of its own (body_bytes at most) for as long as it is
        needed, one at a time. write_ms: for each piece of an answer of at most 1.5 KB. on_watch() is called four times
        a second: a sign of life.
        """
        self.find = find
        self.on_error = on_error
        self._on_watch = on_watch
        self.body_bytes = body_bytes
        self.exchanges = Pool(lambda: Exchange(header_bytes), exchanges)
        self.bodies = Pool(bool, 1)  # the leave to make one
        self.requests = 0
        self.refused = 0
        self.port = 0
        self._connections = connections
        self._open = []
        self._limits = (idle_ms, idle_ms, header_ms, header_ms, body_ms, 0, write_ms, _LINGER_MS)
        self._host = None
        self._listener = None
        self._changed = asyncio.Event()  # a connection ended, or a tick passed
        self._full = False  # somebody waits for a connection to end
        self._full_since = 0

    @property
    def open(self):
        """Number of open connections."""
        return len(self._open)

    def listen(self, host, port):
        """Bind to a numeric host address and a port, 0 for any (then in self.port). Raises OSError."""
        self._listener = Listener(host or "0.0.0.0", port, self._connections)
        self._host, self.port = host, self._listener.port

    async def run(self):
        """Serve until cancelled; closes everything then. Listens again at the same address if run again.

        Raises OSError if the listening socket is broken.
        """
        if self._listener is None:
            self.listen(self._host, self.port)
        watch = asyncio.create_task(self._watch())
        try:
            await self._accept()
        finally:
            watch.cancel()
            self._listener.close()
            self._listener = None
            for connection in self._open:
                connection.stop()

    # For connections

    def ended(self, connection):
        """A connection is closed."""
        self._open.remove(connection)
        self._full = False
        self._changed.set()

    def tell(self, error, request):
        """Report an exception that should not have happened."""
        if self.on_error is not None:
            try:
                self.on_error(error, request)
            except MemoryError:
                pass  # the client is to have its answer all the same

    # Accepting

    async def _accept(self):
        listener = self._listener
        while True:
            await listener.waiting()  # pyright: ignore[reportGeneralTypeIssues]
            room = await self._make_room()
            try:
                taken = listener.take()
            except OSError as error:
                if listener.failures == 1:
                    self.tell(error, None)
                self._evict()  # the shortage may be our own
                await listener.passed(error)
                continue
            if taken is None:
                continue
            try:
                if room:
                    self._open.append(Connection(self, *taken))
                    taken = None
            except MemoryError as error:
                self.tell(error, None)
            if taken is not None:
                self._refuse(taken[0])

    async def _make_room(self):
        """Return True when one more connection may be opened, False when all have been at work for too long."""
        while len(self._open) >= self._connections:
            now = time.ticks_ms()
            if not self._full:
                self._full = True
                self._full_since = now
            if not self._evict() and time.ticks_diff(now, self._full_since) > _FULL_MS:
                return False
            self._changed.clear()
            await self._changed.wait()
        self._full = False
        return True

    def _evict(self):
        """End the connection that is missed least; False if all are at work."""
        now = time.ticks_ms()
        best, longest = None, -1
        for connection in self._open:
            age = time.ticks_diff(now, connection.since)
            if connection.phase == IDLE or connection.phase == LINGERING:
                age += 0x1000000  # before any other
            elif age < _STALE_MS or connection.phase not in (SILENT, HEAD):
                continue
            if age > longest:
                best, longest = connection, age
        if best is None:
            return False
        best.expire()
        return True

    def _refuse(self, sock):
        """Say 503 without waiting for the request; what came of it is read, so that closing does not reset."""
        self.refused += 1
        try:
            sock.readinto(bytearray(512))
            sock.write(BUSY)
        except OSError:
            pass
        sock.close()

    # Deadlines

    async def _watch(self):
        """End whatever lasts too long."""
        while True:
            await asyncio.sleep_ms(_TICK_MS)
            if self._on_watch:
                self._on_watch()
            now = time.ticks_ms()
            hurry = self._full or self.exchanges.waiting
            for connection in self._open:
                phase = connection.phase
                limit = self._limits[phase]
                if hurry and phase == HEAD:
                    limit = min(limit, _STALE_MS)
                elif hurry and phase == SENDING:
                    limit = min(limit, _UNREAD_MS)
                if limit and time.ticks_diff(now, connection.since) > limit:
                    connection.expire()
            if self._full:
                self._changed.set()
