"""The dates of a certificate, of any year from 0 to 9999, as text and as Unix seconds. All are UTC.

Source: RFC 5280, 4.1.2.5: UTCTime YYMMDDHHMMSSZ stands for 1950 to 2049, GeneralizedTime YYYYMMDDHHMMSSZ for other years;
both with seconds, without fractions. 9999-12-31 23:59:59 means that no end is known.
"""

from micropython import const

_UTC_TIME = const(0x17)
_GENERALIZED_TIME = const(0x18)
_MONTH_DAYS = const(b"\x1f\x1c\x1f\x1e\x1f\x1e\x1f\x1f\x1e\x1f\x1e\x1f")
_TO_1970 = const(719468)  # days from 01.03.0000 to 01.01.1970
_DAMAGED = const("the content is damaged: a date that does not exist")


def text(der, tag, start, stop):
    """Return the date between start and stop as "YYYY-MM-DD HH:MM:SS". Raises ValueError for what is no date."""
    size = stop - start
    if not (tag == _UTC_TIME and size == 13 or tag == _GENERALIZED_TIME and size == 15):
        raise ValueError(_DAMAGED)
    digits = bytes(der[start : stop - 1])
    if der[stop - 1] != 0x5A or not digits.isdigit():  # Z
        raise ValueError(_DAMAGED)
    now = str(digits, "utf-8")
    if tag == _UTC_TIME:
        now = ("20" if now < "5" else "19") + now
    now = f"{now[:4]}-{now[4:6]}-{now[6:8]} {now[8:10]}:{now[10:12]}:{now[12:]}"
    unix_s(now)  # it exists
    return now


def unix_s(date):
    """Return the Unix seconds, negative before 1970, of what text() returned. Raises ValueError if there is no such date."""
    year, month, day = int(date[:4]), int(date[5:7]), int(date[8:10])
    hour, minute, second = int(date[11:13]), int(date[14:16]), int(date[17:])
    last = 0
    if 1 <= month <= 12:
        last = _MONTH_DAYS[month - 1]
        if month == 2 and year % 4 == 0 and (year % 100 or year % 400 == 0):
            last += 1
    if not (1 <= day <= last and hour < 24 and minute < 60 and second < 60):
        raise ValueError(_DAMAGED)
    # From 1 March on, so that a leap day is a year's last.
    month -= 3
    if month < 0:
        month += 12
        year -= 1
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1 - _TO_1970
    return days * 86400 + (hour * 3600 + minute * 60 + second)
