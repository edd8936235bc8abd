"""/api/status: what the page's head and its first page show; /api/restart and /api/factory_reset."""

import asyncio

from micropython import const

import board
from firmware.services import info
from firmware.state.readings import STATUS_WORDS
from lib.http.errors import HttpError
from lib.http.json_text import put_errors, put_items, room

_RESTART_MS = const(500)  # so that the answer is out


async def get(gateway, request, response):
    user, must_change = gateway.login.who(request)
    response.put(b'{"session":{')
    await put_items(response, (("user", user), ("must_change", must_change)))
    if "roles" in board.PARTS:
        response.put(b',"rights":')
        response.put_json(" ".join(gateway.login.roles.rights(user)))
    response.put(b"},")
    await put_items(response, info.status(gateway))
    items = ("restart_needed", gateway.settings.restart_needed), ("has_profiles", gateway.profiles is not None)
    await put_items(response, items, first=False)
    response.put(b',"devices":[')
    comma = b"{"
    for device in gateway.readings.devices:
        await room(response)
        response.put(comma)
        await put_items(response, _device(device))
        response.put(b"}")
        comma = b",{"
    response.put(b"]}")


def _device(device):
    yield "slot", str(device.slot)
    yield "port", device.port
    yield "address", device.address
    yield "kind", "switch" if device.is_switch else "meter"
    yield "status", STATUS_WORDS[device.status]
    yield "model", device.model
    yield "serial", device.serial
    yield "description", device.description
    yield "location", device.location
    yield "phases", device.phases


async def restart(gateway, request, response, body):
    restart_soon(gateway)
    response.status = 202
    response.put(b"{}")


async def factory_reset(gateway, request, response, body):
    """What cannot be undone is confirmed by the serial number: a request that went to the wrong gateway harms nobody."""
    if body.get("confirm") != gateway.identity.serial:
        return await put_errors(response, {"confirm": "the serial number of this gateway is expected"})
    try:
        gateway.factory_reset("web")
    except OSError:
        raise HttpError(507, "the flash did not take it; nothing was begun")
    response.status = 202
    response.put(b"{}")
    return None


def restart_soon(gateway):
    """Begin anew when the answer is out."""
    gateway.events.add("start", "restart asked for")
    asyncio.create_task(_restart(gateway))


async def _restart(gateway):
    await asyncio.sleep_ms(_RESTART_MS)
    gateway.restart()
