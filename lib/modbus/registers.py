"""Decodes register contents: pure functions of a view and the offset of the first byte in it.

In the PDU of a reply to functions 3 and 4 the registers start at offset DATA, two bytes each, high byte first; of two
registers the high word comes first. Numbers come as (mantissa, exponent), integers that stand for mantissa * 10**exponent:
no float is involved, whose 24 bits on the ESP32 would not hold an energy. The types T1 to T18 are those of the Iskra meters.
Numbers outside the view raise IndexError.
"""

from micropython import const

DATA = const(2)  # offset of the first register in a reply's PDU


def word(view, at):
    """One register, unsigned."""
    return view[at] << 8 | view[at + 1]


def int16(view, at):
    """One register, two's complement."""
    value = view[at] << 8 | view[at + 1]
    return value - 0x10000 if value & 0x8000 else value


def uint32(view, at):
    """Two registers, unsigned. Above 2**30 - 1 this is an object on 32-bit ports."""
    return view[at] << 24 | view[at + 1] << 16 | view[at + 2] << 8 | view[at + 3]


def int32(view, at):
    """Two registers, two's complement (T3, the mantissa of a counter)."""
    high = view[at]
    return (high - 0x100 if high & 0x80 else high) << 24 | view[at + 1] << 16 | view[at + 2] << 8 | view[at + 3]


def t4(view, at):
    """One register: two bits of exponent, 14 bits of unsigned mantissa."""
    return (view[at] & 0x3F) << 8 | view[at + 1], view[at] >> 6


def t5(view, at):
    """Two registers: eight bits of signed exponent, 24 bits of unsigned mantissa."""
    exponent = view[at]
    return view[at + 1] << 16 | view[at + 2] << 8 | view[at + 3], exponent - 0x100 if exponent & 0x80 else exponent


def t6(view, at):
    """Two registers: eight bits of signed exponent, 24 bits of mantissa in two's complement."""
    mantissa, exponent = t5(view, at)
    return mantissa - 0x1000000 if mantissa & 0x800000 else mantissa, exponent


def t7(view, at):
    """Two registers, a power factor: (ten-thousandths, unsigned; whether export; whether capacitive)."""
    return view[at + 2] << 8 | view[at + 3], view[at] != 0, view[at + 1] != 0


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


def text(view, at, registers):
    """Two characters per register, without the spaces and NULs around them; ends with the view.

    Always plain ASCII: "?" stands for each byte that is no printable character.
    """
    characters = bytearray(view[at : at + 2 * registers])
    for index, code in enumerate(characters):
        if code < 0x20 and code or code > 0x7E:
            characters[index] = 0x3F
    return bytes(characters).strip(b" \0").decode().replace("\0", "?")
