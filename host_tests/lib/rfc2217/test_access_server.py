"""RFC 2217 on the wire: what a client's bytes mean, at once, byte by byte and in lumps; what it is told; nothing grows."""

from lib.rfc2217.access_server import (
    PURGE_DATA,
    RESUME,
    SET_BAUDRATE,
    SET_CONTROL,
    SET_DATASIZE,
    SET_PARITY,
    SUSPEND,
    AccessServer,
    encode,
)

BAUD_300 = "fffa2c01 0000012c fff0"
BAUD_300_SET = "fffa2c65 0000012c fff0"

# what, from the client, data and commands as they are met, replies
CASES = (
    ("data", "2f3f210d0a", ["2f3f210d0a"], ""),
    ("an escaped 255", "01ffff02ffff", ["01ff02ff"], ""),
    ("binary both ways, asked twice", "fffd00fffb00fffd00fffb00", [], "fffb00fffd00"),
    ("COM port", "fffb2cfffd2c", [], "fffd2c fffa2c6bb0fff0 fffb2c"),
    ("modem lines, asked", "fffa2c07fff0", [], "fffa2c6bb0fff0"),
    ("echo is refused, each time", "fffd01fffd01", [], "fffc01fffc01"),
    ("what is off stays off in silence", "fffe00fffc00fffe01", [], ""),
    ("on and off", "fffd03fffe03", [], "fffb03fffc03"),
    ("an option we lack", "fffb18", [], "fffe18"),
    ("speed", BAUD_300, [(SET_BAUDRATE, 300)], BAUD_300_SET),
    ("speed, asked", "fffa2c0100000000fff0", [(SET_BAUDRATE, 0)], "fffa2c6500000000fff0"),
    ("data before and behind", "41" + BAUD_300 + "42", ["41", (SET_BAUDRATE, 300), "42"], BAUD_300_SET),
    ("data bits, parity", "fffa2c0207fff0fffa2c0303fff0", [(SET_DATASIZE, 7), (SET_PARITY, 3)], "fffa2c6607fff0fffa2c6703fff0"),
    ("escaped within", "fffa2c01 0000ffff00 fff0", [(SET_BAUDRATE, 0xFF00)], "fffa2c65 0000ffff00 fff0"),
    ("control, purge", "fffa2c0508fff0fffa2c0c03fff0", [(SET_CONTROL, 8), (PURGE_DATA, 3)], "fffa2c6908fff0fffa2c7003fff0"),
    ("suspend, resume", "fffa2c08fff0fffa2c09fff0", [(SUSPEND, 0), (RESUME, 0)], ""),
    ("our name", "fffa2c00fff0", [], "fffa2c64" + b"OpenSG".hex() + "fff0"),
    ("its name", "fffa2c00" + "61" * 200 + "fff0", [], ""),
    ("masks", "fffa2c0a05fff0fffa2c0bfffffff0", [], "fffa2c6e05fff0fffa2c6ffffffff0fffa2c6bb0fff0"),
    ("another option's block", "fffa1800414243fff041", ["41"], ""),
    ("a command that is none", "fffa2c4401fff041", ["41"], ""),
    ("too long, too short", "fffa2c010000012c00fff0fffa2c01012cfff0fffa2cfff041", ["41"], ""),
    ("a block without end", "fffa2c01ff" + "fb00" + "41", ["41"], "fffd00"),
    ("break, are you there", "fff3fff6fff141", ["41"], ""),
)


def met(wire, step):
    """Return (data in hex and commands in their order, replies) of a client's bytes that come `step` at once."""
    server, found, replies, data = AccessServer(), [], b"", b""
    for first in range(0, len(wire), step):
        piece = bytearray(wire[first : first + step])
        at = 0
        while at < len(piece):
            end, next_at = server.decode(piece, at, len(piece))
            data += piece[at:end]
            at = next_at
            if server.command is not None:
                if data:
                    found.append(data.hex())
                    data = b""
                found.append((server.command, server.value))
                server.answer(server.value)
            replies += bytes(server.replies)
            server.taken()
    if data:
        found.append(data.hex())
    return found, replies


def test_what_a_client_says():
    for what, wire, expected, replies in CASES:
        for step in (1000, 1, 3):
            result = met(bytes.fromhex(wire.replace(" ", "")), step)
            assert result == (expected, bytes.fromhex(replies.replace(" ", ""))), (what, step, result)


def test_the_truth_is_told_when_a_wish_is_not_fulfilled():
    server = AccessServer()
    server.decode(bytearray(bytes.fromhex("fffa2c010001d4c1fff0")), 0, 10)
    assert (server.command, server.value) == (SET_BAUDRATE, 120001)
    server.answer(9600)
    assert bytes(server.replies).hex() == "fffa2c6500002580fff0" and server.command is None


def test_who_does_not_take_replies_is_not_listened_to():
    server = AccessServer()
    wire = bytearray(b"\xff\xfd\x01" * 300)
    _, at = server.decode(wire, 0, len(wire))
    assert 0 < at < 64 and len(server.replies) <= 64
    assert server.decode(wire, at, len(wire)) == (at, at)
    server.taken()
    assert server.decode(wire, at, len(wire))[1] > at


def test_data_are_escaped():
    for data, expected in (("", ""), ("0102", "0102"), ("ff", "ffff"), ("01ffff02ff", "01ffffffff02ffff")):
        source, out = bytearray(bytes.fromhex(data)), memoryview(bytearray(32))
        end = encode(source, 0, len(source), out, 3)
        assert bytes(out[3:end]) == bytes.fromhex(expected), data


def test_any_bytes_leave_it_alive():
    value = 1
    server = AccessServer()
    for _ in range(400):
        noise = bytearray(48)
        for index in range(len(noise)):
            value = value * 1103515245 + 12345 & 0x7FFFFFFF
            noise[index] = (255, 250, 44, 240, 251, 1, 255, value >> 8 & 0xFF)[value >> 20 & 7]
        at = 0
        while at < len(noise):
            end, next_at = server.decode(noise, at, len(noise))
            assert at <= end <= next_at <= len(noise)
            at = next_at
            server.answer(server.value & 0xFF)
            server.taken()
    tail = bytearray(b"\xff\xf0\xff\xf0\xff\xf0meter")
    end, _ = server.decode(tail, 0, len(tail))
    assert bytes(tail[:end]).endswith(b"meter")
