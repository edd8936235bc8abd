"""What the maker's Python client, and with it Home Assistant, asks: /api, /api/devices, /api/measurement/<i>, /api/counter/<i>.

The client takes much for granted: what must be there is there, or the answer is 503, which it takes for "not available now". A
value is never left out, for where some are missing it shows others in their place; but of meters that it does not know, those
of IEC 62056-21: they are for others, and have what they measure. `<i>`: 0 is the left infrared port, n the
RS-485 device n. Source: the device sheet, 7; forms that five versions of the client were tried with.
"""

from micropython import const

from firmware.services import sg_text
from firmware.state.readings import DISABLED, NOT_DETECTED, UNITS
from firmware.version import VERSION
from lib.http.errors import HttpError
from lib.http.json_text import ROOM, put_items, room
from lib.modbus.errors import FrameError, PeerError
from lib.modbus.registers import t5, uint32

_LEAST_SLOTS = const(2)  # of RS-485, listed even if they are off, as the maker's gateway does
_DETECTION_S = const(60)  # since the start; for what was not asked by then nobody has to wait
_RETRY_S = const(10)
_DEGREES = const(9)  # from here on units (deg, C, %) are of values in hundredths
_ITS_OWN = const(("IE", "WM", "MC", "MT", "SG"))  # what models that the client knows begin with
_OF_TOTAL = const(("P", "Q", "S", "PF", "PA"))
_OF_PHASE = const(("U", "I", "P", "Q", "S", "PF", "PA", "THDUp", "THDI"))
# Name, unit: in the order in which firmware/meters/time_blocks.py has them, the energies first
_BLOCK_ROWS = const(
    (
        ("This Month Consumed Energy", "Wh"),
        ("Previous Month Consumed Energy", "Wh"),
        ("This Year Consumed Energy", "Wh"),
        ("Previous Year Consumed Energy", "Wh"),
        ("This Month Excess Power", "W"),
        ("Previous Month Excess Power", "W"),
    )
)
_ENERGIES = const(4)
_BLOCKS = const(5)


async def get(gateway, request, response):
    _must_be_ready(gateway)
    settings = gateway.settings
    response.put(b'{"device":{')
    await put_items(
        response,
        (
            ("model_type", gateway.platform.model),
            ("serial_number", gateway.identity.serial),
            ("description", settings.get("description")),
            ("location", settings.get("location")),
            ("sw_ver", VERSION),
        ),
    )
    response.put(b"}}")


async def get_devices(gateway, request, response):
    _must_be_ready(gateway)
    comma = b'{"devices":[{'
    for slot in ("lir", "rir") + tuple(range(1, _slots(gateway) + 1)):
        device = gateway.readings.device(slot)
        await room(response)
        response.put(comma)
        await put_items(response, _device_items(slot, device))
        response.put(b"}")
        comma = b",{"
    response.put(b"]}")


def _device_items(slot, device):
    """All keys in every entry: without `model` or `serial` the client ends, without an entry it numbers the others wrongly."""
    status = DISABLED if device is None else device.status
    is_known = status not in (DISABLED, NOT_DETECTED)
    yield "interface", "Left IR" if slot == "lir" else "Right IR" if slot == "rir" else f"RS485 {slot}"
    yield "model", device.model if is_known else "Disabled" if status == DISABLED else "Not Detected"
    yield "serial", device.serial if is_known else ""
    yield "description", device.description if is_known else ""
    yield "location", device.location if is_known else ""
    software = device.software if is_known else 0
    yield "sw_ver", f"{software // 100}.{software % 100:02d}" if software else ""


async def get_measurement(gateway, request, response):
    device = _device(gateway, request)
    group = device.group("measurements")
    if group is None:
        raise _unavailable("the meter does not answer")
    if device.is_sparse and device.model[:2] in _ITS_OWN:
        raise _unavailable("the client would take the meter for one of its own, which measures all of it")
    for index in range(len(group.rows)):
        if not group.has(index):
            is_wrong = not device.is_sparse
        else:
            is_wrong = group.exponent[index] > sg_text.MOST_EXPONENT and group.mantissa[index]
        if is_wrong:
            raise _unavailable("the meter has no valid " + group.rows[index][0])
    # At most some 1000 bytes, which the buffer holds: nobody can change the group meanwhile.
    comma = b'{"measurements":{"Phases":['
    for phase in range(1, device.phases + 1):
        response.put(comma)
        _put_values(response, group, _OF_PHASE, phase)
        comma = b","
    response.put(b'],"Total":')
    _put_values(response, group, _OF_TOTAL, 0)
    _put_value(response, group, "frequency", "Frequency", b",")
    _put_value(response, group, "Tint", "Temperature", b",")
    response.put(b"}}")


def _put_values(response, group, names, number):
    comma = b"{"
    for name in names:
        comma = _put_value(response, group, name + str(number), name, comma)
    response.put(b"{}" if comma == b"{" else b"}")


def _put_value(response, group, name, key, comma):
    """Put a value with its key, if the meter has it; return what stands in front of the next."""
    index = len(group.rows) - 1
    while index >= 0 and group.rows[index][0] != name:
        index -= 1
    if index < 0 or not group.has(index):
        return comma
    response.put(comma)
    response.put(b'"')
    response.put(key)
    response.put(b'":')
    mantissa, unit = group.mantissa[index], group.unit[index]
    if name.startswith("PF"):
        sg_text.put_power_factor(response, mantissa, unit)
    elif unit >= _DEGREES:
        sg_text.put_hundredths(response, mantissa)
    else:
        sg_text.put_base(response, mantissa, group.exponent[index], unit)
    return b","


async def get_counter(gateway, request, response):
    device = _device(gateway, request)
    group = device.group("counters")
    if group is None:
        raise _unavailable("the meter does not answer")
    blocks = await _blocks(device)
    if device.group("counters") is not group:
        raise _unavailable("the meter was lost just now")
    response.put(b'{"counters":{"non_resettable":[')
    await _put_counters(response, device, group, 0, device.non_resettable)
    response.put(b'],"resettable":[')
    await _put_counters(response, device, group, device.non_resettable, len(group.rows))
    response.put(b"]")
    if blocks is not None:
        await _put_blocks(response, *blocks)
    response.put(b"}}")


async def _blocks(device):
    """Read the time blocks of a meter that has some; None for all others."""
    if device.blocks is None:
        return None
    try:
        return await device.blocks()
    except (FrameError, PeerError):
        raise _unavailable("the meter does not tell its time blocks")


async def _put_counters(response, device, group, first, end):
    """All the model has, also those that are off (no unit, null): their places give the others their numbers."""
    for index in range(first, end):
        await room(response)
        if device.groups.get("counters") is not group:
            raise _unavailable("the meter was exchanged just now")
        unit = group.unit[index]
        response.put(b',{"name":"' if index > first else b'{"name":"')
        response.put(group.rows[index][0])
        response.put(b'","value":')
        sg_text.put_exact(response, group.mantissa[index], group.exponent[index] if unit else None)
        response.put(b',"unit":"')
        response.put(UNITS[unit])
        response.put(b'","direction":"')
        response.put(device.direction(index) if unit else "")
        response.put(b'"}')


async def _put_blocks(response, active, exponent, values):
    """Just these names and keys: the client is lost with one more or less."""
    response.put(b',"block":{"active_block":')
    response.put_int(active)
    comma = b',"blocks":[{"name":"'
    size = len(values) // _BLOCKS
    for row, (name, unit) in enumerate(_BLOCK_ROWS):
        await room(response, 2 * ROOM)
        response.put(comma)
        response.put(name)
        response.put(b'","unit":"')
        response.put(unit)
        response.put(b'"')
        for block in range(_BLOCKS):
            response.put(b',"time_block_')
            response.put_int(block + 1)
            response.put(b'":')
            at = block * size + 4 * row
            if row < _ENERGIES:
                sg_text.put_exact(response, uint32(values, at), exponent)
            else:
                sg_text.put_exact(response, *t5(values, at))
        response.put(b"}")
        comma = b',{"name":"'
    response.put(b"]}")


def _slots(gateway):
    """How many RS-485 devices are listed."""
    return max([_LEAST_SLOTS] + [device.slot for device in gateway.readings.devices if isinstance(device.slot, int)])


def _device(gateway, request):
    """Return the meter that the path's last part means.

    Raises HttpError: 404 for a number beyond the list, which ends the client's whole set-up; 503 for what is no meter now, and
    the client goes on without it.
    """
    number = request.path[request.path.find("/", 5) + 1 :]
    if not number.isdigit() or len(number) > 2 or int(number) > _slots(gateway):
        raise HttpError(404, "there is no such device in /api/devices")
    device = gateway.readings.device(int(number) or "lir")
    if device is None or device.is_switch or device.status in (DISABLED, NOT_DETECTED):
        raise _unavailable("there is no meter here now")
    return device


def _must_be_ready(gateway):
    """Who adds the gateway right after its start shall not find half of its meters: they are asked first."""
    if gateway.readings.untried and gateway.clock.uptime_s() < _DETECTION_S:
        raise HttpError(503, "the meters are being looked for", "Retry-After", "5")


def _unavailable(message):
    return HttpError(503, message, "Retry-After", str(_RETRY_S))
