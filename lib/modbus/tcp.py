"""Frames of Modbus over TCP: with MBAP header, or as on a serial line, with a CRC; both may come on one port.

A stream tells no ends of frames, so each frame tells its own. What could be either is taken for a serial frame if its CRC is
right: an MBAP frame that by chance has one is one in 65,536, and only the first of a connection is ever in doubt.
Sources: Modbus Messaging on TCP/IP Implementation Guide V1.0b, 3.1.3 (MBAP); device sheet, 9.1 (both on one port).
"""

from micropython import const

from lib.modbus.crc import append_crc, crc16
from lib.modbus.framing import request_at
from lib.modbus.limits import MAX_ADU

MBAP = const(1)
RTU = const(2)
HEAD = const(7)  # bytes of the MBAP header: transaction, protocol, length, unit
MOST_BYTES = const(260)  # of a frame of either kind

_SHORT = const(b"\x07\x0b\x0c\x11")  # functions whose request is nothing but the function code


def frame_at(data, kind):
    """Return kind << 16 | size of the request that `data` starts with; `kind`: what the frames before were, 0 for none.

    0: more bytes are needed. -1: no request of either kind can start here. -2: one of a serial line with a wrong CRC.
    """
    length = len(data)
    mbap = -1 if kind == RTU else _mbap_size(data, length, kind)
    found = -1
    if length >= 4 and (kind != MBAP or mbap < 0):
        found = request_at(data, 0, length, data[0])
        if found == 0 and length <= MAX_ADU and crc16(data, 0, length) == 0:
            found = length  # of a function whose length is not known here
        if found > 0:
            return RTU << 16 | found
    elif length < 4 and mbap < 0:
        return 0
    if mbap > 0:
        return MBAP << 16 | mbap if length >= mbap else 0
    if mbap == 0:
        return 0
    return 0 if found == 0 and length < MAX_ADU else min(found, -1)


def _mbap_size(data, length, kind):
    """Return the size of the frame whose header `data` starts with, 0 if that is not known yet, -1 if it is none."""
    for index in range(2, min(length, 5)):
        if data[index]:
            return -1  # another protocol, or longer than any PDU
    if length < 6:
        return 0
    size = data[5]
    if not 2 <= size <= 254 or (size == 2 and kind != MBAP and length > HEAD and data[HEAD] not in _SHORT):
        return -1
    return 6 + size


def parts(frame, kind):
    """Return (unit, PDU) of a whole frame."""
    return (frame[6], frame[HEAD:]) if kind == MBAP else (frame[0], frame[1:-2])


def encode(out, frame, kind, unit, length):
    """Make the PDU of `length` bytes, which lies in `out` from HEAD on, the answer to `frame`; return (start, end) in `out`.

    `out` has at least MOST_BYTES + 2 bytes.
    """
    if kind == MBAP:
        out[:2] = frame[:2]
        out[2] = out[3] = out[4] = 0
        out[5] = length + 1
        out[6] = unit
        return 0, HEAD + length
    out[6] = unit
    end = append_crc(memoryview(out)[6:], 1 + length)
    return 6, 6 + end
