"""When something is to be done each hour, day, week or month: a text, and the last time it was due. No clock is asked.

    hourly MM | daily HH:MM | weekly D HH:MM, 1 is Monday | monthly D HH:MM, past a month's end its last day

24:00 is the end of the day. Times are local. Those of days are civil seconds, local time as if it were UTC: what falls into the
hour that comes twice in autumn is due once, and what falls into the one that spring leaves out, right after it. Those of hours
are Unix seconds: the hour that comes twice is two.
"""

from micropython import const

from lib.clock.calendar import DAY_S, days, from_unix, month_days

_HOUR_S = const(3600)
_THURSDAY = const(3)  # 01.01.1970, from Monday
_KINDS = const(("hourly", "daily", "weekly", "monthly"))
_MOST_DAYS = const((0, 0, 7, 31))


def parse(text):
    """Return (kind 0 to 3, day, seconds since the day or hour began). Raises ValueError with a sentence."""
    words = text.split(" ")
    try:
        kind = _KINDS.index(words[0])
        day = int(words[1]) if kind > 1 else 1
        if len(words) != (3 if kind > 1 else 2) or kind > 1 and not 1 <= day <= _MOST_DAYS[kind]:
            raise ValueError
        hour, minute = words[-1].split(":") if kind else ("0", words[1])
        if not (len(minute) == 2 and minute.isdigit() and hour.isdigit()):
            raise ValueError
        second = int(hour) * _HOUR_S + int(minute) * 60
        if int(minute) > 59 or second > DAY_S:
            raise ValueError
    except (ValueError, IndexError):
        raise ValueError("hourly 15, daily 06:00, weekly 1 06:00 (1 is Monday) or monthly 31 24:00 is expected")
    return kind, day, second


def last(text, utc, offset_s):
    """Return when it was due last at `utc`, where local time is ahead by `offset_s`; ValueError as parse()."""
    kind, day, second = parse(text)
    civil = utc + offset_s
    if kind == 0:
        return (civil - second) // _HOUR_S * _HOUR_S + second - offset_s
    today = civil // DAY_S
    if kind == 1:
        return (civil - second) // DAY_S * DAY_S + second
    if kind == 2:
        back = (today + _THURSDAY - (day - 1)) % 7
        due = (today - back) * DAY_S + second
        return due if due <= civil else due - 7 * DAY_S
    year, month = from_unix(civil)[:2]
    while True:
        due = (days(year, month, min(day, month_days(year, month))) * DAY_S) + second
        if due <= civil:
            return due
        month -= 1
        if not month:
            year, month = year - 1, 12
