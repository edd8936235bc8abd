"""What a device says as a record of the journal, and a record as what a link sends. In RAM while it is used.

A record is a sample (lib/store/sample.py): its kind is one of those here, its key the slot, model and serial number, so that a
reading that waited for days is told as that of the meter it is of, whatever is in the slot by then.
"""

from micropython import const

from firmware.services import payload, payload_flat
from firmware.services import push_topics as topics
from firmware.state.readings import GOOD, PRESENT, Device
from lib.store import sample

_MEASUREMENTS = const(0)
_COUNTERS = const(1)
_SWITCH = const(2)
_INPUTS = const(3)
_AVERAGES = const(4)
KINDS = ("measurements", "counters", "bicom", "inputs", "measurements")
_MOST = const(400)  # bytes of a record
_LATE_S = const(60)  # a reading that is older when it goes out is history
_YEAR_2001_S = const(1000000000)
_BANDED = const(("U", "I", "P", "Q", "S"))  # names without digits of values that have a dead band


async def take(gateway, outlet, device, append):
    """Have `await append(view, mask)` keep what is new of a device, None for the gateway; return whether anything was."""
    values, documents = outlet.masks
    buffer = bytearray(_MOST)
    if device is None:
        group = gateway.inputs.group
        return await _take(outlet, 0, group, _INPUTS, _key(gateway, None), values, buffer, append)
    if device.status != PRESENT:
        return False
    key = _key(gateway, device)
    if device.is_switch:
        stamp = gateway.clock.utc() * 1000 if gateway.clock.is_set else 0
        size = sample.encode(buffer, _SWITCH, GOOD, key, stamp, (device.relay,), (0,), (0,))
        if values:
            await append(memoryview(buffer)[:size], values)
        return True
    added = False
    if values or documents:
        group = device.group("measurements")
        if group is not None and group.utc != outlet.taken[0]:
            if outlet.deadband:
                outlet.before = (group.mantissa[:], group.exponent[:])
            if documents:
                added = await _averages(device, key, documents, buffer, append)
            added = await _take(outlet, 0, group, _MEASUREMENTS, key, values, buffer, append) or added
        group = device.group("counters")
        added = await _take(outlet, 1, group, _COUNTERS, key, values | documents, buffer, append) or added
    return added


async def _take(outlet, place, group, kind, key, mask, buffer, append):
    """Keep one group, if its values are good and were not kept before."""
    if group is None or group.quality() != GOOD or (group.utc == outlet.taken[place] and group.utc):
        return False
    utc = group.utc  # as it was read: the meter's task may read it anew meanwhile
    if mask:
        await append(_encode(buffer, kind, group, key), mask)
    outlet.taken[place] = utc
    return mask != 0


async def _averages(device, key, mask, buffer, append):
    """Keep the averages of the meter's last interval, which the XML documents tell; a meter without any sends counters only."""
    try:
        group = await device.interval("average")
    except Exception:  # what the wire says: it will be asked again at the next turn
        return False
    if group is None:
        return False
    await append(_encode(buffer, _AVERAGES, group, key), mask)
    return True


def _encode(buffer, kind, group, key):
    stamp = group.utc * 1000 if group.utc > _YEAR_2001_S else 0
    size = sample.encode(buffer, kind, GOOD, key, stamp, group.mantissa, group.exponent, group.unit)
    return memoryview(buffer)[:size]


def is_beyond(group, outlet):
    """Return whether a value has left the dead band around what was told last."""
    if outlet.before is None:
        return False
    mantissas, exponents = outlet.before
    if len(exponents) != len(group.rows):
        return True  # another meter's
    for index in range(len(group.rows)):
        if group.rows[index][0].rstrip("0123456789") in _BANDED:
            then, now = exponents[index], group.exponent[index]
            if then == sample.NONE or now == sample.NONE:
                if then != now:
                    return True
                continue
            shift = max(then, now) - min(then, now)
            if shift > 9:
                return True
            old, new = mantissas[index], group.mantissa[index]
            if then > now:
                old *= 10**shift
            else:
                new *= 10**shift
            if abs(new - old) * 1000 > abs(old) * outlet.deadband:
                return True
    return False


def _key(gateway, device):
    if device is None:
        return b"\0" + gateway.platform.model.encode() + b"\0" + gateway.identity.serial.encode()
    return f"{device.slot}\0{device.model}\0{device.serial}".encode()


def reading(gateway, view):
    """Return (kind, slot, Reading) of a record: of a switch the one row's mantissa is its state. Raises ValueError."""
    told = sample.SampleReader(view)
    slot, model, serial = str(told.key, "utf-8").split("\0")
    slot = int(slot) if slot.isdigit() else slot or None
    kind = told.kind
    if kind >= len(KINDS):
        raise ValueError("kind")
    device = _device(gateway, slot, model, serial)
    names = _names(gateway, kind, device)
    rows = []
    last = -1
    while told.next():
        for index in range(last + 1, told.index):  # counters have their place among all
            rows.append((names[index], 0, 0, 0, 0))
        last = told.index
        rows.append((names[last], told.mantissa, told.exponent, told.unit, told.quality))
    if kind == _COUNTERS and device.resettable + device.non_resettable == 0:
        device.non_resettable = len([name for name in names if name.endswith("nr")])
        device.resettable = len(names) - device.non_resettable
    return kind, slot, payload.kept(device, KINDS[kind], rows, told.utc_ms // 1000, gateway.clock)


def _names(gateway, kind, device):
    """Return the names of a record's rows: those of the device that is there, else as its model has them."""
    if kind == _SWITCH:
        return ("relay",)
    if kind == _INPUTS:
        return ("temperature", "pulses")
    group = device.groups.get(KINDS[kind])
    rows = group.rows if group else gateway.rows(device.model, kind == _COUNTERS)
    if rows is None:
        raise ValueError("model")
    return [row[0] for row in rows]


def _device(gateway, slot, model, serial):
    """Return the device in the slot if it is still the same one, else one that has its name."""
    device = None if slot is None else gateway.readings.device(slot)
    if device is None or (device.model, device.serial) != (model, serial):
        device = Device(slot, "", 0)
        device.model, device.serial = model, serial
    return device


def message(gateway, link, view):
    """Return (topic, render(out)) of a record for an MQTT link. Raises ValueError for one that cannot be told."""
    kind, slot, told = reading(gateway, view)
    # With a time while the clock is not set now, it is from before the start.
    is_late = told.utc and (not gateway.clock.is_set or gateway.clock.utc() - told.utc > _LATE_S)
    where = topics.base(gateway, link) + ("/history/" if is_late else "/") + topic(kind, slot)
    return where, renderer(gateway, link, kind, slot, told)


def topic(kind, slot):
    """Return the topic of a record below the base."""
    return "inputs" if kind == _INPUTS else topics.of_kind(KINDS[kind], slot)


def renderer(gateway, link, kind, slot, told):
    """Return render(out) of a Reading in the form that the link's setting says."""
    settings = gateway.settings
    if kind == _SWITCH:
        state = told.rows[0][1]
        if settings.get(f"push{link}_form"):
            return payload_flat.relay(state, told.utc)
        description = settings.get("ir_relay_desc" if slot == "rir" else f"rs485_desc_{slot}")
        return payload.bicom(told, state, description)
    if kind == _INPUTS or settings.get(f"push{link}_form"):
        return lambda out: payload_flat.flat(out, (told,))
    return lambda out: payload.json(out, told)
