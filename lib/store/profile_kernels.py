"""The bit loops of load profiles, in viper: columns of numbers as Rice codes and back. Format: lib/store/profile_part.py.

`values` is an array of 32-bit integers, of which none is negative (64-bit viper reads none) and none has more than 28 bits; a
column is rows of it from `start` on. A value is foretold as the one before (order 1) or on the straight line of the two before
(order 2, whose second row is known beforehand); what it differs by is coded. Nothing is checked about the ranges. No function
here allocates. An index of `values` is always a sum: ARM code of MicroPython 1.26 spoils a variable that is one itself.
"""

# ptr8(buffer) is a cast, which the type checker takes for a call.
# pyright: reportCallIssue=false

import micropython
from micropython import const

_MOST_ONES = const(20)  # then the number follows as it is
_RAW_BITS = const(30)


@micropython.viper
def weight(values: ptr32, start: int, rows: int, order: int) -> int:
    """Return the sum of what rows differ by from what is foretold, zigzag, each cut at 2**24 - 1."""
    before = int(values[start + 0])
    slope = 0
    if order == 2:
        slope = int(values[start + 1]) - before
    total = 0
    row = 1
    while row < rows:
        value = int(values[start + row])
        rest = value - before - slope
        rest = rest << 1 if rest >= 0 else (0 - rest << 1) - 1
        total += rest if rest < 0xFFFFFF else 0xFFFFFF
        if order == 2:
            slope = value - before
        before = value
        row += 1
    return total


@micropython.viper
def encode(values: ptr32, start: int, rows: int, order: int, low_bits: int, out: ptr8, at: int, end: int) -> int:
    """Write rows behind the first into out[at:end]; return where it ended, -1 if there was too little room."""
    before = int(values[start + 0])
    slope = 0
    if order == 2:
        slope = int(values[start + 1]) - before
    row = 1
    byte = 0
    bits = 0
    while row < rows:
        value = int(values[start + row])
        row += 1
        rest = value - before - slope
        rest = rest << 1 if rest >= 0 else (0 - rest << 1) - 1
        if order == 2:
            slope = value - before
        before = value
        ones = rest >> low_bits
        width = low_bits + 1  # with the zero behind the ones
        if ones >= _MOST_ONES:
            ones = _MOST_ONES
            width = _RAW_BITS
        else:
            rest &= (1 << low_bits) - 1
        while ones + width > 0:
            if ones > 0:
                ones -= 1
                byte = byte << 1 | 1
            else:
                width -= 1
                byte = byte << 1 | (rest >> width & 1)
            bits += 1
            if bits == 8:
                if at >= end:
                    return -1
                out[at] = byte
                at += 1
                byte = bits = 0
    if bits > 0:
        if at >= end:
            return -1
        out[at] = byte << 8 - bits
        at += 1
    return at


@micropython.viper
def decode(values: ptr32, start: int, rows: int, order: int, low_bits: int, code: ptr8, at: int, end: int) -> int:
    """Fill rows behind the first from code[at:end]; return where it ended, -1 if it ended too early."""
    before = int(values[start + 0])
    slope = 0
    if order == 2:
        slope = int(values[start + 1]) - before
    row = 1
    byte = 0
    bits = 0
    while row < rows:
        ones = 0
        width = -1  # the ones are being counted
        rest = 0
        while width != 0:
            if bits == 0:
                if at >= end:
                    return -1
                byte = int(code[at])
                at += 1
                bits = 8
            bits -= 1
            bit = byte >> bits & 1
            if width > 0:
                width -= 1
                rest = rest << 1 | bit
            elif bit == 0:
                width = low_bits
            else:
                ones += 1
                if ones == _MOST_ONES:
                    width = _RAW_BITS
        if ones < _MOST_ONES:
            rest |= ones << low_bits
        rest = 0 - (rest + 1 >> 1) if rest & 1 else rest >> 1
        value = before + slope + rest
        if order == 2:
            slope = value - before
        before = value
        values[start + row] = value
        row += 1
    return at
