"""Dates and times as meters write them, as civil fields: no time zone is judged.

A time is (year, month, day, hour, minute, second, season). A part that was not sent is None; season is 0 for normal time, 1
for summer time, 2 for UTC, None if it was not said. 24:00 is 00:00 of the next day. Two-digit years are 2000 to 2099.
Text comes as bytes or as a view. All raise FormatError: "date" for what is written as no date is, or for one that does
not exist.
Source: VDEW 2.0 (zYYMMDDhhmmss); TEDAS-MLZ/2017-062 and MASS v11 (YY-MM-DD,hh:mm); DSMR 5 (YYMMDDhhmmssX).
"""

from micropython import const

from lib.iec62056.errors import FormatError

_DAYS = const(b"\x1f\x1c\x1f\x1e\x1f\x1e\x1f\x1f\x1e\x1f\x1e\x1f")


def date_time(text):
    """Return the time that stands as [z]YYMMDDhhmm[ss], YYMMDDhhmmssX (S, W), [YY]YY-MM-DD,hh:mm[:ss].

    None where a meter writes zeros or nines for no date: never, or still going on.
    """
    text = bytes(text).strip()
    if 0x2D in text:
        day, comma, clock = text.partition(b",")
        date = _dashed(day)
        clock = _colons(clock)
        return date and _whole(date, clock, None)
    season = None
    if text[12:] in (b"S", b"W"):
        season = int(text[12:] == b"S")
        text = text[:12]
    elif len(text) & 1:
        season = _season(text)
        text = text[1:]
    if len(text) not in (10, 12):
        raise FormatError("date")
    fields = _pairs(text)
    date = fields[:3]
    return None if _is_none(date) else _whole(_checked(2000 + date[0], date[1], date[2]), fields[3:], season)


def _six(text):
    """Return (season, three numbers) of six digits with or without a season in front."""
    season = None
    if len(text) == 7:
        season = _season(text)
        text = text[1:]
    if len(text) != 6:
        raise FormatError("date")
    return season, _pairs(text)


def date(text):
    """Return the time that stands as [z]YYMMDD or [YY]YY-MM-DD: clock None; None for no date, as above."""
    text = bytes(text).strip()
    season = None
    if 0x2D in text:
        day = _dashed(text)
    else:
        season, day = _six(text)
        day = None if _is_none(day) else _checked(2000 + day[0], day[1], day[2])
    return day and (day[0], day[1], day[2], None, None, None, season)


def clock(text):
    """Return the time that stands as [z]hhmmss, hh:mm or hh:mm:ss: date None."""
    text = bytes(text).strip()
    season = None
    if 0x3A in text:
        fields = _colons(text)
    else:
        season, fields = _six(text)
    if fields[0] > 23:
        raise FormatError("date")
    hour, minute, second = _clock(fields)
    return None, None, None, hour, minute, second, season


def span(text):
    """Return (start, end) of an event, `start;end` or `start,end`, each as date_time() has it."""
    text = bytes(text)
    at = text.find(b";")
    if at < 0:
        at = text.find(b",", text.find(b",") + 1)
    if at < 0:
        raise FormatError("date")
    return date_time(text[:at]), date_time(text[at + 1 :])


def later(time, minutes):
    """Return the time `minutes` (0 or more) after one that has all fields, on the same clock; its season stays."""
    year, month, day, hour, minute, second, season = time
    minute += minutes
    hour += minute // 60
    day += hour // 24
    while day > _month_days(year, month):
        day -= _month_days(year, month)
        month += 1
        if month > 12:
            year += 1
            month = 1
    return year, month, day, hour % 24, minute % 60, second, season


def written(form, time):
    """Return the time as bytes in a maker's form (bytes): Y M D h m s are replaced by digits, z by the season (0 if not known).

    b"zYYMMDDhhmm", b"YY-MM-DD,hh:mm", b"YYYY-MM-DD,hh:mm" and others; what form asks for must be there.
    """
    out = bytearray(form)
    left = [0] * 7
    for letter in form:
        place = b"YMDhmsz".find(bytes((letter,)))
        if place >= 0:
            left[place] += 1
    for at, letter in enumerate(form):
        place = b"YMDhmsz".find(bytes((letter,)))
        if place >= 0:
            left[place] -= 1
            out[at] = 0x30 + (time[place] or 0) // 10 ** left[place] % 10
    return bytes(out)


def _pairs(digits):
    """The numbers of two digits each."""
    if not digits.isdigit():
        raise FormatError("date")
    return [int(digits[at : at + 2]) for at in range(0, len(digits), 2)]


def _season(text):
    season = text[0] - 0x30
    if not 0 <= season <= 2:
        raise FormatError("date")
    return season


def _is_none(day):
    return day in ([0, 0, 0], [99, 99, 99])


def _dashed(text):
    parts = text.split(b"-")
    if len(parts) != 3 or len(parts[0]) not in (2, 4) or len(parts[1]) != 2 or len(parts[2]) != 2:
        raise FormatError("date")
    day = _pairs(parts[0][-2:] + parts[1] + parts[2])
    if len(parts[0]) == 4 and parts[0][:2] != b"20":
        raise FormatError("date")
    return None if _is_none(day) else _checked(2000 + day[0], day[1], day[2])


def _colons(text):
    if len(text) not in (5, 8) or text[2] != 0x3A or (len(text) == 8 and text[5] != 0x3A):
        raise FormatError("date")
    return _pairs(text[:2] + text[3:5] + text[6:])


def _month_days(year, month):
    return 29 if month == 2 and year % 4 == 0 else _DAYS[month - 1]  # 2000 was a leap year


def _checked(year, month, day):
    if not 1 <= month <= 12 or not 1 <= day <= _month_days(year, month):
        raise FormatError("date")
    return year, month, day


def _clock(fields):
    hour, minute = fields[0], fields[1]
    second = fields[2] if len(fields) > 2 else 0
    if hour > 24 or minute > 59 or second > 59 or (hour == 24 and (minute or second)):
        raise FormatError("date")
    return hour, minute, second


def _whole(date, fields, season):
    hour, minute, second = _clock(fields)
    time = date[0], date[1], date[2], 0, minute, second, season
    return later(time, 60 * hour)
