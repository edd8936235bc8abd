"""Rules of summer time at their edges, and strings that are none. peers/test_clock_zones.py has an oracle beside."""

from random import getrandbits, seed

from lib.clock import calendar, posix_tz, zones

CENTRAL = "CET-1CEST,M3.5.0,M10.5.0/3"
SYDNEY = "AEST-10AEDT,M10.1.0,M4.1.0/3"

EDGES = (
    # zone, UTC, seconds to add, name
    (CENTRAL, (2026, 3, 29, 0, 59, 59), 3600, "CET"),
    (CENTRAL, (2026, 3, 29, 1, 0, 0), 7200, "CEST"),
    (CENTRAL, (2026, 10, 25, 0, 59, 59), 7200, "CEST"),
    (CENTRAL, (2026, 10, 25, 1, 0, 0), 3600, "CET"),
    (CENTRAL, (1970, 1, 1, 0, 0, 0), 3600, "CET"),
    (CENTRAL, (2105, 12, 31, 23, 59, 59), 3600, "CET"),
    (SYDNEY, (2026, 1, 1, 0, 0, 0), 39600, "AEDT"),
    (SYDNEY, (2026, 4, 4, 15, 59, 59), 39600, "AEDT"),
    (SYDNEY, (2026, 4, 4, 16, 0, 0), 36000, "AEST"),
    (SYDNEY, (2026, 10, 3, 16, 0, 0), 39600, "AEDT"),
    ("<+03>-3", (2026, 7, 1, 0, 0, 0), 10800, "+03"),
    ("IST-5:30", (2026, 7, 1, 0, 0, 0), 19800, "IST"),
    ("<-0330>+3:30:15", (2026, 7, 1, 0, 0, 0), -12615, "-0330"),
    # J60 is 1 March in every year, 59 counted from 0 is 29 February of a leap year.
    ("AAA0BBB,J60/0,J300/0", (2028, 2, 29, 23, 59, 59), 0, "AAA"),
    ("AAA0BBB,J60/0,J300/0", (2028, 3, 1, 0, 0, 0), 3600, "BBB"),
    ("AAA0BBB,59/0,300/0", (2028, 2, 29, 0, 0, 0), 3600, "BBB"),
    ("AAA0BBB,59/0,300/0", (2027, 3, 1, 0, 0, 0), 3600, "BBB"),
    ("AAA0BBB,59/0,300/0", (2027, 2, 28, 23, 59, 59), 0, "AAA"),
    # Another advance than an hour; rules outside of the day (Greenland, RFC 8536).
    ("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", (2026, 1, 1, 0, 0, 0), 39600, "+11"),
    ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", (2026, 3, 29, 0, 59, 59), -7200, "-02"),
    ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", (2026, 3, 29, 1, 0, 0), -3600, "-01"),
    ("IST-2IDT,M3.4.4/26,M10.5.0", (2026, 3, 27, 0, 0, 0), 10800, "IDT"),
    ("AAA0BBB,M3.1.0/167,M10.1.0/-167", (2026, 3, 7, 23, 0, 0), 3600, "BBB"),
    # Summer time all year: an end meets the next start.
    ("EST5EDT,0/0,J365/25", (2026, 12, 31, 23, 59, 59), -14400, "EDT"),
    ("EST5EDT,0/0,J365/25", (2027, 1, 1, 5, 0, 0), -14400, "EDT"),
)

WRONG = (
    # text                           what the message says
    ("", "name of 3"),
    ("C", "name of 3"),
    ("CE1", "name of 3"),
    ("ABCDEFGHIJKLMNOPQ1", "name of 3 to 16 characters expected at character 1"),
    ("CET", "number from 0 to 24 expected at character 4"),
    ("Europe/Nowhere", "number from 0 to 24 expected at character 7"),
    ("CET-25", "number from 0 to 24 expected at character 5"),
    ("CET-1:60", "number from 0 to 59"),
    ("CET--1", "number from 0 to 24"),
    ("<+03-3", "'>' expected at character 7"),
    ("<+03é>-3", "'>' expected"),
    ("CET-1CEST", "rules of summer time missing at character 10"),
    ("CET-1CEST-2", "rules of summer time missing"),
    ("CET-1CEST,M3.5.0", "',' expected at character 17"),
    ("CET-1CEST,M13.5.0,M10.5.0", "number from 1 to 12"),
    ("CET-1CEST,M3.0.0,M10.5.0", "number from 1 to 5"),
    ("CET-1CEST,M3.5.7,M10.5.0", "number from 0 to 6"),
    ("CET-1CEST,M3.5,M10.5.0", "'.' expected"),
    ("CET-1CEST,J0,J1", "number from 1 to 365"),
    ("CET-1CEST,366,1", "number from 0 to 365"),
    ("CET-1CEST,M3.5.0/168,M10.5.0", "number from 0 to 167"),
    ("CET-1CEST,M3.5.0,M10.5.0/3x", "end expected at character 27"),
    ("CET-1CEST,M3.5.0,M10.5.0,", "end expected"),
    ("CET-1" + " " * 60, "more than 64 characters"),
)


def test_offset_and_name_at_the_edges():
    for text, utc, offset_s, name in EDGES:
        zone = posix_tz.parse(text)
        unix_s = calendar.to_unix(*utc)
        assert (zone.offset_s(unix_s), zone.name(unix_s)) == (offset_s, name), (text, utc)
        assert zone.is_dst(unix_s) == (name in ("CEST", "AEDT", "BBB", "+11", "-01", "IDT", "EDT")), (text, utc)


def test_the_kept_span_answers_as_a_fresh_zone_does():
    seed(1)
    for text in (CENTRAL, SYDNEY):
        kept = posix_tz.parse(text)
        for _ in range(500):
            unix_s = getrandbits(16) * 65485 + getrandbits(16)  # 1970 to 2105
            assert kept.offset_s(unix_s) == posix_tz.parse(text).offset_s(unix_s), (text, unix_s)


def test_what_is_wrong_is_said():
    for text, said in WRONG:
        try:
            posix_tz.parse(text)
        except ValueError as error:
            assert said in str(error), (text, str(error))
        else:
            raise AssertionError(text)


def test_mutilated_strings_raise_nothing_but_valueerror():
    seed(2)
    parsed = 0
    for _ in range(3000):
        text = "<+0330>-3:30CEST,M3.5.0/-2,J60/25:00:01"
        for _ in range(1 + getrandbits(1)):
            at = getrandbits(8) % len(text)
            text = text[:at] + ("", "0", "9", ",", ".", "/", "<", "M")[getrandbits(3)] + text[at + 1 :]
        try:
            zone = posix_tz.parse(text)
        except ValueError:
            continue
        parsed += 1
        assert abs(zone.offset_s(1790000000)) < 26 * 3600, text
    assert 0 < parsed < 3000  # neither all nor none is good


def test_fixed_zones():
    for minutes, name in ((0, "+00"), (60, "+01"), (-210, "-0330"), (345, "+0545"), (900, "+15")):
        zone = posix_tz.fixed(minutes)
        assert (zone.offset_s(1790000000), zone.name(0), zone.is_dst(0)) == (minutes * 60, name, False), minutes
    for minutes in (901, -901):
        try:
            posix_tz.fixed(minutes)
        except ValueError:
            continue
        raise AssertionError(minutes)


def test_every_listed_zone_parses():
    assert zones.find("Europe/Ljubljana") == CENTRAL
    assert zones.find("Europe/Istanbul") == "<+03>-3"
    assert zones.find("europe/ljubljana") is None
    for name in zones.names():
        assert -3600 <= posix_tz.parse(zones.find(name)).offset_s(1790000000) <= 10800, name
