"""The task that keeps the readings of one meter: reads it at its interval, notices when it is gone.

One task per meter, all naive: they ask the bus and wait. What a silent meter may cost the others is the bus's business. What
is needed now and then lies in modules that are in RAM only then: detection.py, interval.py, time_blocks.py.
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from firmware.state.readings import PRESENT, SILENT
from lib.modbus.errors import FrameError, PeerError
from lib.modbus.registers import DATA, word
from lib.modbus.request import read_input_registers

_CONFIGURATION_MS = const(3600000)  # how often the counters' configuration and the texts are read again
_FRESH_ROUNDS = const(3)  # a round is good for three intervals
_FRESH_MS = const(5000)  # ... and this
_REFUSED_MS = const(10000)  # what a meter refuses is asked again after so long
_MODEL = const(1)  # wire address of the identity


class Meter:
    """`ask(request, is_urgent)` is the bus with this meter's place in its queue; `interval_ms()` tells how often to read.

    `load(name)` returns a module of this room. `plans`: by group name (requests, rows, one register more: of measurements that
    of invalid phases, of counters that of the tariff); "blocks" is what time_blocks.py keeps.
    """

    def __init__(self, device, ask, clock, readings, events, interval_ms, load):
        self.device = device
        self.ask = ask
        self.clock = clock
        self.readings = readings
        self.events = events
        self._interval_ms = interval_ms
        self.load = load
        self.told = ""  # the model as the meter tells it
        self.family = None
        self.plans = {}
        self.configured = 0  # ticks when the configuration was read last
        self.most_registers = 0
        self.refused = {}  # group name: ticks when the meter refused to tell it
        device.interval = self.interval

    async def run(self):
        """Read for ever."""
        while True:
            began = ticks_ms()
            try:
                if self.device.status != PRESENT:
                    await self.load("firmware.meters.detection").detect(self)
                await self._round()
                pause_ms = max(0, self._interval_ms() - ticks_diff(ticks_ms(), began))
            except FrameError as error:
                self._lost(error)
                pause_ms = 0  # the bus delays the next question to a silent unit
            except PeerError:  # busy, or it refuses even its identity
                pause_ms = _REFUSED_MS
            except MemoryError:  # the next round makes up for this one
                pause_ms = self._interval_ms()
            self.readings.untried.discard(self.device)
            await asyncio.sleep_ms(pause_ms)

    async def _round(self):
        """Read everything that is due."""
        device = self.device
        if self.family is None:
            await self.ask(read_input_registers(device.address, _MODEL, 1))  # whether it is still there
            return
        for name in ("measurements", "counters"):
            if name in self.refused and ticks_diff(ticks_ms(), self.refused[name]) < _REFUSED_MS:
                continue
            try:
                await self._read(name)
                self.refused.pop(name, None)
            except PeerError as error:
                if name not in self.refused:
                    self.events.add("meter", f"{device.port} {device.address}: {name} refused, {error}")
                self.refused[name] = ticks_ms()
        if ticks_diff(ticks_ms(), self.configured) >= _CONFIGURATION_MS:
            await self.load("firmware.meters.detection").configure(self)
        device.status = PRESENT
        self.readings.changed()

    async def _read(self, name):
        requests, rows, also = self.plans[name]
        device = self.device
        group = device.groups[name]
        is_counters = name == "counters"
        invalid = 0
        try:
            for request in requests:
                first, count = request.address, request.count
                pdu = await self.ask(request)
                rows.decode(group, pdu, first, count, 0)
                if first <= also < first + count:
                    told = word(pdu, DATA + 2 * (also - first))
                    if is_counters:
                        device.tariff = told
                    else:
                        invalid = told & 7
                if invalid:
                    _mark_invalid(group, invalid)  # before anybody can look
        except (FrameError, PeerError, MemoryError):
            group.failed()
            if is_counters:
                device.tariff = 0
            raise
        group.read(self.clock.utc(), _FRESH_ROUNDS * self._interval_ms() + _FRESH_MS)

    async def interval(self, name):
        """Read the last interval's values now: see firmware/meters/interval.py."""
        return await self.load("firmware.meters.interval").read(self, name)

    async def blocks(self):
        """Read the tariff time blocks now: see firmware/meters/time_blocks.py."""
        blocks = self.load("firmware.meters.time_blocks")
        return await blocks.read(self.ask, self.device.address, self.most_registers, self.plans)

    def _lost(self, error):
        """The meter did not answer after all retries, or refuses what it must have."""
        device = self.device
        for group in device.groups.values():
            group.failed()
        if device.status == PRESENT:
            device.status = SILENT
            self.readings.changed()
            self.events.add("meter", f"{device.port} {device.address}: {device.model} #{device.serial} lost, {error}")


def _mark_invalid(group, phases):
    """What belongs to a phase that the meter calls invalid (bits 0 to 2) is not there; U12 belongs to two."""
    for index in range(len(group.rows)):
        for sign in group.rows[index][0]:
            if sign in "123" and phases >> (int(sign) - 1) & 1:
                group.put_none(index)
