"""Finds out what a meter is and how it counts: at its first answer, after it was gone, and once an hour.

In RAM only while it is used: functions that are handed the Meter of firmware/meters/meter.py.
"""

from time import ticks_ms

from micropython import const

from firmware.meters import catalogue, layout
from firmware.meters.rows import spans
from firmware.state.readings import PRESENT, SILENT, Group
from lib.modbus.errors import PeerError
from lib.modbus.registers import DATA, text, word
from lib.modbus.request import read_holding_registers, read_input_registers

_MOST_REGISTERS = const(120)  # per request, when the meter does not tell (30099)
_MODEL = const(1)  # wire address of the identity: 14 registers
_MOST = const(99)  # wire address: registers per request
_DIRECTION = const(151)  # wire address, holding: bit 1 exchanges import and export
_TEXTS = const(101)  # wire address of description and location: 40 holding registers
_BLOCKS = const(6761)  # wire address: how many tariff time blocks there are
_BLOCK_COUNT = const(5)


async def detect(meter):
    """Read the identity; build the plan for a model that was not there before."""
    device = meter.device
    pdu = await meter.ask(read_input_registers(device.address, _MODEL, 14))
    told = text(pdu, DATA, 8).split(" ")[0]
    serial = text(pdu, DATA + 16, 4).split(" ")[0]
    known = device.status == SILENT and (told, serial) == (meter.told, device.serial)
    if not known:
        device.clear()
        meter.told = told
        meter.family = catalogue.find(told, meter.load)
        device.model = told if meter.family else "Unknown " + told
        device.serial = serial
        device.software = word(pdu, DATA + 24)
        device.hardware = text(pdu, DATA + 26, 1)
        _plan(meter, await _most(meter))
    await configure(meter)
    device.status = PRESENT
    meter.readings.changed()
    where = f"{device.port} {device.address}: "
    meter.events.add("meter", where + device.model + " #" + serial + (" answers again" if known else " found"))


async def _most(meter):
    """Return the registers per request that the meter says it takes, or what the families are known to take."""
    try:
        told = word(await meter.ask(read_input_registers(meter.device.address, _MOST, 1)), DATA)
    except PeerError:
        return _MOST_REGISTERS
    return told if 10 <= told <= 125 else _MOST_REGISTERS


def _plan(meter, most):
    """Prepare the requests of every group, and the groups."""
    device, family = meter.device, meter.family
    meter.plans = {}
    meter.refused = {}
    if family is None:
        return
    device.phases = family.phases
    values, counters = family.values, family.counters
    _add(meter, "measurements", values, layout.INVALID, most)
    _add(meter, "counters", counters, layout.TARIFF, family.most_counters or most)
    count = len(counters.rows)
    device.non_resettable = counters.non_resettable
    device.resettable = count - counters.non_resettable
    device.phases_of = bytearray(count)
    device.quadrants = bytearray(count)
    device.tariffs = bytearray(count)
    meter.most_registers = most


def _add(meter, name, rows, also, most):
    """A group of these rows; `also`: one more register, see Meter."""
    ranges = rows.ranges() + [(also, 1)]
    requests = [read_input_registers(meter.device.address, first, count) for first, count in spans(ranges, most)]
    meter.plans[name] = (requests, rows, also)
    meter.device.groups[name] = Group(rows.rows)


async def configure(meter):
    """Read the counters' units and rules, description and location. A meter may refuse: they stay empty."""
    device, family = meter.device, meter.family
    if family is None:
        return
    rows = family.counters
    group = device.groups["counters"]
    columns = [bytearray(len(rows.rows)) for _ in range(4)]
    is_whole = False
    try:
        for first, count in spans(rows.configuration_ranges(), family.most_counters or meter.most_registers):
            pdu = await meter.ask(read_holding_registers(device.address, first, count))
            rows.configure(columns, pdu, first, count)
        is_whole = True
    except PeerError as error:
        meter.events.add("meter", f"{device.port} {device.address}: no counter configuration, {error}")
    if is_whole or not any(group.unit):  # a part of it is better than none, but not than all of an hour ago
        group.unit, device.phases_of, device.quadrants, device.tariffs = columns
    try:
        device.is_swapped = bool(word(await meter.ask(read_holding_registers(device.address, _DIRECTION, 1)), DATA) & 2)
    except PeerError:
        pass
    try:
        if family.most_texts or meter.most_registers < 40:
            device.description = await _text(meter, _TEXTS)
            device.location = await _text(meter, _TEXTS + 20)
        else:
            pdu = await meter.ask(read_holding_registers(device.address, _TEXTS, 40))
            device.description = text(pdu, DATA, 20)
            device.location = text(pdu, DATA + 40, 20)
    except PeerError:
        pass
    if family.may_have_blocks:
        try:
            count = word(await meter.ask(read_input_registers(device.address, _BLOCKS, 1)), DATA)
            if (count == _BLOCK_COUNT) != (device.blocks is not None):
                device.blocks = meter.blocks if count == _BLOCK_COUNT else None
        except PeerError:
            pass
    meter.configured = ticks_ms()


async def _text(meter, address):
    return text(await meter.ask(read_holding_registers(meter.device.address, address, 20)), DATA, 20)
