"""Makes IEEE 754 single precision of a decimal by integers alone: the ESP32's own floats have 30 bits and would round twice.

The other way round: t_float() in lib/modbus/registers.py.
"""

_NAN = 0x7FC00000  # quiet, positive: what the SunSpec models write for a value that is not there
_LARGEST_EXPONENT = 60  # more than 10**60 is too large, whatever the mantissa
_SMALLEST_EXPONENT = -90  # a mantissa below 2**64 times 10**-90 is nearest to zero


def put_nan(buffer, at=0):
    """Write "no value" as four bytes, high byte first."""
    _put(buffer, at, _NAN)


def put_float32(buffer, mantissa, exponent, divisor=1, at=0):
    """Write mantissa * 10**exponent / divisor as four bytes, high byte first, rounded to nearest, ties to even.

    What is too large for a float becomes NaN, not infinity: a reader shall take it for no value. `mantissa` is an int below
    2**64, `divisor` positive.
    """
    _put(buffer, at, float32_bits(mantissa, exponent, divisor))


def float32_bits(mantissa, exponent, divisor=1):
    """Return the 32 bits of put_float32() as an int."""
    sign = 0x80000000 if mantissa < 0 else 0
    numerator, denominator = abs(mantissa), divisor
    if not numerator or exponent < _SMALLEST_EXPONENT:
        return sign
    if exponent > _LARGEST_EXPONENT:
        return _NAN
    if exponent >= 0:
        numerator *= 10**exponent
    else:
        denominator *= 10**-exponent
    # shift: the value is quotient * 2**-shift with a quotient of 24 bits; with fewer below the smallest normal number.
    shift = 24 - _size(numerator) + _size(denominator)  # or one less
    if _scaled(numerator, shift) >= _scaled(denominator, -shift) << 24:
        shift -= 1
    shift = min(shift, 149)
    numerator, denominator = _scaled(numerator, shift), _scaled(denominator, -shift)
    quotient = numerator // denominator
    rest = 2 * (numerator - quotient * denominator)
    if rest > denominator or rest == denominator and quotient & 1:
        quotient += 1  # 2**24 carries into the exponent, which is right
    bits = (149 - shift << 23) + quotient
    return bits | sign if bits < 0x7F800000 else _NAN


def _size(number):
    """Return the bits of a positive number. MicroPython has no bit_length()."""
    return len(bin(number)) - 2


def _scaled(number, shift):
    return number << shift if shift > 0 else number


def _put(buffer, at, bits):
    buffer[at] = bits >> 24 & 0xFF
    buffer[at + 1] = bits >> 16 & 0xFF
    buffer[at + 2] = bits >> 8 & 0xFF
    buffer[at + 3] = bits & 0xFF
