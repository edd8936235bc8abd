"""/api/profile, /api/profile/<i>, /api/meter_events/<i>: load profiles and events of meters, of lib/store/profile.py.

`<i>`: a serial number as /api/profile lists it, or its place in that list from 1.
"""

import asyncio

from micropython import const

from firmware.services import profile_text as text
from lib.http.errors import HttpError
from lib.http.json_text import put_items, room

_ROOM = const(520)  # of an event
_LAST_S = const(86400)  # served unless something else is asked for


async def get(gateway, request, response):
    """List all profiles; missing: periods between first and last without a record."""
    profiles = gateway.profiles or gateway.open_profiles(False)
    response.put(b'{"profiles":[')
    comma = b"{"
    for key in profiles.keys() if profiles else ():
        meter, last = profiles.meter(key), profiles.last(key)
        if meter is None or last is None:
            continue  # removed meanwhile; events only, or nothing yet
        first, count = None, 0
        for found in profiles.extent(key):
            if found is None:
                await asyncio.sleep_ms(0)
            else:
                first, count = found
        await room(response)
        response.put(comma)
        comma = b",{"
        await put_items(
            response,
            (
                ("key", key),
                ("period_min", meter.period),
                ("first", first),
                ("last", last),
                ("first_time", gateway.clock.local_text(first or last)),
                ("last_time", gateway.clock.local_text(last)),
                ("count", count),
                ("missing", max(0, (last - (first or last)) // (60 * meter.period) + 1 - count)),
            ),
        )
        await text.put_columns(response, meter.columns)
        response.put(b"}")
    response.put(b"]}")


async def get_one(gateway, request, response):
    """&from=, &to=: Unix seconds, or local days YYYY-MM-DD, both included; &format=csv or json.

    Without them the last 24 hours.
    """
    profiles, key = _asked(gateway, request)
    meter = profiles.meter(key)
    newest = profiles.last(key)
    if newest is None:
        raise HttpError(404, "this meter has no load profile")
    clock = gateway.clock
    records = profiles.query(key, *text.span(clock, request, newest, _LAST_S))
    if text.is_csv(request):
        response.type = "text/csv"
        await text.put_head(response, meter.columns)
        await text.put_lines(clock, response, records)
        return
    response.put(b"{")
    await put_items(response, (("key", key), ("period_min", meter.period)))
    await text.put_columns(response, meter.columns)
    await text.put_json(clock, response, records)
    response.put(b"}")


async def delete(gateway, request, response, body):
    """Remove the profile and the events of a meter; one that is still read begins anew."""
    profiles, key = _asked(gateway, request)
    try:
        for _ in profiles.forget(key):
            await asyncio.sleep_ms(0)
    except OSError:
        raise HttpError(500, "the flash does not take it") from None
    gateway.events.add("settings", f"load profile of {key} removed")
    response.status = 204


async def get_events(gateway, request, response):
    """All events that are kept of a meter, in the order in which it told them."""
    profiles, key = _asked(gateway, request)
    response.put(b"{")
    await put_items(response, (("key", key),))
    response.put(b',"events":[')
    comma = b"{"
    for time, code, words in profiles.logged(key):
        await asyncio.sleep_ms(0)
        await room(response, _ROOM)
        response.put(comma)
        comma = b",{"
        local = gateway.clock.local_text(time)
        await put_items(response, (("utc", time), ("local_time", local), ("code", code), ("text", words)))
        response.put(b"}")
    response.put(b"]}")


def _asked(gateway, request):
    """Return (profiles, key) of the meter that the path's last part means. Raises HttpError 404."""
    profiles = gateway.profiles or gateway.open_profiles(False)
    wanted = request.path[request.path.find("/", 5) + 1 :]
    if profiles:
        keys = profiles.keys()
        if wanted in keys:
            return profiles, wanted
        if wanted.isdigit() and len(wanted) < 4 and 0 < int(wanted) <= len(keys):
            return profiles, keys[int(wanted) - 1]
    raise HttpError(404, "there is no load profile of this meter")
