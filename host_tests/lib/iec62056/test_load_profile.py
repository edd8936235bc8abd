"""Load profiles and log books of all makers become records: whole, in pieces, damaged, with holes, without end."""

import gc

from host_tests.lib.iec62056.iec_wire import ANSWERS, PROFILES, block, feed, framed
from lib.iec62056 import message_reader as reading
from lib.iec62056.errors import FormatError, FrameError
from lib.iec62056.load_profile import LoadProfile
from lib.iec62056.message_reader import MessageReader

LPCH = b"LPCH:1.8.0*kWh,5.8.0*kVArh,8.8.0*kVArh\r\n"


def records(data, step=64, code=b"P.01", size=512, columns=None):
    """Everything a profile makes of a message: (time, status, values), or the reason of an error; and the profile."""
    reader = MessageReader(size)
    reader.tells_rows = True
    reader.expect(ANSWERS)
    profile = LoadProfile()
    profile.restart(code)
    if columns:
        profile.name_columns(columns)
    found = []

    def tell(event):
        try:
            if profile.take(event, reader):
                found.append((profile.time, profile.status, profile.values[: profile.count]))
        except FormatError as error:
            found.append(error.reason)

    feed(reader, data, step, tell)
    return found, profile


def kw(*milli):
    return [(value, -5) for value in milli]


KNOWN = (
    # file, code, records, period, codes, units
    (
        "emh-lzqj-p01.txt",
        b"P.01",
        [
            ((2022, 8, 23, 16, 15, 0, 1), 0, kw(18374, 78, 0, 6, 87, 2431)),
            ((2022, 8, 23, 16, 30, 0, 1), 0, kw(16832, 0, 0, 0, 0, 2686)),
        ],
        15,
        b"1.5 2.5 5.5 6.5 7.5 8.5",
        b"kW kW kvar kvar kvar kvar",
    ),
    (
        "emh-p01-energy8.txt",
        b"P.01",
        [
            ((2022, 10, 5, 0, 15, 0, 1), 0, kw(0, 4088, 0, 358, 0, 0, 0, 0)),
            ((2022, 10, 5, 0, 30, 0, 1), 0, kw(0, 3964, 0, 350, 0, 0, 0, 0)),
        ],
        15,
        b"1-1:1.29 1-1:2.29 1-1:5.29 1-1:6.29 1-1:7.29 1-1:8.29 1-2:1.29 1-3:2.29",
        b"kWh kWh kvarh kvarh kvarh kvarh kWh kWh",
    ),
    (
        "emh-p98.txt",
        b"P.98",
        [
            ((2022, 8, 26, 23, 56, 46, 1), 0x8020, [b"1235703", b"1220826"]),
            ((2022, 8, 28, 23, 57, 23, 1), 0x8020, [b"1235710", b"1220828"]),
            ((2022, 8, 29, 23, 57, 16, 1), 0x8020, [b"1235706", b"1220829"]),
            ((2022, 9, 1, 0, 0, 0, 1), 0x10, []),
            ((2022, 9, 6, 11, 55, 53, 1), 0x80, []),
            ((2022, 9, 6, 12, 8, 14, 1), 0x40, []),
        ],
        0,
        b"0.9.1 0.9.2",
        b" ",
    ),
    (
        "nzr-p01.txt",
        b"P.01",
        [((2019, 11, 28, 15, 23, 24, 0), 0, [(3, -1), (40, -3), (2363, -1), (0, -1), (96, -1)])],
        1,
        b"1.5 11.5 12.5 3.5 4.5",
        b"W A V VAR VAR",
    ),
    (
        "p01-four-channel.txt",
        b"P.01",
        [
            ((2021, 4, 30, 0, 15, 0, 1), 0, [(116, -3), (60, -3), (0, -3), (22, -3)]),
            ((2021, 4, 30, 0, 30, 0, 1), 0, [(78, -3), (0, -3), (0, -3), (32, -3)]),
            ((2021, 4, 30, 0, 45, 0, 1), 0, [(88, -3), (12, -3), (0, -3), (30, -3)]),
        ],
        15,
        b"1.9 3.9 2.9 4.9",
        b"kWh kVArh kWh kVArh",
    ),
    ("p01-one-minute.txt", b"P.01", [], 1, b"1.5 2.5 5.5 6.5 7.5 8.5", b"kW kW kvar kvar kvar kvar"),
)


def test_captures():
    assert {row[0] for row in KNOWN} == set(PROFILES)
    for name, code, expected, period, codes, units in KNOWN:
        for step in (512, 1, 7):
            found, profile = records(framed(name), step, code)
            assert found == expected, (name, found)
            assert profile.period == period
            assert b" ".join(profile.codes[: len(codes.split(b" "))]) == codes, name
            assert b" ".join(profile.units[: len(codes.split(b" "))]) == units, name


def test_captures_cut_at_every_byte():
    for name, code, expected, _, _, _ in KNOWN:
        data = framed(name)
        for size in range(len(data)):
            found, _ = records(data[:size], 512, code)
            assert found == expected[: len(found)], (name, size, found)


def test_new_headers_and_status():
    header = b"(15)(1)(1.29)(kWh)\r\n"
    text = (
        b"P.01(0240501001500)(00)" + header + b"(1.0)\r\n(2.0)\r\n"
        b"P.01(0240501003723)(80)" + header + b"(0.5)\r\n"  # the power fails within an interval
        b"(0240501014500)(40)" + header + b"(0.7)\r\n(1.1)\r\n"  # NZR leaves the code out
        b"P.01(1240501033000)(0008)(60)(2)(1.5)(kW)(2.5)(kW)\r\n(5)(6)\r\n"
    )
    found, profile = records(block(text), 5)
    one = lambda hour, minute, second=0, season=0: (2024, 5, 1, hour, minute, second, season)  # noqa: E731
    assert found == [
        (one(0, 15), 0, [(10, -1)]),
        (one(0, 30), 0, [(20, -1)]),
        (one(0, 37, 23), 0x80, [(5, -1)]),
        (one(1, 45), 0x40, [(7, -1)]),
        (one(2, 0), 0, [(11, -1)]),
        (one(3, 30, 0, 1), 8, [(5, 0), (6, 0)]),
    ]
    assert profile.period == 60 and profile.codes[:2] == [b"1.5", b"2.5"]


def test_missing_values_and_bad_rows():
    head = b"P.01(0240501001500)(00)(15)(2)(1.29)(kWh)(2.29)(kWh)\r\n"
    text = head + b"()(-)\r\n(1)\r\n(2)(3)(4)\r\n(x)(5)\r\n(6)(y)\r\n(7)(8)\r\n"
    found, _ = records(block(text))
    assert found[0][2] == [None, None]
    assert found[1:5] == ["row", "row", "number", "number"]
    assert found[5] == ((2024, 5, 1, 1, 30, 0, 0), 0, [(7, 0), (8, 0)])  # counted on over the bad ones
    assert len(found) == 6


def test_bad_headers():
    tail = b"(15)(1)(1.29)(kWh)\r\n(1)\r\n(2)\r\n"
    for head, reason in (
        (b"P.01(0240230001500)(00)" + tail, "date"),
        (b"P.01(0000000000000)(00)" + tail, "date"),
        (b"P.01(0240501001500)(zz)" + tail, "header"),
        (b"P.01(0240501001500)(00)(15)(17)\r\n(1)\r\n(2)\r\n", "header"),
        (b"P.01(0240501001500)(00)(15)(2)(1.29)\r\n(1)\r\n(2)\r\n", "header"),
        (b"P.01(0240501001500)\r\n(1)\r\n(2)\r\n", "header"),
        (b"P.01(0240501001500)(00)(xx)(1)(1.29)(kWh)\r\n(1)\r\n(2)\r\n", "header"),
    ):
        found, _ = records(block(head + b"P.01(0240501003000)(00)" + tail))
        assert found[:3] == [reason, "row", "row"], (head, found)
        assert [record[2] for record in found[3:]] == [[(1, 0)], [(2, 0)]], head
    # A row first, without any header
    assert records(block(b"P.01(1.5)\r\n"))[0] == ["row"]


def test_rows_that_begin_with_their_time():
    row = b"(24-05-01,00:15)(000123.456,000001.000,000002.500)\r\n(24-05-01,00:20:07)(000123.500,000001.000,000002.500)\r\n"
    values = [(123456, -3), (1000, -3), (2500, -3)]
    for text in (LPCH + row, b"P.01" + row, row):  # third generation, MASS
        for step in (512, 1):
            found, profile = records(block(text), step)
            assert found[0] == ((2024, 5, 1, 0, 15, 0, None), None, values), text
            assert found[1][0] == (2024, 5, 1, 0, 20, 7, None) and len(found) == 2
            assert profile.period is None
    assert records(block(LPCH + row))[1].codes[:3] == [b"1.8.0", b"5.8.0", b"8.8.0"]
    assert records(block(LPCH + row))[1].units[:3] == [b"kWh", b"kVArh", b"kVArh"]
    found, profile = records(block(row), columns=b"1.8.0*kWh,33.7.0*-,14.7.0*Hz")  # as 97.1.0 lists them
    assert profile.units[:3] == [b"kWh", b"-", b"Hz"] and len(found) == 2
    found, _ = records(block(LPCH + b"(24-05-01,00:15)(1,2)\r\n(24-05-01,00:30)(1,2,3,4)\r\n(24-02-30,00:45)(1,2,3)\r\n"))
    assert found == ["row", "row", "date"]
    # Groups instead of lists, compact dates, units in each
    found, profile = records(block(b"P.01(2405010015)(000.116*kWh)(000.060*kVArh)\r\n(2405010030)(000.117*kWh)(-)\r\n"))
    assert found == [
        ((2024, 5, 1, 0, 15, 0, None), None, [(116, -3), (60, -3)]),
        ((2024, 5, 1, 0, 30, 0, None), None, [(117, -3), None]),
    ]
    assert profile.units[:2] == [b"kWh", b"kVArh"]


def test_other_codes_are_passed_over():
    text = (
        b"C.1.0(06416324)P.02(0240501001500)(00)(15)(1)(32.7)(V)\r\n(230)\r\nP.01(0240501001500)(00)(15)(1)(1.5)(kW)\r\n(1)\r\n"
    )
    assert [record[2] for record in records(block(text))[0]] == [[(1, 0)]]
    assert [record[2] for record in records(block(text), code=b"P.02")[0]] == [[(230, 0)]]


def test_values_in_the_line_of_their_header():
    text = b"P.01(0240501001500)(00)(15)(1)(1.5)(kW)(1)\r\n(2)\r\n"
    assert [(record[0][4], record[2]) for record in records(block(text))[0]] == [(15, [(1, 0)]), (30, [(2, 0)])]


def test_partial_blocks():
    head = b"P.01(0240501001500)(00)(15)(1)(1.29)(kWh)\r\n"
    data = (
        block(head + b"(1.0)\r\n(2.0)\r\n", b"\x04")
        + block(b"(3.0)\r\n", b"\x04")
        + block(b"P.01(0240501010000)(00)(15)(1)(1.29)(kWh)(4.0)")
    )
    for step in (512, 1):
        found, _ = records(data, step)
        assert [(record[0][3], record[0][4], record[2][0][0]) for record in found] == [
            (0, 15, 10),
            (0, 30, 20),
            (0, 45, 30),
            (1, 0, 40),
        ]


def month(days):
    """(pieces, rows) of a month of eight channels and 15 minutes."""
    yield b"\x02P.01(0240501001500)(00)(15)(8)" + b"(1.29)(kWh)" * 8 + b"\r\n"
    for row in range(96 * days):
        yield b"(%010d)" % row + b"(000001.234)" * 7 + b"\r\n"


def test_constant_memory():
    reader = MessageReader()
    reader.tells_rows = True
    profile = LoadProfile()

    def run(days):
        reader.expect(ANSWERS)
        profile.restart(b"P.01")
        gc.collect()
        before = gc.mem_alloc()
        most = rows = 0
        for part in month(days):
            room = reader.room()
            room[: len(part)] = part
            reader.filled(len(part))
            while True:
                event = reader.next()
                if event is None:
                    break
                if profile.take(event, reader):
                    assert profile.values[0] == (rows, 0) and profile.values[7] == (1234, -3)
                    rows += 1
            room = None
            gc.collect()
            most = max(most, gc.mem_alloc() - before)
        assert rows == 96 * days
        return most

    run(1)
    short, long = run(1), run(31)  # 290 kB
    assert long <= short + 64, (short, long)


def test_damage_never_makes_a_record_that_counts():
    data = framed("p01-four-channel.txt")
    for at in range(1, len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 8
        reader = MessageReader()
        reader.tells_rows = True
        reader.expect(ANSWERS)
        profile = LoadProfile()

        def tell(event, profile=profile, reader=reader, at=at):
            assert event not in (reading.BLOCK, reading.PART), at
            try:
                profile.take(event, reader)
            except FormatError:
                pass

        try:
            feed(reader, bytes(damaged), 64, tell)
            reader.silence()
        except FrameError:
            pass
