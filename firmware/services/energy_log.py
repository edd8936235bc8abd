"""get_energy_log of /get_command: the energies of the last 24 hours in the forms of the SG manual."""

import asyncio

from micropython import const

from firmware.services import sg_text
from firmware.state.readings import PRESENT, SILENT, WATT_HOURS
from lib.http.json_text import room
from lib.store.energy_reader import intervals

_QUARTER_S = const(900)
_DAY_QUARTERS = const(96)
_ROOM = const(200)


async def put(gateway, request, response):
    """Answer for the K-th meter that was found, &recorder=K; without it the first."""
    clock = gateway.clock
    recorder = request.query("recorder") or "1"
    known = [device for device in gateway.readings.meters() if device.status in (PRESENT, SILENT)]
    device = known[int(recorder) - 1] if recorder.isdigit() and 0 < int(recorder) <= len(known) else None
    response.put(b'{"header":{"cmd":"get_energy_log","local_time":"')
    response.put(clock.local_text())
    response.put(b'","model":')
    if device is None:
        response.put(b'"0"}}')
        return
    response.put_json(device.model)
    response.put(b',"serial_number":')
    response.put_json(device.serial)
    response.put(b',"interval":900},"energy_log":[')
    key = gateway.history.key(device)
    now = clock.utc() // _QUARTER_S
    comma = b'{"time":"'
    for interval in intervals(gateway.history.folder, key, now - _DAY_QUARTERS, now, []) if key else ():
        if interval is None:
            await asyncio.sleep_ms(0)
            continue
        start, count, imported, import_exponent, exported, export_exponent = interval
        if count == 1:
            await room(response, _ROOM)
            response.put(comma)
            response.filled(clock.put_local(response.free(), 0, start * _QUARTER_S))
            response.put(b'"')
            _put(response, b',"import":', imported, import_exponent)
            _put(response, b',"export":', exported, export_exponent)
            response.put(b"}")
            comma = b',{"time":"'
    response.put(b"]}")


def _put(response, name, mantissa, exponent):
    """An energy, if there is such a counter."""
    if mantissa is not None:
        response.put(name)
        sg_text.put_counter(response, mantissa, exponent, WATT_HOURS)
