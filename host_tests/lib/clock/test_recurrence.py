"""When a job was due last: ends of months, 24:00, summer time; what is no such text."""

from lib.clock import calendar, posix_tz, recurrence


def civil(text):
    """Seconds of "2026-10-25 02:30" as if it were UTC."""
    return calendar.to_unix(*[int(text[at : at + size]) for at, size in ((0, 4), (5, 2), (8, 2), (11, 2), (14, 2))])


# text               local time          due last
DUE = (
    ("hourly 00", "2026-05-20 10:59", "2026-05-20 10:00"),
    ("hourly 15", "2026-05-20 00:14", "2026-05-19 23:15"),
    ("daily 06:00", "2026-05-20 06:00", "2026-05-20 06:00"),
    ("daily 06:00", "2026-05-20 05:59", "2026-05-19 06:00"),
    ("daily 00:00", "2026-01-01 00:00", "2026-01-01 00:00"),
    ("daily 24:00", "2026-01-01 00:00", "2026-01-01 00:00"),
    ("daily 24:00", "2026-01-01 23:59", "2026-01-01 00:00"),
    ("weekly 1 06:00", "2026-05-18 06:00", "2026-05-18 06:00"),  # a Monday
    ("weekly 1 06:00", "2026-05-18 05:59", "2026-05-11 06:00"),
    ("weekly 7 24:00", "2026-05-18 00:00", "2026-05-18 00:00"),
    ("weekly 7 24:00", "2026-05-17 23:59", "2026-05-11 00:00"),
    ("weekly 3 12:00", "2026-01-01 00:00", "2025-12-31 12:00"),
    ("monthly 1 00:00", "2026-05-20 10:00", "2026-05-01 00:00"),
    ("monthly 31 24:00", "2026-03-01 00:00", "2026-03-01 00:00"),  # the end of February
    ("monthly 31 24:00", "2026-02-28 23:59", "2026-02-01 00:00"),
    ("monthly 31 24:00", "2026-01-01 00:01", "2026-01-01 00:00"),
    ("monthly 30 12:00", "2028-02-29 12:00", "2028-02-29 12:00"),
    ("monthly 15 06:30", "2026-01-10 00:00", "2025-12-15 06:30"),
)

NONE = (
    "",
    "daily",
    "daily 6",
    "daily 24:01",
    "daily 06:60",
    "daily -1:00",
    "daily 06:0",
    "hourly 60",
    "hourly 5",
    "hourly 1:00",
)
NONE += (
    "weekly 0 06:00",
    "weekly 8 06:00",
    "weekly 06:00",
    "monthly 32 06:00",
    "monthly x 06:00",
    "yearly 1 06:00",
    "daily  06:00",
)


def test_due():
    for text, now, due in DUE:
        for offset_s in (0, 10800, -12600):
            found = recurrence.last(text, civil(now) - offset_s, offset_s)
            assert found + (offset_s if text[0] == "h" else 0) == civil(due), (text, now)


def runs(text, first, hours):
    """How often it becomes due, minute by minute, in Central Europe."""
    zone = posix_tz.parse("CET-1CEST,M3.5.0,M10.5.0/3")
    start = civil(first)
    found = []
    for utc in range(start, start + 3600 * hours, 60):
        due = recurrence.last(text, utc, zone.offset_s(utc))
        if not found or due > found[-1][0]:
            found.append((due, utc))
    return [utc for _, utc in found[1:]]


def test_summer_time_begins_and_ends():
    autumn, spring = "2026-10-24 12:00", "2026-03-28 12:00"  # the clock is turned on the next day, 01:00 UTC
    assert runs("daily 02:30", autumn, 24) == [civil("2026-10-25 00:30")]  # the first of the two
    assert runs("daily 02:30", spring, 24) == [civil("2026-03-29 01:00")]  # 03:00, which comes after 01:59
    assert len(runs("hourly 15", autumn, 24)) == len(runs("hourly 15", spring, 24)) == 24
    assert runs("monthly 31 24:00", "2026-10-31 12:00", 24) == [civil("2026-10-31 23:00")]


def test_what_is_none():
    for text in NONE:
        try:
            recurrence.parse(text)
        except ValueError as error:
            assert "expected" in str(error)
        else:
            raise AssertionError(text)
