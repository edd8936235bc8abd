"""The DLMS meters over HTTP: /api/dlms_meters (GET; POST adds one; DELETE all), /api/dlms_meters/<id> (GET, POST, DELETE), as
a table /api/dlms_meters.csv, and how many there are /api/dlms_meters_summary. Lists of any length are taken by dlms_batch.py.

Of a secret only whether it is set.
"""

import asyncio

from micropython import const

from firmware.services.settings import put_row
from firmware.state import dlms_lists as lists
from firmware.state.dlms_batch import Batch
from firmware.state.dlms_fields import Wrong, fields
from firmware.state.dlms_meters import MOST
from firmware.state.dlms_plan import Plan
from firmware.state.dlms_state import State
from lib.http.errors import HttpError
from lib.http.json_text import put_errors, put_items, room
from lib.text import csv

_ALL = const("/api/dlms_meters")
_PORTS = const(3)
_ROOM = const(1000)  # more than a meter takes
_SEPARATOR = const(";")


async def _ready(gateway):
    await gateway.dlms_meters.ready()
    return gateway.dlms_meters


async def get(gateway, request, response):
    """The meters from a position on, of one of the lists, that contain a text; `next`: where to go on, null at the end."""
    meters = await _ready(gateway)
    start, most = _number(request, "from", 0), _number(request, "count", MOST)
    text, chosen = (request.query("search") or "").lower(), request.query("list") or "all"
    if chosen not in lists.NAMES:
        raise HttpError(400, "list may be " + ", ".join(lists.NAMES))
    utc = gateway.clock.utc()
    response.put(b'{"most":')
    response.put_int(MOST)
    response.put(b',"count":')
    response.put_int(meters.count)
    response.put(b',"meters":[')
    comma = b"{"
    positions = meters.each(start)
    following = None
    while following is None:
        group = await lists.group(meters, positions, text, chosen, utc)
        if group is None:
            break
        for position, line, record in group:
            if not most:
                following = position
                break
            most -= 1
            await room(response, _ROOM)
            response.put(comma)
            await put_items(response, _items(gateway, Plan(line), record and State(record), utc))
            response.put(b"}")
            comma = b",{"
    response.put(b'],"next":')
    if following is None:
        response.put(b"null")
    else:
        response.put_int(following)
    response.put(b',"fields":[')
    comma = b"{"
    for field in fields():
        await room(response, _ROOM)
        response.put(comma)
        await put_row(response, field)
        response.put(b"}")
        comma = b",{"
        await asyncio.sleep_ms(0)
    response.put(b"]}")


def _items(gateway, plan, state, utc):
    yield "id", plan.id
    for field in fields():
        value = getattr(plan, field.name)
        if field.is_secret:
            yield field.name + "_set", value != ""
        else:
            yield field.name, value
    if state is None:
        return
    for name in ("in_contact", "unsynchronised", "clock_set", "drift_s", "failures", "in_a_row", "reason"):
        yield name, getattr(state, name)
    yield "black", state.is_black(utc, gateway.dlms_meters.black_days)
    yield "relay_output", state.output
    yield "relay_control", state.control
    yield "relay_mode", state.mode
    for name in ("good", "failed", "since"):
        at = getattr(state, name + "_utc") or None
        yield name + "_utc", at
        yield name + "_time", gateway.clock.local_text(at) if at else ""
    for kind, at in enumerate(state.newest):
        yield f"newest_{kind}", at or None


async def get_summary(gateway, request, response):
    """How many meters of each port are in each list, and whether the port is on."""
    meters = await _ready(gateway)
    dlms = gateway.field.wanted_dlms()
    utc = gateway.clock.utc()
    counts = [[0] * len(lists.NAMES) for _ in range(_PORTS)]
    positions = meters.each()
    while True:
        group = await lists.group(meters, positions, "", "all", utc)
        if group is None:
            break
        for _, line, record in group:
            plan, state = Plan(line), record and State(record)
            for at, name in enumerate(lists.NAMES):
                counts[plan.port][at] += lists.is_in(name, plan.active, state, utc, meters.black_days)
    response.put(b"{")
    await put_items(response, (("most", MOST), ("meters", meters.count)))
    response.put(b',"ports":[')
    comma = b"{"
    for port, count in enumerate(counts):
        response.put(comma)
        comma = b",{"
        await put_items(response, [("port", port), ("is_on", dlms.is_on(port))] + list(zip(lists.NAMES, count)))
        response.put(b"}")
    response.put(b"]}")


async def get_one(gateway, request, response):
    """One meter."""
    meters = await _ready(gateway)
    line = _line(meters, request)
    plan = Plan(line)
    response.put(b"{")
    await put_items(response, _items(gateway, plan, lists.state_of(meters, plan.id), gateway.clock.utc()))
    response.put(b"}")


async def get_csv(gateway, request, response):
    """All meters as a table that POST /api/dlms_batch takes, without secrets."""
    meters = await _ready(gateway)
    response.type = "text/csv"
    names = [field.name for field in fields() if not field.is_secret]
    response.put("id" + _SEPARATOR + _SEPARATOR.join(names) + "\r\n")
    for _, number in meters.each():
        line = meters.find(number)
        if line:
            plan = Plan(line)
            await room(response, _ROOM)
            response.put(str(number))
            for name in names:
                response.put(_SEPARATOR)
                response.put(csv.quoted(str(getattr(plan, name)), _SEPARATOR))
            response.put("\r\n")
        await asyncio.sleep_ms(0)


async def post(gateway, request, response, body):
    """Add a meter, or change one: fields that are not named stay as they are, or are the defaults."""
    meters = await _ready(gateway)
    number = None if request.path == _ALL else Plan(_line(meters, request)).id
    batch = Batch(meters)
    try:
        for _ in batch.begin():
            await asyncio.sleep_ms(0)
    except RuntimeError:
        raise _busy()
    try:
        if number is None:
            number = batch.add(body)
            status = 201
        else:
            batch.change(number, body)
            status = 200
        batch.write()
    except Wrong as error:
        return await put_errors(response, {error.field: error.sentence})
    except KeyError:
        raise HttpError(404, "there is no such meter")
    except OSError:
        raise HttpError(507, "the flash did not take it; nothing was changed")
    finally:
        batch.end()
    meters.on_change(number)
    gateway.events.add("settings", f"DLMS meter {number} {'added' if status == 201 else 'changed'}")
    response.status = status
    response.put(b'{"id":')
    response.put_int(number)
    response.put(b"}")
    return None


async def delete(gateway, request, response, body):
    """Take a meter from the list."""
    meters = await _ready(gateway)
    number = Plan(_line(meters, request)).id
    if meters.is_busy:
        raise _busy()
    try:
        meters.remove(number)
    except OSError:
        raise HttpError(507, "the flash did not take it")
    gateway.events.add("settings", f"DLMS meter {number} removed")
    response.status = 204


async def delete_all(gateway, request, response, body):
    """Take all meters from the list; {"all":true} tells that this is meant."""
    meters = await _ready(gateway)
    if body.get("all") is not True:
        raise HttpError(400, 'to remove all meters {"all":true} is expected')
    if meters.is_busy:
        raise _busy()
    try:
        for _ in meters.remove_all():
            await asyncio.sleep_ms(0)
    except OSError:
        raise HttpError(507, "the flash did not take it")
    gateway.events.add("settings", "all DLMS meters removed")
    response.status = 204


def _busy():
    return HttpError(409, "somebody else is changing the list of meters", "Retry-After", "10")


def _line(meters, request):
    text = request.path[request.path.rfind("/") + 1 :]
    line = meters.find(int(text)) if text.isdigit() and len(text) < 6 else None
    if line is None:
        raise HttpError(404, "there is no such meter")
    return line


def _number(request, name, default):
    text = request.query(name)
    if text is None:
        return default
    if not text.isdigit() or len(text) > 5:
        raise HttpError(400, name + ": a number is expected")
    return int(text)
