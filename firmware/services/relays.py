"""Bistable switches: /api/relays, /api/relay/<n>, and the manual's /post_command."""

from micropython import const

import board
from lib.http.errors import HttpError
from lib.http.json_text import put_items, room
from lib.modbus.errors import FrameError, PeerError

_BY_METER = const("the switch is controlled by the meter on the left: IR Relay Operating Mode")


async def get(gateway, request, response):
    response.put(b'{"relays":[')
    comma = b"{"
    for device in gateway.readings.devices:
        if device.is_switch:
            await room(response)
            response.put(comma)
            await put_items(response, _items(gateway, device))
            response.put(b"}")
            comma = b",{"
    response.put(b"]}")


def _items(gateway, device):
    yield "n", 0 if device.slot == "rir" else device.slot
    yield "port", device.port
    yield "address", device.address
    yield "model", device.model
    yield "description", _description(gateway.settings, device)
    yield "state", device.relay
    yield "forbidden", _forbidden(gateway, device)


def _description(settings, device):
    return settings.get("ir_relay_desc" if device.slot == "rir" else f"rs485_desc_{device.slot}")


def _forbidden(gateway, device):
    """Return why the device may not be switched from here, "" if it may."""
    return _BY_METER if device.slot == "rir" and gateway.settings.get("ir_ext_rel_mode") == 2 else ""


async def post(gateway, request, response, body):
    number = request.path[len("/api/relay/") :]
    slot = "rir" if number == "0" else int(number) if number.isdigit() and len(number) < 3 else None
    wanted = body.get("state")
    if wanted not in ("on", "off", "toggle"):
        raise HttpError(400, 'state may be "on", "off" or "toggle"')
    state = await switch(gateway, gateway.readings.device(slot), wanted)
    response.put(b'{"state":')
    response.put_int(state)
    response.put(b"}")


async def post_command(gateway, request, response):
    """A form: ON, OFF, TOGGLE for the switch on the right infrared port, 485_1_ON and so on, PULSE_RESET."""
    command = (await request.form_value("command") or "").upper()
    if command == "PULSE_RESET":
        try:
            gateway.inputs.reset_pulses()
        except OSError:
            raise HttpError(507, "the flash did not take it: the old count may come back with the next start")
        response.status = 204
        return
    if "dlms" in board.PROTOCOLS and command.startswith("DLMS_"):
        await gateway.router.module("firmware.services.dlms_orders").form(gateway, request, command[5:])
        response.status = 204
        return
    device = None
    wanted = command
    if command.startswith("485_"):
        number, _, wanted = command[4:].partition("_")
        switches = [device for device in gateway.readings.devices if device.is_switch and device.slot != "rir"]
        if number.isdigit() and 0 < int(number) <= len(switches):
            device = switches[int(number) - 1]
    else:
        device = gateway.readings.device("rir")
    if wanted not in ("ON", "OFF", "TOGGLE"):
        raise HttpError(400, "command may be ON, OFF, TOGGLE, 485_1_ON and the like, or PULSE_RESET")
    await switch(gateway, device, wanted.lower())
    response.status = 204


async def switch(gateway, device, wanted):
    """Switch and return the state read back; raise HttpError if that may not or cannot be done."""
    if device is None or not device.is_switch:
        raise HttpError(404, "no such switch is connected")
    forbidden = _forbidden(gateway, device)
    if forbidden:
        raise HttpError(409, forbidden)
    if device.switch is None:
        raise HttpError(504, "the switch does not answer: its port is off")
    try:
        return await device.switch(wanted)
    except FrameError as error:
        raise HttpError(504, "the switch does not answer: " + error.reason)
    except PeerError as error:
        raise HttpError(502, "the switch refused: " + str(error))
