"""Fields of protobuf messages: the encodings of its specification, what a reader has to forgive, and what it must not."""

import random

from lib.provision.errors import Refused
from lib.provision.protobuf import data, decode, inner, member, number, scalar

# protobuf.dev, "Encoding", and plain arithmetic: number, its field 1
NUMBERS = (
    (0, "0800"),
    (1, "0801"),
    (127, "087f"),
    (128, "088001"),
    (150, "089601"),
    (16383, "08ff7f"),
    (16384, "08808001"),
    (2**31 - 1, "08ffffffff07"),
    (2**32 - 1, "08ffffffff0f"),
    (-1, "08ffffffffffffffffff01"),
    (-41, "08d7ffffffffffffffff01"),
    (-(2**31), "0880808080f8ffffffff01"),
)
READ = (
    # what                                        message                    {field: number or bytes}
    ("nothing", "", {}),
    ("any order", "1002 0801", {1: 1, 2: 2}),
    ("last wins", "0801 0802", {1: 2}),
    ("last wins, bytes", "0a0141 0a0142", {1: b"B"}),
    ("last wins, empty", "0a0141 0a00", {1: b""}),
    ("string of the specification", "120774657374696e67", {2: b"testing"}),
    ("five bytes of a negative number", "08d7ffffff0f", {1: 0xFFFFFFD7}),
    ("ten bytes of it", "08d7ffffffffffffffff01", {1: 0xFFFFFFD7}),
    ("more bits than are kept", "08ffffffffffffffffff7f", {1: 0xFFFFFFFF}),
    ("longer than it needs", "0881808000", {1: 1}),
    ("a tag longer than it needs", "888000 01", {1: 1}),
    ("unknown number", "f80105 0801", {1: 1}),
    ("unknown bytes", "fa0103616263 0801", {1: 1}),
    ("unknown, eight bytes", "f9010102030405060708 0801", {1: 1}),
    ("unknown, four bytes", "fd0101020304 0801", {1: 1}),
    ("the highest field", "f8ffffff0f01 0801", {1: 1}),
    ("the highest we have", "ba0100", {23: b""}),
)
BROKEN = (
    ("half a tag", "80"),
    ("no number", "08"),
    ("half a number", "0880"),
    ("a number of eleven bytes", "0880808080808080808080 01"),
    ("no length", "0a"),
    ("half a length", "0a80"),
    ("a length over the end", "0a0241"),
    ("a length of 4 GB", "0affffffff0f"),
    ("a length of 64 bits", "0affffffffffffffffff01"),
    ("a length of 64 bits that is short in 32", "0a8180808010 41"),
    ("group", "0b0c"),
    ("end of group", "0c"),
    ("wire type 6", "0e01"),
    ("wire type 7", "0f01"),
    ("field 0", "0001"),
    ("field 0, bytes", "0200"),
    ("a field over 29 bits", "888080801001"),
    ("seven of eight bytes", "0901020304050607"),
    ("three of four bytes", "0d010203"),
)


def hexed(text):
    return bytes.fromhex(text.replace(" ", ""))


def refuses(read, *what):
    try:
        read(*what)
    except Refused:
        return True
    return False


def test_numbers():
    for value, text in NUMBERS:
        assert member(1, value).hex() == text, value
        assert number(decode(hexed(text)), 1) == value & 0xFFFFFFFF, value
    assert scalar(1, 0) == b"" and scalar(1, b"") == b"" and scalar(1, 1) == b"\x08\x01"
    assert scalar(1, 150) == member(1, 150)


def test_bytes():
    assert member(20, b"") == b"\xa2\x01\x00"
    assert scalar(2, b"testing") == b"\x12\x07testing"
    for size in (1, 127, 128, 400):
        message = member(22, bytes(size))
        assert data(decode(message), 22) == bytes(size), size


def test_what_is_read():
    for what, text, fields in READ:
        assert decode(hexed(text)) == fields, what


def test_what_is_broken():
    for what, text in BROKEN:
        assert refuses(decode, hexed(text)), what
        assert refuses(decode, hexed("0801") + hexed(text)), what


def test_fields_have_a_type():
    fields = decode(hexed("0801 120141 1d01020304 2203080501"))
    assert number(fields, 1) == 1 and number(fields, 5) == 0
    assert data(fields, 2) == b"A" and data(fields, 5) == b""
    assert refuses(number, fields, 2) and refuses(number, fields, 3)
    assert refuses(data, fields, 1) and refuses(data, fields, 3)
    assert refuses(inner, fields, 1) and refuses(inner, fields, 3) and refuses(inner, fields, 5) and refuses(inner, fields, 2)


def test_a_message_within():
    fields = decode(member(12, member(3, 7)) + member(13, b""))
    assert number(inner(fields, 12), 3) == 7
    assert inner(fields, 13) == {}
    assert refuses(inner, fields, 14)


def test_a_reader_keeps_only_known_fields():
    message = b"".join([member(field, 1) for field in range(24, 400)])
    assert decode(message) == {}


def test_noise_never_raises():
    random.seed(11)
    read = 0
    for _ in range(20000):
        noise = bytes([random.getrandbits(8) if random.getrandbits(2) else 8 for _ in range(random.randrange(0, 24))])
        read += not refuses(decode, noise)
    assert 1000 < read < 19000, read
