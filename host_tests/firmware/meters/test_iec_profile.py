"""Load profiles are read piece by piece from the last record on, and only what was checked is kept."""

import asyncio

from firmware.meters import iec_profile
from lib.clock import calendar
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

    def __init__(self, model):
        self.model = model


class Meters:
    def __init__(self, model, profiles):
        self.devices = [Device(model)]
        self.profiles = lambda: profiles
        self.events = []

    def is_clock_set(self):
        return True

    def utc(self):
        return NOW

    def civil(self, utc):
        return calendar.from_unix(utc)[:6]

    def utc_of(self, time):
        return calendar.to_unix(*time[:6])

    def event(self, index, text):
        self.events.append(text)

    def more(self, reader, index):
        raise AssertionError


class Reader:
    """Answers as a meter with a row each quarter but for a hole."""

    def __init__(self, meters, hole=(0, 0)):
        self.meters = meters
        self.hole = hole
        self.requests = []
        self.is_over = False

    async def sign_on(self, *arguments):
        pass

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

    def last(self, key):
        assert key == "80000001"
        return self.last_utc

    def describe(self, key, period_minutes, codes, units):
        self.described = period_minutes, codes, units

    def append(self, key, time_utc, status, values):
        self.rows.append((time_utc, status, values))


def read(model, last, hole=(0, 0)):
    profiles = Profiles(last)
    reader = Reader(Meters(model, profiles), hole)
    asyncio.run(iec_profile.run(reader, 0, Plan()))
    assert reader.is_over and not reader.meters.events
    return profiles, reader


def test_three_days_are_filled():
    last = NOW // QUARTER * QUARTER - 3 * 86400
    for model, period in (("MSY C500", 15), ("LGZ ZMD", 15)):
        profiles, _ = read(model, last)
        assert [row[0] for row in profiles.rows] == list(quarters(last + QUARTER, NOW)), model
        assert all([row[2] == [(1500, -3), (25, -1)] for row in profiles.rows])
        assert profiles.described[0] == period
    assert profiles.described[1:] == ([b"1.5", b"5.5"], [b"kW", b"kvar"])
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
