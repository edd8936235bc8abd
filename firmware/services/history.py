"""/api/history: the energy of a meter by quarters of an hour and by days. `gateway` is that of firmware/main.py.

Energies are summed as integers of thousandths of a Wh and written as decimal numbers: no float is involved.
"""

import asyncio

from micropython import const

from lib.clock import calendar
from lib.http.errors import HttpError
from lib.http.json_text import room
from lib.store.energy_reader import intervals

_QUARTER_S = const(900)
_DAY_QUARTERS = const(96)
_VIEW_DAYS = const(30)
_MOST_DAYS = const(35)
_RECORDED_S = const(120)  # so long after its end a quarter may still come
_ROOM = const(120)
_AT_ONCE = const(8)  # numbers or lines put before others run


async def get(gateway, request, response):
    device = _meter(gateway, request)
    view = request.query("view")
    if view not in ("day", "month"):
        raise HttpError(400, "view may be day or month")
    response.put(b'{"slot":')
    response.put_json(str(device.slot))
    response.put(b',"serial":')
    response.put_json(device.serial)
    if view == "day":
        await _put_day(gateway, device, response)
    else:
        await _put_month(gateway, device, response)
    response.put(b"}")


async def get_csv(gateway, request, response):
    device = _meter(gateway, request)
    days = request.query("days")
    if days is None:
        days = str(_MOST_DAYS)
    if not days.isdigit() or len(days) > 2 or not 1 <= int(days) <= _MOST_DAYS:
        raise HttpError(400, f"days may be 1 to {_MOST_DAYS}")
    clock = gateway.clock
    response.type = "text/csv"
    response.put(b"utc,local_time,import_wh,export_wh\r\n")
    first = _day_start(clock.zone, _today(clock) - int(days) + 1)
    count = 0
    for interval in _known(gateway, device, first):
        if interval is None:
            await asyncio.sleep_ms(0)
        elif interval[1] == 1:
            count += 1
            if not count % _AT_ONCE:
                await asyncio.sleep_ms(0)
            await room(response, _ROOM)
            utc = interval[0] * _QUARTER_S
            response.put_int(utc)
            response.put(b",")
            response.filled(clock.put_local(response.free(), 0, utc))
            response.put(b",")
            _put_wh(response, _milli(interval, 2), b"")
            response.put(b",")
            _put_wh(response, _milli(interval, 4), b"")
            response.put(b"\r\n")


def _meter(gateway, request):
    slot = request.query("slot") or ""
    if slot != "lir" and not (slot.isdigit() and len(slot) < 3):
        raise HttpError(400, "slot may be lir or 1 to 32")
    device = gateway.readings.device(int(slot) if slot.isdigit() else slot)
    if device is None or device.is_switch:
        raise HttpError(404, "there is no meter in this slot")
    return device


def _known(gateway, device, first):
    """Yield the intervals of lib/store/energy_reader.py from quarter `first` until now; damage becomes an event, once."""
    key = gateway.history.key(device)
    if key is not None:
        troubles = []
        yield from intervals(gateway.history.folder, key, first, gateway.clock.utc() // _QUARTER_S, troubles)
        for text in troubles:
            if not any([event[2] == text[:80] for event in gateway.events.recent()]):
                gateway.events.add("history", text)


async def _put_day(gateway, device, response):
    start = gateway.clock.utc() // _QUARTER_S - _DAY_QUARTERS
    imported, exported = [None] * _DAY_QUARTERS, [None] * _DAY_QUARTERS
    for interval in _known(gateway, device, start):
        if interval is None:
            await asyncio.sleep_ms(0)
        elif interval[1] == 1:
            at = interval[0] - start
            if at < _DAY_QUARTERS:  # a boundary may have passed meanwhile
                imported[at], exported[at] = _milli(interval, 2), _milli(interval, 4)
    response.put(b',"interval_s":900,"start":')
    response.put_int(start * _QUARTER_S)
    response.put(b',"offsets_s":')
    comma, last = b"[[", None
    for at in range(_DAY_QUARTERS):  # summer time may begin or end meanwhile
        offset_s = gateway.clock.zone.offset_s((start + at) * _QUARTER_S) if gateway.clock.is_set else 0
        if offset_s != last:
            last = offset_s
            response.put(comma)
            response.put_int(at)
            response.put(b",")
            response.put_int(offset_s)
            comma = b"],["
    response.put(b"]]")
    await asyncio.sleep_ms(0)
    count = 0
    for name, energies in ((b',"import":', imported), (b',"export":', exported)):
        response.put(name)
        comma = b"["
        for energy in energies:
            count += 1
            if not count % _AT_ONCE:
                await asyncio.sleep_ms(0)
            await room(response, _ROOM)
            response.put(comma)
            _put_wh(response, energy)
            comma = b","
        response.put(b"]")


async def _put_month(gateway, device, response):
    clock = gateway.clock
    zone = clock.zone
    recorded = (clock.utc() - _RECORDED_S) // _QUARTER_S
    today = _today(clock)
    day = today - _VIEW_DAYS + 1
    start = _day_start(zone, day)
    end = _day_start(zone, day + 1)
    energies, counts = [0, 0], [0, 0]
    response.put(b',"days":[')
    for interval in _known(gateway, device, start):
        if interval is None:
            await asyncio.sleep_ms(0)
            continue
        while interval[0] >= end and day < today:
            await _put_date(response, day, energies, counts, end - start, day == today)
            day += 1
            start, end = end, _day_start(zone, day + 1)
            energies, counts = [0, 0], [0, 0]
        if interval[0] + interval[1] <= end:  # what reaches over midnight belongs to no day
            for side in (0, 1):
                energy = _milli(interval, 2 + 2 * side)
                if energy is not None:
                    energies[side] += energy
                    counts[side] += interval[1]
    while True:
        await _put_date(response, day, energies, counts, min(end, recorded) - start, day == today)
        if day == today:
            break
        day += 1
        start, end = end, _day_start(zone, day + 1)
        energies, counts = [0, 0], [0, 0]
    response.put(b"]")


async def _put_date(response, day, energies, counts, expected, is_last):
    """A day of the month; `expected`: its quarters, of today those that are over."""
    await asyncio.sleep_ms(0)
    await room(response, _ROOM)
    year, month, date = calendar.date(day)
    response.put(f'{{"date":"{year}-{month:02d}-{date:02d}","import":')
    _put_wh(response, energies[0] if counts[0] else None)
    response.put(b',"export":')
    _put_wh(response, energies[1] if counts[1] else None)
    is_complete = any(counts) and all([not count or count >= expected for count in counts])
    response.put(b',"complete":true}' if is_complete else b',"complete":false}')
    if not is_last:
        response.put(b",")


def _milli(interval, at):
    """Return an energy of an interval in thousandths of a Wh, None if it has none."""
    return None if interval[at] is None else interval[at] * 10 ** (interval[at + 1] + 3)


def _put_wh(response, milli, nothing=b"null"):
    """Thousandths as a decimal number without needless digits."""
    if milli is None:
        response.put(nothing)
        return
    response.put_int(milli // 1000)
    rest, width = milli % 1000, 3
    if rest:
        while rest % 10 == 0:
            rest //= 10
            width -= 1
        response.put(b".")
        response.put_int(rest, width)


def _today(clock):
    """Return the local day in days since 01.01.1970."""
    return _day(clock.zone, clock.utc())


def _day(zone, utc):
    return (utc + zone.offset_s(utc)) // calendar.DAY_S


def _day_start(zone, day):
    """Return the first quarter that begins on a local day, or later if there is none."""
    utc = day * calendar.DAY_S
    utc -= zone.offset_s(utc - zone.offset_s(utc))
    quarter = (utc + _QUARTER_S - 1) // _QUARTER_S
    if _day(zone, quarter * _QUARTER_S) >= day > _day(zone, (quarter - 1) * _QUARTER_S):
        return quarter
    quarter -= _DAY_QUARTERS // 12  # the clocks are changed about midnight
    while _day(zone, quarter * _QUARTER_S) < day:
        quarter += 1
    return quarter
