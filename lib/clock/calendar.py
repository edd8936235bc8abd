"""Dates of the proleptic Gregorian calendar from Unix seconds, 1970 to 2105, in integers.

No port's own `time` is asked, so the port's epoch (2000 on the ESP32) plays no part. Everything but the seconds
themselves stays below 2**30: on a 31-bit port a conversion allocates two big integers and the result.

A year is counted from 1 March here, so that a leap day comes last, and leap years are taken as every fourth: between 1901
and 2199 only 29 February 2100 is too much, and it is skipped as a day that nobody sees.
"""

from micropython import const

DAY_S = const(86400)

_FIRST_YEAR = const(1970)
_LAST_YEAR = const(2105)
_LAST_DAY = const(49672)  # 31.12.2105, in days since 01.01.1970
_MARCH_1968 = const(671)  # days from 01.03.1968 to 01.01.1970
_MARCH_2100 = const(47541)  # days from 01.01.1970 to 01.03.2100
_MONTH_DAYS = const(b"\x1f\x1c\x1f\x1e\x1f\x1e\x1f\x1f\x1e\x1f\x1e\x1f")


def is_leap(year):
    """Tell whether a year from 1901 to 2199 has a 29 February."""
    return year % 4 == 0 and year != 2100


def month_days(year, month):
    """Return the number of days of a month (1 to 12)."""
    return 29 if month == 2 and is_leap(year) else _MONTH_DAYS[month - 1]


def days(year, month, day):
    """Return the days from 01.01.1970 to a date of 1969 to 2106; nothing is checked. A day past the month's end runs on."""
    month -= 3
    if month < 0:
        month += 12
        year -= 1
    count = 1461 * (year - 1968) // 4 + (153 * month + 2) // 5 + day - 1 - _MARCH_1968
    # From March on: a late "29 February 2100" counts as 1 March already.
    return count - 1 if year >= 2100 else count


def date(day_number):
    """Return (year, month, day) of a day counted from 01.01.1970."""
    if day_number >= _MARCH_2100:
        day_number += 1
    day_number += _MARCH_1968
    year = (4 * day_number + 3) // 1461
    day_number -= 1461 * year // 4
    month = (5 * day_number + 2) // 153
    day = day_number - (153 * month + 2) // 5 + 1
    if month >= 10:
        return year + 1969, month - 9, day
    return year + 1968, month + 3, day


def weekday(day_number):
    """Return 0 for Monday to 6 for Sunday; 01.01.1970 was a Thursday."""
    return (day_number + 3) % 7


def from_unix(unix_s):
    """Return (year, month, day, hour, minute, second, weekday), weekday 0 = Monday.

    Raises ValueError outside of 1970 to 2105.
    """
    day_number = unix_s // DAY_S
    if not 0 <= day_number <= _LAST_DAY:
        raise ValueError("time outside of 1970 to 2105")
    rest = unix_s % DAY_S
    year, month, day = date(day_number)
    return year, month, day, rest // 3600, rest // 60 % 60, rest % 60, weekday(day_number)


def to_unix(year, month, day, hour=0, minute=0, second=0):
    """Return the Unix seconds of a date and time of day. Raises ValueError for one that does not exist."""
    if not (_FIRST_YEAR <= year <= _LAST_YEAR and 1 <= month <= 12 and 1 <= day <= month_days(year, month)):
        raise ValueError("no such date")
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
        raise ValueError("no such time of day")
    return days(year, month, day) * DAY_S + (hour * 3600 + minute * 60 + second)
