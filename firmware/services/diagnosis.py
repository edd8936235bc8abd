"""What helps to find a fault: /api/events, /api/health, /api/frames."""

from binascii import hexlify

from firmware.services import info
from firmware.state.frames import FrameLog
from lib.http.errors import HttpError
from lib.http.json_text import put_items, room


async def get_events(gateway, request, response):
    clock = gateway.clock
    response.put(b'{"events":[')
    comma = b"{"
    for utc, kind, text in list(gateway.events.recent()):
        await room(response, 700)  # a text of 80 odd characters, and what stands around it
        response.put(comma)
        await put_items(response, (("time", clock.local_text(utc)), ("utc", utc), ("kind", kind), ("text", text)))
        response.put(b"}")
        comma = b",{"
    response.put(b"]}")


async def get_health(gateway, request, response):
    response.put(b"{")
    await put_items(response, info.health(gateway))
    server = gateway.server
    response.put(b',"http":{')
    await put_items(response, (("requests", server.requests), ("open", server.open), ("refused", server.refused)))
    response.put(b"},")
    for server in gateway.modbus:
        response.put_json(server.name)
        response.put(b":{")
        await put_items(response, info.modbus(server))
        response.put(b"},")
    slave = gateway.field.slave
    if slave:
        response.put(b'"slave":{')
        await put_items(response, (("frames", slave.frames), ("damaged", slave.damaged)))
        response.put(b"},")
    response.put(b'"buses":[')
    comma = b"{"
    for name, bus in list(gateway.field.buses.items()):
        await room(response)
        response.put(comma)
        await put_items(response, (("port", name), ("frames", bus.frames), ("noise_bytes", bus.noise)))
        response.put(b',"units":[')
        await _put_units(response, list(bus.units.values()))
        response.put(b"]}")
        comma = b",{"
    response.put(b"]}")


async def _put_units(response, units):
    comma = b"{"
    for unit in units:
        await room(response)
        response.put(comma)
        await put_items(response, (("address", unit.unit_id),))
        await put_items(response, info.unit(unit), first=False)
        response.put(b"}")
        comma = b",{"


async def get_frames(gateway, request, response):
    """The raw frames of one wire. Keeping them begins with the first request and ends when nobody asks any more."""
    port = request.query("port") or ""
    after = request.query("after") or "0"
    bus = gateway.field.buses.get(port)
    if bus is None:
        raise HttpError(404, "there is no wire of this name in use")
    if not after.isdigit() or len(after) > 9:
        raise HttpError(400, "after is the number of a frame")
    if gateway.frames is None or gateway.frames.bus is not bus:
        gateway.frames = FrameLog(bus, gateway.frames)
    log = gateway.frames
    after = int(after)
    if log.frames and after > log.frames[-1][0]:
        after = 0  # of a log that was forgotten meanwhile
    log.ask()
    response.put(b'{"port":')
    response.put_json(port)
    response.put(b',"frames":[')
    comma = b'{"n":'
    for number, ms, is_sent, frame in list(log.frames):
        if number > after:
            await room(response, 600)  # 256 bytes in hexadecimal, and what stands around them
            response.put(comma)
            response.put_int(number)
            response.put(b',"ms":')
            response.put_int(ms)
            response.put(b',"sent":true,"hex":"' if is_sent else b',"sent":false,"hex":"')
            response.put(hexlify(frame))
            response.put(b'"}')
            comma = b',{"n":'
    response.put(b"]}")
