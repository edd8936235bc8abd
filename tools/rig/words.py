"""The meters' data types as register words, high word first (sheet, section 3).

Every function returns a list of 16-bit words.
"""

import struct


def _split(value):
    return [value >> 16 & 0xFFFF, value & 0xFFFF]


def t1(value):
    return [int(value) & 0xFFFF]


t2 = t1  # signed: the two's complement comes by itself


def t3(value):
    return _split(int(value))


def _scaled(value, decimals, lowest, highest):
    """Mantissa and exponent of `value` with so many decimals, fewer where the mantissa would not fit."""
    exponent = -decimals
    while True:
        mantissa = round(value * 10**-exponent) if exponent <= 0 else round(value / 10**exponent)
        if lowest <= mantissa <= highest:
            return mantissa, exponent
        exponent += 1


def t4(value):
    """Unsigned 14 bits and an exponent 0..3."""
    mantissa, exponent = _scaled(value, 0, 0, 0x3FFF)
    return [exponent << 14 | mantissa]


def t5(value, decimals):
    """Exponent and 24 unsigned bits; what is negative reads 0."""
    mantissa, exponent = _scaled(max(value, 0), decimals, 0, 0xFFFFFF)
    return _split((exponent & 0xFF) << 24 | mantissa)


def t6(value, decimals):
    """Exponent and 24 bits, two's complement."""
    mantissa, exponent = _scaled(value, decimals, -0x800000, 0x7FFFFF)
    return _split((exponent & 0xFF) << 24 | mantissa & 0xFFFFFF)


def t7(power_factor, exporting, capacitive):
    """Magnitude in 1/10000 and two direction bytes."""
    return [(0xFF00 if exporting else 0) | (0xFF if capacitive else 0), min(round(abs(power_factor) * 10000), 0xFFFF)]


def t16(value):
    """Unsigned hundredths."""
    return [min(max(round(value * 100), 0), 0xFFFF)]


def t17(value):
    """Signed hundredths."""
    return [min(max(round(value * 100), -0x8000), 0x7FFF) & 0xFFFF]


def t_float(value):
    return list(struct.unpack(">HH", struct.pack(">f", value)))


def t_unix(seconds):
    return _split(int(seconds))


def _bcd(number):
    return number // 10 << 4 | number % 10


def from_bcd(byte):
    return (byte >> 4) * 10 + (byte & 15)


def t_time(moment):
    """T9 and T10 of a datetime: 1/100 s, second, minute, hour, day, month, year."""
    return [
        _bcd(moment.microsecond // 10000) << 8 | _bcd(moment.second),
        _bcd(moment.minute) << 8 | _bcd(moment.hour),
        _bcd(moment.day) << 8 | _bcd(moment.month),
        moment.year,
    ]


def text(value, characters):
    """Two characters a word, space padded."""
    raw = value.encode("latin-1", "replace")[:characters].ljust(characters)
    return list(struct.unpack(f">{characters // 2}H", raw))


def from_hex(digits):
    """Words written as hex digits, blanks allowed: "FD00 C35A"."""
    raw = bytes.fromhex(digits)
    if not raw or len(raw) % 2:
        raise ValueError("not whole words")
    return list(struct.unpack(f">{len(raw) // 2}H", raw))
