"""/api/profile and /api/meter_events; a reader that fills what an outage left open; local time at the edge."""

import asyncio
import json

from firmware.services import profile as service
from host_tests.fakes.ram_flash import empty, fill
from host_tests.firmware.services.profile_gateway import CODES, KEY, UNITS, Gateway, Q, T
from lib.clock import calendar
from lib.http.errors import HttpError


def values_of(time):
    return [(time // Q % 1000000 * 125, -3), None, (2301, -1)]


def put(gateway, first, last, status=0):
    for number in range((last - first) // Q + 1):
        time = first + number * Q
        gateway.profiles.append(KEY, time, status, values_of(time))


def refusal(gateway, path, function=service.get_one, **values):
    try:
        gateway.ask(function, path, **values)
    except HttpError as error:
        return error.status
    return None


def test_the_list():
    gateway = Gateway()
    assert gateway.list() == []
    put(gateway, T, T + 20 * Q)
    put(gateway, T + 23 * Q, T + 30 * Q)
    gateway.profiles.log("only/events", [(T, "1", "one")])
    (one,) = gateway.list()
    assert one == {
        "key": KEY,
        "period_min": 15,
        "first": T,
        "last": T + 30 * Q,
        "first_time": "15.07.2026 12:00:00",
        "last_time": "15.07.2026 19:30:00",
        "count": 29,
        "missing": 2,
        "columns": [{"code": code, "unit": unit} for code, unit in zip(CODES, UNITS)],
    }, one


def test_a_removed_profile_is_gone_and_begins_anew():
    gateway = Gateway()
    put(gateway, T, T + 100 * Q)
    gateway.profiles.log(KEY, [(T, "1", "one")])
    response = gateway.response_of(service.delete, "/api/profile/" + KEY)
    assert response.status == 204 and gateway.list() == []
    assert refusal(gateway, "/api/profile/" + KEY) == 404
    gateway.profiles.describe(KEY, 15, CODES, UNITS)
    put(gateway, T, T + 3 * Q)
    assert gateway.list()[0]["count"] == 4


def test_records_as_json():
    gateway = Gateway()
    put(gateway, T - 200 * Q, T)
    gateway.profiles.append(KEY, T + Q, 0x80, [(-5, 2), (1 << 40, -3), None])
    answer = gateway.one(**{"from": str(T - Q), "to": str(T + Q)})
    assert answer["key"] == KEY and answer["period_min"] == 15 and len(answer["columns"]) == 3
    assert [record[:3] for record in answer["records"]] == [[T - Q, 7200, 0], [T, 7200, 0], [T + Q, 7200, 128]]
    assert answer["records"][2][3:] == [-500, 1099511627.776, None], answer
    assert len(gateway.one()["records"]) == 96, "the last day"
    assert json.loads(gateway.ask(service.get_one, "/api/profile/1"))["key"] == KEY
    day = gateway.one(**{"from": "2026-07-14", "to": "2026-07-14"})["records"]
    midnight = calendar.to_unix(2026, 7, 13, 22)
    assert [day[0][0], day[-1][0], len(day)] == [midnight + Q, midnight + 96 * Q, 96], "24:00 belongs to the day that ends"


def test_records_as_csv_through_the_end_of_summer_time():
    start = calendar.to_unix(2026, 10, 25, 0)  # 02:00; the hour from 2 to 3 comes twice
    gateway = Gateway(start)
    put(gateway, start, start + 8 * Q, status=8)
    lines = gateway.ask(service.get_one, "/api/profile/" + KEY, format="csv").split("\r\n")
    assert gateway.type == "text/csv" and lines[0] == "utc,local_time,status,1.8.0 kWh,2.8.0 kWh,32.7.0 V"
    times = [line.split(",")[1][11:16] for line in lines[1:-1]]
    assert times == ["02:00", "02:15", "02:30", "02:45", "02:00", "02:15", "02:30", "02:45", "03:00"], times
    assert lines[1].split(",")[2:] == ["8", "%d.%03d" % divmod(start // Q % 1000000 * 125, 1000), "", "230.1"], lines[1]
    day = gateway.one(**{"from": "2026-10-25", "to": "2026-10-25"})["records"]
    assert len(day) == 9 and [record[1] for record in day] == [7200] * 4 + [3600] * 5


def test_what_cannot_be_asked():
    gateway = Gateway()
    assert refusal(gateway, "/api/profile/" + KEY) == 404
    put(gateway, T, T)
    for path in ("/api/profile/", "/api/profile/0", "/api/profile/2", "/api/profile/x", "/api/profile/../settings"):
        assert refusal(gateway, path) == 404, path
    for text in ("x", "2026-13-01", "2026-02-30", "1-1", "12345678901", "-5"):
        assert refusal(gateway, "/api/profile/1", **{"from": text}) == 400, text
    assert refusal(gateway, "/api/profile/1", format="xml") == 400
    assert gateway.one(**{"from": "1", "to": "2"})["records"] == []
    gateway.profiles = None
    assert refusal(gateway, "/api/profile/1") == 404 and refusal(gateway, "/api/meter_events/1", service.get_events) == 404
    assert gateway.list() == []


def test_others_run_while_much_is_sent():
    gateway = Gateway()
    put(gateway, T - 999 * Q, T)
    text = gateway.ask(service.get_one, "/api/profile/1", **{"from": "1", "format": "csv"})
    assert text.count("\r\n") == 1001 and gateway.turns > 1000 // 5, gateway.turns


def test_events_of_a_meter():
    gateway = Gateway()
    gateway.profiles.log(KEY, [(T, "96.77.0*1", 'all "phases"'), (T - 60, "96.20.0", "cover")])
    gateway.profiles.log(KEY, [(T, "96.77.0*1", 'all "phases"')])
    answer = json.loads(gateway.ask(service.get_events, "/api/meter_events/" + KEY))
    assert answer["events"] == [
        {"utc": T, "local_time": "15.07.2026 12:00:00", "code": "96.77.0*1", "text": 'all "phases"'},
        {"utc": T - 60, "local_time": "15.07.2026 11:59:00", "code": "96.20.0", "text": "cover"},
    ], answer


class Reader:
    """Reads a meter as the bus does: from the newest record that the gateway has, then what gaps() names."""

    def __init__(self, gateway, oldest):
        self._gateway = gateway
        self._oldest = oldest
        self.asked = 0

    def read(self, now):
        profiles = self._gateway.profiles
        self._take(profiles.last(KEY) or self._oldest, now)
        for gap in profiles.gaps(KEY, self._oldest, now):
            if gap is not None:
                self._take(gap[0], gap[1])

    def _take(self, first, last):
        for number in range(-(-first // Q), last // Q + 1):
            time = number * Q
            if time % (50 * Q):  # the meter has holes itself
                self._gateway.profiles.append(KEY, time, 0, values_of(time))
                self.asked += 1


def test_an_outage_of_three_days_is_filled_and_a_restart_in_it_asks_again():
    gateway = Gateway()
    Reader(gateway, T).read(T + 30 * Q)
    gateway.profiles.settle()
    for lost in (0, 1):  # power fails before what was read is on flash, then it does not
        gateway = Gateway(flash=gateway.flash)
        reader = Reader(gateway, T)
        reader.read(T + 318 * Q)
        if lost:
            gateway.profiles.settle()
    gateway = Gateway(flash=gateway.flash)
    reader = Reader(gateway, T)
    reader.read(T + 318 * Q)
    expected = [T + number * Q for number in range(319) if (T + number * Q) % (50 * Q)]
    found = [record[0] for record in gateway.one(**{"from": "1"})["records"]]
    assert found == expected
    assert reader.asked <= 2, "what is there is not asked for again"


def test_a_flash_that_takes_nothing_is_told_once():
    gateway = Gateway()
    put(gateway, T, T + Q)
    gateway.profiles.settle()
    gateway.profiles.describe(KEY, 30, CODES, ["u" * 60] * 3)  # more than littlefs keeps in a folder
    filler = fill()

    async def rounds():
        task = asyncio.create_task(gateway.profiles.run())
        try:
            for _ in range(2):
                put(gateway, T + 2 * Q, T + 3 * Q)
                gateway.profiles._looks = 2
                await asyncio.sleep_ms(1100)
        finally:
            task.cancel()

    asyncio.run(rounds())
    told = [event[2] for event in gateway.events.recent()]
    assert told == ["the flash did not take load profiles: error 28"], told
    assert gateway.profiles.last(KEY) is None, "it is read again later"
    empty(filler)
    put(gateway, T, T + 3 * Q)
    gateway.profiles.settle()
    assert len(gateway.one(**{"from": "1"})["records"]) == 4
