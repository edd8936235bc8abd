"""Commands that come over a link: a JSON object in, one out (docs/mqtt.md). Nothing here reads or tells a secret.

{"id": ..., "cmd": "relay", "index": 3, "val": "on"}, or the early firmware's {"data": {"cmd": ...}}. The reply has the same
id and cmd, `ok`, and `error` in words or what was asked for. Whether a link takes commands is its setting push#_commands.
"""

from micropython import const

import board
from firmware.services import info, payload
from firmware.state import schema
from firmware.state.readings import DISABLED, NOT_DETECTED
from lib.http.errors import HttpError
from lib.http.json_text import put_value

MOST_BYTES = const(1024)
_MOST_ID = const(64)
_READINGS = const(("measurements", "counters", "get_measurements", "get_counters"))


async def run(gateway, link, message, refresh):
    """Carry out one command; return render(out) of the reply (firmware/services/pieces.py).

    `message`: a buffer, or None for one that was too long to be kept. `refresh()`: has the link send everything now.
    """
    request = command = error = None
    reply = (None, None)
    try:
        if message is None or len(message) > MOST_BYTES:
            raise HttpError(413, f"a command may have {MOST_BYTES} bytes")
        body = gateway.router.module("lib.http.json_body").parse(message)
        request = body.get("id")
        inner = body.get("data", body)
        if not isinstance(inner, dict):
            raise HttpError(400, '"data" must be an object')
        if request is None:
            request = inner.get("id")
        if not (request is None or isinstance(request, int) or isinstance(request, str) and len(request) <= _MOST_ID):
            request = None
            raise HttpError(400, f'"id" may be a number or a text of {_MOST_ID} characters')
        name = inner.get("cmd")
        if "dlms" in board.PROTOCOLS and name is None:
            name = "dlms" if "dlms" in inner else "dlms_batch" if "dlms_batch" in inner else None
        if not isinstance(name, str) or len(name) > _MOST_ID:
            raise HttpError(400, '"cmd" is missing')
        command = name
        if not gateway.settings.get(f"push{link}_commands"):
            raise HttpError(403, "this link takes no commands: its setting is off")
        if "dlms" in board.PROTOCOLS and command in ("dlms", "dlms_batch"):
            reply = None, await getattr(gateway.router.module("firmware.services.dlms_orders"), command)(gateway, link, inner)
        else:
            reply = await _carry_out(gateway, command, inner, refresh)
    except HttpError as failed:
        error = failed.message
    return _reply((("id", request), ("cmd", command), ("error", error), ("state", reply[0])), error is None, reply[1])


async def _carry_out(gateway, command, inner, refresh):
    """Do it; return what the reply has in addition: a switch's state or None, and render(out) of `data` or None."""
    if command in ("relay", "bicom"):
        return await _relay(gateway, inner), None
    if command in _READINGS:
        kind = "counters" if command.endswith("counters") else "measurements"
        device = _device(gateway, inner)
        if device is None or device.is_switch or device.status in (DISABLED, NOT_DETECTED):
            raise HttpError(404, "there is no meter in this slot")
        reading = payload.live(device, kind, gateway.clock)
        return None, lambda out: payload.json(out, reading)
    if command in ("status", "get_status"):
        status = list(info.status(gateway))
        return None, payload.object_of(lambda: status)
    if command in ("settings", "get_settings"):
        chosen = dict(gateway.settings.chosen())  # as they are now, though others change them while they are sent
        return None, payload.object_of(lambda: _shown(chosen))
    if command == "refresh":
        refresh()
        return None, None
    if command in ("restart", "reboot"):
        gateway.router.module("firmware.services.status").restart_soon(gateway)
        return None, None
    if command in ("upgrade", "upgrade_app"):
        url, certificate = inner.get("url", ""), inner.get("certificate", "")
        if not isinstance(url, str) or not isinstance(certificate, str):
            raise HttpError(400, '"url" and "certificate" are texts')
        gateway.router.module("firmware.services.upgrade").start(gateway, url, certificate)
        return None, None
    raise HttpError(404, "no such command: relay, refresh, restart, upgrade, settings, status, measurements, counters")


async def _relay(gateway, inner):
    device = _device(gateway, inner, "rir")
    wanted = inner.get("val")
    if wanted not in ("on", "off", "toggle", "state"):
        raise HttpError(400, '"val" may be on, off, toggle or state')
    if wanted == "state":
        if device is None or not device.is_switch:
            raise HttpError(404, "no such switch is connected")
        return device.relay
    return await gateway.router.module("firmware.services.relays").switch(gateway, device, wanted)


def _device(gateway, inner, infrared="lir"):
    """Return the device that "index" (0 is infrared) or "addr" (of RS-485) means, None if there is none."""
    address = inner.get("addr")
    if address is None:
        return gateway.readings.device(inner.get("index") or infrared)
    for device in gateway.readings.devices:
        if device.port == "rs485" and device.address == address:
            return device
    return None


def _reply(pairs, is_ok, data):
    """Return render(out) of an answer: of the pairs those that have a value."""

    def render(out):
        out.put(b'{"ok":true' if is_ok else b'{"ok":false')
        for key, value in pairs:
            if value is not None:
                out.put(b',"')
                out.put(key)
                out.put(b'":')
                put_value(out, value)
                yield
        if data:
            out.put(b',"data":')
            yield from data(out)
        out.put(b"}")
        yield

    return render


def _shown(chosen):
    """Yield (name, value) of all settings but secrets; `chosen` has those that differ from their default."""
    for setting in schema.each():
        if not setting.is_secret:
            yield setting.name, chosen.get(setting.name, setting.default)
