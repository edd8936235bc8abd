"""Decimals as IEEE single precision: bits computed with CPython, in exact fractions where its doubles would round twice."""

from lib.modbus.float32 import put_float32, put_nan
from lib.modbus.other_types import t_float

# mantissa, exponent, divisor, bits
VALUES = (
    (0, 0, 1, 0x00000000),
    (0, 127, 1, 0x00000000),
    (1, 0, 1, 0x3F800000),
    (-1, 0, 1, 0xBF800000),
    (12345, -2, 1, 0x42F6E666),
    (22050, -2, 1, 0x435C8000),
    (1, -1, 1, 0x3DCCCCCD),
    (16777215, 0, 1, 0x4B7FFFFF),
    (16777216, 0, 1, 0x4B800000),
    (16777217, 0, 1, 0x4B800000),  # a tie: to the even one below
    (16777219, 0, 1, 0x4B800002),  # a tie: to the even one above
    (33554431, 0, 1, 0x4C000000),  # rounds up into another exponent
    (167772170001, -4, 1, 0x4B800001),  # just above a tie
    (2147483647, 0, 1, 0x4F000000),
    (-2147483648, 0, 1, 0xCF000000),
    (123456789, 0, 1, 0x4CEB79A3),
    (340282346638528859811704183484516925440 // 10**30, 30, 1, 0x7F7FFFFF),
    (340282357, 30, 1, 0x7FC00000),  # above the largest: no value
    (1, 39, 1, 0x7FC00000),
    (-1, 127, 1, 0x7FC00000),
    (117549435, -46, 1, 0x00800000),  # the smallest normal number
    (117549421, -46, 1, 0x007FFFFF),  # the largest below
    (14, -46, 1, 0x00000001),
    (7, -46, 1, 0x00000000),
    (8, -46, 1, 0x00000001),
    (-1, -127, 1, 0x80000000),
    (1, 0, 3, 0x3EAAAAAB),
    (2, 0, 3, 0x3F2AAAAB),
    (68150, -2, 3, 0x43632AAB),
)


def test_values():
    for mantissa, exponent, divisor, bits in VALUES:
        buffer = bytearray(6)
        put_float32(buffer, mantissa, exponent, divisor, 1)
        assert buffer.hex() == "00%08x00" % bits, (mantissa, exponent, buffer.hex())


def test_no_value():
    buffer = bytearray(4)
    put_nan(buffer)
    assert buffer.hex() == "7fc00000"


def test_reads_back_what_a_float_holds():
    state = 1
    for _ in range(300):
        state = state * 48271 % 0x7FFFFFFF
        mantissa, exponent = state % 1000000, state % 60 - 40
        buffer = bytearray(4)
        put_float32(buffer, mantissa, exponent)
        found, place = t_float(buffer, 0)
        shift = min(place, exponent)
        assert found * 10 ** (place - shift) == mantissa * 10 ** (exponent - shift), (mantissa, exponent)
