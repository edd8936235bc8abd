"""Relay mode 2: the meter on the left infrared port commands the switch on the right one.

The meter then is a master on the left wire, now and then, with 8-byte frames to unit 33 (read 30197, write 40015). Each is
forwarded to the right wire, its answer goes back. Source: device sheet, 5.2 (early gateway firmware).
"""

import asyncio

from micropython import const

from firmware.bus.queue import COMMAND
from lib.modbus.crc import append_crc
from lib.modbus.errors import FrameError, PeerError
from lib.modbus.request import raw
from lib.modbus.server import RequestReader

_UNIT = const(33)
_WRITE_ANSWER = const(0x2A)
_LOOK_MS = const(5)  # 8 characters at 19200 take 4 ms, silence included 6
_ANSWER_MS = const(800)  # the meter does not wait longer


class RelayBridge:
    """Listens on the left wire while its master has nothing to ask: set it as that master's `listener`."""

    def __init__(self, ask_right):
        self._ask_right = ask_right
        self._reader = RequestReader(_UNIT)
        self.forwarded = 0

    async def listen(self, uart, arrived):
        """Return when `arrived` is set, or after a frame."""
        reader = self._reader
        reader.restart()
        while not arrived.is_set():
            try:
                count = uart.receive(reader.room())
            except OSError:  # the line is gone; whoever asks on it will say so
                await asyncio.sleep_ms(_ANSWER_MS)
                return
            reader.filled(count)
            pdu = reader.pdu() if count else reader.silence() if reader.received else None
            if pdu is not None:
                try:
                    await asyncio.wait_for_ms(self._forward(uart, pdu), _ANSWER_MS)
                except asyncio.TimeoutError:  # noqa: UP041 - no builtin here
                    pass
                return
            await asyncio.sleep_ms(_LOOK_MS)

    async def _forward(self, uart, pdu):
        if self._reader.broadcast or len(pdu) != 5 or pdu[0] not in b"\x04\x06":
            return
        request = raw(_UNIT, bytes(pdu))
        if pdu[0] == 6:
            request.also = _WRITE_ANSWER
        try:
            answer = await self._ask_right(request, COMMAND, self, _ANSWER_MS)
        except (FrameError, PeerError):
            return  # silence tells the meter that the switch does not answer
        adu = bytearray(len(answer) + 3)
        adu[0] = _UNIT
        adu[1:-2] = answer
        append_crc(adu, len(answer) + 1)
        await uart.send(adu)
        uart.discard()  # a head that hears itself: the answer to a write may look like the command
        self.forwarded += 1
