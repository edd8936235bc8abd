"""/api/archive and /api/dlms_events: records of one meter and of all, with whatever columns; others run meanwhile."""

import asyncio
import json

import vfs

from firmware.services import dlms_archive as service
from firmware.state.clock import Clock
from firmware.state.dlms_batch import Batch
from firmware.state.dlms_meters import Meters
from host_tests.fakes.clock import Port, Ticks
from host_tests.fakes.ram_flash import FOLDER, RamFlash, mounted
from host_tests.firmware.services.profile_gateway import Request, Sent
from lib.clock import calendar
from lib.dlms.names import octets
from lib.http.errors import HttpError
from lib.http.response import Response
from lib.store.archive import DAILY, MAXIMA, PROFILE, Archive

T = calendar.to_unix(2026, 7, 15, 9)  # 12:00 in Istanbul
Q = 900
WH, VARH, W = 30, 32, 27
IMPORT, EXPORT, MAXIMUM = octets("1.0.1.8.0.255"), octets("1.0.2.8.0.255"), octets("1.0.1.6.0.255")


class Gateway:
    """Some meters with what is kept of them, `kept` by (id, kind): [(layout, UTC, status, values)]."""

    def __init__(self, meters=2):
        flash = RamFlash(64)
        vfs.VfsLfs2.mkfs(flash)
        mounted(flash)
        ticks = Ticks(5000)
        self.clock = Clock(Port(ticks, True, T * 1000), ticks)
        self.clock.use_zone("Europe/Istanbul")
        self.field = self
        self.archive = Archive(FOLDER + "/archive", 200000)
        self.damage = ""
        self.dlms_meters = Meters(FOLDER, None)
        for _ in self.dlms_meters.load():
            pass
        batch = Batch(self.dlms_meters)
        for _ in batch.begin():
            pass
        for number in range(meters):
            batch.add({"serial": f"A{number + 1:07d}", "physical": number + 16, "type": "spodes" if number == 1 else "idis"})
            if batch.is_due:
                batch.write()
        batch.write()
        batch.end()

    def wanted_dlms(self):
        return self

    def put(self, meter, kind, columns, rows):
        archive = self.archive
        archive.begin(meter, kind, archive.layout(columns))
        for time, status, values in rows:
            archive.add(time, status, values)
        for _ in archive.commit():
            pass

    def ask(self, function, path, **values):
        """Return the body of an answer as text; `turns` tells how often others ran."""
        response = Response()
        request = Request(path, {name.rstrip("_"): value for name, value in values.items()})
        response.clear(request)
        response.connection = sent = Sent()
        self.turns = 0

        async def others():
            while True:
                self.turns += 1
                await asyncio.sleep_ms(0)

        async def whole():
            task = asyncio.create_task(others())
            try:
                await function(self, request, response)
                await response.finish()
            finally:
                task.cancel()

        asyncio.run(whole())
        self.type = response.type
        return body_of(sent.bytes)

    def one(self, meter, kind, **values):
        return json.loads(self.ask(service.get_one, f"/api/archive/{meter}", kind=kind, **values))


def body_of(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"chunked" not in head:
        return body.decode()
    pieces = []
    while True:
        size, _, body = body.partition(b"\r\n")
        size = int(size, 16)
        if not size:
            return b"".join(pieces).decode()
        pieces.append(body[:size])
        body = body[size + 2 :]


def register(ln, exponent, unit, class_id=3, attribute=2):
    return (class_id, ln, attribute, 0, exponent, unit)


def refusal(gateway, function, path, **values):
    try:
        gateway.ask(function, path, **values)
    except HttpError as error:
        return error.status
    return None


def test_a_profile():
    gateway = Gateway()
    columns = (register(IMPORT, -1, WH), register(EXPORT, 2, VARH))
    gateway.put(1, PROFILE, columns, [(T - n * Q, n, [123456789012345 + n, None]) for n in range(200)])
    gateway.put(2, PROFILE, columns, [(T, 0, [1, -5])])
    answer = gateway.one(1, "profile")
    assert (answer["id"], answer["key"], answer["kind"]) == (1, "A0000001", "profile")
    assert answer["columns"] == [{"code": "1.0.1.8.0.255", "unit": "Wh"}, {"code": "1.0.2.8.0.255", "unit": "varh"}]
    assert len(answer["records"]) == 96 and answer["records"][0][:3] == [T - 95 * Q, 10800, 95]
    text = gateway.ask(service.get_one, "/api/archive/1", from_=str(T - Q), to=str(T), format="csv")
    assert gateway.type == "text/csv"
    assert text.split("\r\n") == [
        "utc,local_time,status,1.0.1.8.0.255 Wh,1.0.2.8.0.255 varh",
        f"{T - Q},15.07.2026 11:45:00,1,12345678901234.6,",
        f"{T},15.07.2026 12:00:00,0,12345678901234.5,",
        "",
    ], text
    assert gateway.one(2, "profile")["records"] == [[T, 10800, 0, 0.1, -500]]
    day = gateway.one(1, "profile", from_="2026-07-14", to="2026-07-14")["records"]
    assert (len(day), day[-1][0]) == (96, T - 12 * 3600), "24:00 belongs to the day that ends"
    assert gateway.one(1, "daily") == {
        "id": 1,
        "key": "A0000001",
        "kind": "daily",
        "columns": [],
        "records": [],
    }


def test_what_makes_no_sense_is_refused():
    gateway = Gateway()
    for path, values, status in (
        ("/api/archive/3", {}, 404),
        ("/api/archive/x", {}, 404),
        ("/api/archive/1", {"kind": "hourly"}, 400),
        ("/api/archive/1", {"format": "xml"}, 400),
        ("/api/archive/1", {"from_": "July"}, 400),
        ("/api/archive/1", {"to": "2026-13-01"}, 400),
    ):
        assert refusal(gateway, service.get_one, path, **values) == status, (path, values)
    assert refusal(gateway, service.get_csv, "/api/archive.csv", kind="x") == 400
    assert refusal(gateway, service.get_events, "/api/dlms_events/3") == 404


def test_columns_that_change_within_a_span():
    gateway = Gateway()
    gateway.put(1, DAILY, (register(IMPORT, 0, WH),), [(T - 3 * 86400, None, [1000])])
    gateway.put(1, DAILY, (register(EXPORT, 0, WH), register(IMPORT, 3, WH)), [(T - 2 * 86400, None, [7, 2])])
    gateway.put(1, DAILY, (register(IMPORT, 0, VARH), register(IMPORT, -3, WH)), [(T - 86400, None, [9, 3000001])])
    answer = gateway.one(1, "daily")
    titles = [(column["code"], column["unit"]) for column in answer["columns"]]
    assert titles == [("1.0.1.8.0.255", "Wh"), ("1.0.2.8.0.255", "Wh"), ("1.0.1.8.0.255", "varh")]
    values = [record[3:] for record in answer["records"]]
    assert values == [[1000, None, None], [2000, 7, None], [3000.001, None, 9]], values
    assert gateway.one(1, "daily", from_=str(T - 86400))["columns"][0]["unit"] == "varh", "only what is in the span"


def test_maxima_have_their_times():
    gateway = Gateway()
    columns = (register(MAXIMUM, 0, W, 4), register(MAXIMUM, 0, 255, 4, 5))
    gateway.put(1, MAXIMA, columns, [(T, None, [1044, T - 3600]), (T - 40 * 86400, None, [7, None])])
    answer = gateway.one(1, "maxima")
    assert answer["columns"][1] == {"code": "1.0.1.6.0.255/5", "unit": "time"}
    assert answer["records"][1] == [T, 10800, None, 1044, T - 3600]
    lines = gateway.ask(service.get_one, "/api/archive/1", kind="maxima", format="csv").split("\r\n")
    assert lines[2] == f"{T},15.07.2026 12:00:00,,1044,15.07.2026 11:00:00" and lines[1].endswith(",,7,"), lines


def test_all_meters_in_one_table():
    gateway = Gateway(120)
    for number in range(1, 121):
        columns = (register(IMPORT, 0, WH),) if number % 3 else (register(EXPORT, -2, WH),)
        gateway.put(number, DAILY, columns, [(T - n * 86400, 0, [1000 * number + n]) for n in range(3)])
    text = gateway.ask(service.get_csv, "/api/archive.csv", kind="daily", from_=str(T - 86400), to=str(T))
    lines = text.split("\r\n")
    assert lines[0] == "id,serial,utc,local_time,status,1.0.1.8.0.255 Wh,1.0.2.8.0.255 Wh", lines[0]
    assert len(lines) == 1 + 240 + 1
    assert lines[1] == f"1,A0000001,{T - 86400},14.07.2026 12:00:00,0,1001,"
    assert lines[6] == f"3,A0000003,{T},15.07.2026 12:00:00,0,,30.00"
    assert gateway.turns > 240
    assert gateway.ask(service.get_csv, "/api/archive.csv", kind="daily") == gateway.ask(
        service.get_csv, "/api/archive.csv", kind="daily", to=str(T)
    )


def test_events_have_names():
    gateway = Gateway()
    list(gateway.archive.log(1, 4, [(T, 43, ""), (T - 5, 250, "own")]))
    list(gateway.archive.log(2, 4, [(T, 1, "")]))
    events = json.loads(gateway.ask(service.get_events, "/api/dlms_events/1"))["events"]
    assert [(one["utc"], one["code"], one["name"], one["text"]) for one in events] == [
        (T - 5, 250, "", "own"),
        (T, 43, "magnet ends", ""),
    ]
    assert events[1]["local_time"] == "15.07.2026 12:00:00" and events[1]["log"] == 4
    of_spodes = json.loads(gateway.ask(service.get_events, "/api/dlms_events/2"))
    assert (of_spodes["key"], of_spodes["events"][0]["name"]) == ("A0000002", "magnet begins")
    assert json.loads(gateway.ask(service.get_events, "/api/dlms_events/1", from_=str(T)))["events"] == events[1:]


def test_how_full_it_is():
    gateway = Gateway()
    gateway.put(1, DAILY, (register(IMPORT, 0, WH),), [(T - 86400, None, [1]), (T, None, [2])])
    gateway.damage = "archive /x: damaged"
    answer = json.loads(gateway.ask(service.get, "/api/archive"))
    kinds = {one.pop("kind"): one for one in answer["kinds"]}
    assert sorted(kinds) == ["daily", "events", "maxima", "monthly", "present", "profile"]
    daily = kinds["daily"]
    assert (daily["first"], daily["last"], daily["blocks"]) == (T - 86400, T, 1) and daily["most"] > 1
    assert daily["last_time"] == "15.07.2026 12:00:00" and kinds["profile"]["first"] is None
    assert (answer["damage"], answer["failure"], answer["block"]) == ("archive /x: damaged", "", 4096)
