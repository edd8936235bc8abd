"""The byte loops of decoding data, in viper: heads of elements, runs of numbers, clocks.

Nothing is checked about the buffers: every range must lie inside them. No function here allocates, but for integers that are
too large for small ones and for what `take` does.
Source: DLMS UA 1000-2 (Green Book), 9.5 (A-XDR of Data); DLMS UA 1000-1 (Blue Book), 4.1.6.1 (date-time).
"""

# ptr8(buffer) is a cast, which the type checker takes for a call.
# pyright: reportCallIssue=false

import micropython
from micropython import const

# What a tag says of its value: the low four bits are its size in octets, the others:
COUNTED = const(0x80)  # a length or count of its own comes first
_NUMBER = const(0x40)  # what numbers() tells
_SIGNED = const(0x20)
_DELTA = const(0x10)
UNKNOWN = const(0xFF)
# One for each tag from 0 to 0x21, in rows of eight; 0x40 alone is null-data
PLANS = const(
    b"\x40\x80\x80\x41\x80\x64\x44\xff"
    b"\xff\x80\x80\xff\x80\x41\xff\x61"
    b"\x62\x41\x42\x00\x28\x08\x41\x04"
    b"\x08\x0c\x05\x04\x71\x72\x74\x51"
    b"\x52\x54"
)
_PLANS_COUNT = const(34)
_DONT_CARE = const(0xFF)

CUT = const(-1)
WRONG = const(-2)

# Events that numbers() tells; axdr.py has the same
_INTEGER = const(0)
_DELTA_EVENT = const(1)
_NULL = const(2)


@micropython.viper
def numbers(take, view, at: int, end: int, tag: int, left: int, plans: ptr8, found: ptr32) -> int:
    """Tell `take` of the numbers of up to 32 bits and nulls in view[at:end], `left` elements at most; return the offset behind.

    tag: that of all of them, -1 if each has its own in front. It stops at what is something else, or cut; found[0] becomes
    the number of elements that are left.
    """
    buffer = ptr8(view)
    kind = tag
    while left:
        begin = at
        if tag < 0:
            if at >= end:
                break
            kind = int(buffer[at])
            at += 1
        plan = 0xFF
        if kind < _PLANS_COUNT:
            plan = int(plans[kind])
        elif kind == _DONT_CARE:
            plan = _NUMBER
        size = plan & 15
        if plan & (COUNTED | _NUMBER) != _NUMBER or at + size > end:
            at = begin
            break
        left -= 1
        if size == 0:
            take(_NULL, None)
            continue
        value = int(buffer[at])
        if plan & _SIGNED:
            value = (value ^ 0x80) - 0x80
        stop = at + size
        at += 1
        while at < stop:
            value = value << 8 | int(buffer[at])
            at += 1
        event = _DELTA_EVENT if plan & _DELTA else _INTEGER
        if plan & _SIGNED:
            take(event, value)
        else:
            take(event, uint(value))
    found[0] = left
    return at


@micropython.viper
def head(buffer: ptr8, at: int, end: int, tag: int, plans: ptr8, found: ptr32) -> int:
    """Return the offset of the value of the element that begins in buffer[at:end]; CUT or WRONG.

    tag: as in numbers(). found[0] becomes its tag, found[1] its size in octets, or the length or count that it tells: what
    that counts may be cut; if it is WRONG, 1 for a wrong length, 0 for a wrong tag. A compact array (0x13) begins behind its
    tag.
    """
    if tag < 0:
        if at >= end:
            return CUT
        tag = int(buffer[at])
        at += 1
    found[0] = tag
    found[1] = 0
    if tag >= _PLANS_COUNT:
        return WRONG
    plan = int(plans[tag])
    if plan == UNKNOWN:
        return WRONG
    if plan & COUNTED == 0:
        found[1] = plan & 15
        return at if at + (plan & 15) <= end else CUT
    if at >= end:
        return CUT
    count = int(buffer[at])
    at += 1
    found[1] = 1
    if count > 0x7F:
        octets = count & 0x7F
        if octets == 0 or octets > 4:
            return WRONG
        if at + octets > end:
            return CUT
        count = 0
        while octets:
            if count > 0x3FFFFF:
                return WRONG
            count = count << 8 | int(buffer[at])
            at += 1
            octets -= 1
    found[1] = count
    return at


@micropython.viper
def unsigned(buffer: ptr8, at: int) -> uint:
    """Return the four octets from `at` on as a number."""
    return uint(int(buffer[at]) << 24 | int(buffer[at + 1]) << 16 | int(buffer[at + 2]) << 8 | int(buffer[at + 3]))


@micropython.viper
def copy(source: ptr8, at: int, target: ptr8, to: int, count: int):
    """Copy octets from one buffer into another."""
    while count:
        target[to] = source[at]
        at += 1
        to += 1
        count -= 1


@micropython.viper
def unix(octets: ptr8, offset: int, sign: int) -> uint:
    """Return the Unix seconds of 12 octets of a date-time, 0 if they name no moment from 1970 to 2105.

    offset: minutes that local time is ahead of UTC, where they tell no deviation. sign: 1 where a deviation is what leads
    from local time to UTC, as the standard has it, -1 where it leads back.
    """
    year = int(octets[0]) << 8 | int(octets[1])
    month = int(octets[2])
    day = int(octets[3])
    hour = int(octets[5])
    minute = int(octets[6])
    second = int(octets[7])
    if second == 0xFF:
        second = 0
    if year < 1970 or year > 2105 or month == 0 or month > 12 or day == 0 or minute > 59 or second > 59:
        return uint(0)
    if hour > 23 and (hour > 24 or minute + second > 0):  # some write midnight as 24:00 of the day before
        return uint(0)
    last = 31
    if month == 2:
        last = 28
        if year & 3 == 0 and year != 2100:
            last = 29
    elif month == 4 or month == 6 or month == 9 or month == 11:
        last = 30
    if day > last:
        return uint(0)
    deviation = int(octets[9]) << 8 | int(octets[10])
    if deviation > 0x7FFF:
        deviation -= 0x10000
    if deviation > -841 and deviation < 841:
        offset = 0 - deviation * sign
    # Days since 1 March 1968, as lib/clock/calendar.py counts them
    month -= 3
    if month < 0:
        month += 12
        year -= 1
    days = (1461 * (year - 1968) >> 2) + (153 * month + 2) // 5 + day - 672
    if year >= 2100:
        days -= 1
    minutes = days * 1440 + hour * 60 + minute - offset
    if minutes < 0:
        return uint(0)
    return uint(minutes * 60 + second)
