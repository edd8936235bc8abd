"""Bicom, the bistable (latching) switch: on RS-485 at its own address, or behind the right infrared port at 33.

On RS-485: state in input register 30101, switched by holding register 40141; identity as a meter's.
On infrared: the registers that a meter has for its external relay, 30197 and 40015; the answer to a write carries function
0x2A instead of 6; no identity. Source: public document of the meters (registers 30197, 40015) and early gateway firmware.
"""

import asyncio

from micropython import const

from firmware.state.readings import NOT_DETECTED, PRESENT, SILENT
from lib.modbus.errors import FrameError, PeerError
from lib.modbus.registers import DATA, text, word
from lib.modbus.request import read_input_registers, write_register

INFRARED_UNIT = const(33)
STATES = {"off": 0, "on": 1}
NO_ANSWER = const(250)

_SETTLE_MS = const(200)  # the relay is mechanical
_WRITE_ANSWER = const(0x2A)
# wire addresses: of the state (input), of the switch (holding)
_INFRARED = const((197, 15))
_RS485 = const((101, 141))


class Bicom:
    """The task of one switch, and what others call to switch it.

    `ask(request)` polls through the bus; `command(request)` goes first in its queue.
    """

    def __init__(self, device, ask, command, readings, events, interval_ms):
        self.device = device
        self._ask = ask
        self._command = command
        self._readings = readings
        self._events = events
        self._interval_ms = interval_ms
        self._is_infrared = device.slot == "rir"
        state, self._register = _INFRARED if self._is_infrared else _RS485
        self._state = read_input_registers(device.address, state, 1)
        device.switch = self.switch

    async def run(self):
        """Keep the state known."""
        device = self.device
        while True:
            try:
                if device.status != PRESENT:
                    await self._detect()
                self._found(word(await self._ask(self._state), DATA) & 0xFF)
            except (FrameError, PeerError) as error:
                self._lost(error)
            self._readings.untried.discard(device)
            await asyncio.sleep_ms(max(200, self._interval_ms()))

    async def switch(self, wanted):
        """Switch "on", "off" or "toggle"; return the state read back, 0 or 1.

        Raises FrameError when the switch does not answer, PeerError when it refuses or did not follow (code 4).
        """
        if wanted == "toggle":
            target = 1 - (word(await self._command(self._fresh()), DATA) & 1)
        else:
            target = STATES[wanted]
        request = write_register(self.device.address, self._register, target)
        if self._is_infrared:
            request.also = _WRITE_ANSWER
        await self._command(request)
        await asyncio.sleep_ms(_SETTLE_MS)
        state = word(await self._command(self._fresh()), DATA) & 0xFF
        self._found(state)
        if state != target:
            raise PeerError(4)
        return state

    def _fresh(self):
        """A request of its own: the poll's may be under way."""
        return read_input_registers(self.device.address, self._state.address, 1)

    async def _detect(self):
        device = self.device
        if self._is_infrared:
            device.model = "IR Bicom"
            return
        try:
            pdu = await self._ask(read_input_registers(device.address, 1, 14))
            device.model = text(pdu, DATA, 8).split(" ")[0]
            device.serial = text(pdu, DATA + 16, 4).split(" ")[0]
            device.software = word(pdu, DATA + 24)
        except PeerError:
            device.model = "Bicom"

    def _found(self, state):
        device = self.device
        if device.status != PRESENT:
            self._events.add("meter", f"{device.port} {device.address}: {device.model} #{device.serial} found")
        elif state != device.relay:
            self._events.add("relay", f"{device.port} {device.address}: " + ("on" if state else "off"))
        if device.status != PRESENT or state != device.relay:
            device.status = PRESENT
            device.relay = state
            self._readings.changed()

    def _lost(self, error):
        device = self.device
        if device.status == PRESENT:
            self._events.add("meter", f"{device.port} {device.address}: {device.model} lost, {error}")
        status = SILENT if device.status in (PRESENT, SILENT) else NOT_DETECTED
        if (status, NO_ANSWER) != (device.status, device.relay):
            device.status = status
            device.relay = NO_ANSWER
            self._readings.changed()
