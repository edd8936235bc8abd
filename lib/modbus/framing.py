"""Finds RTU frames in received bytes: the loops of the codec, in viper.

RTU marks no start of a frame. A frame is recognised by its unit, its function and the length they imply, and then by its
CRC, which is calculated only where the rest fits. Nothing is checked about the buffers: `used` and every range handed in
must lie inside them. No function here allocates.
Source: Modbus over Serial Line V1.02, 2.5.1; Application Protocol V1.1b3, 6 and 7 (lengths).
"""

# ptr8(buffer) is a cast, which the type checker takes for a call.
# pyright: reportCallIssue=false

import micropython
from micropython import const

from lib.modbus.crc import crc16

_MIN_ADU = const(4)
_MAX_ADU = const(256)
# A search is cut after this many bytes of failing frames, so that no noise, however unlucky, holds the loop for 1 ms.
_MOST_WORK = const(2048)
_CALL = const(32)  # what looking at one candidate costs beside its CRC, in bytes of CRC

# Bit n: the reply to function n has its byte count behind the function
_COUNTED = const(1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 12 | 1 << 17 | 1 << 20 | 1 << 23)
# Bytes of a request by its function, 0 if unknown; 0x80 and more: 0x80 less, and what the byte count says that lies three
# bytes before that. Function 8 with the two data bytes that most sub-functions have.
_SIZES = const(b"\0\x08\x08\x08\x08\x08\x08\x04\x08\0\0\x04\x04\0\0\x89\x89\x04\0\0\0\0\x0a\x8d")


@micropython.viper
def reply_at(buffer, start: int, used: int, unit: int, function: int, size: int) -> int:
    """Return the size of the whole reply that starts at `start`, exception replies (5 bytes) included.

    Looks at buffer[start:used]. `size`: bytes of the whole reply, 0 if not known beforehand; then a function whose reply
    has a byte count tells it, and for others the answer stays 0.
    0: more bytes are needed. -1: no such frame can start here. -2: its bytes are all here, but the CRC is wrong.
    """
    data = ptr8(buffer)
    length = used - start
    if length < 1:
        return 0
    if data[start] != unit:
        return -1
    if length < 2:
        return 0
    code = int(data[start + 1])
    if code == function | 0x80:
        size = 5
    elif code != function:
        return -1
    elif code < 24 and _COUNTED >> code & 1:
        if length < 3:
            return 0
        counted = 5 + int(data[start + 2])
        if size == 0:
            size = counted
        elif size != counted:
            return -1
    elif size == 0:
        return 0
    if size < _MIN_ADU or size > _MAX_ADU:
        return -1
    if length < size:
        return 0
    if int(crc16(buffer, start, start + size)) != 0:
        return -2
    return size


@micropython.viper
def find_reply(buffer, start: int, used: int, unit: int, function: int, also: int, size: int, ended: int) -> int:
    """Return offset << 16 | size of the first good reply in buffer[start:used], or -1 - n.

    n is where to look next time: nothing before it can start a frame. It is the first frame that may still become whole;
    frames behind that are not looked at, because they may be its data. When `ended` is 1 no more bytes will come: unfinished
    frames are passed over, and one of unknown length is good if the CRC fits up to `used`. With `ended`, n is less than
    `used` only if too much work was left: call again from n.
    `also`: another function code taken for `function`, 0 if there is none. `size` as in reply_at().
    """
    data = ptr8(buffer)
    work = 0
    if also == 0:
        also = function
    while start < used:
        if data[start] == unit:
            code = function
            if start + 1 < used:
                code = int(data[start + 1]) & 0x7F
            if code == function or code == also:
                found = int(reply_at(buffer, start, used, unit, code, size))
                if found == 0:
                    if ended == 0:
                        return -1 - start
                    if size == 0:
                        found = int(reply_at(buffer, start, used, unit, code, used - start))
                if found > 0:
                    return start << 16 | found
                if found == -2:
                    work += used - start
                work += _CALL
                if work > _MOST_WORK:
                    return -2 - start
        start += 1
    return -1 - used


@micropython.viper
def request_at(buffer, start: int, used: int, unit: int) -> int:
    """Return the size of the whole request to `unit` or to all (0) that starts at `start`; 0, -1, -2 as reply_at().

    For a function whose length is not known here the answer stays 0.
    """
    data = ptr8(buffer)
    length = used - start
    if length < 1:
        return 0
    if data[start] != unit and data[start] != 0:
        return -1
    if length < 2:
        return 0
    code = int(data[start + 1])
    if code == 0 or code >= 0x80:
        return -1
    if code > 23:
        return 0
    sizes = ptr8(_SIZES)
    size = int(sizes[code])
    if size == 0:
        return 0
    if size >= 0x80:
        size -= 0x80
        if length < size - 2:
            return 0
        size += int(data[start + size - 3])
    if size > _MAX_ADU:
        return -1
    if length < size:
        return 0
    if int(crc16(buffer, start, start + size)) != 0:
        return -2
    return size


@micropython.viper
def find_request(buffer, start: int, used: int, unit: int, ended: int) -> int:
    """Return offset << 16 | size of the first good request to `unit` or to all, or -1 - n; all as in find_reply()."""
    data = ptr8(buffer)
    work = 0
    while start < used:
        if data[start] == unit or data[start] == 0:
            found = int(request_at(buffer, start, used, unit))
            if found == 0:
                if ended == 0:
                    return -1 - start
                length = used - start
                if length >= _MIN_ADU:
                    work += length
                    if int(crc16(buffer, start, used)) == 0:
                        found = length
            if found > 0:
                return start << 16 | found
            if found == -2:
                work += used - start
            work += _CALL
            if work > _MOST_WORK:
                return -2 - start
        start += 1
    return -1 - used


@micropython.viper
def alike(one: ptr8, at: int, other: ptr8, start: int, count: int) -> int:
    """Return how many bytes, `count` at most, one[at:] and other[start:] have in common from their starts."""
    index = 0
    while index < count:
        if one[at + index] != other[start + index]:
            return index
        index += 1
    return count


@micropython.viper
def copy(target: ptr8, at: int, source: ptr8, start: int, end: int):
    """Copy source[start:end] to target[at:]; within one buffer towards its start only."""
    while start < end:
        target[at] = source[start]
        at += 1
        start += 1
