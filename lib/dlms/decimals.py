"""Makes integer and decimal exponent of the floats of meters, by integers alone: the ESP32's own floats have 30 bits.

Source: IEEE 754 (single and double precision).
"""

from micropython import const

_DIGITS_32 = const(6)  # so many always survive the way into a float; three more make it unique
_DIGITS_64 = const(15)


def decimal(octets):
    """Return (mantissa, exponent) of 4 or 8 octets, high one first; None for NaN and infinity.

    It has six digits, 15 of double precision, or as few more as tell this float from all others: 43 66 19 9A is (2301, -1).
    """
    is_long = len(octets) == 8
    width = 52 if is_long else 23
    digits = _DIGITS_64 if is_long else _DIGITS_32
    bits = int.from_bytes(octets, "big")
    fraction = bits & (1 << width) - 1
    exponent = bits >> width & (0x7FF if is_long else 0xFF)
    if exponent == (0x7FF if is_long else 0xFF):
        return None
    if exponent:
        fraction |= 1 << width
    else:
        exponent = 1
    if not fraction:
        return 0, 0
    binary = exponent - width - (1023 if is_long else 127)
    # The value is above / below, and half a unit of its last place is that by 2 * fraction.
    above, below = (fraction << binary, 1) if binary > 0 else (fraction, 1 << -binary)
    place = len(str(above // below)) if above >= below else 1 - len(str(below // above))  # of its first digit
    mantissa = power = 0
    for count in range(digits, digits + 4):
        power = place - count
        up, down = (above, below * 10**power) if power > 0 else (above * 10**-power, below)
        mantissa = (2 * up + down) // (2 * down)
        if abs(mantissa * down - up) * 2 * fraction < up:
            break
    while mantissa % 10 == 0:
        mantissa //= 10
        power += 1
    return -mantissa if bits >> (63 if is_long else 31) else mantissa, power
