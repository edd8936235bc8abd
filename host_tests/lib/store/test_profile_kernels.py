"""The bit loops of load profiles: the same as plain ones that go bit by bit, on every kind of processor."""

import random
from array import array

from lib.store.profile_kernels import decode, encode, weight
from lib.store.profile_part import ROWS, Part

ALSO_ON = ("arm",)

MOST = (1 << 28) - 1
COLUMNS = (
    (0,),
    (MOST, 0),
    (0, MOST, 0, MOST),
    (5,) * 64,
    tuple(range(0, 6400, 100)),
    (1 << 27, (1 << 27) + 1, (1 << 27) - 1),
)


def rests(column, order):
    """What each row behind the first differs by from what is foretold, zigzag."""
    found = []
    for at in range(1, len(column)):
        foretold = column[at - 1]
        if order == 2:
            foretold += column[1] - column[0] if at == 1 else column[at - 1] - column[at - 2]
        rest = column[at] - foretold
        found.append(2 * rest if rest >= 0 else -2 * rest - 1)
    return found


def plain(column, order, low):
    """The code of a column, by text."""
    bits = ""
    for rest in rests(column, order):
        ones = rest >> low
        if ones < 20:
            tail = "".join([str(rest >> bit & 1) for bit in range(low - 1, -1, -1)])
            bits += "1" * ones + "0" + tail
        else:
            bits += "1" * 20 + "".join([str(rest >> bit & 1) for bit in range(29, -1, -1)])
    bits += "0" * (-len(bits) % 8)
    return bytes([int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)])


def test_codes_are_those_of_plain_loops():
    random.seed(1)
    columns = list(COLUMNS)
    for _ in range(20):
        most = 1 << random.randrange(1, 29)
        columns.append(tuple([random.randrange(most) for _ in range(random.randrange(1, 65))]))
    out = bytearray(700)
    for column in columns:
        for order in (1, 2)[: len(column)]:
            for low in (0, 3, 11, 23):
                values = array("i", (7,) + column)
                expected = plain(column, order, low)
                end = encode(values, 1, len(column), order, low, out, 3, len(out))
                assert bytes(out[3:end]) == expected, (column, order, low)
                if expected:
                    assert encode(values, 1, len(column), order, low, out, 3, end - 1) == -1, "no room"
                again = array("i", [7] + [0] * len(column))
                again[1] = column[0]
                if order == 2:
                    again[2] = column[1]
                assert decode(again, 1, len(column), order, low, out, 3, end) == end and again == values
                if expected:
                    assert decode(again, 1, len(column), order, low, out, 3, end - 1) == -1, "cut short"
            assert weight(values, 1, len(column), order) == sum([min(rest, 0xFFFFFF) for rest in rests(column, order)])


def test_random_columns_are_exact():
    random.seed(5)
    buffer = bytearray(5600)
    part, again = Part(8), Part(8)
    for run in range(20):
        part.clear(run)
        rows = random.randrange(1, ROWS + 1)
        spread = [1 << random.randrange(27) for _ in range(8)]
        for row in range(rows):
            values = [(random.randrange(-step, step), -3) if random.randrange(9) else None for step in spread]
            assert part.add(1782864000 + row * 900 + random.randrange(2), random.choice((0, 0, 0x80)), values)
        size = part.encode(buffer, random.choice((0, 3000)))
        assert size and again.decode(buffer, size) and again.rows == rows and again.chunk == run
        for row in range(rows):
            assert (part.time(row), part.status(row)) == (again.time(row), again.status(row))
            for channel in range(8):
                assert part.value(channel, row) == again.value(channel, row), (run, row, channel)
        assert part.encode(bytearray(part.encode(buffer) - 1)) == 0
