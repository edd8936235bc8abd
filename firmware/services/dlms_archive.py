"""The archive of DLMS meters over HTTP: /api/archive, of one meter /api/archive/<id>, of all /api/archive.csv; and their
events, /api/dlms_events/<id>. Streamed while it is read.

Meters change what they record: records of a span may have different columns. An answer has all of these, each once; what a
record does not have is left empty.
"""

import asyncio

from micropython import const

from firmware.services import dlms_text
from firmware.services import profile_text as text
from lib.dlms import event_names
from lib.http.errors import HttpError
from lib.http.json_text import put_items, room
from lib.text import csv

_DAY_S = const(86400)
_USUAL_S = const((_DAY_S, 31 * _DAY_S, 400 * _DAY_S, 400 * _DAY_S, _DAY_S))  # what is served of a kind unless asked otherwise
_MOST_COLUMNS = const(120)  # of an answer
_KNOWN = const(8)  # layouts
_FOREVER = const(0xFFFFFFFF)
_ROOM = const(520)  # of an event
_SEPARATOR = const(",")


async def get(gateway, request, response):
    """How full the archive is, of which span each kind is kept, what was found damaged."""
    dlms = dlms_text.dlms_of(gateway)
    archive, local_text = dlms.archive, gateway.clock.local_text
    response.put(b'{"block":4096,"kinds":[')
    comma = b"{"
    for _ in archive.learn():
        await asyncio.sleep_ms(0)
    for kind, (used, most, first, last) in enumerate(archive.sizes()):
        await room(response)
        response.put(comma)
        comma = b",{"
        items = (("kind", dlms_text.KINDS[kind] if kind < len(dlms_text.KINDS) else "events"), ("blocks", used), ("most", most))
        times = (("first_time", local_text(first) if first else ""), ("last_time", local_text(last) if last else ""))
        await put_items(response, items + (("first", first or None), ("last", last or None)) + times)
        response.put(b"}")
    response.put(b"]")
    failure = repr(archive.failure) if archive.failure else ""
    await put_items(response, (("damage", dlms.damage), ("failure", failure)), False)
    response.put(b"}")


async def get_one(gateway, request, response):
    """&kind=profile, daily, monthly, maxima or present; &from=, &to=, &format= as /api/profile has them.

    Without from and to a day up to the newest record, of daily values a month, of monthly ones and maxima 400 days.
    """
    plan = await dlms_text.plan_of(gateway, request.path[request.path.rfind("/") + 1 :])
    archive, clock = dlms_text.dlms_of(gateway).archive, gateway.clock
    kind = _kind(request)
    newest = await _last(archive.newest(plan.id, kind))
    first, last = text.span(clock, request, newest, _USUAL_S[kind])
    is_csv = text.is_csv(request)
    columns = await _columns(archive, plan.id, kind, first, last)
    records = columns.of(archive.rows(plan.id, kind, first, last))
    if is_csv:
        response.type = "text/csv"
        await text.put_head(response, columns.titles())
        await text.put_lines(clock, response, records)
        return
    response.put(b"{")
    await put_items(response, (("id", plan.id), ("key", plan.serial), ("kind", dlms_text.KINDS[kind])))
    await text.put_columns(response, columns.titles())
    await text.put_json(clock, response, records)
    response.put(b"}")


async def get_csv(gateway, request, response):
    """The records of all meters, one meter after the other; parameters as of one meter. Without `to` it is up to now."""
    meters, clock = gateway.dlms_meters, gateway.clock
    await meters.ready()
    archive, kind = dlms_text.dlms_of(gateway).archive, _kind(request)
    first, last = text.span(clock, request, clock.utc(), _USUAL_S[kind])
    columns = await _columns(archive, 0, kind, first, last)
    response.type = "text/csv"
    response.put(b"id,serial,")
    await text.put_head(response, columns.titles())
    for _, number in meters.each():
        await asyncio.sleep_ms(0)
        line = meters.find(number)
        if line:
            before = f"{number},{csv.quoted(line.split('|', 2)[1], _SEPARATOR)},"
            await text.put_lines(clock, response, columns.of(archive.rows(number, kind, first, last)), before)


async def get_events(gateway, request, response):
    """The events of a meter, in their order; &from=, &to= as of its records, without them all."""
    plan = await dlms_text.plan_of(gateway, request.path[request.path.rfind("/") + 1 :])
    archive, local_text = dlms_text.dlms_of(gateway).archive, gateway.clock.local_text
    first, last = text.span(gateway.clock, request, _FOREVER, _FOREVER)
    response.put(b"{")
    await put_items(response, (("id", plan.id), ("key", plan.serial)))
    response.put(b',"events":[')
    comma = b"{"
    for event in archive.logged(plan.id, first, last):
        await asyncio.sleep_ms(0)
        if event is None:
            continue
        time, log, code, words = event
        name = event_names.spodes(log, code) if plan.type == "spodes" else event_names.idis(code)
        await room(response, _ROOM)
        response.put(comma)
        comma = b",{"
        items = (("utc", time), ("local_time", local_text(time)), ("log", log), ("code", code), ("name", name), ("text", words))
        await put_items(response, items)
        response.put(b"}")
    response.put(b"]}")


def _kind(request):
    name = request.query("kind") or dlms_text.KINDS[0]
    if name not in dlms_text.KINDS:
        raise HttpError(400, "kind may be " + ", ".join(dlms_text.KINDS))
    return dlms_text.KINDS.index(name)


async def _last(steps):
    """Return what a generator yields in the end; others run at each step before."""
    last = None
    for step in steps:
        last = step
        await asyncio.sleep_ms(0)
    return last


async def _columns(archive, meter, kind, first, last):
    """Return the Columns of what there is of a span, of all meters with 0. HttpError 422."""
    columns = Columns(archive)
    for layout in sorted(await _last(archive.layouts(meter, kind, first, last)) or ()):
        columns.add(layout)
        await asyncio.sleep_ms(0)
    return columns


class Columns:
    """All columns of some layouts, each once. Columns that differ in the unit are two; with other exponents it is one."""

    def __init__(self, archive):
        self._archive = archive
        self._all = []  # columns of the archive, the exponents of which are those of the layout that brought them
        self._layouts = set()
        self._places = {}  # of some layouts: [(place in _all, column) of each of its columns]

    def add(self, layout):
        """Have the columns of a layout, too."""
        if layout in self._layouts:
            return
        for column in self._archive.columns(layout) or ():
            if self._place(column) < 0:
                if len(self._all) == _MOST_COLUMNS:
                    raise HttpError(422, "these records have too many different columns: ask for less")
                self._all.append(column)
        self._layouts.add(layout)

    def titles(self):
        """Yield (code, unit) of each."""
        return dlms_text.titles(self._all)

    def of(self, rows):
        """Yield (time, status, values) of rows of the archive with a value, or None, for each column; None for None.

        Rows with a layout that was not added are passed over: they came after the answer was begun.
        """
        values: list = [None] * len(self._all)
        for row in rows:
            if row is None:
                yield None
                continue
            time, status, layout, found = row
            if layout not in self._layouts:
                continue
            for at in range(len(values)):
                values[at] = None
            for at, (place, column) in enumerate(self._of_layout(layout)):
                values[place] = dlms_text.exact(column, found[at])
            yield time, status, values

    def _of_layout(self, layout):
        places = self._places.get(layout)
        if places is None:
            if len(self._places) >= _KNOWN:
                self._places.clear()
            places = [(self._place(column), column) for column in self._archive.columns(layout) or ()]
            self._places[layout] = places
        return places

    def _place(self, column):
        for place, known in enumerate(self._all):
            if known[:4] == column[:4] and known[5] == column[5]:
                return place
        return -1
