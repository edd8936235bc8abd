"""/api/profile, /api/profile/<i>, /api/meter_events/<i>: load profiles and events of meters, of lib/store/profile.py.

`<i>`: a serial number as /api/profile lists it, or its place in that list from 1. UTC inside, local time here only.
"""

import asyncio

from micropython import const

from firmware.services import sg_text
from lib.clock import calendar
from lib.http.errors import HttpError
from lib.http.json_text import put_items, room

_AT_ONCE = const(4)  # records put before others run
_ROOM = const(520)  # of a record with 16 channels
_LAST_S = const(86400)  # served unless something else is asked for
_MOST_DIGITS = const(10)


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
        await _put_columns(response, meter)
        response.put(b"}")
    response.put(b"]}")


async def _put_columns(response, meter):
    response.put(b',"columns":[')
    comma = b"{"
    for code, unit in meter.columns:
        await room(response)
        response.put(comma)
        comma = b",{"
        await put_items(response, (("code", code), ("unit", unit)))
        response.put(b"}")
    response.put(b"]")


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
    last = _time(clock, request.query("to"), 1)
    last = newest if last is None else last
    first = _time(clock, request.query("from"), 0)
    first = last - _LAST_S + 1 if first is None else first
    form = request.query("format") or "json"
    if form not in ("csv", "json"):
        raise HttpError(400, "format may be csv or json")
    if form == "csv":
        await _put_csv(clock, response, meter, profiles.query(key, first, last))
        return
    response.put(b"{")
    await put_items(response, (("key", key), ("period_min", meter.period)))
    await _put_columns(response, meter)
    response.put(b',"records":[')
    comma = b"["
    count = 0
    for record in profiles.query(key, first, last):
        count += 1
        if record is None or not count % _AT_ONCE:
            await asyncio.sleep_ms(0)
        if record is not None:
            await room(response, _ROOM)
            time, status, values = record
            response.put(comma)
            comma = b",["
            response.put_int(time)
            response.put(b",")
            response.put_int(clock.zone.offset_s(time) if clock.is_set else 0)
            response.put(b",")
            response.put_int(status)
            for value in values:
                response.put(b",")
                if value is None:
                    response.put(b"null")
                else:
                    sg_text.put_exact(response, value[0], value[1])
            response.put(b"]")
    response.put(b"]}")


async def _put_csv(clock, response, meter, records):
    response.type = "text/csv"
    response.put(b"utc,local_time,status")
    for code, unit in meter.columns:
        await room(response)
        response.put(f",{code} {unit}" if unit else "," + code)
    response.put(b"\r\n")
    count = 0
    for record in records:
        count += 1
        if record is None or not count % _AT_ONCE:
            await asyncio.sleep_ms(0)
        if record is not None:
            await room(response, _ROOM)
            time, status, values = record
            response.put_int(time)
            response.put(b",")
            response.filled(clock.put_local(response.free(), 0, time))
            response.put(f",{status:x}")
            for value in values:
                response.put(b",")
                if value is not None:
                    sg_text.put_exact(response, value[0], value[1])
            response.put(b"\r\n")


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
    for time, code, text in profiles.logged(key):
        await asyncio.sleep_ms(0)
        await room(response, _ROOM)
        response.put(comma)
        comma = b",{"
        local = gateway.clock.local_text(time)
        await put_items(response, (("utc", time), ("local_time", local), ("code", code), ("text", text)))
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


def _time(clock, text, days):
    """Return Unix seconds of a parameter, None without it; of a local day its begin, or its end with `days` 1.

    A record is of the time before it, so that of midnight belongs to the day that ends.
    """
    if not text:
        return None
    if text.isdigit() and len(text) <= _MOST_DIGITS:
        return int(text)
    try:
        year, month, day = text.split("-")
        utc = calendar.to_unix(int(year), int(month), int(day)) + days * calendar.DAY_S
    except ValueError:
        raise HttpError(400, "from and to may be Unix seconds or days such as 2026-07-01") from None
    if clock.is_set:
        utc -= clock.zone.offset_s(utc - clock.zone.offset_s(utc))
    return utc + 1 - days
