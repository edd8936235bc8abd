"""Load profiles are read piece by piece from the last record on, and only what was checked is kept."""

import asyncio

from firmware.meters import iec_profile
from firmware.meters.iec_profile_forms import form_of
from firmware.meters.iec_profile_time import MeterTime
from lib.clock import calendar, posix_tz
from lib.iec62056 import message_reader as reading
from lib.iec62056.errors import PeerError
from lib.iec62056.message_reader import BLOCK, MessageReader
from lib.iec62056.times import date_time

NOW = calendar.to_unix(2026, 3, 10, 12, 7)
QUARTER = 900


def quarters(first, last):
    """As range(), which takes no times of this century on 32 bits."""
    while first <= last:
        yield first
        first += QUARTER


def block(text):
    bcc = 0
    for byte in text + b"\x03":
        bcc ^= byte
    return b"\x02" + text + b"\x03" + bytes((bcc,))


class Plan:
    profile = "auto"
    password = ""
    fastest = 9600


class Device:
    serial = "80000001"
    groups = {}

    def __init__(self, model):
        self.model = model


class Meters:
    def __init__(self, model, profiles):
        self.devices = [Device(model)]
        self.profiles = lambda: profiles
        self.events = []
        self.rounds = {}
        self.zone = posix_tz.fixed(0)
        self.left = 0

    def is_on_normal_time(self, index):
        return False

    def is_clock_set(self):
        return True

    def utc(self):
        return NOW

    def civil(self, utc):
        return calendar.from_unix(utc)[:6]

    def event(self, index, text):
        self.events.append(text)

    def more(self, reader, index):
        self.left += 1


class Reader:
    """Answers as a meter with a row each quarter but for a hole. `pieces`: after so many answers others wait."""

    baud = 9600

    def __init__(self, meters, hole=(0, 0), pieces=999):
        self.pieces = pieces
        self.meters = meters
        self.hole = hole
        self.requests = []
        self.is_over = False

    async def sign_on(self, *arguments):
        pass

    def is_awaited(self, index, began):
        self.pieces -= 1
        return self.pieces <= 0

    def tells_rows(self, is_wanted):
        self._tells = is_wanted

    async def command(self, plan, command, operand, take, wait_ms):
        self.requests.append(operand)
        at = operand.find(b"(")
        begin, end = [calendar.to_unix(*date_time(part)[:6]) for part in operand[at + 1 : -1].split(b";")]
        rows = []
        for utc in quarters((begin + QUARTER - 1) // QUARTER * QUARTER, end):
            if not self.hole[0] <= utc < self.hole[1]:
                rows.append(utc)
        if not rows:
            raise PeerError("ERROR")
        reader = MessageReader()
        reader.tells_rows = self._tells
        reader.expect(reading.WANT_STX)
        wire = block(self.text(rows))
        while wire:
            room = reader.room()
            count = min(len(room), len(wire))
            room[:count] = wire[:count]
            wire = wire[count:]
            reader.filled(count)
            event = reader.next()
            while event is not None:
                take(event, reader)
                event = reader.next() if event != BLOCK else None

    def text(self, rows):
        if self.meters.devices[0].model[:3] == "MSY":
            return b"P.01" + b"".join(
                [
                    b"(%02d-%02d-%02d,%02d:%02d)(1.500,2.5)\r\n" % ((row[0] - 2000,) + row[1:5])
                    for row in map(calendar.from_unix, rows)
                ]
            )
        out = b""
        last = None
        for utc in rows:
            if last is None or utc - last != QUARTER:
                row = calendar.from_unix(utc)
                out += b"P.01(0%02d%02d%02d%02d%02d00)(08)(15)(2)(1.5)(kW)(5.5)(kvar)\r\n" % ((row[0] - 2000,) + row[1:5])
            out += b"(1.500)(2.5)\r\n"
            last = utc
        return out

    async def break_off(self):
        self.is_over = True


class Profiles:
    def __init__(self, last):
        self.last_utc = last
        self.rows = []
        self.described = None
        self._held = []
        self.period = 15

    def last(self, key):
        assert key == "80000001"
        return self.rows[-1][0] if self.rows else self.last_utc

    def meter(self, key):
        return self

    def gaps(self, key, first, last):
        yield None
        yield self.last(key) + QUARTER, last // QUARTER * QUARTER

    def describe(self, key, period_minutes, codes, units):
        self.described = period_minutes, codes, units

    def hold(self, key):
        self._held = []

    def held(self, key):
        return 10 * len(self._held)

    def append(self, key, time_utc, status, values):
        self._held.append((time_utc, status, list(values)))

    def commit(self, key):
        self.rows.extend(self._held)
        self._held = []
        return ()

    def give_up(self, key):
        self._held = []


def read(model, last, hole=(0, 0), pieces=999):
    profiles = Profiles(last)
    reader = Reader(Meters(model, profiles), hole, pieces)
    asyncio.run(iec_profile.run(reader, 0, Plan()))
    assert reader.is_over and not reader.meters.events
    return profiles, reader


def test_three_days_are_filled():
    last = NOW // QUARTER * QUARTER - 3 * 86400
    for model, period in (("MSY <2>C500", 15), ("LGZ ZMD", 15)):
        profiles, _ = read(model, last)
        assert [row[0] for row in profiles.rows] == list(quarters(last + QUARTER, NOW)), model
        assert all([row[2] == [(1500, -3), (25, -1)] for row in profiles.rows])
        assert profiles.described[0] == period
    assert profiles.described[1:] == (["1.5", "5.5"], ["kW", "kvar"])
    assert profiles.rows[0][1] == 8 and profiles.rows[1][1] == 0


def test_what_the_meter_has_not_is_no_row_and_no_end():
    last = NOW // QUARTER * QUARTER - 2 * 86400
    hole = (last + 4 * QUARTER, last + 100 * QUARTER)
    profiles, _ = read("LGZ ZMD", last, hole)
    expected = [utc for utc in quarters(last + QUARTER, NOW) if not hole[0] <= utc < hole[1]]
    assert [row[0] for row in profiles.rows] == expected


def test_a_new_profile_begins_a_month_back():
    profiles, reader = read("EMH LZQJ", None)
    assert profiles.rows[0][0] - (NOW - 30 * 86400) < QUARTER
    assert reader.requests[0].startswith(b"P.01(0") and len(profiles.rows) == 30 * 96


def test_a_turn_ends_behind_a_piece_when_others_wait():
    last = NOW // QUARTER * QUARTER - 10 * 86400
    profiles, reader = read("LGZ ZMD", last, pieces=1)
    assert reader.meters.left == 1 and 96 < len(profiles.rows) <= 192
    reader.pieces = 999
    asyncio.run(iec_profile.run(reader, 0, Plan()))
    assert reader.meters.left == 1
    assert [row[0] for row in profiles.rows] == list(quarters(last + QUARTER, NOW))


FORMS = (
    ("MKS <3>ADM(M550.2251", "R2 P.01 YY-MM-DD,hh:mm"),
    ("MSY <2>C500", "R2 P.01 YY-MM-DD,hh:mm"),
    ("MSY <1>C500.KMY.2556", "R2 P.01 YYMMDDhhmm"),
    ("LUN <1>LUN70000130", "R5 P1 YYMMDD()"),
    ("VIK <1>VEMM01405959", "R2 96.1.8.0 YY-MM-DD,hh:mm"),
    ("VIK <1>VEMC01405959", "R2 96.A.8.0 YY-MM-DD,hh:mm"),
    ("VIK <1>M005", "R5 P.01 YY-MM-DD,hh:mm"),
    ("AEL <1>AEL.TF.21", "R2 P.04 YYYY-MM-DD,hh:mm"),
    ("LGZ \\2ZMD1204407", "R5 P.01 zYYMMDDhhmm"),
)


def test_the_form_goes_by_the_identification():
    for model, form in FORMS:
        assert form_of("auto", model) == form.split(" "), model
    assert form_of("R6 P.02 zYYMMDDhhmm", "MSY") == ["R6", "P.02", "zYYMMDDhhmm"]


AUTUMN = calendar.to_unix(2026, 10, 25, 1)  # UTC
TIMES = (
    # civil hour and minute of 25 October, season, record before, minutes after AUTUMN
    ("summer time, as it says", (2, 30, 1), 0, -30),
    ("normal time, as it says", (2, 30, 0), 0, 30),
    ("not said, the first", (2, 30, None), AUTUMN - 2700, -30),
    ("not said, it was the first before", (2, 0, None), AUTUMN - 900, 0),
    ("UTC", (2, 30, 2), 0, 90),
    ("only once", (3, 0, None), 0, 60),
)


def test_the_hour_that_comes_twice():
    zone = posix_tz.parse("CET-1CEST,M3.5.0,M10.5.0/3")
    for what, (hour, minute, season), before, expected in TIMES:
        time = MeterTime(zone)
        time.utc_of((2026, 10, 25, 1, 45, 0, 1 if season in (0, 1) else None), 0)  # what came before has taught it
        assert (time.utc_of((2026, 10, 25, hour, minute, 0, season), before) - AUTUMN) // 60 == expected, what
    spring = MeterTime(zone).utc_of((2026, 3, 29, 2, 30, 0, None), 0)
    assert spring == calendar.to_unix(2026, 3, 29, 1, 30)  # no such hour: counted on
    assert MeterTime(zone, True).utc_of((2026, 7, 1, 12, 0, 0, 0), 0) == calendar.to_unix(2026, 7, 1, 11)
