"""Dates against known instants, and every day from 1970 to 2105 against a calendar that only counts on."""

from lib.clock import calendar

INSTANTS = (
    # what                                Unix seconds  year, month, day, hour, minute, second, weekday
    ("the beginning", 0, (1970, 1, 1, 0, 0, 0, 3)),
    ("epoch of the ESP32", 946684800, (2000, 1, 1, 0, 0, 0, 5)),
    ("leap day of a century", 951868799, (2000, 2, 29, 23, 59, 59, 1)),
    ("the manual's sample", 1582636722, (2020, 2, 25, 13, 18, 42, 1)),
    ("above a small int", 1073741824, (2004, 1, 10, 13, 37, 4, 5)),
    ("above 31 bits", 2147483648, (2038, 1, 19, 3, 14, 8, 1)),
    ("NTP's second era begins", 2085978496, (2036, 2, 7, 6, 28, 16, 3)),
    ("before the missing leap day", 4107542399, (2100, 2, 28, 23, 59, 59, 6)),
    ("behind the missing leap day", 4107542400, (2100, 3, 1, 0, 0, 0, 0)),
    ("the end", 4291747199, (2105, 12, 31, 23, 59, 59, 3)),
)

NO_DATES = (
    (1969, 12, 31),
    (2106, 1, 1),
    (2025, 0, 1),
    (2025, 13, 1),
    (2025, 1, 0),
    (2025, 4, 31),
    (2025, 2, 29),
    (2100, 2, 29),
    (2025, 1, 1, 24, 0, 0),
    (2025, 1, 1, 0, 60, 0),
    (2025, 1, 1, 0, 0, 60),
    (2025, 1, 1, -1, 0, 0),
)


def refused(function, *arguments):
    try:
        function(*arguments)
    except ValueError:
        return True
    return False


def test_known_instants_both_ways():
    for what, unix_s, expected in INSTANTS:
        assert calendar.from_unix(unix_s) == expected, what
        assert calendar.to_unix(*expected[:6]) == unix_s, what


def test_every_day_follows_the_one_before():
    year, month, day = 1970, 1, 1
    for number in range(49673):
        assert calendar.days(year, month, day) == number, (year, month, day)
        last = calendar.month_days(year, month)
        # Back again from the ends of every month, and from every day around 2100: each answer is garbage to collect.
        if day in (1, last) or 2099 <= year <= 2101:
            assert calendar.date(number) == (year, month, day), number
        day += 1
        if day > last:
            day, month = 1, month + 1
            if month > 12:
                month, year = 1, year + 1
    assert (year, month, day) == (2106, 1, 1)


def test_what_does_not_exist_is_refused():
    for fields in NO_DATES:
        assert refused(calendar.to_unix, *fields), fields
    for unix_s in (-1, 4291747200, 1 << 40):
        assert refused(calendar.from_unix, unix_s), unix_s
