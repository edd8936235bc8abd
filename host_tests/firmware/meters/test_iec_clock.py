"""Clocks of IEC 62056-21 meters: how far they are off, in whatever season; that the second named is the one that comes."""

import asyncio

from firmware.meters import iec_clock, iec_password
from firmware.meters.iec_time import IecTime
from lib.clock import calendar
from lib.clock.zones import zone_of
from lib.iec62056.errors import PeerError

SUMMER = calendar.to_unix(2026, 7, 10, 10, 7, 0)  # UTC: 12:07 in Ljubljana, 11:07 normal time
WINTER = calendar.to_unix(2026, 1, 10, 10, 7, 0)


class Clock:
    is_set = True

    def __init__(self, utc, zone="CET-1CEST,M3.5.0,M10.5.0/3"):
        self.ms = utc * 1000
        self.zone = zone_of(zone)

    def utc(self):
        return self.ms // 1000

    def utc_ms(self):
        return self.ms

    def local(self, utc=None):
        utc = self.utc() if utc is None else utc
        return calendar.from_unix(utc + self.zone.offset_s(utc))[:6]


class Meters(IecTime):
    def __init__(self, utc):
        self.clock = Clock(utc)
        self.told = []
        IecTime.__init__(self, 1, self.clock)

    def event(self, index, text):
        self.told.append(text)


def judged(utc, date, time, season=None, has_colons=False):
    meters = Meters(utc)
    meters.judge(0, date, time, season, has_colons, utc)
    return meters


def test_how_far_a_clock_is_off():
    day, january = (2026, 7, 10), (2026, 1, 10)
    for utc, date, time, season, drift in (
        (SUMMER, day, (12, 7, 3), None, 3),
        (SUMMER, day, (12, 6, 0), 1, -60),
        (SUMMER, day, (11, 7, 2), 0, 2),  # it keeps normal time and says so
        (SUMMER, day, (12, 7, 2), 0, 2),  # its digit means nothing
        (SUMMER, day, (11, 7, 0), None, -3600),
        (SUMMER, day, (10, 7, 9), 2, 9),  # UTC
        (WINTER, january, (11, 7, 1), 0, 1),
        (WINTER, january, (12, 7, 1), 1, 1),
        (WINTER, january, None, 0, None),  # a date or a time that does not exist
        (WINTER, None, (11, 7, 1), 0, None),
    ):
        assert judged(utc, date, time, season).drifts[0] == drift, (date, time, season)


def test_about_midnight_nobody_knows():
    midnight = calendar.to_unix(2026, 1, 10, 22, 59, 58)
    assert judged(midnight, (2026, 1, 11), (23, 59, 58)).drifts[0] is None


def test_too_far_is_told_once():
    meters = judged(WINTER, (2026, 1, 10), (11, 30, 0))
    meters.judge(0, (2026, 1, 10), (11, 30, 0), None, False, WINTER)
    assert meters.told == ["its clock is 1380 s ahead of ours: too far to be set"]
    meters.judge(0, (2026, 1, 10), (11, 7, 0), None, False, WINTER)
    meters.judge(0, (2026, 1, 10), (11, 30, 0), None, False, WINTER)
    assert len(meters.told) == 2


def test_which_drifts_are_set():
    assert [drift for drift in (None, 0, 5, -5, 6, -6, 900, 901, -901) if iec_clock.is_off(drift)] == [6, -6, 900]


def test_times_of_the_double_hour():
    meters = Meters(WINTER)
    first = calendar.to_unix(2026, 10, 25, 0, 30)
    assert meters.utc_of((2026, 10, 25, 2, 30, 0, None)) == first
    assert meters.utc_of((2026, 10, 25, 2, 30, 0, 1)) == first
    assert meters.utc_of((2026, 10, 25, 2, 30, 0, 0)) == first + 3600
    assert meters.utc_of((2026, 10, 25, 0, 30, 0, 2)) == first


class Plan:
    password = ""
    fastest = 9600


class Reader:
    """Takes 1 ms for a character, and 7 ms before the first one."""

    def __init__(self, meters, refuses=()):
        self.meters = meters
        self.refuses = refuses
        self.sent = []
        self.is_over = False

    async def sign_on(self, *arguments):
        self.meters.clock.ms += 1234

    def takes_ms(self, count):
        return count

    async def command(self, plan, command, data):
        self.meters.clock.ms += len(data) + 6
        self.sent.append((command, data, self.meters.clock.ms))
        if data[:5] in self.refuses:
            raise PeerError("nak")

    async def break_off(self):
        self.is_over = True


class Sleep:
    def __init__(self, clock):
        self.clock = clock

    async def sleep_ms(self, ms):
        assert ms >= 200  # the meter wants its pause
        self.clock.ms += ms


def set_clock(utc, date, time, season=None, has_colons=False, refuses=()):
    meters = judged(utc, date, time, season, has_colons)
    reader = Reader(meters, refuses)
    before, iec_clock.asyncio = iec_clock.asyncio, Sleep(meters.clock)
    try:
        asyncio.run(iec_clock.run(reader, 0, Plan()))
    finally:
        iec_clock.asyncio = before
    return reader


def test_the_second_named_begins_with_the_last_stop_bit():
    reader = set_clock(SUMMER, (2026, 7, 10), (12, 8, 0), 1)
    assert [data for _, data, _ in reader.sent] == [b"0.9.1(1120702)", b"0.9.2(1260710)"]
    command, _, ended_ms = reader.sent[0]
    assert command == b"W5" and ended_ms == (SUMMER + 2) * 1000
    assert reader.is_over and reader.meters.told == ["clock set, it was 60 s ahead"]
    # One that keeps normal time in summer, one that writes as Turkish ones do
    assert set_clock(SUMMER, (2026, 7, 10), (11, 8, 0), 0).sent[0][1] == b"0.9.1(0110702)"
    reader = set_clock(WINTER, (2026, 1, 10), (11, 0, 0), None, True)
    assert [data for _, data, _ in reader.sent] == [b"0.9.1(11:07:02)", b"0.9.2(26-01-10)", b"0.9.5(6)"]
    assert reader.sent[0][2] == (WINTER + 2) * 1000


def test_refusals_and_midnight():
    reader = set_clock(WINTER, (2026, 1, 10), (11, 0, 0), None, True, (b"0.9.2",))
    assert reader.meters.told == ["clock set, it was -420 s ahead, its date refused: nak"] and len(reader.sent) == 2
    try:
        set_clock(WINTER, (2026, 1, 10), (11, 0, 0), None, True, (b"0.9.1",))
    except PeerError as error:
        assert error.text == "nak"
    else:
        raise AssertionError
    late = calendar.to_unix(2026, 1, 10, 22, 30, 0)  # 23:30
    assert set_clock(late, (2026, 1, 10), (23, 31, 0)).sent == []


def test_passwords_of_the_third_generation():
    answer = iec_password.answer
    # The same by another implementation (CPython's hmac)
    computed = b"1DB5B0FC6F70315D5C9AB05888E2240D6487CEB5262BDA37CD0D19CEE12F810E"
    assert answer(b"secret12", b"q83vEjRWeJA=") == computed
    for operand in (b"", b"00000000", b"510095849", b"MAS510095849", b"1234567890123456"):
        assert answer(b"secret12", operand) == b"secret12", operand
