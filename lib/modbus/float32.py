"""Makes IEEE 754 single precision of a decimal by integers alone: the ESP32's own floats have 30 bits and would round twice.

The other way round: t_float() in lib/modbus/registers.py.
"""

from micropython import const

_LARGEST_EXPONENT = const(60)  # 10**60 is too large, whatever the mantissa
_SMALLEST_EXPONENT = const(-90)  # a mantissa below 2**64 times 10**-91 is nearest to zero


def put_nan(buffer, at=0):
    """Write "no value" as four bytes, high byte first: the quiet NaN that the SunSpec models have for it."""
    buffer[at] = 0x7F
    buffer[at + 1] = 0xC0
    buffer[at + 2] = buffer[at + 3] = 0


def put_float32(buffer, mantissa, exponent, divisor=1, at=0):
    """Write mantissa * 10**exponent / divisor as four bytes, high byte first, rounded to nearest, ties to even.

    What is too large for a float becomes NaN, not infinity: a reader shall take it for no value. `mantissa` is an int whose
    size is below 2**64, `divisor` positive. Allocates nothing for what meters measure: 29 bits with up to seven decimals.
    """
    sign = 0
    if mantissa < 0:
        sign = 0x80
        mantissa = -mantissa
    binary = bits = 0  # the float's exponent as it is stored, and its 24 bits
    if mantissa and exponent > _LARGEST_EXPONENT:
        binary = 255
    elif mantissa and exponent >= _SMALLEST_EXPONENT:
        # The value is (quotient + rest / divisor) * 2**-shift; of its 25 bits at least 24 are kept.
        if divisor == 1 and mantissa < 0x20000000 and -7 <= exponent <= 0:
            divisor = 10**-exponent
            quotient, rest, shift = mantissa // divisor, mantissa % divisor, 0
            while quotient < 0x1000000:
                rest <<= 5
                quotient = quotient << 5 | rest // divisor
                rest %= divisor
                shift += 5
        else:
            quotient, rest, shift = _divided(mantissa, exponent, divisor)
        dropped = 1
        while quotient >> dropped >= 0x1000000:
            dropped += 1
        binary = 150 + dropped - shift
        if binary < 1:  # below the smallest normal number fewer bits are left
            dropped += 1 - binary
            binary = 1
        bits = quotient >> dropped
        half = 1 << dropped - 1
        low = quotient - (bits << dropped)
        if low > half or low == half and (rest or bits & 1):
            bits += 1
            if bits == 0x1000000:
                bits = 0x800000
                binary += 1
        if bits < 0x800000:
            binary = 0
    if binary > 254:
        put_nan(buffer, at)
        return
    buffer[at] = sign | binary >> 1
    buffer[at + 1] = (binary & 1) << 7 | bits >> 16 & 0x7F
    buffer[at + 2] = bits >> 8 & 0xFF
    buffer[at + 3] = bits & 0xFF


def _divided(mantissa, exponent, divisor):
    """Return (quotient of 25 or 26 bits, rest, shift) of anything positive."""
    if exponent > 0:
        mantissa *= 10**exponent
    else:
        divisor *= 10**-exponent
    shift = 25 - len(bin(mantissa)) + len(bin(divisor))  # MicroPython has no bit_length()
    if shift > 0:
        mantissa <<= shift
    else:
        divisor <<= -shift
    return mantissa // divisor, mantissa % divisor, shift
