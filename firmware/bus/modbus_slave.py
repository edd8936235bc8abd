"""The slave of a Modbus RTU wire whose master is somebody else: the gateway's own registers for a control system.

Rules of the wire: Modbus over Serial Line V1.02, 2.4 (a slave keeps silent about what it does not understand, and after a
broadcast) and 2.5.1.1 (3.5 characters of silence, 1.75 ms above 19200 baud, before an answer too).
"""

import asyncio
from time import ticks_diff, ticks_us

from micropython import const

from lib.modbus.errors import DEVICE_BUSY
from lib.modbus.limits import MAX_ADU
from lib.modbus.server import RequestReader, close_adu, encode_exception

_LOOK_MS = const(4)  # while nothing comes: an answer is to be out within 20 ms
_BUSY_MS = const(1)
_LOST_MS = const(1000)  # before the port is tried again, or looked for once it was given away


class ModbusSlave:
    """Answers requests to `unit` on `uart`. `answer(pdu, out)` writes the reply's PDU and returns its length.

    `told(text)` hears when the port fails. Counters: `frames` answered, `damaged` (see RequestReader).
    """

    def __init__(self, uart, unit, answer, told, beat):
        self._uart = uart
        self._reader = RequestReader(unit)
        self._answer = answer
        self._told = told
        self._beat = beat
        self._out = memoryview(bytearray(MAX_ADU))
        self.frames = 0
        self._is_paused = False
        self._given = asyncio.Event()  # the wire is not touched any more, for it is paused

    @property
    def damaged(self):
        return self._reader.damaged

    async def pause(self):
        """Give the wire away: firmware/bus/tunnel.py. Whoever is master there gets no answer."""
        self._is_paused = True
        await self._given.wait()

    def resume(self):
        self._is_paused = False
        self._given.clear()

    async def run(self):
        """Serve for ever."""
        is_told = False
        while True:
            try:
                if self._is_paused:
                    self._given.set()
                else:
                    await self._serve()
            except OSError as error:
                if not is_told:
                    self._told(f"rs485: port error {error.errno}")
                    is_told = True
            self._beat.beat()
            self._reader.restart()
            if not self._is_paused or self._given.is_set():
                await asyncio.sleep_ms(_LOST_MS)

    async def _serve(self):
        uart, reader = self._uart, self._reader
        gap_us = 1750 if uart.char_us < 573 else uart.char_us * 7 // 2
        heard_us = ticks_us()
        pdu = None
        while not self._is_paused:
            self._beat.beat()
            if pdu is None:
                count = uart.receive(reader.room())
                if count:
                    reader.filled(count)
                    heard_us = ticks_us()
                    pdu = reader.pdu()
            if reader.received and not 0 <= ticks_diff(ticks_us(), heard_us) <= gap_us:
                # Silence tells that the master has let go of the wire, and where a frame ends that does not tell it itself.
                pdu = pdu or reader.silence()
                if pdu is None or uart.discard():  # more came behind it: no frame ends like that
                    reader.restart()
                    pdu = None
                else:
                    pdu = await self._reply(pdu)
                    heard_us = ticks_us()
            await asyncio.sleep_ms(_BUSY_MS if reader.received else _LOOK_MS)

    async def _reply(self, pdu):
        """Answer a request, and expect the next one; return it if it is there already."""
        uart, reader, out = self._uart, self._reader, self._out
        try:
            length = self._answer(pdu, out[1:])
        except MemoryError:
            length = encode_exception(out[1:], pdu[0], DEVICE_BUSY)
        length = close_adu(out, reader.unit, length)
        is_broadcast = reader.broadcast
        reader.restart()
        if is_broadcast:
            return None
        await uart.send(out[:length])
        self.frames += 1
        await asyncio.sleep_ms(max(1, uart.char_us // 1000))
        room = reader.room()
        count = uart.receive(room)
        if count and not (count == length and room[:count] == out[:count]):  # else the port hears itself
            reader.filled(count)
            return reader.pdu()
        return None
