"""Records of meters as JSON and as CSV, and which span of them is asked for: for load profiles and the archive of DLMS meters.

A record is (UTC, status or None, values), a value (mantissa, decimal exponent), (UTC, MOMENT), or None. UTC inside, local time
here only.
"""

import asyncio

from micropython import const

from firmware.services import sg_text
from lib.clock import calendar
from lib.http.errors import HttpError
from lib.http.json_text import put_items, put_value, room

MOMENT = 100  # in the place of an exponent: the value is a time
_AT_ONCE = const(4)  # records put before others run
_VALUE = const(64)  # room for a value, or the head of a record
_MOST_DIGITS = const(10)


def span(clock, request, newest, usual_s):
    """Return (first, last) UTC that &from= and &to= ask for: Unix seconds, or local days YYYY-MM-DD, both included.

    Without them it is so many seconds up to the newest record. HttpError 400.
    """
    last = _time(clock, request.query("to"), 1)
    last = newest if last is None else last
    first = _time(clock, request.query("from"), 0)
    return (last - usual_s + 1 if first is None else first), last


def is_csv(request):
    """Return whether &format= asks for CSV. HttpError 400."""
    form = request.query("format") or "json"
    if form not in ("csv", "json"):
        raise HttpError(400, "format may be csv or json")
    return form == "csv"


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


async def put_columns(response, columns):
    """Put "columns", (code, unit) each, behind other items of an object."""
    response.put(b',"columns":[')
    comma = b"{"
    for code, unit in columns:
        await room(response)
        response.put(comma)
        comma = b",{"
        await put_items(response, (("code", code), ("unit", unit)))
        response.put(b"}")
    response.put(b"]")


async def put_json(clock, response, records):
    """Put "records" behind other items of an object: [UTC, seconds that local time is ahead, status, values...] each.

    A record may be None: others run.
    """
    response.put(b',"records":[')
    comma = b"["
    async for time, status, values in _Paced(records):
        await room(response, _VALUE)
        response.put(comma)
        comma = b",["
        response.put_int(time)
        response.put(b",")
        response.put_int(clock.zone.offset_s(time) if clock.is_set else 0)
        response.put(b",")
        put_value(response, status)
        for value in values:
            if response.room < _VALUE:
                await response.flush()
            response.put(b",")
            if value is None:
                response.put(b"null")
            elif value[1] == MOMENT:
                response.put_int(value[0])
            else:
                sg_text.put_exact(response, value[0], value[1])
        response.put(b"]")
    response.put(b"]")


async def put_head(response, columns):
    """Put the names of what put_lines() puts, and the end of the line."""
    response.put(b"utc,local_time,status")
    for code, unit in columns:
        await room(response)
        response.put(f",{code} {unit}" if unit else "," + code)
    response.put(b"\r\n")


async def put_lines(clock, response, records, before=""):
    """Put a line of CSV for each record, None of which may be: others run. `before`: what is before it in each line."""
    async for time, status, values in _Paced(records):
        await room(response, _VALUE + len(before))
        response.put(before)
        response.put_int(time)
        response.put(b",")
        response.filled(clock.put_local(response.free(), 0, time))
        response.put(b"," if status is None else f",{status:x}")
        for value in values:
            if response.room < _VALUE:
                await response.flush()
            response.put(b",")
            if value is None:
                continue
            if value[1] == MOMENT:
                response.filled(clock.put_local(response.free(), 0, value[0]))
            else:
                sg_text.put_exact(response, value[0], value[1])
        response.put(b"\r\n")


class _Paced:
    """Records without the Nones between them; others run at each of these, and after some records."""

    def __init__(self, records):
        self._records = iter(records)
        self._count = 0

    def __aiter__(self):
        return self

    async def __anext__(self):
        for record in self._records:
            self._count += 1
            if record is None or not self._count % _AT_ONCE:
                await asyncio.sleep_ms(0)
            if record is not None:
                return record
        raise StopAsyncIteration
