"""What somebody wants of a DLMS meter at once: its relay, its clock, its present values, an object. Over HTTP below
/api/dlms_meters/<id>/, over links as docs/mqtt.md tells. Each order is carried out once, and takes a minute at most.
"""

import asyncio
from binascii import hexlify
from json import dumps

from micropython import const

from firmware.services import dlms_text, payload, pieces, profile_message, profile_text
from firmware.state.dlms_plan import Plan
from lib.dlms import names
from lib.dlms.errors import DlmsError, FormatError
from lib.http.errors import HttpError
from lib.http.json_text import put_items, room

_ROOM = const(520)  # of a part of a message
_RECORD = const(1536)  # bytes of one with forty values, and to spare
_PIECE = const(256)
_TOLD = const(10)  # refusals, over a link
_SIGNS = const(("ON", "OFF"))


# Over HTTP


async def get_relay(gateway, request, response):
    """What the meter says of its relay now."""
    await _put_relay(response, await switch(gateway, await _plan(gateway, request), None, ""))


async def post_relay(gateway, request, response, body):
    """Take {"on": 1} or {"on": 0}; answer what the meter says afterwards."""
    is_on = body.get("on")
    if is_on not in (0, 1):
        raise HttpError(400, "on may be 0 or 1")
    await _put_relay(response, await switch(gateway, await _plan(gateway, request), is_on == 1, _who(request)))


async def _put_relay(response, told):
    response.put(b"{")
    await put_items(response, told.items())
    response.put(b"}")


async def get_clock(gateway, request, response):
    """What the meter's clock says now."""
    await _put_clock(gateway, request, response, False)


async def post_clock(gateway, request, response, body):
    """Set the meter's clock, whatever it says; answer what it says afterwards."""
    await _put_clock(gateway, request, response, True)


async def _put_clock(gateway, request, response, is_set):
    told = await clock(gateway, await _plan(gateway, request), is_set)
    response.put(b"{")
    await put_items(response, told.items())
    response.put(b"}")


async def post_read(gateway, request, response, body):
    """Read the present values now; answer with them, as a record of /api/archive/<id>."""
    plan = await _plan(gateway, request)
    columns, record = await read(gateway, plan)
    response.put(b"{")
    await put_items(response, _items(plan))
    await profile_text.put_columns(response, columns)
    await profile_text.put_json(gateway.clock, response, (record,))
    response.put(b"}")


async def post_round(gateway, request, response, body):
    """Have the meter read next, all of it, due or not: 204 at once. HttpError 503: its port is off."""
    plan = await _plan(gateway, request)
    try:
        dlms_text.dlms_of(gateway).read_now(plan.id)
    except DlmsError as error:
        raise HttpError(503, error.reason)
    response.status = 204


async def get_object(gateway, request, response):
    """&class=, &ln=, &attribute=: an attribute as the meter has it, its octets and what they mean."""
    plan = await _plan(gateway, request)
    class_id, attribute = request.query("class") or "", request.query("attribute") or "2"
    try:
        ln = names.octets(request.query("ln") or "")
        if not class_id.isdigit() or len(class_id) > 5 or not 0 < abs(int(attribute)) < 128:
            raise ValueError
    except (FormatError, ValueError):
        raise HttpError(400, "class, ln and attribute are expected: class=3&ln=1.0.1.8.0.255&attribute=2")
    value, content = await _ask(gateway, plan, lambda dlms: dlms.object(plan.id, int(class_id), ln, int(attribute)))
    response.put(b'{"data":"')
    for at in range(0, len(content), _PIECE):
        await room(response, 2 * _PIECE)
        response.put(hexlify(content[at : at + _PIECE]))
    response.put(b'","value":')
    await _put_value(response, value)
    response.put(b"}")


async def _put_value(response, value):
    """A value as lib/dlms/axdr.whole() makes it: octets as hexadecimal digits, structures as lists."""
    await room(response, _ROOM)
    if isinstance(value, list):
        response.put(b"[")
        for at, inner in enumerate(value):
            if at:
                response.put(b",")
            await _put_value(response, inner)
        response.put(b"]")
        await asyncio.sleep_ms(0)
    elif isinstance(value, tuple):  # mantissa and exponent of a float
        response.put(f'"{value[0]}e{value[1]}"')
    elif isinstance(value, int) and not isinstance(value, bool):
        response.put_int(value)
    elif isinstance(value, (bytes, bytearray)):
        response.put(b'"')
        for at in range(0, len(value), _PIECE):
            await room(response, 2 * _PIECE)
            response.put(hexlify(bytes(value[at : at + _PIECE])))
        response.put(b'"')
    else:
        response.put(dumps(value))


async def form(gateway, request, command):
    """A command of the manual's form, behind DLMS_: <id>_ON or <id>_OFF."""
    number, _, wanted = command.partition("_")
    if wanted not in _SIGNS:
        raise HttpError(400, "command may be DLMS_17_ON or DLMS_17_OFF, with the id of a meter")
    await switch(gateway, await dlms_text.plan_of(gateway, number), wanted == "ON", _who(request))


def _plan(gateway, request):
    """Return what is to be awaited for the Plan of the meter in the middle of the path."""
    return dlms_text.plan_of(gateway, request.path.split("/")[3])


def _who(request):
    return getattr(request, "user", None) or "admin"


# Over a link: each returns render(out) of `data`


async def dlms(gateway, link, inner):
    """{"dlms": id or number, and one of "relay": 0, 1, "state"; "clock": 1, "state"; "read": 1}."""
    plan = await _plan_of_link(gateway, inner["dlms"])
    if "relay" in inner:
        wanted = inner["relay"]
        if wanted not in (0, 1, "state"):
            raise HttpError(400, '"relay" may be 0, 1 or "state"')
        told = await switch(gateway, plan, None if wanted == "state" else wanted == 1, f"link {link}")
    elif "clock" in inner:
        if inner["clock"] not in (1, "state"):
            raise HttpError(400, '"clock" may be 1 or "state"')
        told = await clock(gateway, plan, inner["clock"] == 1)
    elif inner.get("read") == 1:
        columns, record = await read(gateway, plan)
        text = pieces.Pieces(_RECORD)
        profile_message.put(text, record)
        return profile_message.renderer(_items(plan), columns, text, text.used)
    else:
        raise HttpError(400, 'beside "dlms" one of "relay", "clock" and "read" is expected')
    items = [("id", plan.id), ("key", plan.serial)] + list(told.items())
    return payload.object_of(lambda: items)


async def _plan_of_link(gateway, wanted):
    """Return the Plan of a meter by its id, a number, or its own number, a text. HttpError 404."""
    if isinstance(wanted, int):
        return await dlms_text.plan_of(gateway, str(wanted))
    meters = gateway.dlms_meters
    await meters.ready()
    for line in meters.lines():
        if line is None:
            await asyncio.sleep_ms(0)
        elif line.split("|", 2)[1] == wanted:
            return Plan(line)
    raise HttpError(404, "there is no such meter")


async def dlms_batch(gateway, link, inner):
    """{"dlms_batch": [meter, ...]}: meters as objects, or lines of a table as texts; with "more": 1 others follow."""
    lines = inner["dlms_batch"]
    if not isinstance(lines, list):
        raise HttpError(400, '"dlms_batch" is a list of meters')
    who = f"link {link}"
    take = gateway.router.module("firmware.services.dlms_batch").take_lines
    for line in lines:
        upload = await take(gateway, (line if isinstance(line, str) else dumps(line)).encode() + b"\n", who)
    if not lines or not inner.get("more"):
        upload = await take(gateway, b"", who)
    items = [("running", not upload.is_over), ("cause", upload.cause), ("lines", upload.lines), ("added", upload.added)]
    items += [("changed", upload.changed), ("refusals", upload.refusals)]
    for line, reason in upload.refused[:_TOLD]:
        items.append((f"refused_{line}", reason))
    return payload.object_of(lambda: items)


# What is done


async def switch(gateway, plan, is_on, who):
    """Switch the relay of a meter, None: look only; return {"output", "control", "mode"} as read back.

    HttpError: 409 it may not be switched, 502 it refused or did not follow, 503, 504. All that becomes of it is an event.
    """
    if is_on is None:
        return await _ask(gateway, plan, lambda dlms: dlms.relay(plan.id, None))
    try:
        if not plan.relay:
            raise HttpError(409, "relay is 0 in the list of meters")
        if not plan.security:
            raise HttpError(409, "it needs an authentication")
        told = await _ask(gateway, plan, lambda dlms: dlms.relay(plan.id, is_on, who))
    except HttpError as error:
        gateway.events.add("relay", f"DLMS {plan.serial}: {who}, {'on' if is_on else 'off'}: {error.message}")
        raise
    if _is_against(told, is_on):
        if told["mode"] == 0:
            raise HttpError(409, "its relay ignores remote commands: mode 0")
        raise HttpError(502, f"the meter did not follow: output {told['output']}, control {told['control']}")
    return told


def _is_against(told, is_on):
    """Whether the meter says that it is not as wanted; that it waits for its button is as wanted."""
    if told["control"] is not None:
        return (told["control"] == 0) == is_on
    return told["output"] is not None and bool(told["output"]) != is_on


async def clock(gateway, plan, is_set):
    """Set the clock of a meter, or only read it; return {"utc", "local_time", "drift_s"}. HttpError."""
    if is_set and not gateway.clock.is_set:
        raise HttpError(409, "the gateway's clock is not set")
    told = await _ask(gateway, plan, lambda dlms: dlms.clock(plan.id, is_set))
    utc = told["utc"]
    return {"utc": utc, "local_time": gateway.clock.local_text(utc) if utc else "", "drift_s": told["drift_s"]}


async def read(gateway, plan):
    """Read the present values of a meter; return (code, unit) of each, and a record. HttpError."""
    utc, columns, values = await _ask(gateway, plan, lambda dlms: dlms.present(plan.id))
    exact = [dlms_text.exact(column, value) for column, value in zip(columns, values)]
    return list(dlms_text.titles(columns)), (utc, None, exact)


def _items(plan):
    return ("id", plan.id), ("key", plan.serial), ("kind", "present")


async def _ask(gateway, plan, work):
    """Return what `work(dlms)` gives when it is awaited. HttpError in place of a DlmsError."""
    dlms = dlms_text.dlms_of(gateway)
    try:
        dlms.reader_of(plan.id)
    except DlmsError as error:
        raise HttpError(503, error.reason)
    try:
        return await work(dlms)
    except DlmsError as error:
        raise dlms_text.refusal(error)
