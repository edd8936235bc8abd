"""/api/history, /api/history.csv and get_energy_log: exact decimals, local days of 23 and 25 hours, the errors."""

import asyncio
import json
import os

import vfs

from firmware.services import energy_log as energy_log_service
from firmware.services import history as service
from firmware.state.clock import Clock
from firmware.state.events import Events
from firmware.state.history import History
from firmware.state.readings import PRESENT, SILENT, Device, Readings
from host_tests.fakes.clock import Port, Ticks
from host_tests.fakes.ram_flash import FOLDER, RamFlash, mounted
from lib.clock import calendar
from lib.http.errors import HttpError
from lib.http.response import BODY_BYTES, Response
from lib.store import energy_log

ZONE = "Europe/Ljubljana"
NOON_S = calendar.to_unix(2026, 7, 15, 10)  # 12:00 in Ljubljana
Q = NOON_S // 900


class Query:
    """A request that has only parameters."""

    minor = 1
    keep_alive = True
    method = "GET"

    def __init__(self, **values):
        self._values = values

    def query(self, name):
        return self._values.get(name)

    def body_known(self):
        return True


class Sent:
    """A connection that keeps what is sent."""

    def __init__(self):
        self.bytes = b""
        self.pieces = 0

    async def send(self, view):
        self.bytes += bytes(view)
        self.pieces += 1


class Platform:
    root = FOLDER


class Gateway:
    """What the services see, at a time; with a meter in the left port and one in slot 3."""

    def __init__(self, unix_s=NOON_S, zone=ZONE):
        flash = RamFlash(32)
        vfs.VfsLfs2.mkfs(flash)
        mounted(flash)
        self.platform = Platform()
        ticks = Ticks(5000)
        self.port = Port(ticks, True, unix_s * 1000)
        self.clock = Clock(self.port, ticks)
        self.clock.use_zone(zone)
        self.events = Events(self.clock)
        self.readings = Readings()
        self.history = History(FOLDER, self.readings, self.clock, self.events, None)
        os.mkdir(self.history.folder)
        for slot, serial in (("lir", "X0000124"), (3, "X0000125")):
            device = Device(slot, "ir_left", 33)
            device.model, device.serial, device.status = "IE38MD", serial, PRESENT
            self.readings.devices.append(device)
        self.readings.devices.append(Device("rir", "ir_right", 1, is_switch=True))

    def put(self, quarter, imported, exported=0, exponents=(0, 0), key="X0000124"):
        kind = bytes((0 if imported is not None else 255, 1 if exported is not None else 255)) + bytes(
            [exponent & 255 for exponent in exponents]
        )
        while energy_log.append(self.history.folder, key, quarter, kind, imported or 0, exported or 0) == energy_log.AGAIN:
            pass

    def fill(self, start, end, imported=200, exported=0, **more):
        """A boundary at each quarter, so much more each time."""
        for number in range(end - start):
            self.put(start + number, imported * number, exported * number, **more)

    def ask(self, function, **values):
        """Return the body of an answer."""
        response = Response()
        request = Query(**values)
        response.clear(request)
        response.connection = sent = Sent()

        async def others():
            while True:
                self.turns += 1
                await asyncio.sleep_ms(0)

        async def whole():
            self.turns = 0  # of the others, while this is answered
            task = asyncio.create_task(others())
            try:
                await function(self, request, response)
                await response.finish()
            finally:
                task.cancel()

        asyncio.run(asyncio.wait_for(whole(), 20))
        head, _, body = sent.bytes.partition(b"\r\n\r\n")
        self.pieces, self.type = sent.pieces, response.type
        if b"chunked" not in head:
            return body.decode()
        text = b""
        while True:
            size, _, body = body.partition(b"\r\n")
            size = int(size, 16)
            if not size:
                return text.decode()
            assert size <= BODY_BYTES
            text += body[:size]
            body = body[size + 2 :]

    def get(self, **values):
        return json.loads(self.ask(service.get, slot="lir", **values))

    def days(self):
        return self.get(view="month")["days"]


def refusal(function, **values):
    try:
        Gateway().ask(function, **values)
    except HttpError as error:
        return error.status
    return None


def test_the_last_24_hours():
    gateway = Gateway()
    gateway.fill(Q - 100, Q + 1)
    answer = gateway.get(view="day")
    assert answer == {
        "slot": "lir",
        "serial": "X0000124",
        "interval_s": 900,
        "start": (Q - 96) * 900,
        "offsets_s": [[0, 7200]],
        "import": [200] * 96,
        "export": [0] * 96,
    }, answer


def test_local_time_where_summer_time_ends_and_begins():
    for unix_s, offsets in (
        (calendar.to_unix(2026, 10, 25, 12), [[0, 7200], [52, 3600]]),  # at 01:00 UTC
        (calendar.to_unix(2026, 10, 26, 1), [[0, 3600]]),
        (calendar.to_unix(2026, 3, 29, 2), [[0, 3600], [92, 7200]]),
    ):
        assert Gateway(unix_s).get(view="day")["offsets_s"] == offsets


def test_what_is_missing_is_null():
    gateway = Gateway(NOON_S + 899)
    for quarter, imported in ((Q - 97, 0), (Q - 96, 50), (Q - 95, 60), (Q - 93, 100), (Q - 92, 101), (Q - 90, 7), (Q - 89, 8)):
        gateway.put(quarter, imported, None)
    answer = gateway.get(view="day")
    assert answer["import"] == [10, None, None, 1, None, None, 1] + [None] * 89, answer
    assert answer["export"] == [None] * 96 and answer["start"] == (Q - 96) * 900
    # A meter that nobody has met, and one without history
    device = gateway.readings.device("lir")
    for device.serial, device.model in (("", ""), ("new", "IE38MD")):
        answer = gateway.get(view="day")
        assert answer["import"] == answer["export"] == [None] * 96 and answer["serial"] == device.serial
    gateway = Gateway()
    gateway.port.is_set = False
    gateway.fill(Q - 100, Q)
    assert gateway.get(view="day")["import"] == [None] * 96, "without the time there is no day"
    assert [day["import"] for day in gateway.days()] == [None] * 30


def test_exact_decimals():
    most = 0x7FFFFFFF
    for before, after, exponent, text in (
        (0, 0, 0, "0"),
        (0, 123456789, 0, "123456789"),  # 16777216 is the last that a float of 24 bits has exactly
        (-most - 1, most, 0, "4294967295"),
        (-most - 1, most, 3, "4294967295000"),
        (0, 1, -3, "0.001"),
        (0, 1500, -3, "1.5"),
        (0, 2050, -2, "20.5"),
        (5, 10, -1, "0.5"),
        (0, 1, 11, "100000000000"),
        (0, most, -1, "214748364.7"),
    ):
        gateway = Gateway()
        for quarter, mantissa in ((Q - 1, before), (Q, after)):
            gateway.put(quarter, mantissa, mantissa, (exponent, exponent))
        text_of_day = gateway.ask(service.get, slot="lir", view="day")
        assert text_of_day.count("," + text + "]") == 2, (text, text_of_day[-60:])
        csv = gateway.ask(service.get_csv, slot="lir", days="1")
        assert csv.endswith(f"{NOON_S - 900},15.07.2026 11:45:00,{text},{text}\r\n"), csv
        assert f'"import":{text},"export":{text}' in gateway.ask(service.get, slot="lir", view="month")


def test_days_of_23_and_25_hours():
    # zone, a day, its start in UTC, its quarters
    for zone, date, utc, quarters in (
        (ZONE, (2026, 3, 28), (2026, 3, 27, 23), 96),
        (ZONE, (2026, 3, 29), (2026, 3, 28, 23), 92),
        (ZONE, (2026, 3, 30), (2026, 3, 29, 22), 96),
        (ZONE, (2026, 10, 24), (2026, 10, 23, 22), 96),
        (ZONE, (2026, 10, 25), (2026, 10, 24, 22), 100),
        (ZONE, (2026, 10, 26), (2026, 10, 25, 23), 96),
        ("Europe/London", (2026, 10, 25), (2026, 10, 24, 23), 100),
        ("<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", (2026, 3, 28), (2026, 3, 28, 3), 92),  # changed at 22:00 the day before
        ("<-04>4<-03>,M9.1.6/24,M4.1.6/24", (2026, 9, 6), (2026, 9, 6, 4), 92),  # midnight does not exist
        ("<-04>4<-03>,M9.1.6/24,M4.1.6/24", (2026, 4, 4), (2026, 4, 4, 3), 100),  # 23:00 comes twice
        ("345", (2026, 5, 5), (2026, 5, 4, 18, 15), 96),
        (0, (2026, 5, 5), (2026, 5, 5), 96),
    ):
        first = calendar.to_unix(*utc) // 900
        gateway = Gateway((first + quarters + 100) * 900, zone)
        gateway.fill(first - 5, first + quarters + 6, 10, 1)
        name = f"{date[0]}-{date[1]:02d}-{date[2]:02d}"
        day = [day for day in gateway.days() if day["date"] == name][0]
        expected = {"date": name, "import": 10 * quarters, "export": quarters, "complete": True}
        assert day == expected, (zone, day, quarters)


def test_a_month():
    gateway = Gateway()
    midnight = NOON_S // 86400 * 96 - 8  # 00:00 in Ljubljana
    gateway.fill(midnight - 28 * 96 - 10, Q + 1, 10, 3)
    days = gateway.days()
    dates = ["2026-06-%02d" % n for n in range(16, 31)] + ["2026-07-%02d" % n for n in range(1, 16)]
    energies = [(100, 30, False)] + [(960, 288, True)] * 28 + [(480, 144, True)]
    for day, date, energy in zip(days, dates, energies):
        assert (day["date"], day["import"], day["export"], day["complete"]) == (date,) + energy, day
    assert len(days) == 30


def test_what_a_day_knows():
    midnight = NOON_S // 86400 * 96 - 8  # 00:00 in Ljubljana
    # boundaries of yesterday (quarters from its midnight, import), what is known of the day
    usual = [(n, 10 * n) for n in range(-2, 99)]
    for what, boundaries, energy, is_complete in (
        ("all", usual, 960, True),
        ("a gap inside", usual[:20] + usual[60:], 960, True),
        ("a gap to its very end", usual[:20] + usual[98:], 960, True),
        ("a gap over its end", usual[:20] + usual[99:], 170, False),
        ("a gap over its start", usual[:1] + usual[12:], 860, False),
        ("begun in it", usual[30:], 680, False),
        ("ended in it", usual[:30], 270, False),
        ("a reset", usual[:30] + [(n, n) for n in range(28, 99)], 270 + 68, False),
        ("nothing", usual[:1], None, False),
        ("one boundary", usual[:3], None, False),
    ):
        gateway = Gateway()
        for quarter, imported in boundaries:
            gateway.put(midnight - 96 + quarter, imported, None)
        day = gateway.days()[-2]
        assert day == {"date": "2026-07-14", "import": energy, "export": None, "complete": is_complete}, (what, day)


def test_today():
    midnight = NOON_S // 86400 * 96 - 8
    for what, seconds, boundaries, energy, is_complete in (
        ("until now", NOON_S + 30, Q + 1 - midnight, 480, True),
        ("the newest quarter still comes", NOON_S + 90, Q - midnight, 470, True),
        ("it does not come", NOON_S + 300, Q - midnight, 470, False),
        ("long ago", NOON_S + 300, 5, 40, False),
        ("nothing", NOON_S, 0, None, False),
    ):
        gateway = Gateway(seconds)
        gateway.fill(midnight, midnight + boundaries, 10)
        day = gateway.days()[-1]
        assert day["date"] == "2026-07-15" and day["import"] == energy and day["complete"] == is_complete, (what, day)
    gateway = Gateway(midnight * 900 + 60)
    gateway.fill(midnight - 10, midnight + 1)
    assert gateway.days()[-1] == {"date": "2026-07-15", "import": None, "export": None, "complete": False}


def test_thirty_five_days_as_csv():
    gateway = Gateway()
    start = NOON_S // 86400 * 96 - 8 - 34 * 96
    for number in range(Q + 1 - start + 4):
        if number % 97 != 5:
            gateway.put(start - 4 + number, 3 * number, None, (-1, 0))
    lines = gateway.ask(service.get_csv, slot="lir").split("\r\n")
    assert gateway.type == "text/csv" and gateway.pieces > 50 and gateway.turns > 150, gateway.turns
    assert lines.pop() == "" and lines[0] == "utc,local_time,import_wh,export_wh"
    assert lines[1] == "%d,11.06.2026 00:30:00,0.3," % ((start + 2) * 900), lines[1]
    assert lines[-1] == "%d,15.07.2026 11:45:00,0.3," % (NOON_S - 900), lines[-1]
    expected = len([n for n in range(4, Q - start + 4) if n % 97 not in (4, 5)])  # a boundary each 97 is missing
    assert len(lines) - 1 == expected, (len(lines), expected)
    assert gateway.events.count == 0


def test_bad_parameters():
    for function, values, status in (
        (service.get, {"view": "day"}, 400),
        (service.get, {"slot": "rir", "view": "day"}, 400),
        (service.get, {"slot": "x", "view": "day"}, 400),
        (service.get, {"slot": "123", "view": "day"}, 400),
        (service.get, {"slot": "1", "view": "day"}, 404),
        (service.get, {"slot": "lir"}, 400),
        (service.get, {"slot": "lir", "view": "year"}, 400),
        (service.get_csv, {"slot": "2"}, 404),
        (service.get_csv, {"slot": "lir", "days": "0"}, 400),
        (service.get_csv, {"slot": "lir", "days": "36"}, 400),
        (service.get_csv, {"slot": "lir", "days": "-1"}, 400),
        (service.get_csv, {"slot": "lir", "days": "100000"}, 400),
        (service.get_csv, {"slot": "lir", "days": ""}, 400),
        (service.get, {"slot": "3", "view": "day"}, None),
        (service.get_csv, {"slot": "3", "days": "35"}, None),
    ):
        assert refusal(function, **values) == status, (values, status)


def test_damage_is_told_once():
    gateway = Gateway()
    gateway.fill(Q - 100, Q + 1)
    with open(gateway.history.folder + "/X0000124", "wb") as file:
        file.write(b"rubbish")
    for _ in range(3):
        assert gateway.get(view="day")["import"][:2] == [200, 200]
    assert [event[1:] for event in gateway.events.recent()] == [
        ("history", "energy history X0000124: the newest part is damaged")
    ]


def test_energy_log():
    gateway = Gateway()
    gateway.put(Q - 98, 0, 0, (2, 2))
    gateway.put(Q - 96, 0, 0, (2, 2))
    gateway.put(Q - 95, 2, 0, (2, 2))
    gateway.put(Q - 93, 2, 1, (2, 2))
    gateway.put(Q - 92, 1, 1, (2, 2))
    gateway.put(Q, 3, 1, (2, 2))
    gateway.put(Q - 1, 0, None, (0, 0), "X0000125")
    gateway.put(Q, 1234, None, (0, 0), "X0000125")
    gateway.readings.device(3).status = SILENT
    header = {"cmd": "get_energy_log", "local_time": "15.07.2026 12:00:00"}
    first = dict(header, model="IE38MD", serial_number="X0000124", interval=900)
    second = dict(first, serial_number="X0000125")
    log = [{"time": "14.07.2026 12:00:00", "import": "0.2 kWh", "export": "0.0 kWh"}]
    other = [{"time": "15.07.2026 11:45:00", "import": "1.234 kWh"}]
    nobody = {"header": dict(header, model="0")}
    for recorder, expected in (
        (None, {"header": first, "energy_log": log}),
        ("1", {"header": first, "energy_log": log}),
        ("2", {"header": second, "energy_log": other}),
        ("3", nobody),
        ("0", nobody),
        ("-1", nobody),
        ("x", nobody),
    ):
        answer = json.loads(gateway.ask(energy_log_service.put, recorder=recorder))
        assert answer == expected, (recorder, answer)
    gateway.fill(Q - 100, Q + 1, 2, exponents=(2, 2))
    answer = json.loads(gateway.ask(energy_log_service.put))
    assert len(answer["energy_log"]) == 96 and gateway.pieces > 3
