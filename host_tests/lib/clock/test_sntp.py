"""Replies good, rude and wrong; the arithmetic of four times."""

import struct
from random import getrandbits, seed

from lib.clock import sntp
from lib.clock.errors import FrameError, PeerError

COOKIE = b"\x01\x02\x03\x04\x05\x06\x07\x08"
NOW_MS = 1790000000123
UNIX_IN_NTP = 2208988800


def stamp(unix_ms):
    """Return an NTP time of 8 bytes, rounded up so that it reads as the same millisecond."""
    fraction = ((unix_ms % 1000 << 32) + 999) // 1000
    return struct.pack(">II", (unix_ms // 1000 + UNIX_IN_NTP) & 0xFFFFFFFF, fraction)


def reply(first=0x24, stratum=2, delay=0, dispersion=0, code=b"GPS\0", originate=COOKIE, received=NOW_MS, sent=NOW_MS):
    head = struct.pack(">BBbbII", first, stratum, 6, -20, delay, dispersion)
    received = received if isinstance(received, bytes) else stamp(received)
    sent = sent if isinstance(sent, bytes) else stamp(sent)
    return head + code + stamp(NOW_MS - 9000) + originate + received + sent


REPLIES = (
    # what, packet, error and its text (None: good)
    ("a good one", reply(), None, ""),
    ("version 3", reply(first=0x1C), None, ""),
    ("leap second ahead", reply(first=0x64), None, ""),
    ("with a digest behind", reply() + bytes(20), None, ""),
    ("slightly negative root delay", reply(delay=0xFFFFFF00), None, ""),
    ("one byte short", reply()[:47], FrameError, "length"),
    ("nothing", b"", FrameError, "length"),
    ("our own request come back", reply(first=0x23), FrameError, "mode"),
    ("a broadcast", reply(first=0x25), FrameError, "mode"),
    ("version 0", reply(first=0x04), FrameError, "version"),
    ("version 7", reply(first=0x3C), FrameError, "version"),
    ("originate of somebody else", reply(originate=b"\x01\x02\x03\x04\x05\x06\x07\x09"), FrameError, "originate"),
    ("originate zero", reply(originate=bytes(8)), FrameError, "originate"),
    ("forged kiss", reply(stratum=0, code=b"DENY", originate=bytes(8)), FrameError, "originate"),
    ("kiss of death", reply(stratum=0, code=b"DENY"), PeerError, "DENY"),
    ("slower, please", reply(stratum=0, code=b"RATE"), PeerError, "RATE"),
    ("kiss in no letters", reply(stratum=0, code=b"\x00\xff\x01\x02"), PeerError, "kiss"),
    ("kiss that is not synchronised", reply(first=0xE4, stratum=0, code=b"INIT"), PeerError, "INIT"),
    ("leap 3", reply(first=0xE4), PeerError, "unsynchronised"),
    ("stratum 16", reply(stratum=16), PeerError, "unsynchronised"),
    ("root delay of 16 s", reply(delay=16 << 16), PeerError, "unsynchronised"),
    ("root dispersion of 16 s", reply(dispersion=16 << 16), PeerError, "unsynchronised"),
    ("transmit time zero", reply(sent=bytes(8)), FrameError, "transmit"),
    ("sent before received", reply(sent=NOW_MS - 1), FrameError, "times"),
    ("receive time zero is 2036", reply(received=bytes(8)), FrameError, "times"),
    ("a server that believes it is 2000", reply(received=946684800000, sent=946684800000), PeerError, "clock not set"),
    ("a server that believes it is 1970", reply(received=0, sent=5), PeerError, "clock not set"),
)

EXCHANGES = (
    # what                   server received, sent     we sent, received        offset, delay
    ("both right", NOW_MS + 10, NOW_MS + 12, NOW_MS, NOW_MS + 22, 0, 20),
    ("we are slow", NOW_MS + 5010, NOW_MS + 5010, NOW_MS, NOW_MS + 20, 5000, 20),
    ("we are fast", NOW_MS - 4990, NOW_MS - 4988, NOW_MS, NOW_MS + 22, -5000, 20),
    ("clock not set", NOW_MS, NOW_MS, 946684800500, 946684800500, NOW_MS - 946684800500, 0),
    ("all delay on one way", NOW_MS, NOW_MS, NOW_MS, NOW_MS + 100, -50, 100),
    ("rounding makes it negative", NOW_MS, NOW_MS + 5, NOW_MS, NOW_MS + 4, 0, 0),
    ("last second of the first era", 2085978495999, 2085978495999, 2085978495999, 2085978495999, 0, 0),
    ("first second of the second era", 2085978496001, 2085978496001, 2085978496000, 2085978496002, 0, 2),
    ("over the change of era", 2085978495900, 2085978496100, 2085978495890, 2085978496110, 0, 20),
    ("2100", 4102444800000, 4102444800000, 4102444800000, 4102444800000, 0, 0),
)


def test_request_is_a_client_packet_with_the_cookie():
    packet = bytearray(b"\xff" * sntp.SIZE)
    sntp.request(packet, COOKIE)
    assert bytes(packet) == b"\x23" + bytes(39) + COOKIE


def test_replies():
    for what, packet, error, text in REPLIES:
        for wire in (packet, memoryview(bytearray(packet))):
            try:
                sntp.check(wire, COOKIE)
                raised = None
            except (FrameError, PeerError) as caught:
                raised = caught
            assert (type(raised) if raised else None) == error, (what, raised)
            assert raised is None or raised.args[0] == text, (what, raised)
    # What may answer at all: bad news do, noise and forgeries do not.
    silent = [what for what, packet, _, _ in REPLIES if not sntp.answers(packet, COOKIE)]
    assert len(silent) == 7 and "forged kiss" in silent and "kiss of death" not in silent, silent


def test_offset_and_delay():
    for what, received, sent, t1, t4, offset_ms, delay_ms in EXCHANGES:
        packet = reply(received=received, sent=sent)
        sntp.check(packet, COOKIE)
        assert sntp.measure(packet, t1, t4) == (offset_ms, delay_ms), what


def test_longer_held_than_the_exchange_took():
    try:
        sntp.measure(reply(received=NOW_MS, sent=NOW_MS + 60), NOW_MS, NOW_MS + 50)
    except FrameError as error:
        assert error.args[0] == "delay"
    else:
        raise AssertionError


def test_noise_raises_nothing_else():
    seed(3)
    for _ in range(2000):
        packet = bytearray(reply())
        for _ in range(3):
            packet[getrandbits(8) % 48] = getrandbits(8)
        try:
            sntp.check(packet, COOKIE)
            sntp.measure(packet, NOW_MS, NOW_MS + 50)
        except (FrameError, PeerError):
            pass
