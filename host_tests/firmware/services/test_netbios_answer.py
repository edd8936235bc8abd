"""The NetBIOS name service by bytes (RFC 1002, 4.2.12 to 4.2.18): our name, our names, and silence."""

from os import urandom

from firmware.services.netbios_answer import answer, encoded
from host_tests.fakes.searched import searched

SENDER = ("192.168.1.20", 137)
WORKSTATION = b"FDEHDADADADADBDHCACACACACACACAAA"  # SG000017, blanks, 00
SERVER = b"FDEHDADADADADBDHCACACACACACACACA"  # ... 20
ANYBODY = b"CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
NB, NBSTAT = b"\x00\x20", b"\x00\x21"


def query(name=SERVER, kind=NB, head=b"\xab\xcd\x01\x10\x00\x01\x00\x00\x00\x00\x00\x00", tail=b"\x00\x01"):
    return head + b"\x20" + name + b"\x00" + kind + tail


def test_names_in_packets():
    assert encoded("sg000017", 0) == WORKSTATION
    assert encoded("SG000017", 0x20) == SERVER
    assert encoded("FRED", 0x20) == b"EGFCEFEECACACACACACACACACACACACA", "the example of RFC 1001, 14.1, and its suffix"


def test_the_name_is_ours():
    for name in (WORKSTATION, SERVER):
        for flags in (b"\x01\x10", b"\x01\x00", b"\x00\x10", b"\x00\x00"):  # broadcast or not, recursion or not
            found = answer(searched(), query(name, head=b"\xab\xcd" + flags + b"\x00\x01" + bytes(6)), SENDER)
            assert found == (
                b"\xab\xcd\x85\x00\x00\x00\x00\x01\x00\x00\x00\x00"
                + (b"\x20" + name + b"\x00\x00\x20\x00\x01")
                + b"\x00\x00\x01\x2c\x00\x06\x00\x00\xc0\xa8\x01\xd1"
            ), found


def test_the_names_of_this_machine():
    for name in (ANYBODY, WORKSTATION, SERVER):
        found = answer(searched(), query(name, NBSTAT), SENDER)
        assert found == (
            b"\xab\xcd\x84\x00\x00\x00\x00\x01\x00\x00\x00\x00"
            + (b"\x20" + name + b"\x00\x00\x21\x00\x01")
            + (b"\x00\x00\x00\x00\x00\x53\x02")
            + b"SG000017       \x00\x04\x00SG000017       \x20\x04\x00"
            + (b"\xc4\x4f\x33\x1b\x9d\x3d" + bytes(40))
        ), found


def test_what_is_not_asked_of_us():
    gateway = searched()
    for name, kind in (
        (encoded("SG000018", 0x20), NB),
        (encoded("SG00001", 0x20), NB),
        (encoded("SG0000170", 0x20), NB),
        (encoded("SG000017", 0x03), NB),  # the messenger
        (encoded("SG000017", 0x1B), NB),  # the master browser of a domain
        (ANYBODY, NB),
        (encoded("*", 0x20), NBSTAT),
        (encoded("SG000018", 0x20), NBSTAT),
        (SERVER, b"\x00\x01"),
        (SERVER, b"\x01\x20"),
    ):
        assert answer(gateway, query(name, kind), SENDER) is None, (name, kind)
    assert answer(gateway, query(), ("192.168.2.20", 137)) is None
    assert answer(gateway, query(ANYBODY, NBSTAT), ("8.8.8.8", 137)) is None


def test_packets_that_are_none():
    gateway, good = searched(), query()
    for at, values in (
        (2, (0x80, 0x85, 0x28, 0x08, 0x78, 0xFD)),  # responses, registrations, ...
        (4, (1,)),  # counts
        (5, (0, 2)),
        (7, (1,)),
        (9, (1,)),
        (11, (1,)),
        (12, (0, 31, 33, 0xC0, 0xFF)),  # a pointer, another length
        (45, (1, 3, 0xC0)),  # a scope
        (48, (1,)),  # classes
        (49, (0, 2, 255)),
    ):
        for value in values:
            bad = bytearray(good)
            bad[at] = value
            assert answer(gateway, bytes(bad), SENDER) is None, (at, value)
    for length in range(50):
        assert answer(gateway, good[:length], SENDER) is None, length
    assert answer(gateway, good + b"\0", SENDER) is None
    for asked in (query(), query(ANYBODY, NBSTAT)):
        told = answer(gateway, asked, SENDER)
        assert answer(gateway, told, SENDER) is None, "our own answer"
        assert answer(gateway, told[:50], SENDER) is None


def test_noise_raises_nothing():
    gateway = searched()
    for at in range(0, 47):
        for _ in range(20):
            noise = urandom(3)
            asked = query()
            answer(gateway, asked[:at] + noise + asked[at + 3 :], SENDER)
            answer(gateway, urandom(50), SENDER)
