"""/api/links: how the links do; /api/links/test tries the stored settings of one, by a connection of its own."""

import asyncio

from micropython import const

import board
from firmware.state.links import MQTT, Link
from lib.http.errors import HttpError
from lib.http.json_text import put_items, put_value, room

_LONGEST_S = const(20)  # of a test: neither browsers nor people wait longer
_ANSWER = const(32)  # bytes: of CONNACK, and some to spare
_YEAR_2020_S = const(1577836800)  # what is said to be earlier is from before the clock was set
_ADMITTED = const("the connection works: the broker let the gateway in")
_REACHED = const("the connection works; whether the server takes readings shows with the next one")


async def get(gateway, request, response):
    response.put(b'{"links":[')
    for number in (1, 2):
        await room(response)
        response.put(b"{" if number == 1 else b",{")
        await put_items(response, _items(gateway, number))
        response.put(b"}")
    response.put(b'],"jobs":[')
    jobs = gateway.push.jobs if gateway.push else None
    for place, job in enumerate(jobs.jobs if jobs else ()):
        await room(response)
        response.put(b",{" if place else b"{")
        await put_items(response, jobs.items(job))
        response.put(b"}")
    response.put(b"]}")


def _items(gateway, number):
    push, settings = gateway.push, gateway.settings
    link = push.links[number - 1] if push else Link(number)
    yield "link", number
    yield "protocol", settings.get(f"push{number}_protocol")
    yield "server", settings.get(f"mqtt{number}_server")
    if "server" in board.PARTS:
        yield "reserve_server", settings.get(f"mqtt{number}_reserve_server")
        yield "on_reserve", link.is_reserve
    yield "state", link.state
    yield "since", _known(link.since)
    yield "since_time", _local(gateway, link.since)
    yield "cause", link.failure
    yield "text", _sentence(link.failure) if link.failure else ""
    yield "failed", _known(link.failed)
    yield "failed_time", _local(gateway, link.failed)
    yield "sent", link.sent
    yield "backlog", push.journal.backlog(number - 1) if push else 0
    yield "dropped", push.journal.dropped(number - 1) if push else 0


def _known(utc):
    return utc if utc > _YEAR_2020_S else 0


def _local(gateway, utc):
    return gateway.clock.local_text(utc) if _known(utc) else ""


def _sentence(cause):
    # Not above: what a link needs for good may not come in, and go, with this module.
    from firmware.services.push_connect import SENTENCES  # noqa: PLC0415

    return SENTENCES.get(cause, cause)


async def test(gateway, request, response, body):
    """Take {"link": 1}, and "reserve": true for its reserve server; answer how far a connection came, and what was wrong."""
    number, settings, push = body.get("link"), gateway.settings, gateway.push
    is_reserve = "server" in board.PARTS and body.get("reserve", False) is True
    if number not in (1, 2) or isinstance(number, bool):
        raise HttpError(400, "link may be 1 or 2")
    protocol = settings.get(f"push{number}_protocol")
    if not protocol or not settings.get(f"mqtt{number}_server") or not push:
        raise HttpError(409, "the link is off: it needs a server and a protocol")
    if is_reserve and not settings.get(f"mqtt{number}_reserve_server"):
        raise HttpError(409, "the link has no reserve server")
    if push.links[0].is_tested or push.links[1].is_tested:
        raise HttpError(409, "another test is running")
    link = push.links[number - 1]
    link.is_tested = True
    steps = []
    try:
        cause = await _tried(gateway, number, is_reserve, protocol, steps)
    finally:
        link.is_tested = False
    if not cause and link.is_reserve and not is_reserve:
        link.is_returning = True
    text = _sentence(cause) if cause else _ADMITTED if protocol == MQTT else _REACHED
    response.put(b"{")
    await put_items(response, (("ok", not cause), ("cause", cause), ("text", text)))
    response.put(b',"steps":[')
    for place, step in enumerate(steps):
        if place:
            response.put(b",")
        put_value(response, step)
    response.put(b"]}")


async def _tried(gateway, number, is_reserve, protocol, steps):
    """Return why the server cannot be reached, "" if it can; `steps` gets what went well."""
    from lib.aio.connect import ConnectionFailed  # noqa: PLC0415 - as above

    limit_s = min(gateway.settings.get(f"push{number}_resp_time"), _LONGEST_S)
    try:
        await asyncio.wait_for_ms(_try(gateway, number, is_reserve, protocol, 1000 * limit_s, steps), 1000 * limit_s)
    except ConnectionFailed as failure:
        return failure.args[0]
    except asyncio.TimeoutError:
        return "timeout" if steps else "dns"
    except MemoryError:
        return "memory"
    return ""


async def _try(gateway, number, is_reserve, protocol, timeout_ms, steps):
    from firmware.services.push_connect import open_link  # noqa: PLC0415

    settings = gateway.settings
    has_tls = settings.get(f"mqtt{number}_tls") != 0
    connection = await open_link(gateway, number, is_reserve, lambda: steps.append("name"))
    steps.append("tcp")
    try:
        if protocol == MQTT:
            from lib.mqtt.client import Client  # noqa: PLC0415

            user = settings.get(f"mqtt{number}_username").encode() or None
            password = settings.get(f"mqtt{number}_password").encode() if user else None
            name = (gateway.identity.serial + "-t").encode()  # one that throws no link out
            client = Client(name, None, None, None, user, password, largest=_ANSWER)
            client.timeout_ms = timeout_ms
            await client.visit(connection, lambda: has_tls and steps.append("tls"))
            steps.append("mqtt")
        elif has_tls:
            await connection.send(b"\r\n")  # an empty line, which servers pass over, takes the handshake with it
            steps.append("tls")
    finally:
        connection.close()
