"""Decodes the types of the Iskra meters that no table of firmware/meters needs: not frozen on a device.

Views, offsets and results as in lib/modbus/registers.py.
"""

from lib.modbus.registers import int16, word


def t4(view, at):
    """One register: two bits of exponent, 14 bits of unsigned mantissa."""
    return (view[at] & 0x3F) << 8 | view[at + 1], view[at] >> 6


def t16(view, at):
    """One register of hundredths, unsigned."""
    return word(view, at), -2


def t17(view, at):
    """One register of hundredths, signed."""
    return int16(view, at), -2


def t18(view, at):
    """One register of ten-thousandths, signed."""
    return int16(view, at), -4


def t_float(view, at):
    """Two registers, IEEE 754 single precision; None for infinity and for what is no number.

    Gives the decimal number with the fewest digits (nine at most) that is nearest to this float and no other: 42F6 E666 is
    123.45. So integers below 2**24 and decimals of six digits come out as the meter meant them.
    """
    binary = (view[at] & 0x7F) << 1 | view[at + 1] >> 7
    mantissa = (view[at + 1] & 0x7F) << 16 | view[at + 2] << 8 | view[at + 3]
    if binary == 0xFF:
        return None
    # The float is mantissa * 2**shift. A decimal reads as this float when it is less than half a bit away, which is two
    # quarters, or just half if the mantissa is even; at a power of two one quarter, as the floats below lie closer.
    quarters = 2 if mantissa or binary < 2 else 1
    if binary:
        mantissa |= 0x800000
    if not mantissa:
        return 0, 0
    shift = (binary or 1) - 150
    numerator = 4 * mantissa << max(shift, 0)
    denominator = 4 << max(-shift, 0)
    digits, exponent = _shortest(numerator, denominator, quarters << max(shift, 0), mantissa & 1)
    return -digits if view[at] & 0x80 else digits, exponent


def _shortest(numerator, denominator, most, odd):
    """Return the shortest (mantissa, exponent) at most most/denominator, if odd less, from numerator/denominator."""
    exponent = 0  # of the first digit
    if numerator >= denominator:
        exponent = len(str(numerator // denominator)) - 1
    else:
        scaled = numerator
        while scaled < denominator:
            scaled *= 10
            exponent -= 1
    while True:
        power = 10 ** abs(exponent)
        value, unit, away = numerator, denominator, most
        if exponent < 0:
            value *= power
            away *= power
        else:
            unit *= power
        digits = (value + unit // 2) // unit
        if abs(digits * unit - value) <= away - odd:
            return digits, exponent
        exponent -= 1
