"""Date-times of meters: 12 octets, what they say and which moment they are.

year (2), month, day, weekday (1 = Monday), hour, minute, second, hundredths, deviation (2, minutes), status; FF, FFFF and 8000
stand for what is not said. UTC = local time + deviation, so that Turkey has -180; some makers have it the other way round.
Source: DLMS UA 1000-1 (Blue Book), 4.1.6.1.
"""

from micropython import const

from lib.clock import calendar
from lib.dlms.data_kernels import unix
from lib.dlms.errors import FormatError

# Bits of the status; 0xFF: not said
INVALID = const(0x01)
DOUBTFUL = const(0x02)
OTHER_BASE = const(0x04)
INVALID_STATUS = const(0x08)
SUMMER_TIME = const(0x80)

_NOT_SAID = const(0x8000)
_MOST_DEVIATION = const(840)


def decode(octets):
    """Return (year, month, day, weekday, hour, minute, second, deviation, status), None for what is not said.

    month: also 0xFD (end of summer time) and 0xFE (its beginning), day: also 0xFD (last but one) and 0xFE (last of the month);
    hour: also 24; weekday: 1 for Monday. FormatError("time"): not 12 octets, or no such time.
    """
    if len(octets) != 12:
        raise FormatError("time")
    year = octets[0] << 8 | octets[1]
    deviation = octets[9] << 8 | octets[10]
    if deviation > 0x7FFF:
        deviation -= 0x10000
    if deviation == -_NOT_SAID:
        deviation = None
    elif not -_MOST_DEVIATION <= deviation <= _MOST_DEVIATION:
        raise FormatError("time")
    weekday = octets[4]
    return (
        None if year == 0xFFFF else year,
        _part(octets[2], 1, 12, 0xFD),
        _part(octets[3], 1, 31, 0xFD),
        weekday if 1 <= weekday <= 7 else None,
        _part(octets[5], 0, 24),
        _part(octets[6], 0, 59),
        _part(octets[7], 0, 59),
        deviation,
        None if octets[11] == 0xFF else octets[11],
    )


def _part(value, least, most, special=0xFF):
    if value == 0xFF:
        return None
    if not least <= value <= most and value < special:
        raise FormatError("time")
    return value


def utc(octets, default_offset_minutes, is_reversed=False):
    """Return Unix seconds of 12 octets, None if they are no moment from 1970 to 2105: a part is not said, or does not exist.

    default_offset_minutes: that the meter's clock is ahead of UTC where it tells no deviation, 180 for Turkey. is_reversed: of
    a maker whose deviation has the opposite sign.
    """
    if len(octets) != 12:
        return None
    return unix(octets, default_offset_minutes, -1 if is_reversed else 1) or None


def encode(utc_s, offset_minutes, is_reversed=False, is_told=True):
    """Return the 12 octets of a moment by a clock that is so many minutes ahead of UTC, weekday and hundredths filled in.

    is_told: whether the deviation is said. ValueError: outside of 1970 to 2105.
    """
    year, month, day, hour, minute, second, weekday = calendar.from_unix(utc_s + 60 * offset_minutes)
    deviation = (offset_minutes if is_reversed else -offset_minutes) if is_told else _NOT_SAID
    date = (year >> 8, year & 0xFF, month, day, weekday + 1)
    return bytes(date + (hour, minute, second, 0, deviation >> 8 & 0xFF, deviation & 0xFF, 0))


def is_moment(class_id, attribute):
    """Return whether an attribute is a time of twelve octets: a clock, or when something was captured (4.3, 4.5)."""
    return (class_id, attribute) in ((8, 2), (4, 5), (5, 6), (5, 7))
