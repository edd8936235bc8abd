"""Samples: every value comes back as it was, small; what is damaged is an error or other values, never anything worse."""

import json
import random
from array import array

from lib.store.sample import NONE, SampleReader, encode

KEY = b"X0000124"
UTC_MS = 1764277200123
LIMIT = 1 << 31
# What makes an entry longer
MANTISSAS = (0, 1, -1, 31, 32, -32, -33, 4095, 4096, -4096, 524287, 524288, 1 << 26, 1 << 29, 1 << 30, LIMIT - 1, -LIMIT)


def decoded(view):
    """Return (kind, quality, key, UTC, the values that are there as (index, mantissa, exponent, unit))."""
    sample = SampleReader(view)
    values = []
    while sample.next():
        values.append((sample.index, sample.mantissa, sample.exponent, sample.unit))
    assert not sample.next()
    return sample.kind, sample.quality, bytes(sample.key), sample.utc_ms, values


def test_every_value_comes_back():
    for seed in range(200):
        random.seed(seed)
        count = random.choice((0, 1, 7, 8, 9, 37, 100, 255))
        mantissas = array("i", [random.choice(MANTISSAS) for _ in range(count)])
        exponents = array("b", [random.choice((NONE, -127, -3, 0, 0, 127)) for _ in range(count)])
        units = bytearray([random.choice((0, 4, 255)) for _ in range(count)])
        key = KEY[: random.randrange(9)]
        utc_ms = random.choice((0, UTC_MS, (1 << 48) - 1))
        buffer = bytearray([random.randrange(256) for _ in range(2000)])
        length = encode(buffer, seed, 2, key, utc_ms, mantissas, exponents, units)
        expected = [
            (index, mantissas[index], exponents[index], units[index]) for index in range(count) if exponents[index] != NONE
        ]
        view = memoryview(buffer)[:length]
        assert decoded(view) == (seed, 2, key, utc_ms, expected), seed
        assert length <= 10 + len(key) + (count + 7) // 8 + 7 * len(expected)


def test_a_meters_values_are_short():
    """The rows of host_tests/vectors, whose sheets know meters with small and with odd numbers."""
    from firmware.meters.layout import THREE_PHASES
    from firmware.meters.rows import ValueRows
    from firmware.state.readings import Group

    for name, most in (("ie38md", 120), ("wm3m4c", 135), ("mc666", 160)):
        with open(f"host_tests/vectors/{name}.json") as file:
            registers = json.load(file)["registers"]
        pdu = bytearray(2 + 2 * 200)
        for number, words, *_ in registers:
            if 30000 < number < 30200:
                words = bytes.fromhex(words.replace(" ", ""))
                at = 2 + 2 * (number - 30000)
                pdu[at : at + len(words)] = words
        group = Group(THREE_PHASES)
        ValueRows(THREE_PHASES).decode(group, pdu, 0, 200, 0)
        buffer = bytearray(400)
        length = encode(buffer, 0, 2, KEY, UTC_MS, group.mantissa, group.exponent, group.unit)
        print(name, len(THREE_PHASES), "rows:", length, "bytes")
        assert length <= most, (name, length)
        values = decoded(memoryview(buffer)[:length])[4]
        assert values == [
            (row, group.mantissa[row], group.exponent[row], group.unit[row])
            for row in range(len(THREE_PHASES))
            if group.has(row)
        ]


def test_a_buffer_that_is_too_short():
    rows = [12345678] * 30, [-2] * 30, [12] * 30
    buffer = bytearray(300)
    length = encode(buffer, 1, 2, KEY, UTC_MS, *rows)
    for size in range(length):
        try:
            encode(bytearray(size), 1, 2, KEY, UTC_MS, *rows)
            raise AssertionError(size)
        except ValueError:
            pass
    for size in range(length):
        try:
            decoded(memoryview(buffer)[:size])
            raise AssertionError(size)
        except ValueError:
            pass


def test_garbage():
    outcomes = [0, 0]
    for seed in range(2000):
        random.seed(seed)
        garbage = bytes([random.choice((0, 1, 2, 127, 128, 255, random.randrange(256))) for _ in range(random.randrange(60))])
        try:
            decoded(memoryview(garbage))
            outcomes[0] += 1
        except ValueError:
            outcomes[1] += 1
    assert min(outcomes) > 20, outcomes
