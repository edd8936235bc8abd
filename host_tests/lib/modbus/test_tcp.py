"""Which bytes of a TCP stream are a request, and of which kind; how its answer is framed."""

import random

from lib.modbus import tcp
from lib.modbus.crc import append_crc
from lib.modbus.tcp import MBAP, RTU


def hexed(text):
    return bytes.fromhex(text.replace(" ", ""))


def serial(text):
    frame = bytearray(hexed(text) + b"\0\0")
    append_crc(frame, len(frame) - 2)
    return bytes(frame)


READ = hexed("0001 0000 0006 21 04 006B 0002")
SERIAL = hexed("21 04 00 6B 00 02 07 77")
# Serial frames whose bytes could be an MBAP header: register 0, a count or length that fits
DOUBTFUL = (
    serial("21 04 0000 0002"),
    serial("21 03 0000 0003"),
    serial("21 10 0000 0002 04 0001 0002"),
    serial("21 10 0000 0009 12 000102030405060708090A0B0C0D0E0F1011"),
    serial("07 06 0000 0007"),
)
WHOLE = (
    (READ, MBAP),
    (hexed("FFFF 0000 0002 22 11"), MBAP),  # the shortest
    (hexed("0A0B 0000 00FE 22 10") + bytes(252), MBAP),  # the longest
    (hexed("2104 0000 0006 21 04 006B 0002"), MBAP),  # transaction looks like unit and function
    (SERIAL, RTU),
    (serial("21 11"), RTU),
    (serial("21 41 010203"), RTU),  # of a function nobody knows
) + tuple([(frame, RTU) for frame in DOUBTFUL])
NONE = (
    "0001 0001 0006 21 04 006B 0002",  # protocol
    "0001 0000 0100 21 04 006B 0002",  # length
    "0001 0000 0001 21 04 006B 0002",
    "0001 0000 0000 21 04 006B 0002",
    "0001 0000 0002 21 04 006B 0002",  # no function has a request of one byte but those few
    "FFFF FFFF FFFF FFFF FFFF",
    "21 80 0001 0001 0000",
    "21 04 006B 0002 7707",  # the CRC the wrong way round
)


def test_whole_frames():
    for frame, kind in WHOLE:
        found = tcp.frame_at(frame, 0)
        assert (found >> 16, found & 0xFFFF) == (kind, len(frame)), frame.hex()
        more = tcp.frame_at(frame + READ, kind) if kind == MBAP else tcp.frame_at(frame, kind)
        assert more == found, frame.hex()


def test_half_frames_wait():
    for frame, kind in WHOLE:
        for length in range(len(frame)):
            assert tcp.frame_at(frame[:length], kind) == 0, (frame.hex(), length)
    for frame, _ in WHOLE[:5]:  # without knowing the kind, too
        for length in range(len(frame)):
            assert tcp.frame_at(frame[:length], 0) == 0, (frame.hex(), length)


def test_what_is_no_request():
    for text in NONE:
        assert tcp.frame_at(hexed(text), 0) < 0, text
        if text[10:14] != "0002":  # once the kind is known, that is a request with an empty body
            assert tcp.frame_at(hexed(text), MBAP) < 0, text
    assert tcp.frame_at(b"\x21\x41" + b"\x55" * 254, 0) == -1  # no CRC fits, and none can


def test_a_connection_stays_with_its_kind():
    twin = None  # an MBAP frame whose first eight bytes are a serial one, CRC included
    for number in range(0x10000):
        head = hexed("2104 0000 0006") + bytes((number >> 8, number & 0xFF))
        if tcp.frame_at(head, RTU) > 0:
            twin = head + hexed("006B 0002")
    assert twin is not None
    assert tcp.frame_at(twin, 0) >> 16 == RTU
    assert tcp.frame_at(twin, MBAP) == MBAP << 16 | 12


def test_parts():
    assert tcp.parts(READ, MBAP) == (0x21, hexed("04 006B 0002"))
    assert tcp.parts(SERIAL, RTU) == (0x21, hexed("04 006B 0002"))


def test_answers():
    out = bytearray(tcp.MOST_BYTES + 2)
    pdu = hexed("04 04 FE005622")
    out[tcp.HEAD : tcp.HEAD + 6] = pdu
    start, end = tcp.encode(out, READ, MBAP, 0x21, 6)
    assert out[start:end] == hexed("0001 0000 0007 21 04 04 FE005622")
    out[tcp.HEAD : tcp.HEAD + 6] = pdu
    start, end = tcp.encode(out, SERIAL, RTU, 0x21, 6)
    assert out[start:end] == hexed("21 04 04 FE 00 56 22 54 17")
    for kind, frame in ((MBAP, READ), (RTU, SERIAL)):
        start, end = tcp.encode(out, frame, kind, 0x21, 253)
        assert end - start == (260 if kind == MBAP else 256)


def test_noise_never_raises():
    random.seed(4)
    for _ in range(3000):
        noise = bytes([random.getrandbits(8) if random.getrandbits(1) else 0 for _ in range(random.randrange(0, 520))])
        for kind in (0, MBAP, RTU):
            found = tcp.frame_at(noise, kind)
            assert found >= -2 and (found <= 0 or 4 <= found & 0xFFFF <= len(noise))
