"""The byte loops of the HTTP server in viper: reading a request's head, and filling an answer's buffer.

Buffers come as anything with bytes in one piece. No bounds are checked in here: 0 <= at <= end <= their length is the
callers' business. All values stay far below 2**30, so 32 and 64 bit words agree.
"""

# ptr8(buffer) is a cast, which the type checker takes for a call.
# pyright: reportCallIssue=false

import micropython
from micropython import const

# One bit per character that may stand in a token (RFC 9110 5.6.2): bit (c & 7) of byte (c >> 3).
_TOKEN = const(b"\x00\x00\x00\x00\xfa\x6c\xff\x03\xfe\xff\xff\xc7\xff\xff\xff\x57")


@micropython.viper
def line_end(source: ptr8, at: int, end: int) -> int:
    """Return the offset of the LF that ends the line starting at or before `at`.

    -1: it is not there yet. -2: a byte that no head may hold comes first: a control character but TAB, or a CR
    without LF (RFC 9112 2.2).
    """
    while at < end:
        byte = source[at]
        if byte < 32:
            if byte == 10:
                return at
            if byte == 13:
                if at + 1 == end:
                    return -1
                if source[at + 1] != 10:
                    return -2
            elif byte != 9:
                return -2
        elif byte == 127:
            return -2
        at += 1
    return -1


@micropython.viper
def token_end(source: ptr8, at: int, end: int) -> int:
    """Return the offset of the first byte from `at` on that belongs to no token, or end."""
    allowed = ptr8(_TOKEN)
    while at < end:
        byte = source[at]
        if byte > 127 or not (allowed[byte >> 3] >> (byte & 7)) & 1:
            return at
        at += 1
    return end


@micropython.viper
def same(source: ptr8, at: int, other: ptr8, count: int, fold: int) -> int:
    """Return 1 if `count` bytes from `at` equal those of other (ASCII str or bytes); fold 1: letter case is ignored."""
    index = 0
    while index < count:
        byte = source[at + index]
        wanted = other[index]
        if fold:
            if byte >= 65 and byte <= 90:
                byte += 32
            if wanted >= 65 and wanted <= 90:
                wanted += 32
        if byte != wanted:
            return 0
        index += 1
    return 1


@micropython.viper
def is_utf8(source: ptr8, at: int, end: int) -> int:
    """Return 1 if the bytes are UTF-8 in its shortest form: no surrogates, nothing beyond U+10FFFF (RFC 3629)."""
    while at < end:
        byte = source[at]
        at += 1
        if byte < 0x80:
            continue
        low = 0x80
        high = 0xBF
        if byte < 0xC2 or byte > 0xF4:
            return 0
        if byte < 0xE0:
            more = 1
        elif byte < 0xF0:
            more = 2
            if byte == 0xE0:
                low = 0xA0
            elif byte == 0xED:
                high = 0x9F
        else:
            more = 3
            if byte == 0xF0:
                low = 0x90
            elif byte == 0xF4:
                high = 0x8F
        if at + more > end:
            return 0
        if source[at] < low or source[at] > high:
            return 0
        at += 1
        while more > 1:
            if (source[at] & 0xC0) != 0x80:
                return 0
            at += 1
            more -= 1
    return 1


@micropython.viper
def put_bytes(target: ptr8, at: int, limit: int, source: ptr8, count: int, is_text: int) -> int:
    """Copy source to target from `at` on and return the offset behind it, or -1 if that is beyond limit.

    count: bytes, or characters if source is a str (is_text 1): what len() says of either. A str ends behind its last
    character's last byte; the NUL that MicroPython keeps behind every str stops the search for it.
    """
    index = 0
    if not is_text:
        if at + count > limit:
            return -1
        while index < count:
            target[at + index] = source[index]
            index += 1
        return at + count
    while True:
        byte = source[index]
        if (byte & 0xC0) != 0x80:
            if count == 0:
                return at
            count -= 1
        if at == limit:
            return -1
        target[at] = byte
        at += 1
        index += 1


@micropython.viper
def put_escaped(target: ptr8, at: int, limit: int, source: ptr8, count: int, is_text: int) -> int:
    """Like put_bytes, as the inside of a JSON string: quote, backslash and control characters escaped (RFC 8259 7)."""
    index = 0
    while True:
        if not is_text and count == 0:
            return at
        byte = source[index]
        index += 1
        if not is_text or (byte & 0xC0) != 0x80:
            if count == 0:
                return at
            count -= 1
        if byte == 34 or byte == 92:
            if at + 2 > limit:
                return -1
            target[at] = 92
            target[at + 1] = byte
            at += 2
        elif byte < 32:
            if at + 6 > limit:
                return -1
            target[at] = 92
            target[at + 1] = 117
            target[at + 2] = 48
            target[at + 3] = 48
            target[at + 4] = 48 + (byte >> 4)
            low = byte & 15
            target[at + 5] = 48 + low if low < 10 else 87 + low
            at += 6
        else:
            if at == limit:
                return -1
            target[at] = byte
            at += 1


@micropython.viper
def put_digits(target: ptr8, at: int, limit: int, number: int, width: int) -> int:
    """Write 0 <= number < 2**30 in decimal, padded with zeros to width; return the offset behind, -1 beyond limit."""
    size = 1
    rest = number
    while rest > 9:
        rest = rest // 10
        size += 1
    if size < width:
        size = width
    if at + size > limit:
        return -1
    end = at + size
    place = end
    while place > at:
        place -= 1
        rest = number // 10
        target[place] = 48 + number - rest * 10
        number = rest
    return end


@micropython.viper
def json_shape(source: ptr8, at: int, end: int) -> int:
    """Return how deep arrays and objects nest in a JSON text (255 for more).

    -1: a number of more than 40 digits, or an escape that is not four hexadecimal digits behind "\\u".
    """
    depth = 0
    deepest = 0
    digits = 0
    inside = 0  # a string
    while at < end:
        byte = source[at]
        if inside:
            if byte == 92:
                at += 1
                if at < end and source[at] == 117:
                    if at + 4 >= end:
                        return -1
                    place = at + 1
                    while place <= at + 4:
                        byte = source[place] | 32
                        if (byte < 48 or byte > 57) and (byte < 97 or byte > 102):
                            return -1
                        place += 1
                    at += 4
            elif byte == 34:
                inside = 0
        elif byte >= 48 and byte <= 57:
            digits += 1
            if digits > 40:
                return -1
        else:
            digits = 0
            if byte == 34:
                inside = 1
            elif byte == 91 or byte == 123:
                depth += 1
                if depth > deepest:
                    deepest = depth
            elif byte == 93 or byte == 125:
                depth -= 1
        at += 1
    if deepest > 255:
        deepest = 255
    return deepest


@micropython.viper
def surrogate(source: ptr8, at: int, end: int) -> int:
    """Return the offset of the next escape from "\\ud8.." to "\\udf.." in either case, -1 without one; `at` is in no escape."""
    while at + 5 < end:
        if source[at] == 92:
            if source[at + 1] == 117 and (source[at + 2] | 32) == 100 and source[at + 3] >= 56:
                return at
            at += 1
        at += 1
    return -1
