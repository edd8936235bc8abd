"""lib/mqtt/outbox: what umqtt.simple makes for us, byte by byte as MQTT 3.1.1 has it, and that it never touches a socket."""

from umqtt import simple

from lib.mqtt.outbox import Outbox


def made(box, put, *arguments):
    box.clear()
    put(*arguments)
    return bytes(box.view[: box.used])


def test_connect():
    box = Outbox(b"sg", None, None, 60, None)
    assert made(box, box.put_connect) == b"\x10\x0e\0\4MQTT\4\x02\0\x3c\0\2sg"
    box = Outbox(b"sg", b"me", None, 0x1234, (b"t", b"bye", True, 1))
    expected = b"\x10\x1c\0\4MQTT\4\xee\x12\x34\0\2sg\0\1t\0\3bye\0\2me\0\0"
    for _ in range(2):
        assert made(box, box.put_connect) == expected
    assert simple.socket.__name__ in ("socket", "usocket"), "its module socket is not put back"


def test_a_connect_of_every_length():
    for size in range(360):
        box = Outbox(b"i" * size, None, None, 60, None)
        left = size + 12
        length = bytes((left,)) if left < 128 else bytes((left & 127 | 128, left >> 7))
        assert made(box, box.put_connect) == b"\x10" + length + b"\0\4MQTT\4\x02\0\x3c" + size.to_bytes(2, "big") + b"i" * size


def test_publish_is_all_but_the_payload():
    box = Outbox(b"sg", None, None, 60, None)
    for length, packet_id, retain, expected in (
        (0, 0, False, b"\x30\x03\0\1t"),
        (124, 0, True, b"\x31\x7f\0\1t"),
        (125, 0, False, b"\x30\x80\x01\0\1t"),
        (9000, 1, False, b"\x32\xad\x46\0\1t\0\1"),
        (9000, 65535, True, b"\x33\xad\x46\0\1t\xff\xff"),
        (16379, 5, False, b"\x32\x80\x80\x01\0\1t\0\5"),
        (2097146, 5, False, b"\x32\xff\xff\x7f\0\1t\0\5"),
    ):
        assert made(box, box.put_publish, b"t", length, packet_id, retain) == expected, (length, packet_id)


def test_the_others():
    box = Outbox(b"sg", None, None, 60, None)
    assert made(box, box.put_subscribe, b"cmd/#", 1, 0x0203) == b"\x82\x0a\x02\x03\0\5cmd/#\1"
    assert made(box, box.put_subscribe, b"t" * 122, 0, 65535) == b"\x82\x7f\xff\xff\0\x7a" + b"t" * 122 + b"\0"
    assert made(box, box.put_acknowledgement, 0xFFFE) == b"\x40\2\xff\xfe"
    assert made(box, box.put_ping) == b"\xc0\0"
    for _ in range(2):
        assert made(box, box.put_disconnect) == b"\xe0\0"


def test_what_has_no_room_is_an_error_and_leaves_nothing():
    box = Outbox(b"sg", None, None, 60, None)
    large = Outbox(b"i" * 600, None, None, 60, None)
    for put, arguments in (
        (large.put_connect, ()),
        (box.put_publish, (b"t" * 600, 0, 0, False)),
        (box.put_publish, (b"t", 2097148, 0, False)),
        (box.put_subscribe, (b"t" * 123, 0, 1)),
    ):
        box.clear()
        large.clear()
        try:
            put(*arguments)
            raise AssertionError(arguments)
        except ValueError:
            assert box.used == 0 and large.used == 0
    assert made(box, box.put_ping) == b"\xc0\0"


def test_payloads_are_taken_as_there_is_room():
    box = Outbox(b"sg", None, None, 60, None)
    box.put_publish(b"t", 1000, 0, False)
    head = box.used
    data = memoryview(bytes(range(256)) * 4)
    taken = box.put(data)
    assert head + taken == len(box.view) and box.put(data[taken:]) == 0
    assert box.view[head:] == data[:taken]
