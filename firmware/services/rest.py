"""The REST interface of the SG manual, 3.6: /get_command. `gateway` is that of firmware/main.py.

Answers are compact JSON, put together piece by piece in the response's buffer. A device that does not answer now keeps its
header but has no values; one that is off or was never found has the model "0". Source of what the manual does not show: the
device sheet, 6.
"""

from micropython import const

from firmware.services import energy_log, info, payload
from firmware.state.readings import ABSENT, DISABLED, GOOD, NOT_DETECTED, PRESENT, SILENT
from lib.http.errors import HttpError
from lib.http.json_text import put_items, room
from lib.modbus.errors import FrameError, PeerError

_MOST_SLOTS = const(16)
_PART = const(100)  # more than one value takes
_NAMES_OF_VALUES = const(("average", "maximum", "minimum"))  # &values=: of the meter's last interval instead of now


async def get(gateway, request, response):
    command = request.query("command") or ""
    if command == "get_status":
        await _put_object(response, info.status(gateway))
    elif command == "get_devices":
        await _put_object(response, _device_items(gateway))
    elif command == "get_bicoms":
        await _put_object(response, _bicom_items(gateway))
    elif command == "get_statistics":
        await _put_object(response, info.statistics(gateway))
    elif command == "get_energy_log":
        await energy_log.put(gateway, request, response)
    elif command.startswith("get_measurements"):
        await _measurements(gateway, request, response, command)
    elif command.startswith("get_counters"):
        await _counters(gateway, request, response, command)
    else:
        _unknown(gateway, response, command)


def _unknown(gateway, response, command):
    response.put(b'{"header":{"cmd":')
    response.put_json(command[:64])
    response.put(b',"local_time":"')
    response.put(gateway.clock.local_text())
    response.put(b'","model":"0"}}')


def _device(gateway, request, suffix):
    """Return the device that a command means: its slot by suffix, &index= or &number=; None if there is none."""
    number = request.query("number")
    if number is not None:
        known = [device for device in gateway.readings.meters() if device.status in (PRESENT, SILENT)]
        return known[int(number) - 1] if number.isdigit() and 0 < int(number) <= len(known) else None
    index = request.query("index")
    if index is None:
        index = suffix
    if index == "":
        device = gateway.readings.device("lir")
    else:
        device = gateway.readings.device(int(index)) if index.isdigit() and len(index) < 3 else None
    if device is None or device.is_switch or device.status in (NOT_DETECTED, DISABLED):
        return None
    return device


async def _measurements(gateway, request, response, command):
    device = _device(gateway, request, command[16:])
    if device is None:
        return _unknown(gateway, response, command)
    values = request.query("values")
    if values is not None and values not in _NAMES_OF_VALUES:
        raise HttpError(400, "values may be average, maximum or minimum")
    if values:
        group = await _interval(device, values)
        reading = payload.of_group(device, "measurements", group, ABSENT if group is None else GOOD, gateway.clock)
    else:
        reading = payload.live(device, "measurements", gateway.clock)
    for _ in payload.measurements(response, reading):
        await room(response, _PART)
    return None


async def _interval(device, values):
    """Ask the meter for the values of its last interval; None if it has none."""
    try:
        return await device.interval(values)
    except (FrameError, PeerError):
        return None


async def _counters(gateway, request, response, command):
    device = _device(gateway, request, command[12:])
    if device is None:
        return _unknown(gateway, response, command)
    for _ in payload.counters(response, payload.live(device, "counters", gateway.clock)):
        await room(response, _PART)
    return None


def _device_items(gateway):
    readings, settings = gateway.readings, gateway.settings
    yield "total_meas", len([d for d in readings.devices if not d.is_switch and d.status in (PRESENT, SILENT)])
    yield "total_bicom", len([d for d in readings.devices if d.is_switch])
    last = max([_MOST_SLOTS] + [device.slot for device in readings.devices if isinstance(device.slot, int)])
    for slot in ("lir", "rir") + tuple(range(1, last + 1)):
        device = readings.device(slot)
        if device is None:
            model = "Disabled"
        elif device.status == NOT_DETECTED and not device.model:
            model = "Not Detected"
        else:
            model = device.model
        if isinstance(slot, int):
            is_sparse = device is not None and device.is_sparse
            description = device.description if is_sparse else settings.get(f"rs485_desc_{slot}") if slot <= _MOST_SLOTS else ""
            yield f"rs485_description_{slot}", description
        yield f"device_{slot}_model", model
        yield f"device_{slot}_serial", device.serial if device else ""
        yield f"device_{slot}_addr", device.address if device else 0


def _bicom_items(gateway):
    readings, settings = gateway.readings, gateway.settings
    yield "bicoms total", len([device for device in readings.devices if device.is_switch])
    infrared = readings.device("rir")
    yield "ir_bicom_state", infrared.relay if infrared else 255
    yield "ir_bicom_description", settings.get("ir_relay_desc")
    for number, device in enumerate(_rs485_switches(gateway)):
        yield f"bicom_485_{number + 1}_index", device.slot
        yield f"bicom_485_{number + 1}_state", device.relay
        yield f"rs485_description_{number + 1}", settings.get(f"rs485_desc_{device.slot}")
    yield "local_time", gateway.clock.local_text()


def _rs485_switches(gateway):
    return [device for device in gateway.readings.devices if device.is_switch and device.slot != "rir"]


async def _put_object(response, items):
    response.put(b"{")
    await put_items(response, items)
    response.put(b"}")
