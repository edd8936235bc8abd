"""Register contents: the worked examples of the meters' sheet, sections 3 and 14, and the edges of each type."""

import struct

from lib.modbus import other_types, registers
from modbus_oracle import noise

NUMBERS = (
    # words                type                 what it means
    ("A710", other_types.t4, (10000, 2)),
    ("FFFF", other_types.t4, (16383, 3)),
    ("0001", other_types.t4, (1, 0)),
    ("FD01E240", registers.t5, (123456, -3)),
    ("FE005622", registers.t5, (22050, -2)),
    ("FD00C35A", registers.t5, (50010, -3)),
    ("FC0002E8", registers.t5, (744, -4)),
    ("FE005974", registers.t5, (22900, -2)),
    ("FDFE1DC0", registers.t5, (16653760, -3)),
    ("FDFFFFFF", registers.t5, (16777215, -3)),
    ("80000000", registers.t5, (0, -128)),
    ("7F000001", registers.t5, (1, 127)),
    ("FDFE1DC0", registers.t6, (-123456, -3)),
    ("FFFFFEEB", registers.t6, (-277, -1)),
    ("FF01E240", registers.t6, (123456, -1)),
    ("FD800000", registers.t6, (-8388608, -3)),
    ("FD7FFFFF", registers.t6, (8388607, -3)),
    ("03000005", registers.t6, (5, 3)),
    ("00FF2694", registers.t7, (9876, False, True)),
    ("00FF084C", registers.t7, (2124, False, True)),
    ("FF001ED2", registers.t7, (7890, True, False)),
    ("3039", other_types.t16, (12345, -2)),
    ("CFC7", other_types.t16, (53191, -2)),
    ("CFC7", other_types.t17, (-12345, -2)),
    ("E1F5", other_types.t17, (-7691, -2)),
    ("0E56", other_types.t17, (3670, -2)),
    ("8000", other_types.t17, (-32768, -2)),
    ("F6D7", other_types.t18, (-2345, -4)),
    ("FFFF", registers.word, 65535),
    ("FFFF", registers.int16, -1),
    ("7FFF", registers.int16, 32767),
    ("0001E240", registers.int32, 123456),
    ("FFFFFF9C", registers.int32, -100),
    ("80000000", registers.int32, -2147483648),
    ("7FFFFFFF", registers.int32, 2147483647),
    ("40000000", registers.int32, 1073741824),  # one above the small integers of a 32-bit port
    ("BFFFFFFF", registers.int32, -1073741825),
    ("075BCD15", registers.int32, 123456789),  # a float of the ESP32 would make it 123456792
    ("4FB3833E", registers.uint32, 1337164606),
    ("FFFFFFFF", registers.uint32, 4294967295),
    ("80000000", registers.uint32, 2147483648),
    ("42F6E666", other_types.t_float, (12345, -2)),
    ("43664000", other_types.t_float, (23025, -2)),
    ("C2F6E666", other_types.t_float, (-12345, -2)),
    ("00000000", other_types.t_float, (0, 0)),
    ("80000000", other_types.t_float, (0, 0)),
    ("3F800000", other_types.t_float, (1, 0)),
    ("3DCCCCCD", other_types.t_float, (1, -1)),
    ("459C4000", other_types.t_float, (5, 3)),
    ("4B800000", other_types.t_float, (16777216, 0)),
    ("4B7FFFFF", other_types.t_float, (16777215, 0)),
    ("7F7FFFFF", other_types.t_float, (34028235, 31)),
    ("00000001", other_types.t_float, (1, -45)),
    ("7F800000", other_types.t_float, None),
    ("FF800000", other_types.t_float, None),
    ("7FC00000", other_types.t_float, None),
)

TEXTS = (
    (b"IE38MD          ", "IE38MD"),
    (b"X0000124", "X0000124"),
    (b"A \0\0", "A"),
    (b"  Garage, 1st  \0", "Garage, 1st"),
    (b"\0\0\0\0", ""),
    (b"    ", ""),
    (b"ab\0d", "ab?d"),
    (b"Merilnik \xe8\xb9\x7f\x01\xff!!", "Merilnik ?????!!"),
    (b'a"\\~', 'a"\\~'),
    (b"", ""),
)


def test_numbers():
    for words, kind, expected in NUMBERS:
        wire = bytes.fromhex(words)
        assert kind(wire, 0) == expected, (words, kind(wire, 0))
        # The same in a reply behind another register, and as a view.
        reply = memoryview(b"\x04\x08\xde\xad" + wire + b"\xbe\xef")
        assert kind(reply, registers.DATA + 2) == expected, words


def test_numbers_beyond_the_reply():
    for words, kind, _ in NUMBERS:
        wire = bytes.fromhex(words)
        try:
            kind(wire[:-1], 0)
            raise AssertionError((words, "no error"))
        except IndexError:
            pass


def test_every_float_comes_back():
    """The decimal that was found reads as the same float, which is exact in the doubles of the host."""
    pool = noise(12000, seed=11)
    edges = []
    for binary in range(0, 255, 3):  # around each power of two
        edges += [binary << 23, binary << 23 | 1, binary << 23 | 0x7FFFFF]
    for run in range(3000 + len(edges)):
        wire = bytes(pool[4 * run : 4 * run + 4]) if run < 3000 else struct.pack(">I", edges[run - 3000])
        found = other_types.t_float(wire, 0)
        if found is None:
            assert wire[0] & 0x7F == 0x7F and wire[1] & 0x80, wire.hex()
            continue
        mantissa, exponent = found
        assert abs(mantissa) < 1000000000, wire.hex()
        back = struct.pack(">f", float(f"{mantissa}e{exponent}"))
        assert back == wire or (mantissa == 0 and wire[1:] == bytes(3) and wire[0] in b"\x00\x80"), (wire.hex(), found)


def test_decimals_of_a_meter_come_back():
    """Whatever six digits a meter puts into a float are the digits we read."""
    pool = noise(1500, seed=3)
    for run in range(500):
        digits = (pool[3 * run] << 16 | pool[3 * run + 1] << 8 | pool[3 * run + 2]) % 1000000
        for exponent in (-4, -2, 0, 3):
            mantissa, found = other_types.t_float(struct.pack(">f", float(f"{digits}e{exponent}")), 0)
            assert mantissa * 10 ** (found + 9) == digits * 10 ** (exponent + 9), (digits, exponent, mantissa, found)


def test_texts():
    for content, expected in TEXTS:
        assert registers.text(content, 0, len(content) // 2) == expected, content
        reply = memoryview(b"\x04\x00zz" + content + b"tail")
        assert registers.text(reply, 4, len(content) // 2) == expected, content
