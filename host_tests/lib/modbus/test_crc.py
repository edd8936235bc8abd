"""The CRC against its definition, bit by bit, on every instruction set."""

import micropython

from lib.modbus.crc import append_crc, crc16
from modbus_oracle import crc, noise

ALSO_ON = ("arm",)

# Each ends in the CRC its source prints.
FRAMES = (
    ("IE38MD, read U1", "2104006B00020777"),
    ("IE38MD, U1 is 220.5 V", "210404FE0056225417"),
    (
        "IE38MD, identity",
        "21041C494533384D44202020202020202020205830303030313234007B41203110",
    ),
    ("read 100..190", "21040064005BF74E"),
    ("read 40101..40140", "21030065002852AB"),
    ("exception 2", "218402C30B"),
    ("exception 0x0B", "21840B030D"),
    ("Bicom on RS-485, read", "0504006500012051"),
    ("Bicom on RS-485, on", "0506008D0001D9A5"),
    ("Bicom on infrared, answer to on", "212A000F0001EEAF"),
    ("three registers, standard 6.3", "110306022B00000064C8BA"),
    ("illegal data address", "118302C134"),
)


def steps():
    """What each byte value does to a CRC's low byte, from the definition: the quick oracle under emulation."""
    return [crc(bytes((value ^ 0xFF,))) ^ 0xFF for value in range(256)]


def test_frames_of_the_sources():
    for what, wire in FRAMES:
        frame = bytes.fromhex(wire)
        assert crc16(frame, 0, len(frame)) == 0, what
        body = bytearray(frame)
        body[-2] = body[-1] = 0xEE
        assert append_crc(body, len(frame) - 2) == len(frame), what
        assert body == frame, what


def test_check_value_and_edges():
    assert crc16(b"123456789", 0, 9) == 0x4B37
    assert crc16(b"", 0, 0) == 0xFFFF
    assert crc16(b"\x00\x00", 1, 1) == 0xFFFF
    assert crc16(memoryview(b"xx123456789yy")[2:], 0, 9) == crc16(bytearray(b"x123456789"), 1, 10) == 0x4B37


def test_10000_random_buffers():
    table = steps()
    pool = noise(4096)
    place = noise(30000, seed=7)
    for run in range(10000):
        start = (place[3 * run] << 4 | place[3 * run + 1] & 15) % 3840
        end = start + place[3 * run + 2] + (run & 1)
        value = 0xFFFF
        for index in range(start, end):
            value = value >> 8 ^ table[(value ^ pool[index]) & 0xFF]
        assert crc16(pool, start, end) == value, (start, end)
    assert value == crc(pool[start:end])


def test_every_flipped_bit_is_seen():
    frame = bytearray.fromhex("210404FE0056225417")
    for bit in range(8 * len(frame)):
        frame[bit // 8] ^= 1 << bit % 8
        assert crc16(frame, 0, len(frame)) != 0, bit
        frame[bit // 8] ^= 1 << bit % 8


def test_no_room_for_the_crc():
    for size in (2, 3):
        try:
            append_crc(bytearray(size), 2)
            raise AssertionError("no error")
        except IndexError:
            pass


def test_allocates_nothing():
    frame = bytearray(256)
    micropython.heap_lock()
    try:
        append_crc(frame, 254)
    finally:
        micropython.heap_unlock()
    assert crc16(frame, 0, 256) == 0
