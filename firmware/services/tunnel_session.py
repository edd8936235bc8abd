"""One client of the transparent port, from accept to close.

What it sends is read only when what it sent before is out on the wire, so TCP holds it back. What the wire brings lies in a
buffer until the client has taken it; when that is full the UART's own holds some more, and then characters are lost: a serial
line cannot be told to wait. Two tasks: one for each direction; only the one from the wire writes to the socket.
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from lib.aio.ready import readable

# pyright: reportGeneralTypeIssues=false

_FROM_CLIENT = const(256)
_FROM_WIRE = const(256)
_TO_CLIENT = const(1024)
_REPLIES = const(64)  # room that is kept for what RFC 2217 answers
_UNREAD_MS = const(15000)  # for a client to take anything of what waits for it
_PARITIES = const("NOE")  # as RFC 2217 numbers them, from 1 on


class Session:
    """`server` is a Tunnel of services/tunnel.py; its `session` is None again when this one is over."""

    def __init__(self, server, sock, address, is_2217):
        self._server = server
        self._socket = sock
        self.address = address
        self.wire = None  # bus/tunnel.py, once the wire's owner has let go of it
        self._codec = None
        self._from_client = bytearray(_FROM_CLIENT)
        self._from_wire = bytearray(_FROM_WIRE)
        self._to_client = bytearray(_TO_CLIENT)
        self._view = memoryview(self._to_client)
        self._start = self._end = 0  # what waits in it
        self._is_suspended = False  # the client wants nothing for now
        self._moved = self._taken = ticks_ms()  # last character, last bytes that the client took
        self._began_s = server.gateway.clock.uptime_s()
        self._is_over = False
        self._why = "client left"
        self._recall = lambda: self.end("settings changed")
        if is_2217:
            self._rfc2217 = server.gateway.router.module("lib.rfc2217.access_server")
            self._codec = self._rfc2217.AccessServer()
        self._reader = None
        self._task = asyncio.create_task(self._run())

    @property
    def seconds(self):
        return self._server.gateway.clock.uptime_s() - self._began_s

    def end(self, why):
        """Let go of wire and client at once."""
        self._why = why
        self._close()
        self._task.cancel()

    def _close(self):
        if self._is_over:
            return
        self._is_over = True
        if self._reader:
            self._reader.cancel()
        self._server.gateway.field.give_back(self._recall)
        self._socket.close()
        self._server.session = None
        if self.wire:
            moved = f"{self.wire.sent} characters sent, {self.wire.received} received"
            self._server.tell(f"{self.address} left {self._server.port} after {self.seconds} s: {self._why}; {moved}")

    async def _run(self):
        server = self._server
        try:
            self.wire = await server.gateway.field.borrow(server.port, server.line, self._recall)
            if self.wire is None:
                server.tell(f"{self.address} turned away: {server.port} is not to be had")
                return
            server.tell(f"{self.address} uses {server.port}" + (" by RFC 2217" if self._codec else ""))
            self.wire.discard()
            self._reader = asyncio.create_task(self._take())
            await self._bring()
        except OSError as error:
            self._why = f"connection lost, {error}"
        except MemoryError:
            self._why = "no memory"
        except asyncio.CancelledError:
            pass  # end() was called
        finally:
            self._close()

    async def _bring(self):
        """From the wire to the client, and the deadlines."""
        wire, source = self.wire, memoryview(self._from_wire)
        idle_ms = 1000 * self._server.gateway.settings.get("tunnel_idle_s")
        while not self._reader.done() or self._start < self._end:
            most = (_TO_CLIENT - _REPLIES - self._end) // 2  # every character may take two
            count = wire.receive(source[: min(most, _FROM_WIRE)]) if most > 0 else 0
            now = ticks_ms()
            if count:
                self._moved = now
                self._add(source, count)
            if self._start == self._end or self._is_suspended:
                self._taken = now
            else:
                self._write(now)
                if ticks_diff(now, self._taken) > _UNREAD_MS:
                    self._why = "it does not read"
                    return
            if ticks_diff(now, self._moved) > idle_ms:
                self._why = "silent"
                return
            await asyncio.sleep_ms(1 if count == _FROM_WIRE else wire.look_ms)

    def _add(self, source, count):
        """Keep what came for the client."""
        if self._codec:
            self._end = self._rfc2217.encode(self._from_wire, 0, count, self._view, self._end)
        else:
            self._view[self._end : self._end + count] = source[:count]
            self._end += count

    def _write(self, now):
        """Give the client as much as it takes. Raises OSError."""
        count = self._socket.write(self._view[self._start : self._end]) or 0
        if count:
            self._taken = now
            self._start += count
            left = self._end - self._start
            if left and self._start:
                self._view[:left] = bytes(self._view[self._start : self._end])
            self._start, self._end = 0, left

    async def _take(self):
        """From the client to the wire, until it says no more. Errors end the session."""
        buffer = memoryview(self._from_client)
        try:
            while True:
                await readable(self._socket)
                count = self._socket.readinto(buffer)
                if count == 0:
                    return
                if count:
                    self._moved = ticks_ms()
                    if self._codec:
                        await self._decode(buffer, count)
                    else:
                        await self.wire.send(buffer[:count])
                    self._moved = ticks_ms()
                    await asyncio.sleep_ms(0)
        except OSError as error:
            self._why = f"connection lost, {error}"

    async def _decode(self, buffer, count):
        """Send the data among these bytes, and obey the commands between them in their turn."""
        codec, at = self._codec, 0
        while at < count:
            data, next_at = codec.decode(self._from_client, at, count)
            if data > at:
                await self.wire.send(buffer[at:data])
            at = next_at
            if codec.command is not None:
                codec.answer(self._obey(codec.command, codec.value))
            replies = codec.replies
            while _TO_CLIENT - self._end < len(replies):
                await asyncio.sleep_ms(self.wire.look_ms)  # until the client has taken what waits
            self._view[self._end : self._end + len(replies)] = replies
            self._end += len(replies)
            codec.taken()

    def _obey(self, command, value):
        """Do what the client wants of the port; return what to tell it: how it is now."""
        names, wire = self._rfc2217, self.wire
        baud, parity, stop, bits = wire.line
        if command == names.SET_BAUDRATE:
            wire.configure(value or baud, parity, stop, bits)
            return wire.line[0]
        if command == names.SET_DATASIZE:
            wire.configure(baud, parity, stop, value or bits)
            return wire.line[3]
        if command == names.SET_PARITY:
            if 0 < value <= len(_PARITIES):
                wire.configure(baud, _PARITIES[value - 1], stop, bits)
            return _PARITIES.find(wire.line[1]) + 1
        if command == names.SET_STOPSIZE:
            wire.configure(baud, parity, value or stop, bits)
            return wire.line[2]
        if command == names.PURGE_DATA:
            if value & 1:
                wire.discard()
        elif command == names.SET_CONTROL:
            return _control(value)
        else:
            self._is_suspended = command == names.SUSPEND
        return value


def _control(value):
    """What to tell of flow control, break and modem lines: there is none of them. DTR and RTS are as the client wants them."""
    if value <= 3:
        return 1  # no flow control
    if value <= 6:
        return 6  # no break
    if value in (7, 10):
        return value + 1  # on
    return 14 if value >= 13 else value
