"""The settings over HTTP: GET and PATCH /api/settings. A change is checked as a whole and applied as a whole."""

import asyncio

from micropython import const

from firmware.state import schema
from firmware.state.settings import SettingsError
from lib.http.errors import HttpError
from lib.http.json_text import put_errors, put_items, put_value, room

_ROOM = const(700)  # more than a row or a value takes
_AT_ONCE = const(4)  # values put before others run


async def get(gateway, request, response):
    """The schema, row by row, then all values; of a secret only whether it is set."""
    settings = gateway.settings
    response.put(b"{")
    await put_items(response, (("revision", settings.revision), ("restart_needed", settings.restart_needed)))
    response.put(b',"pages":[')
    between = b""
    for page, rows, count in schema.TABLES:
        await room(response)
        response.put(between)
        response.put(b'{"page":')
        response.put_json(page)
        response.put(b',"count":')
        response.put_int(count or 0)
        response.put(b',"rows":[')
        comma = b"{"
        for row in rows.strip().split("\n"):
            await room(response, _ROOM)
            response.put(comma)
            await put_row(response, schema.Setting(page, row, None if count is None else "#"))
            await asyncio.sleep_ms(0)
            response.put(b"}")
            comma = b",{"
        response.put(b"]}")
        between = b","
    response.put(b'],"values":{')
    comma = b""
    for number, setting in enumerate(schema.each()):
        if not number % _AT_ONCE:
            await asyncio.sleep_ms(0)
        await room(response, _ROOM)
        response.put(comma)
        response.put_json(setting.name)
        response.put(b":")
        value = settings.value(setting)
        if setting.is_secret:
            response.put(b'{"set":true}' if value else b'{"set":false}')
        else:
            put_value(response, value)
        comma = b","
    response.put(b"}}")


async def put_row(response, setting):
    """Put the members of a schema row."""
    await put_items(response, _row(setting))
    if setting.kind == "choice":
        response.put(b',"choices":[[')
        comma = b""
        for pair in setting.range.split(","):
            value, _, word = pair.partition("=")
            response.put(comma)
            response.put(value)
            response.put(b",")
            response.put_json(word)
            comma = b"],["
        response.put(b"]]")


def _row(setting):
    yield "name", setting.name
    yield "kind", setting.kind
    yield "default", setting.default
    if setting.kind in ("text", "zone", "ip", "writes", "sources", "when"):
        yield "most", int(setting.range)
    elif setting.kind == "ssid":
        yield "most", 4 * int(setting.range)  # of the text, in which a byte may take four
    elif setting.kind == "int":
        low, _, high = setting.range.partition("..")
        yield "from", int(low)
        yield "to", int(high)
    if setting.is_secret:
        yield "secret", True
    if setting.needs_restart:
        yield "restart", True
    yield "meaning", setting.meaning


async def patch(gateway, request, response, body):
    """Take {"name": value, ...} and perhaps the revision it is based on."""
    if not request.content_length:
        raise HttpError(400, "an object of settings is expected")
    settings = gateway.settings
    revision = body.pop("revision", None)
    if revision is not None and revision != settings.revision:
        response.status = 409
        response.put(b'{"error":"somebody else has changed the settings meanwhile","revision":')
        response.put_int(settings.revision)
        response.put(b"}")
        return
    try:
        changed = settings.change(body)
    except SettingsError as error:
        await put_errors(response, error.errors)
        return
    except OSError:
        raise HttpError(507, "the flash did not take the settings; the old ones stay")
    await put_changed(gateway, response, changed)


async def put_changed(gateway, response, changed):
    """Answer with the names that were changed, and leave an event."""
    settings = gateway.settings
    state = (("revision", settings.revision), ("restart_needed", settings.restart_needed))
    if changed:
        gateway.events.add("settings", "changed: " + ", ".join(changed[:4]) + (" ..." if len(changed) > 4 else ""))
    response.put(b'{"changed":[')
    comma = b""
    for name in changed:
        await room(response)
        response.put(comma)
        response.put_json(name)
        comma = b","
    response.put(b"],")
    await put_items(response, state)
    response.put(b"}")
