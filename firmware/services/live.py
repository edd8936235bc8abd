"""/api/live: the values of one group of a meter with their age, also when they are no longer fresh."""

from firmware.services import sg_text
from firmware.state.readings import ABSENT, GOOD, PRESENT, STATUS_WORDS
from lib.http.errors import HttpError
from lib.http.json_text import put_items, put_value, room


async def get(gateway, request, response):
    slot = request.query("slot") or ""
    name = request.query("group") or "measurements"
    device = gateway.readings.device(int(slot) if slot.isdigit() and len(slot) < 3 else slot)
    if device is None or device.is_switch:
        raise HttpError(404, "there is no meter in this slot")
    if name not in ("measurements", "counters"):
        raise HttpError(400, "group may be measurements or counters")
    group = device.groups.get(name)
    quality = ABSENT if group is None else group.quality()
    is_good = quality == GOOD and device.status == PRESENT
    response.put(b"{")
    await put_items(
        response,
        (
            ("local_time", gateway.clock.local_text()),
            ("model", device.model),
            ("serial", device.serial),
            ("status", STATUS_WORDS[device.status]),
            ("quality", "absent" if quality == ABSENT else "good" if is_good else "stale"),
            ("age_s", None if quality == ABSENT else group.age_ms() // 1000),
        ),
    )
    if name == "counters":
        response.put(b',"values":[')
        if quality != ABSENT:
            await _put_counters(response, device, group)
        response.put(b"]}")
        return
    if is_good and device.tariff:
        response.put(b',"tariff":')
        response.put_int(device.tariff)
    response.put(b',"values":{')
    if quality != ABSENT:
        comma = b'"'
        for index in range(len(group.rows)):
            if group.has(index):
                value = group.rows[index][0]
                await room(response)
                response.put(comma)
                response.put(value)
                response.put(b'":')
                sg_text.put_measurement(response, value, group.mantissa[index], group.exponent[index], group.unit[index])
                comma = b',"'
    response.put(b"}}")


async def _put_counters(response, device, group):
    comma = b'{"name":"'
    for index in range(len(group.rows)):
        await room(response)
        if device.groups.get("counters") is not group:
            return  # another meter answers now
        if not group.has(index):
            continue
        response.put(comma)
        response.put(group.rows[index][0])
        response.put(b'","value":')
        sg_text.put_counter(response, group.mantissa[index], group.exponent[index], group.unit[index])
        response.put(b',"direction":"')
        response.put(device.direction(index))
        response.put(b'","phase":')
        put_value(response, device.phases_of[index])
        response.put(b',"tariffs":[')
        between = b""
        for tariff in range(6):
            if device.tariffs[index] >> tariff & 1:
                response.put(between)
                response.put_int(tariff + 1)
                between = b","
        response.put(b"]}")
        comma = b',{"name":"'
