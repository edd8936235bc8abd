"""lib/mqtt/inbox: packets whole and in pieces, what is too large, and what is none."""

from random import getrandbits, randrange, seed

from lib.mqtt import inbox
from lib.mqtt.inbox import Inbox, Malformed

_SIZE = 40


def publish(topic, payload, qos=0, packet_id=0, flags=0):
    body = len(topic).to_bytes(2, "big") + topic + (packet_id.to_bytes(2, "big") if qos else b"") + payload
    size = len(body)
    length = bytearray()
    while True:
        length.append(size & 0x7F | (0x80 if size > 0x7F else 0))
        size >>= 7
        if not size:
            break
    return bytes((0x30 | qos << 1 | flags,)) + length + body


def read(wire, step, size=_SIZE):
    """All packets of a stream that comes in pieces of `step` bytes; the last is "malformed" if it ends so."""
    box = Inbox(size)
    packets = []
    at = 0
    try:
        while True:
            kind = box.next()
            if kind == inbox.PUBLISH:
                payload = box.payload if box.payload is None else bytes(box.payload)
                packets.append((kind, box.topic, payload, box.length, box.packet_id, box.retain))
            elif kind:
                packets.append((kind, bytes(box.body), box.packet_id))
            elif at < len(wire):
                room = box.room()
                assert len(room) > 0
                piece = wire[at : at + min(step, len(room))]
                room[: len(piece)] = piece
                box.filled(len(piece))
                at += len(piece)
            else:
                return packets
    except Malformed:
        packets.append("malformed")
        return packets


LONG = publish(b"a", bytes(100), 1, 7, 1)
PACKETS = (
    # what, wire, packets
    ("CONNACK", b"\x20\2\1\0", [(inbox.CONNACK, b"\1\0", 0)]),
    ("PUBACK", b"\x40\2\x12\x34", [(inbox.PUBACK, b"\x12\x34", 0x1234)]),
    ("SUBACK, refused", b"\x90\3\xff\xff\x80", [(inbox.SUBACK, b"\xff\xff\x80", 0xFFFF)]),
    ("PINGRESP", b"\xd0\0", [(inbox.PINGRESP, b"", 0)]),
    ("QoS 0", publish(b"a/b", b"on"), [(3, "a/b", b"on", 2, 0, False)]),
    ("QoS 1, repeated, retained", publish(b"a", b"on", 1, 5, 9), [(3, "a", b"on", 2, 5, True)]),
    ("no payload", publish(b"a", b""), [(3, "a", b"", 0, 0, False)]),
    ("UTF-8", publish("ž".encode(), b"\xff"), [(3, "ž", b"\xff", 1, 0, False)]),
    ("as large as fits", publish(b"a", bytes(_SIZE - 5)), [(3, "a", bytes(_SIZE - 5), _SIZE - 5, 0, False)]),
    ("one byte more", publish(b"a", bytes(_SIZE - 4)), [(3, "a", None, _SIZE - 4, 0, False)]),
    ("much more, with QoS 1", LONG, [(3, "a", None, 100, 7, True)]),
    ("a topic that fills the buffer", publish(b"t" * (_SIZE - 4), b"x"), [(3, "t" * (_SIZE - 4), None, 1, 0, False)]),
    ("a topic that does not fit", publish(b"t" * 90, b"x", 1, 3), [(3, None, None, 95, 0, False)]),
    ("a length in more bytes than it needs", b"\xd0\x80\x80\0", [(inbox.PINGRESP, b"", 0)]),
    ("a topic of half a character", publish(b"\xc5", b""), ["malformed"]),
    ("the longest length", b"\x30\xff\xff\xff\x7f\0\1a", [(3, "a", None, 0xFFFFFFF - 3, 0, False)]),
)


def test_packets_alone_and_one_behind_the_other():
    for what, wire, expected in PACKETS:
        is_last = "malformed" in expected or what == "the longest length"
        for step in (1, 3, _SIZE):
            assert read(wire, step) == expected, (what, step, read(wire, step))
            assert read(LONG + wire, step)[1:] == expected, (what, step)
            if not is_last:
                assert read(wire * 5, step) == expected * 5, (what, step)


def test_random_streams_read_the_same_in_pieces_of_any_size():
    seed(4711)
    kinds = bytes((0x20, 0x30, 0x31, 0x32, 0x33, 0x3A, 0x40, 0x90, 0xD0))
    for _ in range(600):
        wire = b""
        for _ in range(randrange(1, 8)):
            choice = randrange(4)
            if choice == 0:
                wire += PACKETS[randrange(len(PACKETS) - 2)][1]
            elif choice == 1:
                wire += publish(b"cmd", bytes(randrange(80)), 1, randrange(1, 65536))
            else:
                wire += bytes((kinds[randrange(len(kinds))], randrange(12))) + bytes(
                    [getrandbits(8) for _ in range(randrange(14))]
                )
        whole = read(wire, _SIZE)
        for step in (1, 2, 7):
            assert read(wire, step) == whole, wire


def test_changed_bytes_end_in_packets_or_malformed_and_nothing_else():
    seed(1883)
    good = b"".join([wire for _, wire, expected in PACKETS[:-2]])
    ends = 0
    for _ in range(600):
        wire = bytearray(good)
        for _ in range(randrange(1, 5)):
            wire[randrange(len(wire))] = getrandbits(8)
        ends += read(wire, randrange(1, 60), 24)[-1:] == ["malformed"]
    assert 0 < ends < 600


def test_a_new_connection_begins_anew():
    box = Inbox(_SIZE)
    room = box.room()
    room[: len(LONG) // 4] = LONG[: len(LONG) // 4]
    box.filled(len(LONG) // 4)
    assert box.next() == inbox.PUBLISH and box.payload is None
    box.restart()
    assert box.next() == 0 and len(box.room()) == _SIZE
    box.room()[:2] = b"\xd0\0"
    box.filled(2)
    assert box.next() == inbox.PINGRESP
