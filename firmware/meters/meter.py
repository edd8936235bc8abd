"""The task that keeps the readings of one meter: finds out what it is, reads it at its interval, notices when it is gone.

One task per meter, all naive: they ask the bus and wait. What a silent meter may cost the others is the bus's business.
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from firmware.meters import catalogue, layout
from firmware.meters.family import MOST_REGISTERS
from firmware.meters.rows import spans
from firmware.state.readings import PRESENT, SILENT, Group
from lib.modbus.errors import FrameError, PeerError
from lib.modbus.registers import DATA, text, word
from lib.modbus.request import read_holding_registers, read_input_registers

_CONFIGURATION_MS = const(3600000)  # how often the counters' configuration and the texts are read again
_FRESH_ROUNDS = const(3)  # a round is good for three intervals
_FRESH_MS = const(5000)  # ... and this
_REFUSED_MS = const(10000)  # what a meter refuses is asked again after so long
_MODEL = const(1)  # wire address of the identity: 14 registers
_MOST = const(99)  # wire address: registers per request
_DIRECTION = const(151)  # wire address, holding: bit 1 exchanges import and export
_TEXTS = const(101)  # wire address of description and location: 40 holding registers
_BLOCKS = const(6761)  # wire address: how many tariff time blocks there are
_BLOCK_COUNT = const(5)


class Meter:
    """`ask(request, is_urgent)` is the bus with this meter's place in its queue; `interval_ms()` tells how often to read."""

    def __init__(self, device, ask, clock, readings, events, interval_ms):
        self.device = device
        self._ask = ask
        self._clock = clock
        self._readings = readings
        self._events = events
        self._interval_ms = interval_ms
        self._told = ""  # the model as the meter tells it
        self._family = None
        self._plans = {}  # group name: (requests, rows); "blocks": what firmware/meters/time_blocks.py keeps
        self._configured = 0  # ticks when it was read last
        self._most_registers = MOST_REGISTERS
        self._refused = {}  # group name: ticks when the meter refused to tell it
        device.interval = self.interval

    async def run(self):
        """Read for ever."""
        while True:
            began = ticks_ms()
            try:
                if self.device.status != PRESENT:
                    await self._detect()
                await self._round()
                pause_ms = max(0, self._interval_ms() - ticks_diff(ticks_ms(), began))
            except FrameError as error:
                self._lost(error)
                pause_ms = 0  # the bus delays the next question to a silent unit
            except PeerError:  # busy, or it refuses even its identity
                pause_ms = _REFUSED_MS
            self._readings.untried.discard(self.device)
            await asyncio.sleep_ms(pause_ms)

    async def _detect(self):
        """Read the identity; build the plan for a model that was not there before."""
        device = self.device
        pdu = await self._ask(read_input_registers(device.address, _MODEL, 14))
        told = text(pdu, DATA, 8).split(" ")[0]
        serial = text(pdu, DATA + 16, 4).split(" ")[0]
        known = device.status == SILENT and (told, serial) == (self._told, device.serial)
        if not known:
            device.clear()
            self._told = told
            self._family = catalogue.find(told)
            device.model = told if self._family else "Unknown " + told
            device.serial = serial
            device.software = word(pdu, DATA + 24)
            device.hardware = text(pdu, DATA + 26, 1)
            self._plan(await self._most())
        await self._read_configuration()
        device.status = PRESENT
        self._readings.changed()
        where = f"{device.port} {device.address}: "
        self._events.add("meter", where + device.model + " #" + serial + (" answers again" if known else " found"))

    async def _most(self):
        """Return the registers per request that the meter says it takes, or what the family is known to take."""
        try:
            told = word(await self._ask(read_input_registers(self.device.address, _MOST, 1)), DATA)
        except PeerError:
            return MOST_REGISTERS
        return told if 10 <= told <= 125 else MOST_REGISTERS

    def _plan(self, most):
        """Prepare the requests of every group, and the groups."""
        device, family = self.device, self._family
        self._plans = {}
        self._refused = {}
        if family is None:
            return
        device.phases = family.phases
        values, counters = family.values, family.counters
        self._add("measurements", values, values.ranges() + [(layout.INVALID, 1)], most)
        few = family.most_counters or most
        self._add("counters", counters, counters.ranges() + [(layout.TARIFF, 1)], few)
        count = len(counters.rows)
        device.non_resettable = counters.non_resettable
        device.resettable = count - counters.non_resettable
        device.phases_of = bytearray(count)
        device.quadrants = bytearray(count)
        device.tariffs = bytearray(count)
        self._most_registers = most

    def _add(self, name, rows, ranges, most):
        self._plans[name] = (self._requests(ranges, most, 0), rows)
        self.device.groups[name] = Group(rows.rows)

    def _requests(self, ranges, most, shift):
        return [read_input_registers(self.device.address, first + shift, count) for first, count in spans(ranges, most)]

    async def _read_configuration(self):
        """Counters' units and rules, description and location. A meter may refuse: they stay empty."""
        device = self.device
        if self._family is None:
            return
        rows = self._family.counters
        group = device.groups["counters"]
        columns = [bytearray(len(rows.rows)) for _ in range(4)]
        is_whole = False
        try:
            most = self._family.most_counters or self._most_registers
            for first, count in spans(rows.configuration_ranges(), most):
                pdu = await self._ask(read_holding_registers(device.address, first, count))
                rows.configure(columns, pdu, first, count)
            is_whole = True
        except PeerError as error:
            self._events.add("meter", f"{device.port} {device.address}: no counter configuration, {error}")
        if is_whole or not any(group.unit):  # a part of it is better than none, but not than all of an hour ago
            group.unit, device.phases_of, device.quadrants, device.tariffs = columns
        try:
            device.is_swapped = bool(word(await self._ask(read_holding_registers(device.address, _DIRECTION, 1)), DATA) & 2)
        except PeerError:
            pass
        try:
            if self._family.most_texts or self._most_registers < 40:
                device.description = await self._text(_TEXTS)
                device.location = await self._text(_TEXTS + 20)
            else:
                pdu = await self._ask(read_holding_registers(device.address, _TEXTS, 40))
                device.description = text(pdu, DATA, 20)
                device.location = text(pdu, DATA + 40, 20)
        except PeerError:
            pass
        if self._family.may_have_blocks:
            try:
                count = word(await self._ask(read_input_registers(device.address, _BLOCKS, 1)), DATA)
                if (count == _BLOCK_COUNT) != (device.blocks is not None):
                    device.blocks = self.blocks if count == _BLOCK_COUNT else None
            except PeerError:
                pass
        self._configured = ticks_ms()

    async def _text(self, address):
        return text(await self._ask(read_holding_registers(self.device.address, address, 20)), DATA, 20)

    async def _round(self):
        """Read everything that is due."""
        device = self.device
        if self._family is None:
            await self._ask(read_input_registers(device.address, _MODEL, 1))  # whether it is still there
            return
        for name in ("measurements", "counters"):
            if name in self._refused and ticks_diff(ticks_ms(), self._refused[name]) < _REFUSED_MS:
                continue
            try:
                await self._read(name)
                self._refused.pop(name, None)
            except PeerError as error:
                if name not in self._refused:
                    self._events.add("meter", f"{device.port} {device.address}: {name} refused, {error}")
                self._refused[name] = ticks_ms()
        if ticks_diff(ticks_ms(), self._configured) >= _CONFIGURATION_MS:
            await self._read_configuration()
        device.status = PRESENT
        self._readings.changed()

    async def _read(self, name):
        requests, rows = self._plans[name]
        device = self.device
        group = device.groups[name]
        invalid = 0
        try:
            for request in requests:
                first, count = request.address, request.count
                pdu = await self._ask(request)
                rows.decode(group, pdu, first, count, 0)
                if name == "measurements":
                    if first <= layout.INVALID < first + count:
                        invalid = word(pdu, DATA + 2 * (layout.INVALID - first)) & 7
                    if invalid:
                        _mark_invalid(group, invalid)  # before anybody can look
                elif first <= layout.TARIFF < first + count:
                    device.tariff = word(pdu, DATA + 2 * (layout.TARIFF - first))
        except (FrameError, PeerError):
            group.failed()
            if name == "counters":
                device.tariff = 0
            raise
        group.read(self._clock.utc(), _FRESH_ROUNDS * self._interval_ms() + _FRESH_MS)

    async def interval(self, name):
        """Read the average, maximum or minimum of the meter's last interval now; return a Group, None if there is none yet.

        Raises FrameError, and PeerError from a meter that has no interval values. Read on demand: they serve pushes and
        reports, at whose times they matter, and would cost each meter 2 KB of RAM if they were kept.
        """
        family = self._family
        if family is None or not family.has_intervals:
            return None
        count = await self._ask(read_input_registers(self.device.address, layout.INTERVAL_COUNT, 1))
        if not word(count, DATA):
            return None
        values = family.values
        group = Group(values.rows)
        shift = layout.INTERVALS[name]
        for request in self._requests(values.ranges(), self._most_registers, shift):
            values.decode(group, await self._ask(request), request.address, request.count, shift)
        group.read(self._clock.utc(), _FRESH_MS)
        return group

    async def blocks(self):
        """Read the tariff time blocks now: see firmware/meters/time_blocks.py."""
        from firmware.meters import time_blocks  # RAM that few need

        return await time_blocks.read(self._ask, self.device.address, self._most_registers, self._plans)

    def _lost(self, error):
        """The meter did not answer after all retries, or refuses what it must have."""
        device = self.device
        for group in device.groups.values():
            group.failed()
        if device.status == PRESENT:
            device.status = SILENT
            self._readings.changed()
            self._events.add("meter", f"{device.port} {device.address}: {device.model} #{device.serial} lost, {error}")


def _mark_invalid(group, phases):
    """What belongs to a phase that the meter calls invalid (bits 0 to 2) is not there."""
    for index in range(len(group.rows)):
        last = group.rows[index][0][-1]
        if last in "123" and phases >> (int(last) - 1) & 1:
            group.put_none(index)
