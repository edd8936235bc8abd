"""The byte loops against plain Python that does what their docstrings say."""

from array import array

import micropython

from lib.iec62056.kernels import crc16, parity, run, seek
from modbus_oracle import noise

ALSO_ON = ("arm",)


def plain_run(data, at, used, inside, sums):
    bcc, total, star, visible = sums
    found = -1
    for index in range(at, used):
        byte = data[index]
        bcc ^= byte
        total += byte
        is_special = byte > 127 or byte in b"()" or (byte in b"!/" and not inside) or (byte < 32 and byte != 13)
        if is_special:
            found = index + 1
            break
        if byte == 0x2A and not star:
            star = index + 1
        visible += byte > 32
    return found, [bcc, total & 127, star, visible]


def test_run():
    pool = noise(8000)
    specials = 0
    for turn in range(1500):
        size = pool[turn] % 30
        # Mostly ordinary characters, so that runs have length
        data = bytes([byte if byte & 3 == 0 else 32 + byte % 95 for byte in pool[turn : turn + size]])
        at = min(pool[turn + 3] % 5, size)
        start = [pool[turn + 1] & 127, pool[turn + 2] & 127, (0, 3)[turn & 1], turn & 3]
        sums = array("i", start)
        expected = plain_run(data, at, size, turn >> 1 & 1, start)
        assert (run(data, at, size, turn >> 1 & 1, sums), list(sums)) == expected, (turn, data)
        specials += expected[0] > 0
    assert 300 < specials < 1400


def test_seek():
    for wanted, starts in ((1, b"/"), (1 << 2, b"\x02"), (1 | 1 << 2 | 1 << 6 | 1 << 0x15, b"/\x02\x06\x15"), (0, b"")):
        data = bytes(range(256))
        at = 0
        while True:
            found = seek(data, at, 256, wanted)
            expected = [byte for byte in range(at, 256) if byte in starts][:1] or [256]
            assert found == expected[0], (wanted, at)
            if found == 256:
                break
            at = found + 1


def test_crc16():
    assert crc16(b"123456789", 0, 9, 0) == 0xBB3D  # the check value that catalogues give for this CRC ("ARC")
    assert crc16(b"6789", 0, 4, crc16(b"x12345", 1, 6, 0)) == 0xBB3D


def test_parity():
    # Of the sheet: STX, F, ), 0, ACK, /, ?, !, CR, LF
    pairs = ((0x02, 0x82), (0x46, 0xC6), (0x29, 0xA9), (0x30, 0x30), (0x06, 0x06), (0x2F, 0xAF), (0x3F, 0x3F), (0x21, 0x21))
    for plain, sent in pairs + ((0x0D, 0x8D), (0x0A, 0x0A)):
        data = bytearray((plain,))
        assert parity(data, 0, 1, 1) == 0 and data[0] == sent
    everything = bytearray(range(128))
    assert parity(everything, 0, 128, 1) == 0
    assert [bin(byte).count("1") & 1 for byte in everything] == [0] * 128
    assert parity(everything, 0, 128, 0) == 0 and everything == bytes(range(128))
    for at in range(128):
        damaged = bytearray(range(128))
        parity(damaged, 0, 128, 1)
        damaged[at] ^= 1 << at % 8
        assert parity(damaged, 0, 128, 0) == 1
        assert [index for index in range(128) if damaged[index] & 0x80] == [at]
    data = bytearray(b"\x02\x02\x02")
    parity(data, 1, 2, 1)
    assert data == b"\x02\x82\x02"


def test_allocates_nothing():
    sums = array("i", (0, 0, 0, 0))
    data = memoryview(bytearray(b"1.8.0(000000.015*kWh)\r\n"))
    micropython.heap_lock()
    try:
        found = run(data, 0, 23, 0, sums)
        crc16(data, 0, 23, 0)
        seek(data, 0, 23, 1)
        parity(data, 0, 23, 1)
    finally:
        micropython.heap_unlock()
    assert found == 6
