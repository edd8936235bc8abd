"""A meter as a SunSpec device: the common model and a meter of floats, 213 for three phases, 211 for one.

Positive power is import, by the meter's own sign. What is not good now is NaN. Tables: registers_mirror_map.py.
"""

from struct import pack

from micropython import const

from firmware.services import registers_mirror_map as tables
from firmware.state.readings import WATT_HOURS
from lib.modbus.errors import DEVICE_FAILURE, ILLEGAL_ADDRESS, PeerError
from lib.modbus.float32 import put_float32, put_nan
from lib.modbus.window import rows, text_bytes

_SINGLE_PHASE = const(211)
_THREE_PHASES = const(213)
_NOT_IMPLEMENTED = const(0xFFFF)
_PAD = const(0x8000)
_MOST_SPREAD = const(30)  # between the exponents of values that are added up
_LEAST_EXPONENT = const(-3)  # of a counter that can mean an energy
_MOST_EXPONENT = const(11)


def read(gateway, device, window):
    """Fill a window of the SunSpec map; raise PeerError unless all of it is in the map.

    It fails while it is not known how many phases the meter has: a client that has seen the wrong model keeps to it.
    """
    if not window.is_within(tables.SUNSPEC_BLOCKS):
        raise PeerError(ILLEGAL_ADDRESS)
    if not device.phases:
        raise PeerError(DEVICE_FAILURE)
    for address, registers, kind, name in rows(tables.COMMON_ROWS) if window.first < tables.METER_AT else ():
        if window.overlaps(address, registers):
            value = _common(gateway, device, name)
            window.put(address, text_bytes(value, 2 * registers, b"\0") if kind == "text" else pack(">H", value))
    model = _SINGLE_PHASE if device.phases == 1 else _THREE_PHASES
    window.put(tables.METER_AT, pack(">HH", model, tables.METER_LENGTH))
    window.put(tables.END_AT, pack(">HH", _NOT_IMPLEMENTED, 0))
    _put_points(device, window)


def _common(gateway, device, name):
    if name == "SunS":
        return name
    if name == "ID":
        return 1
    if name == "L":
        return tables.COMMON_LENGTH
    if name == "Mn":
        if device.is_sparse:
            return device.model[:3]
        return "Finder" if device.model.startswith("7M.") else "Iskra"
    if name == "Md":
        return device.model
    if name == "Vr":
        return "%d.%02d" % (device.software // 100, device.software % 100)
    if name == "SN":
        return device.serial
    if name == "Pad":
        return _PAD
    if name == "DA":
        first = gateway.settings.get("modbus_meters")
        return first + (0 if device.slot == "lir" else device.slot) if first else _NOT_IMPLEMENTED
    return ""


def _put_points(device, window):
    measurements, counters = device.group("measurements"), device.group("counters")
    value = bytearray(4)
    first = tables.METER_AT + 2
    found = 0
    for number in range(max(0, (window.first - first) // 2), tables.POINTS):
        address = first + 2 * number
        if address >= window.first + window.count:
            break
        put_nan(value)
        source = tables.SOURCES[number] if number < len(tables.SOURCES) else ""
        if " " in source:
            words = source.split(" ")
            if words[0] in ("sum", "mean"):
                _put_several(value, device, measurements, words)
            else:
                index = _counter(device, counters, words[0], int(words[1]))
                if index >= 0:
                    put_float32(value, counters.mantissa[index], counters.exponent[index])
        elif source and measurements is not None:
            index = tables.row_of(measurements.rows, source, found)
            if index >= 0 and measurements.has(index):
                found = index
                put_float32(value, measurements.mantissa[index], measurements.exponent[index])
        window.put(address, value)


def _put_several(value, device, group, words):
    """Put the sum of all phases' values, which all have to be there, or the mean of those that are."""
    if group is None:
        return
    indices = [tables.row_of(group.rows, name) for name in words[1:]]
    indices = [index for index in indices if index >= 0 and group.has(index)]
    if not indices or words[0] == "sum" and len(indices) < device.phases:
        return
    exponents = [group.exponent[index] for index in indices]
    least = min(exponents)
    if max(exponents) - least <= _MOST_SPREAD:
        total = sum([group.mantissa[index] * 10 ** (group.exponent[index] - least) for index in indices])
        put_float32(value, total, least, len(indices) if words[0] == "mean" else 1)


def _counter(device, group, direction, phase):
    """Return the index of the counter of active energy of a direction and phase, -1 if there is none.

    As the energy history chooses: the one that counts in most tariffs, so that it is the whole energy; then a non-resettable
    one; then the first.
    """
    found, best = -1, -1
    for index in range(len(group.rows) if group is not None else 0):
        if group.unit[index] != WATT_HOURS or device.phases_of[index] != phase or device.direction(index) != direction:
            continue
        if _LEAST_EXPONENT <= group.exponent[index] <= _MOST_EXPONENT:
            rank = 1 if index < device.non_resettable else 0
            for tariff in range(6):
                rank += 2 * (device.tariffs[index] >> tariff & 1)
            if rank > best:
                found, best = index, rank
    return found
