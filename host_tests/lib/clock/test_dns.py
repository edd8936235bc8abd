"""Queries byte by byte; answers with aliases, pointers in circles, and records cut anywhere."""

import struct
from random import getrandbits, seed

from lib.clock import dns
from lib.clock.errors import FrameError, PeerError

NAME = "pool.ntp.org"
WIRE = b"\x04pool\x03ntp\x03org\x00"
IDENT = 0x1234
QUERY = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + WIRE + b"\x00\x01\x00\x01"
A, CNAME, TXT, IN = 1, 5, 16, 1


def record(owner, data, kind=A, family=IN, ttl_s=300):
    return owner + struct.pack(">HHIH", kind, family, ttl_s, len(data)) + data


def message(*records, flags=0x8180, ident=IDENT, question=WIRE + b"\x00\x01\x00\x01", count=None):
    head = struct.pack(">HHHHHH", ident, flags, 1, len(records) if count is None else count, 0, 0)
    return head + question + b"".join(records)


SAME = b"\xc0\x0c"  # a pointer to the question's name, at 12
HERE = len(QUERY)  # where the first record begins
IP = b"\xc0\x00\x02\x01"
ALIAS = b"\x01x\xc0\x11"  # x.ntp.org: a label, and a pointer into the question
DEEP = b"".join([record(b"\x02n%c\x00" % (97 + n), b"\x02n%c\x00" % (98 + n), CNAME) for n in range(9)])

ANSWERS = (
    # what, message, (address, ttl_s) or the error with its text
    ("plain", message(record(SAME, IP)), ("192.0.2.1", 300)),
    ("name in full", message(record(WIRE, IP)), ("192.0.2.1", 300)),
    ("other letter case", message(record(b"\x04POOL\x03ntp\x03ORG\x00", IP), question=WIRE.upper() + b"\x00\x01\x00\x01"), ("192.0.2.1", 300)),
    ("first of two", message(record(SAME, IP), record(SAME, b"\x01\x02\x03\x04")), ("192.0.2.1", 300)),
    ("highest numbers", message(record(SAME, b"\xff\xfe\xfd\xfc", ttl_s=0)), ("255.254.253.252", 0)),
    ("time to live with the top bit", message(record(SAME, IP, ttl_s=0x80000001)), ("192.0.2.1", 0)),
    ("alias", message(record(SAME, ALIAS, CNAME, ttl_s=60), record(ALIAS, IP)), ("192.0.2.1", 60)),
    ("alias by pointer to its data", message(record(SAME, ALIAS, CNAME), record(struct.pack(">H", 0xC000 | HERE + 12), IP, ttl_s=9)), ("192.0.2.1", 9)),
    ("alias behind its address", message(record(ALIAS, IP), record(SAME, ALIAS, CNAME)), ("192.0.2.1", 300)),
    ("others between", message(record(SAME, b"abc", TXT), record(SAME, IP, A, 3), record(SAME, b"\x00" * 16, 28), record(SAME, IP)), ("192.0.2.1", 300)),
    ("more bytes behind", message(record(SAME, IP)) + b"rest", ("192.0.2.1", 300)),
    ("wrong id", message(record(SAME, IP), ident=IDENT + 1), FrameError("question")),
    ("a query", message(record(SAME, IP), flags=0x0100), FrameError("question")),
    ("other operation", message(record(SAME, IP), flags=0xA180), FrameError("question")),
    ("other name", message(record(SAME, IP), question=b"\x04pool\x03ntp\x03net\x00\x00\x01\x00\x01"), FrameError("question")),
    ("other type", message(record(SAME, IP), question=WIRE + b"\x00\x1c\x00\x01"), FrameError("question")),
    ("empty", b"", FrameError("question")),
    ("header only", message()[:12], FrameError("question")),
    ("no such name", message(flags=0x8183), PeerError("NXDOMAIN")),
    ("server failure", message(flags=0x8182), PeerError("SERVFAIL")),
    ("refused", message(flags=0x8185), PeerError("REFUSED")),
    ("code 9", message(flags=0x8189), PeerError("rcode 9")),
    ("cut by the server", message(record(SAME, IP), flags=0x8380), PeerError("truncated")),
    ("no records", message(), PeerError("no address")),
    ("address of another name", message(record(b"\x04evil\x00", IP)), PeerError("no address")),
    ("address of 5 bytes", message(record(SAME, IP + b"\x01")), PeerError("no address")),
    ("0.0.0.0", message(record(SAME, bytes(4))), PeerError("no address")),
    ("alias to nowhere", message(record(SAME, ALIAS, CNAME)), PeerError("no address")),
    ("alias to itself", message(record(SAME, SAME, CNAME)), PeerError("no address")),
    ("aliases in a circle", message(record(SAME, ALIAS, CNAME), record(ALIAS, SAME, CNAME)), PeerError("no address")),
    ("nine aliases", message(record(SAME, b"\x02na\x00", CNAME), DEEP, record(b"\x02nj\x00", IP), count=11), PeerError("no address")),
    ("pointer to itself", message(record(struct.pack(">H", 0xC000 | HERE), IP)), FrameError("pointer")),
    ("pointer ahead", message(record(struct.pack(">H", 0xC000 | HERE + 2), IP)), FrameError("pointer")),
    ("pointer into the header", message(record(b"\xc0\x00", IP)), FrameError("pointer")),
    ("labels that come back to their own start", message(record(b"\x01a" + struct.pack(">H", 0xC000 | HERE), IP)), FrameError("pointer")),
    ("reserved kind of label", message(record(b"\x80a", IP)), FrameError("name")),
    ("name of 256 bytes", message(record((b"\x3f" + b"a" * 63) * 4 + b"\x00", IP)), FrameError("name")),
    ("name without end", message(b"\x05ab"), FrameError("truncated name")),
    ("half a pointer", message(b"\xc0"), FrameError("truncated name")),
    ("half a record", message(record(SAME, IP)[:9]), FrameError("truncated record")),
    ("data longer than the message", message(record(SAME, IP)[:-1]), FrameError("truncated record")),
    ("one record promised too much", message(record(ALIAS, IP), count=2), FrameError("truncated name")),
)  # fmt: skip

NO_ADDRESSES = ("", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.x", "1.2.3.", "1.2.3.-4", "1.2.3.4444", "a.b.c.d", "::1")  # fmt: skip
NO_NAMES = ("", ".", "a..b", "a b", "-é", "a/b", "[::1]", "a" * 64, "a." * 127 + "a", "pool.ntp.org:123")


def outcome(wire, query=QUERY):
    try:
        return dns.address(wire, query)
    except (FrameError, PeerError) as error:
        return type(error), error.args[0]


def test_queries():
    packet = bytearray(dns.SIZE)
    for name in (NAME, NAME + "."):
        assert bytes(packet[: dns.query(packet, name, IDENT)]) == QUERY
    longest = ("a" * 63 + ".") * 3 + "b" * 61
    assert dns.query(packet, longest, 0) == 12 + 255 + 4
    for name in NO_NAMES:
        try:
            dns.query(packet, name, IDENT)
        except ValueError:
            continue
        raise AssertionError(name)


def test_answers():
    for what, wire, expected in ANSWERS:
        if isinstance(expected, Exception):
            expected = type(expected), expected.args[0]
        assert outcome(wire) == expected, (what, outcome(wire))
        assert outcome(memoryview(bytearray(wire)), memoryview(QUERY)) == expected, what
        assert dns.answers(wire, QUERY) == (expected != (FrameError, "question")), what


def test_answers_cut_anywhere_or_mutilated_end_in_an_error_by_name():
    wire = message(record(SAME, ALIAS, CNAME, ttl_s=60), record(ALIAS, IP))
    for size in range(len(wire)):
        assert outcome(wire[:size])[0] is FrameError, size
    seed(4)
    for _ in range(3000):
        broken = bytearray(wire)
        for _ in range(3):
            broken[HERE + getrandbits(8) % (len(wire) - HERE)] = getrandbits(8)
        assert len(outcome(broken)) == 2


def test_addresses_are_told_from_names():
    for text in ("0.0.0.0", "192.168.1.254", "255.255.255.255"):
        assert dns.is_address(text), text
    for text in NO_ADDRESSES:
        assert not dns.is_address(text), text
