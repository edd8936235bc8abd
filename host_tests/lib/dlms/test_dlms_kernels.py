"""The byte loops of the link against plain Python that does what their docstrings say."""

from host_tests.lib.dlms.dlms_wire import frame, plain_crc
from lib.dlms.kernels import crc16, find_frame, frame_at
from modbus_oracle import noise

ALSO_ON = ("arm",)

ADDRESSES = (b"\x03", b"\x02\x23", b"\x00\x02\x00\x23")


def plain_frame_at(data, at, most):
    """What frame_at() returns for data[at:]."""
    here = data[at:]
    if len(here) > 1 and here[1] & 0xF0 != 0xA0:
        return -1
    if len(here) < 3:
        return 0
    size = (here[1] & 7) << 8 | here[2]
    if size < 7 or size + 2 > most:
        return -1
    place = 3
    for _ in range(2):
        octets = 1
        while place < len(here) and not here[place] & 1:
            place += 1
            octets += 1
            if octets > 4:
                return -1
        if place == len(here):
            return 0
        if octets == 3:
            return -1
        place += 1
    place += 1  # behind control
    if place + 2 > size + 1:
        return -1
    if place + 2 != size + 1:
        if place + 4 > size + 1:
            return -1
        if len(here) < place + 2:
            return 0
        if plain_crc(here[1:place]) != here[place : place + 2]:
            return -1
    if len(here) < size + 2:
        return 0
    is_good = here[size + 1] == 0x7E and plain_crc(here[1 : size - 1]) == here[size - 1 : size + 1]
    return size + 2 if is_good else -1


def test_check_of_the_standard():
    assert crc16(b"123456789", 0, 9) == 0x906E
    assert crc16(b"x123456789y", 1, 10) == 0x906E
    assert crc16(b"", 0, 0) == 0
    data = bytes(noise(600))
    for end in range(0, 600, 7):
        crc = crc16(data, 3, 3 + end) if end < 597 else crc16(data, 3, 600)
        assert bytes((crc & 0xFF, crc >> 8)) == plain_crc(data[3 : 3 + end])
    for value in range(256):
        crc = crc16(bytes((value,)), 0, 1)
        assert bytes((crc & 0xFF, crc >> 8)) == plain_crc(bytes((value,)))


def test_frames_of_every_shape_at_every_length():
    for destination in ADDRESSES:
        for source in ADDRESSES:
            for information in (b"", b"\x7e", bytes(40), bytes(noise(300))):
                good = frame(destination, source, 0x10, information)
                data = b"ab" + good + b"cd"
                assert frame_at(data, 2, len(data), 2047) == len(good)
                assert frame_at(data, 2, len(data), len(good)) == len(good)
                assert frame_at(data, 2, len(data), len(good) - 1) == -1
                for end in range(len(good)):
                    assert frame_at(data, 2, 2 + end, 2047) == 0, end


def test_frames_with_one_octet_changed():
    pool = noise(4000)
    for turn in range(400):
        good = bytearray(frame(ADDRESSES[turn % 3], ADDRESSES[turn // 3 % 3], 0x52, bytes(pool[turn : turn + turn % 40])))
        place = 1 + pool[turn + 500] % (len(good) - 1)
        good[place] ^= pool[turn + 1000] or 1
        data = bytes(good)
        assert frame_at(data, 0, len(data), 2047) == plain_frame_at(data, 0, 2047), (turn, data)
        assert frame_at(data, 0, len(data), 2047) <= 0


def test_find_frame_in_noise_of_flags():
    pool = noise(9000)
    found = 0
    for turn in range(300):
        pieces = b""
        for part in range(3):
            start = turn * 7 + part * 1500
            letters = bytes([(0x7E, 0xA0, 0x0A, 0x03, byte)[byte % 5] for byte in pool[start : start + pool[start] % 12]])
            pieces += letters + frame(b"\x03", b"\x02\x23", 0x30, letters[:part])
        for is_over in (0, 1):
            at = 0
            while True:
                expected = None
                for here in range(at, len(pieces)):
                    if pieces[here] == 0x7E:
                        size = plain_frame_at(pieces, here, 60)
                        if size > 0:
                            expected = here << 12 | size
                            break
                        if size == 0 and not is_over:
                            expected = -1 - here
                            break
                if expected is None:
                    expected = -1 - len(pieces)
                got = find_frame(pieces, at, len(pieces), 60, is_over)
                assert got == expected, (turn, pieces)
                if got < 0:
                    break
                found += 1
                at = (got >> 12) + (got & 0xFFF) - 1
    assert found > 300
