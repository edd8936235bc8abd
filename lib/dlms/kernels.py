"""The byte loops of the HDLC link, in viper: the check sequence, and finding good frames among whatever came.

Nothing is checked about the buffers: every range must lie inside them. No function here allocates.
Source: IEC 62056-46, 6.4 (frame format type 3, addresses, check sequence); ISO/IEC 13239, annex A.
"""

# ptr8(buffer) is a cast, which the type checker takes for a call.
# pyright: reportCallIssue=false

import micropython
from micropython import const

_FLAG = const(0x7E)
_GOOD = const(0x0F47)  # crc16() over data and their check sequence
_LEAST = const(7)  # octets between the flags: format, two addresses of one octet, control, check sequence


@micropython.viper
def crc16(buffer: ptr8, start: int, end: int) -> int:
    """Return CRC-16/X.25 of buffer[start:end], 0 to 0xFFFF, which is sent low octet first."""
    crc = 0xFFFF
    while start < end:
        # Eight steps of the division at once: each bit of `byte` is fed back where polynomial 0x8408 has its ones
        byte = (crc ^ int(buffer[start])) & 0xFF
        byte ^= byte << 4 & 0xFF
        crc = crc >> 8 ^ byte << 8 ^ byte << 3 ^ byte >> 4
        start += 1
    return crc ^ 0xFFFF


@micropython.viper
def frame_at(buffer, at: int, used: int, most: int) -> int:
    """Return the size of the good frame that buffer[at:used] starts with, both flags included.

    0: octets are missing. -1: no good frame starts here. `most`: octets of the longest frame, flags included.
    """
    data = ptr8(buffer)
    if used - at < 2:
        return 0
    if int(data[at + 1]) & 0xF0 != 0xA0:
        return -1
    if used - at < 3:
        return 0
    size = (int(data[at + 1]) & 7) << 8 | int(data[at + 2])
    if size < _LEAST or size + 2 > most:
        return -1
    end = at + 1 + size  # where the closing flag is
    here = at + 3
    addresses = 2
    octets = 0
    while addresses:
        if here >= used:
            return 0
        octets += 1
        if int(data[here]) & 1:
            if octets == 3:
                return -1
            octets = 0
            addresses -= 1
        elif octets == 4:
            return -1
        here += 1
    here += 3  # control, and a check sequence
    if here != end:  # of the header: information follows
        if here + 2 > end:
            return -1
        if here > used:
            return 0
        if int(crc16(buffer, at + 1, here)) != _GOOD:
            return -1
    if end >= used:
        return 0
    if int(data[end]) != _FLAG or int(crc16(buffer, at + 1, end)) != _GOOD:
        return -1
    return size + 2


@micropython.viper
def find_frame(buffer, at: int, used: int, most: int, is_over: int) -> int:
    """Return offset << 12 | size of the first good frame in buffer[at:used], or -1 - n. `most`: 2047 or less.

    n is where to look next time: nothing before it can open a frame. The frame there is unfinished; those behind it are not
    looked at, because they may be its information. When `is_over` is 1 no more octets will come, and unfinished frames are
    passed over.
    """
    data = ptr8(buffer)
    while at < used:
        if int(data[at]) == _FLAG:
            size = int(frame_at(buffer, at, used, most))
            if size > 0:
                return at << 12 | size
            if size == 0 and is_over == 0:
                return -1 - at
        at += 1
    return -1 - used
