"""Decodes register contents: pure functions of a view and the offset of the first byte in it.

In the PDU of a reply to functions 3 and 4 the registers start at offset DATA, two bytes each, high byte first; of two
registers the high word comes first. Numbers come as (mantissa, exponent), integers that stand for mantissa * 10**exponent:
no float is involved, whose 24 bits on the ESP32 would not hold an energy. The types T1 to T18 are those of the Iskra meters;
those that no meter's table has are in other_types.py.
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


def text(view, at, registers):
    """Two characters per register, without the spaces and NULs around them; ends with the view.

    Always plain ASCII: "?" stands for each byte that is no printable character.
    """
    characters = bytearray(view[at : at + 2 * registers])
    for index, code in enumerate(characters):
        if code < 0x20 and code or code > 0x7E:
            characters[index] = 0x3F
    return bytes(characters).strip(b" \0").decode().replace("\0", "?")
