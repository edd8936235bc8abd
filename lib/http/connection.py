"""One client's connection: its requests one after the other, its deadlines, its end.

One task owns the socket in both directions. It never asks the clock: it says which phase it is in and since when, and
the server's watch ends what lasts too long by cancelling the task (no deadline costs an allocation). Between requests
it holds no buffer: request, response and their buffers are one Exchange, borrowed while a request is in progress.
"""

import asyncio
import errno
import time

from micropython import const

from lib.aio.listener import peer
from lib.aio.ready import readable, writable
from lib.http.errors import HttpError
from lib.http.request import METHODS, Request
from lib.http.response import Response

# pyright: reportGeneralTypeIssues=false

# Phases: indices into the server's table of limits.
SILENT = const(0)  # accepted, nothing received yet
IDLE = const(1)  # between two requests
WAITING = const(2)  # a request came, no exchange is free
HEAD = const(3)  # from the first byte of a request to the end of its head
BODY = const(4)
WORKING = const(5)  # the handler works; its own waits are its own business
SENDING = const(6)  # one piece of an answer
LINGERING = const(7)  # the answer is out, what the client still sends is thrown away

_SCRATCH = bytearray(64)  # where unwanted bytes of all connections go
_LINGER_READS = const(4096)  # 256 KB
_READS_PER_TURN = const(8)
_MEMORY_TRIES = const(20)
_MEMORY_MS = const(100)

BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 32\r\n"
    b'Retry-After: 2\r\nConnection: close\r\n\r\n{"error":"too many connections"}'
)


class Exchange:
    """What one request in progress needs; made once, lent to one connection after the other."""

    def __init__(self, header_bytes):
        self.request = Request(header_bytes)
        self.response = Response()


class Connection:
    """A client, from accept to close. The server reads phase, since (ticks_ms), and calls expire() and close()."""

    def __init__(self, server, sock, address):
        """sock: non-blocking. address: as accept gave it."""
        self._server = server
        self._socket = sock
        self._address = address
        self.phase = SILENT
        self.since = time.ticks_ms()
        self._expired = False  # the watch cancelled the task, not the program
        self._lost = False  # nothing can be sent or received any more
        self._task = asyncio.create_task(self._serve())

    @property
    def peer(self):
        """Address of the client as text, "" if it cannot be told."""
        return peer(self._address)

    def expire(self):
        """End what the task waits for: with an answer if that makes sense in this phase, else by closing."""
        self._expired = True
        self._task.cancel()

    def stop(self):
        """End the task and close at once: the server ends."""
        self._task.cancel()
        self._close()

    def _enter(self, phase):
        self.phase = phase
        self.since = time.ticks_ms()

    def _close(self):
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def _serve(self):
        linger = False
        try:
            while True:
                await readable(self._socket)
                exchange = await self._borrow()
                if exchange is None:
                    break
                try:
                    linger = await self._serve_requests(exchange.request, exchange.response)
                finally:
                    exchange.request.connection = exchange.response.connection = None
                    self._server.exchanges.give(exchange)
                if linger is not None:
                    break
                self._enter(IDLE)
            if linger:
                await self._linger()
        except OSError:
            pass  # the client is gone or never reads
        except asyncio.CancelledError:
            if not self._expired:
                raise
        except Exception as error:
            self._server.tell(error, None)  # a bug of this package
        finally:
            self._close()
            self._server.ended(self)

    async def _borrow(self):
        """Return an exchange, None (and 503 was sent) if none gets free in time."""
        exchanges = self._server.exchanges
        self._enter(WAITING)
        try:
            exchange = await exchanges.take()
        except asyncio.CancelledError:
            if self._expired and self._socket is not None:
                self._server.refused += 1
                self._socket.readinto(_SCRATCH)
                self._socket.write(BUSY)
                return None
            raise
        exchange.request.clear()
        exchange.request.connection = exchange.response.connection = self
        return exchange

    async def _serve_requests(self, request, response):
        """Answer what has been sent. Return None to wait for more, else whether unread bytes are left on the way."""
        while True:
            response.clear(None)
            self._enter(HEAD)
            try:
                while not request.complete():
                    if request.blank:
                        return None  # an empty line behind a body, as some clients send it
                    count = await self.receive(request.room())
                    if not count:
                        if not request.started:
                            return False
                        raise HttpError(400, "the request is cut short")
                    request.filled(count)
            except HttpError as error:
                response.put_error(error)
                await response.finish()
                return True
            self._enter(WORKING)
            self._server.requests += 1
            response.clear(request)
            try:
                await self._answer(request, response)
            finally:
                if request.body_apart:
                    request.body_buffer = None
                    self._server.bodies.give(True)
            if response.close:
                return not request.body_known()
            if not request.next():
                return None

    async def _answer(self, request, response):
        """Have the request answered; whatever goes wrong in the handler becomes an answer or closes the connection."""
        try:
            try:
                await self._handle(request, response)
                await response.finish()
            except HttpError as error:
                if response.started:
                    response.close = True
                else:
                    response.put_error(error)
                    await response.finish()
        except Exception as error:
            if self._lost:
                raise OSError(errno.ECONNRESET)
            self._server.tell(error, request)
            sent = response.started
            if not sent and isinstance(error, MemoryError):
                response.put_error(HttpError(503, "no memory for this request now", "Retry-After", "2"))
            elif not sent:
                response.put_error(HttpError(500, "internal error"))
            response.close = True
            if not sent:
                await response.finish()

    async def _handle(self, request, response):
        """Find the handler and run it; HEAD is served by GET's."""
        find, method, path = self._server.find, request.method, request.path
        if method not in METHODS:
            raise HttpError(501, "this method is not known here")
        handler = None
        if path != "*":
            handler = find("GET" if method == "HEAD" else method, path)
        if handler is not None:
            await handler(request, response)
            return
        allowed = "OPTIONS"
        for other in METHODS:
            if other != "OPTIONS" and (path == "*" or find("GET" if other == "HEAD" else other, path) is not None):
                allowed += ", " + other
        if method == "OPTIONS" and len(allowed) > 7:
            response.status = 204
            response.add_header("Allow", allowed)
        elif len(allowed) > 7:
            raise HttpError(405, "this method is not for this address", "Allow", allowed)
        else:
            raise HttpError(404, "not found")

    # The socket

    async def receive(self, view):
        """Read what is there into view (not empty), waiting for the first byte; return the count, 0 at the end.

        Raises HttpError(408) when the phase lasted too long, OSError when the client is gone.
        """
        try:
            while self._socket is not None:
                count = self._socket.readinto(view)
                if count is not None:
                    return count
                await readable(self._socket)
        except OSError:
            self._lost = True
            raise
        except asyncio.CancelledError:
            if not self._expired:
                raise
            self._expired = False
            raise HttpError(408, "the request took too long")
        raise OSError(errno.ECONNRESET)

    async def send(self, view):
        """Send all of view (never empty). Raises OSError when the client is gone or does not read in time."""
        if self._socket is None or self._lost:
            raise OSError(errno.ECONNRESET)
        phase = self.phase
        self._enter(SENDING)
        try:
            sent = self._socket.write(view) or 0
            while sent < len(view):
                await writable(self._socket)
                sent += self._socket.write(view[sent:]) or 0
        except OSError:
            self._lost = True
            raise
        except asyncio.CancelledError:
            if not self._expired:
                raise
            self._lost = True
            raise OSError(errno.ETIMEDOUT)
        finally:
            self._enter(phase)
        await asyncio.sleep_ms(0)  # let others in between the pieces

    async def receive_body(self, request):
        """Read the body of the request to where there is room for it (see Request.body for the errors)."""
        size = request.content_length
        if size > self._server.body_bytes:
            raise HttpError(413, "the body is too large")
        if request.body_known():
            request.keep_body_here()
            return
        self._enter(BODY)
        if request.expects:
            await self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            if request.body_fits():
                while not request.body_known():
                    request.filled(await self._more(request.room()))
                request.keep_body_here()
            else:
                await self._receive_apart(request, size)
        finally:
            self._enter(WORKING)

    async def receive_part(self, request, view):
        """Read what comes next of a body into a view; return the count (see Request.body_into for the errors)."""
        self._enter(BODY)
        try:
            if request.expects:
                request.expects = False
                await self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            return await self._more(view)
        finally:
            self._enter(WORKING)

    async def _receive_apart(self, request, size):
        """Read a body that does not fit behind its head into a buffer of its own, one at a time."""
        bodies = self._server.bodies
        try:
            await bodies.take()
        except asyncio.CancelledError:
            if not self._expired:
                raise
            self._expired = False
            raise HttpError(503, "too many large requests at once", "Retry-After", "2")
        whole = False
        try:
            target = await self._memory(size)
            view = memoryview(target)
            at = request.move_body(target)
            while at < size:
                at += await self._more(view[at:size])
            request.keep_body_apart(target)  # given back behind the answer
            whole = True
        except MemoryError:
            raise HttpError(503, "no memory for so large a request now", "Retry-After", "2")
        finally:
            if not whole:
                bodies.give(True)

    async def _memory(self, size):
        """Return a bytearray; where there is none in one piece, other requests may end and leave one. Raises MemoryError."""
        for _ in range(_MEMORY_TRIES):
            try:
                return bytearray(size)
            except MemoryError:
                await asyncio.sleep_ms(_MEMORY_MS)
        return bytearray(size)

    async def _more(self, view):
        count = await self.receive(view)
        if not count:
            raise HttpError(400, "the body is cut short")
        return count

    async def _linger(self):
        """Throw away what the client still sends until it closes: closing with bytes unread would reset the
        connection, and the client might never see its answer."""
        self._enter(LINGERING)
        for reads in range(1, _LINGER_READS):
            count = self._socket.readinto(_SCRATCH)
            if count is None:
                await readable(self._socket)
            elif not count:
                return
            elif reads % _READS_PER_TURN == 0:
                await asyncio.sleep_ms(0)
