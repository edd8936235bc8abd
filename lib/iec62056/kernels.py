"""The byte loops of the codec, in viper: finding messages and values in received bytes, block checks, parity.

Nothing is checked about the buffers: every range must lie inside them. No function here allocates. A character that is
known to be damaged has bit 7 set: parity() marks it so, and on a line without parity bit 7 is damage by itself.
Source: IEC 62056-21, 5 and 6 (characters, block check, syntax).
"""

# ptr8(buffer) is a cast, which the type checker takes for a call.
# pyright: reportCallIssue=false

import micropython
from micropython import const

_ODD = const(0x6996)  # bit n: n has an odd number of ones
# Places in `sums`; message_reader.py has the same
_BCC = const(0)
_SUM = const(1)
_STAR = const(2)  # offset behind the first `*`, 0 if there was none: no value here is negative, as 64-bit viper reads none
_VISIBLE = const(3)  # characters that are no blank


@micropython.viper
def run(buffer: ptr8, at: int, used: int, inside: int, sums: ptr32) -> int:
    """Run over ordinary text in buffer[at:used]; return the offset behind the first character that is not, -1 without one.

    Not ordinary are brackets, control characters but CR, damaged ones, and outside of brackets `!` and `/`. All that was run
    over, that character included, is added to both block checks of `sums`.
    """
    bcc = sums[_BCC]
    total = sums[_SUM]
    found = -1
    while at < used:
        byte = int(buffer[at])
        at += 1
        bcc ^= byte
        total += byte
        if byte > 0x2F:
            if byte > 0x7F:
                found = at
                break
            sums[_VISIBLE] += 1
        elif byte > 0x20:
            if byte == 0x28 or byte == 0x29 or (inside == 0 and (byte == 0x21 or byte == 0x2F)):
                found = at
                break
            if byte == 0x2A and sums[_STAR] == 0:
                sums[_STAR] = at
            sums[_VISIBLE] += 1
        elif byte < 0x20 and byte != 13:
            found = at
            break
    sums[_BCC] = bcc
    sums[_SUM] = total & 0x7F
    return found


@micropython.viper
def seek(buffer: ptr8, at: int, used: int, wanted: int) -> int:
    """Return the offset of the first start of a message in buffer[at:used], or `used`.

    `wanted`: bit n for the control character n, bit 0 for `/`.
    """
    while at < used:
        byte = int(buffer[at])
        if byte < 0x20:
            if byte and wanted >> byte & 1:
                break
        elif byte == 0x2F and wanted & 1:
            break
        at += 1
    return at


@micropython.viper
def crc16(buffer: ptr8, start: int, end: int, crc: int) -> int:
    """Return the CRC (reflected polynomial A001) of buffer[start:end], begun with `crc`: 0 at the `/` of a DSMR telegram."""
    while start < end:
        crc ^= buffer[start]
        bits = 8
        while bits:
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
            bits -= 1
        start += 1
    return crc


@micropython.viper
def parity(buffer: ptr8, start: int, end: int, makes: int) -> int:
    """Give the characters buffer[start:end], 7 bits each, even parity in bit 7 (makes 1), or check it and take it off (0).

    Return how many were damaged: those have bit 7 set afterwards, all others have it clear.
    """
    damaged = 0
    while start < end:
        byte = int(buffer[start])
        odd = _ODD >> ((byte ^ byte >> 4) & 15) & 1
        if makes:
            byte ^= odd << 7
        else:
            byte = byte & 0x7F | odd << 7
            damaged += odd
        buffer[start] = byte
        start += 1
    return damaged
