"""Every meter as floats, as integers, and as a SunSpec device: places, signs, and what is not there.

The SunSpec Alliance's model definitions give the offsets used here: models 1 (66 registers), 211 and 213 (124 registers).
"""

from struct import unpack

from firmware.services import registers_mirror_map as tables
from firmware.state.readings import SILENT, Device
from host_tests.fakes.register_gateway import Gateway, configure, put

NAN = "7fc00000"
IMPORT, EXPORT = 6, 9  # quadrants of counters, while the exchange bit (40151) is not set
VALUES = {
    "frequency": (50010, -3),
    "U1": (22050, -2),
    "U2": (23000, -2),
    "U3": (2310, -1),
    "I1": (744, -4),
    "I2": (0, 0),
    "I3": (5, 3),
    "P0": (-123456, -3),
    "P1": (16777215, 0),
    "P2": (-8388608, -3),
    "Q0": (-277, -1),
    "S0": (123456, -3),
    "PF0": (-7890, -4),
    "PF1": (10000, -4),
    "PA0": (-7691, -2),
    "Tint": (3670, -2),
    "THDUp1": (152, -2),
    "THDI3": (9999, -2),
}
# Wire address, IEEE bits: computed with CPython's struct
FLOATS = (
    (1030, "435c8000"),  # 220.5
    (1032, "43660000"),
    (1034, "43670000"),
    (1036, NAN),  # U12
    (1042, "3d985f07"),  # 0.0744
    (1044, "00000000"),
    (1046, "459c4000"),  # 5000
    (1048, "c2f6e979"),  # -123.456
    (1050, "4b7fffff"),
    (1052, "c603126f"),  # -8388.608
    (1054, NAN),  # P3
    (1056, "c1dd999a"),  # -27.7
    (1064, "42f6e979"),
    (1072, "bf49fbe7"),  # -0.789
    (1074, "3f800000"),
    (1080, "c299d1ec"),  # -76.91
    (1088, "42480a3d"),  # 50.01
    (1090, "4212cccd"),  # 36.7
    (1092, "3fc28f5c"),  # 1.52
    (1102, "42c7fae1"),  # 99.99
)


def filled(gateway, **more):
    device = gateway.meter(**more)
    put(device, **VALUES)
    return device


def test_floats():
    gateway = Gateway()
    device = filled(gateway)
    whole = gateway.read(4, 1000, 104, device)
    assert whole == gateway.read(3, 1000, 104, device)
    for address, bits in FLOATS:
        assert whole[2 * (address - 1000) :][:4].hex() == bits, address
        assert gateway.read(4, address, 2, device).hex() == bits, address  # one value
        assert gateway.read(3, address + 1, 1, device).hex() == bits[4:], address  # half of one
    assert whole[:20].hex() == "0001" + "0002" + "0002" + "0002" + "00000000" * 2 + "0003" + "0000"
    assert whole[20:52] == b"IE38MD          X0000124        "
    assert whole[52:60] == bytes(8)


def test_single_phase():
    gateway = Gateway()
    device = filled(gateway, model="IE14MW")
    whole = gateway.read(4, 1000, 104, device)
    there = {"U1", "I1", "P0", "P1", "Q0", "S0", "PF0", "PF1", "PA0", "frequency", "Tint", "THDUp1"}
    for number, name in enumerate(tables.FLOATS):
        bits = whole[60 + 4 * number :][:4].hex()
        assert (bits != NAN) == (name in there), (name, bits)
    assert whole[16:18] == b"\0\1"


def test_what_is_old_is_not_shown():
    gateway = Gateway()
    device = filled(gateway)
    device.tariff = 2
    put(device, counter1nr=(5, 0))
    configure(device, 0, IMPORT)
    group, counters = device.groups["measurements"], device.groups["counters"]

    def header():
        return unpack(">HHHHIIHH", gateway.read(4, 1000, 10, device))

    def value():
        return gateway.read(4, 1030, 2, device).hex()

    assert header() == (1, 2, 2, 2, 0, 0, 3, 2) and value() == FLOATS[0][1]
    assert gateway.read(3, 1200, 2, device).hex() == "00000005"
    device.status = SILENT
    assert header() == (1, 3, 1, 1, 0, 0, 3, 0) and value() == NAN
    assert gateway.read(3, 1200, 2, device).hex() == "ffffffff"
    assert gateway.read(3, 1320, 1, device).hex() == "0001"  # what it counts is known
    device.status = 2
    group.failed()
    assert header()[2:4] == (1, 2) and value() == NAN
    group._ticks -= 7000
    counters._ticks -= 61000
    assert header() == (1, 2, 1, 1, 7, 61, 3, 0)
    group.forget()
    assert header()[2:6] == (0, 1, 0xFFFFFFFF, 61)
    device.groups = {}
    assert header()[2:6] == (0, 0, 0xFFFFFFFF, 0xFFFFFFFF) and value() == NAN
    assert gateway.read(3, 1200, 120, device) == b"\xff" * 80 + (b"\x80" + bytes(7)) * 20
    assert gateway.read(3, 1320, 80, device) == bytes(160)


def test_a_meter_that_was_never_there():
    gateway = Gateway()
    device = Device(3, "rs485", 40)
    assert (
        gateway.read(4, 1000, 30, device).hex()
        == "0001" + "0001" + "0000" * 2 + "ffffffff" * 2 + "00000000" + "20" * 32 + "00" * 8
    )
    assert gateway.read(4, 1030, 74, device).hex() == NAN * 37
    assert gateway.read(3, 40000, 2, device) == 4  # 211 or 213: a client would keep to the wrong one


# mantissa and exponent of a counter, as uint32, as int64
COUNTERS = (
    ((2, 2), "000000c8", "0000000000030d40"),
    ((123456, -1), "00003039", "0000000000bc6100"),
    ((123456789, 0), "075bcd15", "0000001cbe991a08"),
    ((2147483647, 0), "7fffffff", "000001f3fffffc18"),
    ((1999, -3), "00000001", "00000000000007cf"),
    ((-100, 1), "ffffffff", "fffffffffff0bdc0"),
    ((-1, -1), "ffffffff", "ffffffffffffff9c"),
    ((4294967294 // 2, 1), "ffffffff", "00001387ffffd8f0"),
    ((429496729, 1), "fffffffa", "000003e7ffffe890"),
    ((2147483647, 6), "ffffffff", "1dcd64ffc4653600"),
    ((2147483647, 7), "ffffffff", "8000000000000000"),
    ((922337203, 7), "ffffffff", "7ffffffe676c6c00"),
    ((-922337204, 7), "ffffffff", "8000000000000000"),
    ((1, 127), "ffffffff", "8000000000000000"),
    ((0, 127), "00000000", "0000000000000000"),
    ((123456, -5), "00000001", "00000000000004d2"),
    ((-123456, -5), "ffffffff", "fffffffffffffb2e"),
    ((5, -128), "ffffffff", "8000000000000000"),  # the meter calls it invalid
    ((2147483647, -127), "00000000", "0000000000000000"),
)


def test_energies():
    gateway = Gateway()
    device = gateway.meter()
    for (mantissa, exponent), whole, thousandths in COUNTERS:
        for name, place in (("counter1nr", 0), ("counter4nr", 3), ("counter1", 4), ("counter16", 19)):
            put(device, **{name: (mantissa, exponent)})
            assert gateway.read(4, 1200 + 2 * place, 2, device).hex() == whole, (mantissa, exponent)
            assert gateway.read(3, 1240 + 4 * place, 4, device).hex() == thousandths, (mantissa, exponent)
    all_of_them = gateway.read(3, 1200, 120, device)
    assert all_of_them[:4].hex() == whole and all_of_them[80 + 8 * 19 :].hex() == thousandths


def test_what_counters_count():
    gateway = Gateway()
    device = gateway.meter()
    configure(device, 0, IMPORT)
    configure(device, 1, EXPORT, tariffs=63, unit=13)
    configure(device, 19, 15, tariffs=2, phase=3, unit=14)
    configure(device, 4, 5, unit=0)
    for address, expected in (
        (1320, {0: 1, 1: 2, 19: 3}),
        (1340, {0: 1, 1: 2, 19: 3}),
        (1360, {19: 3}),
        (1380, {0: 15, 1: 63, 4: 15, 19: 2}),
    ):
        found = unpack(">20H", gateway.read(3, address, 20, device))
        assert found == tuple([expected.get(place, 0) for place in range(20)]), address
    device.is_swapped = True
    assert gateway.read(3, 1340, 2, device).hex() == "00020001"


def test_a_family_with_other_counters():
    gateway = Gateway()
    device = gateway.meter(model="IE14MW")
    put(device, counter8=(8, 0))
    assert gateway.read(3, 1200, 40, device).hex() == "ffffffff" * 11 + "00000008" + "ffffffff" * 8


# First register and count
OUTSIDE = ((0, 1), (1, 14), (101, 40), (999, 1), (999, 2), (1103, 2), (1104, 1), (1199, 1), (1199, 2), (1399, 2), (1400, 1)) + (
    (39999, 2),
    (40197, 2),
    (40198, 1),
    (40100, 99),
    (50000, 2),
)


def test_what_is_not_in_the_map():
    gateway = Gateway()
    device = filled(gateway)
    for address, count in OUTSIDE:
        for function in (3, 4):
            assert gateway.read(function, address, count, device) == 2, address
    assert gateway.ask("0603e80000", device) == "8601"
    assert gateway.ask("1003e80001020000", device) == "9001"
    assert gateway.ask("1703e8000103e80001020000", device) == "9701"
    assert gateway.ask("0103e80001", device) == "8101"
    assert gateway.read(3, 1000, 0, device) == 3 and gateway.read(3, 1000, 126, device) == 3


def test_every_part_of_the_maps():
    gateway = Gateway(modbus_meters=200)
    device = filled(gateway)
    put(device, counter1nr=(7, 0))
    for first, length in ((1000, 104), (1200, 200), (40000, 198)):
        whole = b"".join([gateway.read(3, first + at, min(100, length - at), device) for at in range(0, length, 100)])
        for at in range(length):
            for count in (1, 2, 3, 7):
                if at + count <= length:
                    assert gateway.read(4, first + at, count, device) == whole[2 * at : 2 * (at + count)], first + at


def point(name):
    """The wire address of a point of the meter's model. The phases of a quantity follow it."""
    if name in OFFSETS:
        return 40070 + OFFSETS[name]
    return 40070 + OFFSETS[name[:-3]] + 2 * "_ABC".index(name[-1])


def test_sunspec_frame():
    gateway = Gateway(modbus_meters=200)
    device = filled(gateway)
    assert gateway.read(3, 40000, 4, device) == b"SunS\0\1\0\x42"
    common = gateway.read(3, 40004, 66, device)
    assert common[:32] == b"Iskra" + bytes(27)
    assert common[32:64] == b"IE38MD" + bytes(26)
    assert common[64:80] == bytes(16)
    assert common[80:96] == b"1.23" + bytes(12)
    assert common[96:128] == b"X0000124" + bytes(24)
    assert common[128:] == b"\0\xc8\x80\0"
    assert gateway.read(3, 40070, 2, device).hex() == "00d5007c"  # model 213, 124 registers
    assert gateway.read(3, 40194, 4, device).hex() == "00000000" + "ffff0000"  # events, end
    finder = filled(gateway, slot=3, model="7M.24.8.230")
    assert gateway.read(3, 40070, 2, finder).hex() == "00d3007c"
    assert gateway.read(3, 40004, 3, finder) == b"Finder"
    assert gateway.read(3, 40068, 1, finder) == b"\0\xcb"
    gateway.settings.change({"modbus_meters": 0})
    assert gateway.read(3, 40068, 1, device) == b"\xff\xff"


# Offsets from the start of the model, its two registers of head included, as the definitions list the points
OFFSETS = {
    "A": 2,
    "AphC": 8,
    "PhV": 10,
    "PhVphA": 12,
    "PPV": 18,
    "Hz": 26,
    "W": 28,
    "WphA": 30,
    "VA": 36,
    "VAR": 44,
    "PF": 52,
    "TotWhExp": 60,
    "TotWhImp": 68,
    "TotVAhExp": 76,
    "TotVAhImp": 84,
    "TotVArhImpQ1": 92,
    "TotVArhExpQ4": 116,
    "TotVArhExpQ4phC": 122,
}


def test_sunspec_points():
    assert tables.POINTS == 61
    gateway = Gateway()
    device = filled(gateway)
    put(device, counter1nr=(123456, 1), counter2nr=(5, 0), counter1=(99, 0), counter3=(777, 0))
    configure(device, 0, IMPORT)
    configure(device, 1, EXPORT)
    configure(device, 4, IMPORT)
    configure(device, 6, IMPORT, phase=2)
    for name, bits in (
        ("A", "459c4098"),  # 5000.0744
        ("AphA", "3d985f07"),
        ("PhV", "43632aab"),  # 681.5 / 3
        ("PhVphC", "43670000"),
        ("PPV", NAN),
        ("Hz", "42480a3d"),
        ("W", "c2f6e979"),
        ("WphA", "4b7fffff"),
        ("WphC", NAN),
        ("VA", "42f6e979"),
        ("VAR", "c1dd999a"),
        ("PF", "bf49fbe7"),
        ("TotWhImp", "4996b400"),
        ("TotWhImpPhA", NAN),
        ("TotWhImpPhB", "44424000"),
        ("TotWhExp", "40a00000"),
        ("TotVAhExp", NAN),
        ("TotVArhExpQ4phC", NAN),
    ):
        assert gateway.read(3, point(name), 2, device).hex() == bits, name
    device.is_swapped = True
    assert gateway.read(3, point("TotWhExp"), 2, device).hex() == "4996b400"
    device.status = SILENT
    assert gateway.read(3, 40072, 122, device).hex() == NAN * 61
    assert gateway.read(3, 40000, 2, device) == b"SunS"


def test_sunspec_phases_that_are_not_valid():
    gateway = Gateway()
    device = gateway.meter()
    put(device, I1=(5, 0), I3=(7, 0), U1=(200, 0), U3=(210, 0), P0=(1, 0))
    assert gateway.read(3, point("A"), 2, device).hex() == NAN  # a part is not the whole
    assert gateway.read(3, point("PhV"), 2, device).hex() == "434d0000"  # of the active ones: 205
    put(device, I2=(1, -90))
    assert gateway.read(3, point("A"), 2, device).hex() == NAN
    single = gateway.meter(slot=1, model="IE14MW")
    put(single, I1=(5, 0))
    assert gateway.read(3, point("A"), 2, single).hex() == "40a00000"


def test_sunspec_counter_of_all_tariffs():
    gateway = Gateway()
    device = gateway.meter()
    put(device, counter1nr=(1, 0), counter1=(2, 0), counter2=(3, 0), counter3=(4, 12))
    configure(device, 0, IMPORT, tariffs=1)
    configure(device, 4, IMPORT, tariffs=2)
    configure(device, 5, IMPORT, tariffs=3)
    configure(device, 6, IMPORT, tariffs=15)  # an exponent that means no energy
    assert gateway.read(3, point("TotWhImp"), 2, device).hex() == "40400000"
    device.tariffs[0] = 3
    assert gateway.read(3, point("TotWhImp"), 2, device).hex() == "3f800000"
