"""A meter's values as floats in one order for all families, and its energies as integers. Tables: registers_mirror_map.py.

What is not good now is NaN or the largest number of its type: never an old value, never zero.
"""

from struct import pack

from micropython import const

from firmware.services import registers_mirror_map as tables
from firmware.state.readings import ABSENT, GOOD, PRESENT, WATT_HOURS
from lib.modbus.errors import ILLEGAL_ADDRESS, PeerError
from lib.modbus.float32 import put_float32, put_nan
from lib.modbus.window import rows, text_bytes

_DIRECTIONS = const(("", "import", "export", "bidirectional"))
_NOT_32 = const(0xFFFFFFFF)
_NOT_64 = -1 << 63
_LONGEST_EXPONENT = const(20)  # no counter with a larger one fits 64 bits


def read(gateway, device, window):
    """Fill a window of the mirror; raise PeerError unless it lies in one block."""
    if not window.is_within(tables.BLOCKS):
        raise PeerError(ILLEGAL_ADDRESS)
    if window.first >= tables.COUNTERS_AT:
        _put_counters(device, window)
        return
    for address, registers, kind, name in rows(tables.HEADER_ROWS) if window.first < tables.FLOATS_AT else ():
        if window.overlaps(address, registers):
            value = _header(device, name)
            if kind == "text":
                window.put(address, text_bytes(value, 2 * registers))
            else:
                window.put(address, pack(">I" if registers == 2 else ">H", value))
    _put_floats(device.group("measurements"), window)


def _put_floats(group, window):
    """Put the float32 values. `group` None: nothing is good now."""
    value = bytearray(4)
    found = 0
    for number in range(max(0, (window.first - tables.FLOATS_AT) // 2), len(tables.FLOATS)):
        address = tables.FLOATS_AT + 2 * number
        if address >= window.first + window.count:
            break
        put_nan(value)
        index = tables.row_of(group.rows, tables.FLOATS[number], found) if group is not None else -1
        if index >= 0:
            found = index
            if group.has(index):
                put_float32(value, group.mantissa[index], group.exponent[index])
        window.put(address, value)


def _header(device, name):
    if name == "version":
        return tables.VERSION
    if name == "status":
        return device.status
    if name == "phases":
        return device.phases
    if name == "tariff":
        return device.tariff if device.group("counters") else 0
    if name == "model":
        return device.model
    if name == "serial":
        return device.serial
    group = device.groups.get("counters" if name.startswith("counters") else "measurements")
    quality = ABSENT if group is None else group.quality()
    if name.endswith("age"):
        return _NOT_32 if quality == ABSENT else group.age_ms() // 1000
    return quality - 1 if quality == GOOD and device.status != PRESENT else quality


def _put_counters(device, window):
    group = device.group("counters")
    known = device.groups.get("counters")  # its configuration holds while there are no values
    for first, registers, name in tables.ARRAYS:
        found = 0
        for number, counter in enumerate(tables.COUNTERS):
            address = first + number * registers
            if not window.overlaps(address, registers):
                continue
            index = tables.row_of(known.rows, counter, found) if known is not None else -1
            found = max(index, found)
            if name == "whole":
                window.put(address, pack(">I", _whole(group, index)))
            elif name == "thousandths":
                window.put(address, pack(">q", _thousandths(group, index)))
            elif index >= 0:
                window.put(address, pack(">H", _rule(device, known, index, name)))


def _rule(device, group, index, name):
    """Return what a counter counts."""
    if name == "unit":
        return max(0, group.unit[index] - WATT_HOURS + 1)
    if name == "direction":
        return _DIRECTIONS.index(device.direction(index))
    return device.phases_of[index] if name == "phase" else device.tariffs[index]


def _whole(group, index):
    value = _scaled(group, index, 0)
    return value if value is not None and group.mantissa[index] >= 0 and value < _NOT_32 else _NOT_32


def _thousandths(group, index):
    value = _scaled(group, index, 3)
    return value if value is not None and abs(value) < 1 << 63 else _NOT_64


def _scaled(group, index, places):
    """Return a counter in units of 10**-places as an int, cut towards zero; None if it is absent or beyond all bounds."""
    if group is None or index < 0 or not group.has(index):
        return None
    mantissa, exponent = group.mantissa[index], group.exponent[index] + places
    if exponent > _LONGEST_EXPONENT:
        return None if mantissa else 0
    if exponent >= 0:
        return mantissa * 10**exponent
    size = abs(mantissa) // 10**-exponent
    return -size if mantissa < 0 else size
