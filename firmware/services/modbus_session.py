"""One client of Modbus TCP, from accept to close: its requests go to the wires or to the gateway's own registers.

A client may send several requests before it has an answer (each is a task of its own), in frames with MBAP header or as on a
serial line, where one is served after the other because answers bear no number. Who has too many requests open is not read
from until one is answered. Requests of a client that is gone are taken out of the queue.
What is answered when nothing good came: device sheet, 9.1; Modbus Application Protocol V1.1b3, 7.
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from firmware.state.modbus_units import METER, OWN, Units
from lib.aio.listener import peer
from lib.aio.ready import readable, writable
from lib.modbus import tcp
from lib.modbus.errors import (
    DEVICE_BUSY,
    DEVICE_FAILURE,
    GATEWAY_PATH,
    GATEWAY_TARGET,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    FrameError,
    LocalError,
    PeerError,
)
from lib.modbus.limits import is_harmless
from lib.modbus.request import raw
from lib.modbus.write_rules import allows

# pyright: reportGeneralTypeIssues=false

_MOST_CLIENTS = const(10)
_LEFT_ALONE_MS = const(1000)  # a connection that was used so lately is not closed for another
_OPEN = const(4)  # requests of one client
_OPEN_IN_ALL = const(4)  # each takes some 1.2 KB; beyond that everybody may have one
_HALF_MS = const(5000)  # for the rest of a frame
_UNREAD_MS = const(5000)  # for a client to read its answers
_TOLD_S = const(60)  # from one event about a refusal to the next
_HANDSHAKE_MS = const(5000)


def begin(server, sock, address):
    """Serve a client: a Session in `server.sessions` from now on; or turn it away.

    More connections than the heap has room for make way: the one that has been silent longest and waits for nothing is closed;
    if there is none, the newcomer is.
    """
    if len(server.sessions) < _MOST_CLIENTS or evict(server):
        for _ in range(2):
            try:
                if server.shared is None:
                    server.shared = _Shared(server.gateway)
                server.sessions.append(Session(server, sock, address))
                return
            except (MemoryError, OSError):  # OSError: of the TLS layer, which tells so when it has no memory
                if not evict(server):
                    break
    server.refused += 1
    sock.close()


def evict(server):
    """Close the connection that is missed least; return whether there is one."""
    now = ticks_ms()
    best, longest = None, _LEFT_ALONE_MS
    for session in server.sessions:
        silent_ms = ticks_diff(now, session.since)
        if not session.open and silent_ms > longest:
            best, longest = session, silent_ms
    if best is None:
        return False
    best.end()
    return True


class _Shared:
    """What the sessions of a server have in common."""

    def __init__(self, gateway):
        self._settings = gateway.settings
        self._units = Units(gateway.settings)
        self.buffer = bytearray(tcp.MOST_BYTES + 2)  # used between two awaits only
        self.view = memoryview(self.buffer)
        self.freed = asyncio.Event()

    def units(self):
        """Return the Units of the settings as they are now."""
        if self._units.revision != self._settings.revision:
            self._units = Units(self._settings)
        return self._units


class Session:
    """`open`: its requests without an answer. `since`: ticks of its last request or answer."""

    def __init__(self, server, sock, address):
        self._server = server
        self._gateway = server.gateway
        self._shared = server.shared
        server.count += 1
        self._number = 2 * server.count + bool(server.wrap)  # in the wires' queues; a number takes no memory there
        self._raw = sock
        self._socket = server.wrap(sock) if server.wrap else sock
        self._address = address
        self._rest = b""  # received and not yet taken for requests
        self._kind = 0  # of the frames so far: see lib/modbus/tcp.py
        self._unsent = b""  # answers behind one that the client has not read
        self._is_stuck = False
        self._is_closed = False
        self._tasks = []
        self.open = []
        self.since = ticks_ms()
        self._task = asyncio.create_task(self._run())

    def end(self):
        """Close the connection; what it asked for is forgotten."""
        self._task.cancel()
        self._close()

    def tick(self):
        """End a connection that was silent, stopped in the middle of a request, or left answers unread for too long."""
        silent_ms = ticks_diff(ticks_ms(), self.since)
        if self._is_stuck:
            limit_ms = _UNREAD_MS
        elif self.open:
            return
        elif self._rest:
            limit_ms = _HALF_MS
        elif self._server.wrap and not self._kind:
            limit_ms = _HANDSHAKE_MS
        else:
            limit_ms = self._shared.units().idle_ms
        if silent_ms > limit_ms:
            self.end()

    async def _run(self):
        try:
            while True:
                await readable(self._socket)
                if not self._receive():
                    break
                if not await self._take():
                    while self.open:  # what it asked before that is answered
                        self._shared.freed.clear()
                        await self._shared.freed.wait()
                    break
        except OSError:
            pass  # the client is gone
        except ValueError:  # of the TLS layer
            self._tell_once(f"TLS: the certificate of {peer(self._address)} is not accepted")
        except asyncio.CancelledError:
            pass  # end() was called
        except MemoryError:
            pass  # better one client less
        finally:
            self._close()

    def _close(self):
        """Close at once and once only: the next connection may get the same descriptor."""
        if self._is_closed:
            return
        self._is_closed = True
        me = asyncio.current_task()
        for task in self._tasks:
            if task is not me:
                task.cancel()
        self._socket.close()
        if self._raw is not self._socket:
            self._raw.close()  # closing a TLS socket after a failed handshake does not
        server = self._server
        if self in server.sessions:
            server.sessions.remove(self)
        self._shared.freed.set()
        if not server.sessions:
            server.shared = None

    def _receive(self):
        """Add what came to the rest; False at the end of the stream."""
        count = self._socket.readinto(self._shared.view)
        if count == 0:
            return False
        if count:
            if not self._rest:
                self.since = ticks_ms()
            self._rest += self._shared.view[:count]
        return True

    async def _take(self):
        """Start whatever whole requests the rest begins with; False if it cannot be understood."""
        while self._rest:
            found = tcp.frame_at(self._rest, self._kind)
            if found == 0:
                break
            if found < 0:
                self._rest = b""
                return found == -2  # a damaged frame of a serial line is passed over in silence
            kind, size = found >> 16, found & 0xFFFF
            while (
                len(self.open) >= (_OPEN if kind == tcp.MBAP else 1)
                or (self.open and sum([len(session.open) for session in self._server.sessions]) >= _OPEN_IN_ALL)
                or (self.open and kind != self._kind)
                or self._is_stuck
            ):
                self._shared.freed.clear()
                await self._shared.freed.wait()
            frame, self._rest, self._kind = self._rest[:size], self._rest[size:], kind
            self.since = ticks_ms()
            if frame not in self.open:  # else its client has asked once more, and gets one answer
                self._start(frame, kind)
        return True

    def _start(self, frame, kind):
        """Serve a request in a task of its own."""
        self.open.append(frame)
        self._tasks.append(asyncio.create_task(self._serve(frame, kind)))

    async def _serve(self, frame, kind):
        shared = self._shared
        try:
            unit, pdu = tcp.parts(frame, kind)
            where, what = shared.units().find(unit)
            if where == OWN or where == METER:
                device = None if where == OWN else self._gateway.readings.device(what)
                length = self._own(where, device, pdu, shared.view[tcp.HEAD :])
                await self._send(frame, kind, unit, length)
            else:
                reply = await self._ask(where, what, unit, pdu)
                if reply is not None:
                    shared.view[tcp.HEAD : tcp.HEAD + len(reply)] = reply
                    await self._send(frame, kind, unit, len(reply))
            self._server.served += 1
        except (OSError, ValueError, MemoryError):
            self.end()  # the client is gone, or there is no memory for it
        finally:
            self.open.remove(frame)
            self._tasks.remove(asyncio.current_task())
            shared.freed.set()
            self.since = ticks_ms()

    def _own(self, where, device, pdu, out):
        """Write the gateway's own answer; return its length."""
        if where == METER and device is None:
            return _refuse(out, pdu, GATEWAY_PATH)
        try:
            return self._gateway.registers(device, pdu, out)
        except Exception as error:  # a bug there is no reason for silence here
            self._gateway.crashed("modbus", error)
            return _refuse(out, pdu, DEVICE_FAILURE)

    async def _ask(self, port, address, unit, pdu):
        """Return the PDU to answer with; None if no answer is expected (all units were spoken to)."""
        function = pdu[0]
        units = self._shared.units()
        try:
            if port is None:
                raise PeerError(GATEWAY_PATH)
            if not is_harmless(function) and not allows(units.writes, unit, function):
                self._tell_refused(unit, function)
                raise PeerError(ILLEGAL_FUNCTION)
            request = raw(address, pdu)
            return await self._gateway.field.ask(port, request, self._number, units.wait_ms, units.max_age_ms)
        except PeerError as error:
            code = error.code
        except FrameError:
            code = GATEWAY_TARGET
        except LocalError:
            code = ILLEGAL_VALUE if function & 0x7F else ILLEGAL_FUNCTION
        except MemoryError:
            code = DEVICE_BUSY
        return bytes((function | 0x80, code))

    def _tell_refused(self, unit, function):
        self._tell_once(f"write refused: function {function} to unit {unit} from {peer(self._address)}; see modbus_writes")

    def _tell_once(self, text):
        """Leave an event, unless there was one lately: who is refused again and again must not wash away the others."""
        now_s = self._gateway.clock.uptime_s()
        if now_s - self._server.told_s >= _TOLD_S:
            self._server.told_s = now_s
            self._gateway.events.add("modbus", text)

    async def _send(self, frame, kind, unit, length):
        """Send the answer whose PDU lies in the shared buffer. Raises OSError."""
        start, end = tcp.encode(self._shared.buffer, frame, kind, unit, length)
        answer = self._shared.view[start:end]
        if self._is_stuck:  # whoever waits below sends this too
            self._unsent += answer
            return
        left = answer
        while True:
            count = self._socket.write(left) or 0
            if count:
                self.since = ticks_ms()
            left = bytes(left[count:])  # the buffer is everybody's; TLS wants the same bytes again
            if not left:
                left, self._unsent = self._unsent, b""
                if not left:
                    break
            self._is_stuck = True
            await writable(self._socket)
        self._is_stuck = False


def _refuse(out, pdu, code):
    """Write an exception; return its length."""
    out[0] = pdu[0] | 0x80
    out[1] = code
    return 2
