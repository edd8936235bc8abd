"""Tables against words: the worked examples of the device sheet, 14, and which registers are read together."""

from firmware.meters import catalogue, layout
from firmware.meters.rows import CounterRows, ValueRows, spans
from firmware.state import readings
from firmware.state.readings import Group
from host_tests.fakes.loader import load
from host_tests.firmware.meters.image import pack

MODELS = ("IE38MD", "IE35", "IE14MD", "WM3M4C", "WM3", "WM1", "MC666", "iMC784", "MT440", "7M.24", "7M.38", "7M.34.8")

# value, register words, mantissa, exponent, unit
VALUES = (
    ("U1", "FE005622", 22050, -2, "V"),
    ("frequency", "FD00C35A", 50010, -3, "Hz"),
    ("I1", "FC0002E8", 744, -4, "A"),
    ("Q2", "FFFFFEEB", -277, -1, "var"),
    ("P0", "FF01E240", 123456, -1, "W"),
    ("P1", "FDFE1DC0", -123456, -3, "W"),
    ("P3", "FD800000", -8388608, -3, "W"),
    ("S0", "FDFFFFFF", 16777215, -3, "VA"),
    ("P2", "03000005", 5, 3, "W"),
    ("S3", "FD800000", 8388608, -3, "VA"),  # T5 has no sign
    ("PF0", "00FF084C", 2124, -4, "Cap"),
    ("PF1", "FF001ED2", -7890, -4, "Ind"),
    ("PF2", "FFFF2694", -9876, -4, "Cap"),
    ("PF3", "00002710", 10000, -4, "Ind"),
    ("PA0", "E1F5", -7691, -2, "deg"),
    ("PA3", "CFC7", -12345, -2, "deg"),
    ("Tint", "0E56", 3670, -2, "C"),
    ("THDI1", "3039", 12345, -2, "%"),
    ("THDUp3", "FFFF", 65535, -2, "%"),
)

# exponent, mantissa, as they are kept
COUNTERS = (
    ("0002", "00000002", 2, 2),
    ("FFFF", "0001E240", 123456, -1),
    ("0001", "FFFFFF9C", -100, 1),
    ("0000", "7735 9400".replace(" ", ""), 2000000000, 0),
    ("0000", "80000000", -2147483648, 0),
    ("FF00", "00000001", 1, 127),  # no exponent of a counter: shown as not available
    ("7FFF", "00000001", 1, 127),
    ("8000", "00000001", 1, 127),
)

# ranges, most, what is read
SPANS = (
    ([], 120, []),
    ([(1, 1)], 120, [(1, 1)]),
    ([(5, 2), (1, 2)], 120, [(1, 6)]),
    ([(1, 2), (27, 2)], 120, [(1, 28)]),
    ([(1, 2), (28, 2)], 120, [(1, 2), (28, 2)]),
    ([(1, 2), (3, 2), (5, 2)], 4, [(1, 4), (5, 2)]),
    ([(1, 2), (3, 2), (5, 2)], 5, [(1, 4), (5, 2)]),
    ([(1, 2), (3, 2), (5, 2)], 6, [(1, 6)]),
    ([(10, 2), (10, 2), (11, 2)], 120, [(10, 3)]),
    ([(10, 10), (12, 2)], 120, [(10, 10)]),
)


def index_of(rows, name):
    return [row[0] for row in rows].index(name)


def test_spans():
    for ranges, most, expected in SPANS:
        assert spans(ranges, most) == expected, (ranges, most)


def test_everything_is_read_and_nothing_torn():
    """For every family and limit: each value lies whole in one request, no request is too long."""
    for model in MODELS:
        family = catalogue.find(model, load)
        for most in (10, 14, 20, 40, 64, 120, 125):
            for ranges in (family.values.ranges(), family.counters.ranges(), family.counters.configuration_ranges()):
                found = spans(ranges, most)
                assert max([count for _, count in found]) <= most, (model, most)
                for first, count in ranges:
                    assert [1 for start, size in found if start <= first and first + count <= start + size], (model, first)


def test_as_few_requests_as_a_meter_takes():
    for model, most, values, counters in (
        ("IE38MD", 125, 1, 1),
        ("WM3M4C", 120, 1, 1),
        ("MC666", 120, 1, 1),
        ("WM1", 14, 7, 1),
        ("WM3", 120, 1, 1),
    ):
        family = catalogue.find(model, load)
        assert len(spans(family.values.ranges() + [(layout.INVALID, 1)], most)) <= values, model
        assert len(spans(family.counters.ranges() + [(layout.TARIFF, 1)], most)) == counters, model


def test_units_and_types_of_the_tables():
    """The numbers in layout.py are those of the readings."""
    units = {"U": "V", "I": "A", "P": "W", "Q": "var", "S": "VA", "PF": "", "PA": "deg", "Tint": "C", "frequency": "Hz"}
    for rows in (layout.THREE_PHASES, layout.SINGLE_PHASE):
        for name, _, _, unit in rows:
            kind = name.rstrip("0123")
            assert readings.UNITS[unit] == units.get(kind, "%"), name


def test_values():
    rows = layout.THREE_PHASES
    table = ValueRows(rows)
    for shift in (0, 5400):
        group = Group(rows)
        for name, words, mantissa, exponent, unit in VALUES:
            index = index_of(rows, name)
            pdu = memoryview(bytes([4, len(words) // 2]) + bytes.fromhex(words))
            table.decode(group, pdu, rows[index][1] % 10000 + shift, len(words) // 4, shift)
            assert (group.mantissa[index], group.exponent[index]) == (mantissa, exponent), (name, words)
            assert readings.UNITS[group.unit[index]] == unit, (name, words)
            assert group.has(index)
        assert len([1 for index in range(len(rows)) if group.has(index)]) == len({row[0] for row in VALUES})


def test_a_whole_reply():
    """Every value from one image, each register holding its number."""
    rows = layout.THREE_PHASES
    group = Group(rows)
    pdu = memoryview(b"\x04\xf0" + pack(range(101, 221)))
    ValueRows(rows).decode(group, pdu, 101, 120, 0)
    for index, (name, register, _, unit) in enumerate(rows):
        address = register % 10000
        assert group.mantissa[index] & 0xFFFF == (address if unit >= 9 else address + 1), name


def test_single_phase_serves_its_total_as_phase_1():
    rows = layout.SINGLE_PHASE
    names = [row[0] for row in rows]
    assert [name for name in names if name[-1] in "23"] == []
    for total in ("P0", "Q0", "S0", "PF0", "PA0"):
        assert rows[index_of(rows, total)][1:] == rows[index_of(rows, total[:-1] + "1")][1:], total


def test_counters():
    rows = (("counter1nr", 30401, 30406, 40421), ("counter1", 30446, 30414, 40437))
    table = CounterRows(rows)
    assert table.non_resettable == 1
    for exponent, mantissa, m, e in COUNTERS:
        group = Group(rows)
        assert not group.has(0)
        table.decode(group, memoryview(b"\x04\x02" + bytes.fromhex(exponent)), 446, 1, 0)
        table.decode(group, memoryview(b"\x04\x04" + bytes.fromhex(mantissa)), 414, 2, 0)
        assert (group.mantissa[1], group.exponent[1]) == (m, e), (exponent, mantissa)
        assert group.has(1) and not group.has(0)


# parameter, quadrants, tariffs -> unit, phase, quadrants, tariffs
CONFIGURATIONS = (
    ((1, 9, 15), ("Wh", 0, 9, 15)),
    ((2, 3, 1), ("varh", 0, 3, 1)),
    ((3, 15, 0x3F), ("VAh", 0, 15, 0x3F)),
    ((0, 0, 0), ("", 0, 0, 0)),
    ((5, 6, 2), ("Wh", 1, 6, 2)),
    ((14, 12, 2), ("varh", 3, 12, 2)),
    ((33, 0x39, 0xFFC1), ("Wh", 0, 9, 1)),  # evaluated per phase; absolute and inverted are not ours
    ((35, 15, 0), ("VAh", 0, 15, 0)),
)


def test_configuration():
    rows = (("counter1", 30401, 30406, 40421),)
    for (parameter, quadrants, tariffs), expected in CONFIGURATIONS:
        columns = [bytearray(1) for _ in range(4)]
        CounterRows(rows).configure(columns, memoryview(b"\x03\x08" + pack((parameter, quadrants, 0, tariffs))), 421, 4)
        unit, phase, counted, active = [column[0] for column in columns]
        assert (readings.UNITS[unit], phase, counted, active) == expected, parameter
