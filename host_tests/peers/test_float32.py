"""Our decimals as floats against CPython: exact fractions choose between the neighbours that `struct` knows. Both widths."""

import json
import os
import random
import struct
import subprocess
from fractions import Fraction

import pytest

from conftest import TOP, interpreter

_NAN = 0x7FC00000
_INFINITY = 0x7F800000
_LARGEST = Fraction(2 - 2**-23) * 2**127
_SCRIPT = """
import json, sys
from lib.modbus.float32 import put_float32
buffer = bytearray(4)
for value in json.loads(sys.stdin.read()):
    put_float32(buffer, *value)
    print(buffer.hex())
"""


def value_of(bits):
    return Fraction(struct.unpack(">f", struct.pack(">I", bits))[0])


def nearest(value):
    """The bits of the float nearest to an exact value, the even one of two."""
    sign, size = (0x80000000, -value) if value < 0 else (0, value)
    if size >= _LARGEST + Fraction(2) ** 103:  # half a step above the largest: no value
        return _NAN
    if size > _LARGEST:
        return sign | _INFINITY - 1
    guess = struct.unpack(">I", struct.pack(">f", min(float(size), float(_LARGEST))))[0]
    near = [bits for bits in (guess - 1, guess, guess + 1) if 0 <= bits < _INFINITY]
    return sign | min(near, key=lambda bits: (abs(value_of(bits) - size), bits & 1))


def cases():
    """(mantissa, exponent, divisor): of every size, at ties and beside them, at both ends of what a float holds."""
    dice = random.Random(5)
    for exponent in range(-127, 128):
        for _ in range(6):
            mantissa = dice.randrange(-(1 << dice.randrange(1, 32)), 1 << dice.randrange(1, 32))
            yield mantissa, exponent, dice.choice((1, 1, 2, 3))
    for _ in range(3000):
        yield dice.randrange(-(1 << 31), 1 << 31), dice.randrange(-12, 8), 1
    for _ in range(1000):  # ties: 24 bits, and a half
        shift = dice.randrange(1, 8)
        tie = (2 * dice.randrange(1 << 23, 1 << 24) + 1) << shift - 1
        for off in (-1, 0, 1):
            yield tie + off, 0, 1
            yield 10 * tie + off, -1, 1
            yield 10**6 * tie + off, -6, 1
    for _ in range(1000):  # among the smallest, of fewer bits
        yield dice.randrange(1, 1 << 31), dice.randrange(-56, -44), 1
    for _ in range(200):
        yield dice.randrange(340282300, 340282400), 30, 1
    for ties in range(1, 40):  # halves of the smallest: 2**-150 is 5**150 * 10**-150
        yield ties * 5**63, -63, 1


@pytest.mark.parametrize("width", ["64", "32"])
def test_as_cpython_rounds(width):
    asked = list(cases())
    done = subprocess.run(
        [interpreter(width), "-X", "heapsize=16m", "-c", _SCRIPT],
        input=json.dumps(asked),
        env=dict(os.environ, MICROPYPATH=f"{TOP}:.frozen"),
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert not done.returncode, done.stderr
    answers = done.stdout.split()
    assert len(answers) == len(asked)
    for (mantissa, exponent, divisor), answer in zip(asked, answers, strict=True):
        bits = int(answer, 16)
        value = Fraction(mantissa, divisor) * Fraction(10) ** exponent
        assert bits & 0x7FFFFFFF == nearest(value) & 0x7FFFFFFF, (mantissa, exponent, divisor, hex(bits))
        assert bits == _NAN or bits >> 31 == (mantissa < 0)
