"""The IEC 62056-21 meters over HTTP: /api/iec_meters (POST adds one), /api/iec_meters/<number> (POST, DELETE),
/api/iec_readout/<number>.

Of a password only whether it is set. A raw read-out is asked of the meter then and handed on as it comes: it is kept nowhere.
"""

import asyncio
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from firmware.services.settings import put_row
from firmware.state import iec_meters
from firmware.state.readings import STATUS_WORDS
from lib.http.errors import HttpError
from lib.http.json_text import put_errors, put_items, room

_ALL = const("/api/iec_meters")
_PATH = const("/iec_meters.json")
_ROOM = const(900)  # more than a meter takes
_RING = const(1024)  # bytes of a read-out on their way: a second at 9600
_PART = const(200)
_QUEUE_MS = const(180000)  # for others' turns
_READ_OUT_MS = const(1300000)
_LOOK_MS = const(50)


def _document(gateway):
    return gateway.document(gateway.platform.root + _PATH)


def _lines(gateway):
    """Return the list: it takes too much memory to be read once more where many meters are."""
    lines = gateway.field.iec_lines()
    return iec_meters.load(_document(gateway))[0] if lines is None else lines


async def get(gateway, request, response):
    """How each meter fares, and the fields of one, as /api/settings has rows."""
    lines = _lines(gateway)
    response.put(b'{"most":')
    response.put_int(iec_meters.MOST)
    response.put(b',"meters":[')
    comma = b"{"
    for number, line in enumerate(lines):
        await room(response, _ROOM)
        response.put(comma)
        await put_items(response, _items(gateway, number + 1, line))
        response.put(b"}")
        comma = b",{"
        await asyncio.sleep_ms(0)
    response.put(b'],"fields":[')
    comma = b"{"
    for field in iec_meters.fields():
        await room(response, _ROOM)
        response.put(comma)
        await put_row(response, field)
        response.put(b"}")
        comma = b",{"
        await asyncio.sleep_ms(0)
    response.put(b"]}")


def _items(gateway, number, line):
    plan = iec_meters.Plan(line)
    yield "number", number
    for field in iec_meters.fields():
        value = getattr(plan, field.name)
        if field.is_secret:
            yield field.name + "_set", value != ""
        else:
            yield field.name, value
    reader, index = _find(gateway, number, line)
    if reader is None:
        yield "status", "disabled"
        return
    device, meters = reader.meters.devices[index], reader.meters
    yield "slot", str(device.slot)
    yield "status", STATUS_WORDS[device.status]
    yield "model", device.model
    yield "serial", device.serial
    yield "error", meters.errors[index]
    yield "clock_ahead_s", meters.drifts[index]
    fault, state, locked = meters.faults[index], meters.states[index], 60 * reader.locked[index]
    yield "fault", None if fault is None else f"{fault:x}"
    yield "state", None if state is None else f"{state:x}"
    yield "password_refused_until", locked if locked > meters.utc() else None
    utc = 60 * reader.seen[index] or None
    yield "read_utc", utc
    yield "read_time", gateway.clock.local_text(utc) if utc else ""


def _find(gateway, number, line):
    """Return (reader, index) of a meter, (None, 0) if nobody reads it: the list may have changed since it was begun."""
    is_infrared = line[0] == "1"
    reader = gateway.field.readers.get("ir_left" if is_infrared else "rs485")
    if reader is not None:
        slot = "lir" if is_infrared else number
        for index, device in enumerate(reader.meters.devices):
            if device.slot == slot and reader.meters.lines[index] == line:
                return reader, index
    return None, 0


async def post(gateway, request, response, body):
    """Change a meter, or add one behind the last: fields that are not named stay as they are, or are the defaults."""
    document = _document(gateway)
    lines = _lines(gateway)
    if request.path == _ALL:
        number = len(lines) + 1
        if number > iec_meters.MOST:
            raise HttpError(409, f"there is room for {iec_meters.MOST} meters")
    else:
        number = _number(request, min(len(lines) + 1, iec_meters.MOST))
    before = lines[number - 1] if number <= len(lines) else None
    try:
        line = iec_meters.checked(body, before)
    except iec_meters.Wrong as error:
        return await put_errors(response, {error.field: error.sentence})
    lines[number - 1 :] = [line] + lines[number:]
    errors = iec_meters.check_together(lines)
    if errors:
        return await put_errors(response, errors)
    _keep(gateway, document, lines)
    gateway.events.add("settings", f"IEC meter {number} {'changed' if before else 'added'}")
    response.status = 200 if before else 201
    response.put(b'{"number":')
    response.put_int(number)
    response.put(b"}")
    return None


async def delete(gateway, request, response, body):
    """Take a meter from the list; those behind it move up."""
    document = _document(gateway)
    lines = _lines(gateway)
    number = _number(request, len(lines))
    lines.pop(number - 1)
    _keep(gateway, document, lines)
    gateway.events.add("settings", f"IEC meter {number} removed")
    response.status = 204


def _number(request, last):
    text = request.path[request.path.rfind("/") + 1 :]
    if not text.isdigit() or len(text) > 2 or not 0 < int(text) <= last:
        raise HttpError(404, f"a number from 1 to {last} is expected")
    return int(text)


def _keep(gateway, document, lines):
    try:
        iec_meters.save(document, lines)
    except OSError:
        raise HttpError(507, "the flash did not take it; nothing was changed")
    gateway.field.rebuild()
    if gateway.push:
        gateway.push.changed(())


async def get_readout(gateway, request, response):
    """Read the meter now, and hand on what it sends, byte by byte; `?`s stand for what came damaged."""
    lines = _lines(gateway)
    number = _number(request, len(lines))
    reader, index = _find(gateway, number, lines[number - 1])
    if reader is None:
        raise HttpError(503, "nobody reads this meter now")
    if reader.tap is not None:
        raise HttpError(503, "another read-out is being looked at", "Retry-After", "30")
    watch = _Watch(reader.meters.plan(index).parity == 1)
    reader.watched = index
    reader.tap = watch.take
    reader.read_now(index)
    end = ticks_add(ticks_ms(), _QUEUE_MS)
    try:
        while not watch.is_over and ticks_diff(end, ticks_ms()) > 0 and reader in gateway.field.readers.values():
            if watch.used:
                if not watch.has_begun:
                    watch.has_begun = True
                    response.type = "text/plain"
                    end = ticks_add(ticks_ms(), _READ_OUT_MS)
                await room(response, _PART)
                watch.give(response, _PART)
            else:
                await asyncio.sleep_ms(_LOOK_MS)
        while watch.used:
            await room(response, _PART)
            watch.give(response, _PART)
    finally:
        reader.tap = None
        reader.watched = -1
    if not watch.has_begun:
        raise HttpError(504, "the meter does not answer")
    result = (reader.meters.errors[index] or "good") if watch.is_over else "broken off"
    response.put(f"\n[{result}{', parts are left out' if watch.is_cut else ''}]\n")


class _Watch:
    """Bytes of a read-out on their way from the reader to a client."""

    def __init__(self, has_parity):
        self._ring = bytearray(_RING)
        self._at = 0
        self._mask = 0x7F if has_parity else 0xFF
        self.used = 0
        self.is_over = self.is_cut = self.has_begun = False

    def take(self, view):
        if view is None:
            self.is_over = True
            return
        for byte in view:
            if self.used == _RING:
                self.is_cut = True
                return
            byte &= self._mask
            self._ring[(self._at + self.used) % _RING] = byte if byte < 127 and (byte > 31 or byte in b"\r\n") else 0x3F
            self.used += 1

    def give(self, response, most):
        count = min(self.used, most, _RING - self._at)
        response.put(memoryview(self._ring)[self._at : self._at + count])
        self._at = (self._at + count) % _RING
        self.used -= count
