"""lib/mqtt against a fake broker that does what no broker should: refuses, hangs up, forgets, lies, floods."""

import random
import struct
import threading

import pytest

from host_tests.gateway import eventually
from host_tests.mqtt_process import CONNACK, FakeBroker, MqttProcess, publish

WIDTHS = (64, 32)
WINDOW = 8  # messages on their way at most
STRAYS = 32  # answers to nothing that are let pass


def run(serve, width=64, **given):
    """The client at a broker that does serve(peer, number) with each connection."""
    broker = FakeBroker(serve)
    return broker, MqttProcess(width, {64: "224k", 32: "112k"}[width], port=broker.port, **given)


@pytest.mark.parametrize("width", WIDTHS)
def test_what_connect_says(width):
    bodies = []

    def serve(peer, _):
        bodies.append(peer.greet())
        peer.until_closed()

    given = {"id": "SG000017", "user": "ž", "password": "p w", "will": ["sg/status", "offline"], "keepalive_s": 300}
    broker, client = run(serve, width, **given)
    with broker, client:
        client.connected()
    fields = (b"SG000017", b"sg/status", b"offline", "ž".encode(), b"p w")
    assert bodies == [b"\0\4MQTT\4\xee" + struct.pack(">H", 300) + b"".join(struct.pack(">H", len(f)) + f for f in fields)]


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (1, "protocol"),
        (2, "client_id"),
        (3, "server_unavailable"),
        (4, "password"),
        (5, "not_authorized"),
        (6, "malformed"),
        (255, "malformed"),
    ],
)
def test_refusals(code, cause):
    def serve(peer, _):
        peer.packet()
        peer.send(b"\x20\x02\0" + bytes((code,)))
        peer.until_closed()

    broker, client = run(serve)
    with broker, client:
        assert client.cause() == cause


@pytest.mark.parametrize("width", WIDTHS)
def test_hung_up_on_at_each_byte_of_the_greeting(width):
    """First amid CONNECT, then amid CONNACK and SUBACK."""
    size = 14 + 2  # of CONNECT
    answers = CONNACK + b"\x90\x03\0\1\0"
    cases = [(taken, 0) for taken in range(size + 1)] + [(size, given) for given in range(1, len(answers) + 1)]

    def serve(peer, number):
        taken, given = cases[number - 1]
        peer.exactly(taken)
        peer.send(answers[:given])
        peer.close()

    broker, client = run(serve, width, subscriptions=[["cmd", 0]])
    with broker, client:
        for number in range(1, len(cases) + 1):
            assert client.cause() in ("closed", "refused")
            client.halt()
            if number == 1:
                open_files = client.descriptors()
            assert client.descriptors() == open_files
            if number < len(cases):
                client.again()
        assert len(broker.peers) == len(cases)


@pytest.mark.parametrize("answer", [b"", CONNACK[:3]])
def test_no_answer_to_connect(answer):
    def serve(peer, _):
        peer.packet()
        peer.send(answer)
        peer.until_closed()

    broker, client = run(serve, timeout_ms=300)
    with broker, client:
        assert client.cause() == "timeout"


def test_no_answer_to_subscribe():
    broker, client = run(lambda peer, _: (peer.greet(), peer.until_closed()), timeout_ms=300, subscriptions=[["cmd", 1]])
    with broker, client:
        assert client.cause() == "timeout"
        assert not client.told("settled")


def test_refused_subscriptions_are_told_and_the_connection_stays():
    def serve(peer, _):
        peer.greet()
        for code in (b"\0", b"\x80", b"\1"):
            first, body = peer.packet()
            assert first == 0x82
            peer.send(b"\x90\x03" + body[:2] + code)
        peer.send(publish(b"c", b"still here"))
        peer.until_closed()

    broker, client = run(serve, subscriptions=[["a", 0], ["b", 1], ["c", 1]])
    with broker, client:
        client.wait("message", payload="still here")
        client.say("disconnect")
        assert client.wait("state", 2, state="off")["refused"] == ["b"]


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_acknowledged(width):
    got = []

    def serve(peer, _):
        peer.greet()
        while True:
            got.append(peer.packet())

    broker, client = run(serve, width, timeout_ms=500)
    with broker, client:
        client.connected()
        for token in range(WINDOW + 4):
            client.publish("a", "x", qos=1, token=token)
        assert client.cause() == "timeout"
        client.wait("settled", WINDOW, ok=False)
        client.wait("failed", 4)
        assert len(got) == WINDOW
        assert sorted(event["token"] for event in client.told("settled") + client.told("failed")) == list(range(WINDOW + 4))


@pytest.mark.parametrize("width", WIDTHS)
def test_acknowledged_in_another_order_and_twice(width):
    def serve(peer, _):
        peer.greet()
        numbers = [peer.packet()[1][3:5] for _ in range(WINDOW)]
        for number in reversed(numbers):
            peer.send(b"\x40\x02" + number)
            peer.send(b"\x40\x02" + number)
        while True:
            peer.send(b"\x40\x02" + peer.packet()[1][3:5])

    broker, client = run(serve, width)
    with broker, client:
        client.connected()
        for token in range(WINDOW + 4):
            client.publish("a", "x", qos=1, token=token)
        client.wait("settled", WINDOW + 4)
        assert sorted(event["token"] for event in client.told("settled", ok=True)) == list(range(WINDOW + 4))
        assert [event["token"] for event in client.told("settled")][:WINDOW] == list(reversed(range(WINDOW)))


@pytest.mark.parametrize(
    "stray", [b"\x40\x02\0\0", b"\x40\x02\xff\xff", b"\x90\x03\0\1\0"], ids=["zero", "wrong", "other kind"]
)
def test_answers_to_nothing_are_let_pass_but_not_for_ever(stray):
    """SUBACK for a message's number is one of these."""

    def serve(peer, _):
        peer.greet()
        number = peer.packet()[1][3:5]
        peer.send(stray * STRAYS)
        peer.send(b"\x40\x02" + number)
        peer.packet()
        peer.send(stray)
        peer.until_closed()

    broker, client = run(serve)
    with broker, client:
        client.connected()
        client.publish("a", "x", qos=1, token=1)
        client.wait("settled", token=1, ok=True)
        assert len(client.told("state", state="waiting")) == 0
        client.publish("a", "x", qos=1, token=2)
        client.wait("settled", token=2, ok=False)
        assert client.cause() == "malformed"


def test_an_acknowledgement_that_is_earlier_than_the_message():
    def serve(peer, _):
        peer.greet()
        peer.exactly(1000)
        peer.send(b"\x40\x02\0\1")
        peer.until_closed()

    broker, client = run(serve)
    with broker, client:
        client.connected()
        client.publish("a", qos=1, token=1, size=50000)
        client.wait("settled", token=1, ok=True)
        assert not client.told("failed") and len(client.told("settled")) == 1


MALFORMED = {
    "no MQTT": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "type 0": b"\0\0",
    "type 15": b"\xf0\0",
    "CONNECT": b"\x10\x0c\0\4MQTT\4\2\0\0\0\0",
    "a second CONNACK": CONNACK,
    "PINGREQ": b"\xc0\0",
    "SUBSCRIBE": b"\x82\x06\0\1\0\1a\0",
    "DISCONNECT": b"\xe0\0",
    "PUBREC": b"\x50\2\0\1",
    "UNSUBACK": b"\xb0\2\0\1",
    "flags of PUBACK": b"\x42\2\0\1",
    "length of PUBACK": b"\x40\3\0\1\0",
    "length of PINGRESP": b"\xd0\1\0",
    "SUBACK for two": b"\x90\4\0\1\0\0",
    "five bytes of length": b"\x30\xff\xff\xff\xff\x01",
    "QoS 2": publish(b"a", b"x", 2),
    "QoS 3": publish(b"a", b"x", 3),
    "repeated, but QoS 0": b"\x38\4\0\1ax",
    "no topic": publish(b"", b"x"),
    "a topic with a wildcard": publish(b"a/#", b"x"),
    "a topic with NUL": publish(b"a\0", b"x"),
    "a topic beyond the end": b"\x30\4\0\3ax",
    "no room for a topic's length": b"\x30\1\0",
    "no room for the number": b"\x32\4\0\2ab",
    "number 0": publish(b"a", b"x", 1, 0),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed_packets_end_the_connection(what):
    def serve(peer, _):
        peer.greet()
        peer.send(publish(b"a", b"before"))
        peer.send(MALFORMED[what])
        peer.send(publish(b"a", b"behind"))
        peer.until_closed()

    broker, client = run(serve, 32)
    with broker, client:
        assert client.cause() == "malformed"
        assert [event["payload"] for event in client.told("message")] == ["before"]


def test_anything_but_connack_first():
    def serve(peer, _):
        peer.packet()
        peer.send(publish(b"a", b"x"))
        peer.until_closed()

    broker, client = run(serve)
    with broker, client:
        assert client.cause() == "malformed"
        assert not client.told("message")


@pytest.mark.parametrize("width", WIDTHS)
def test_oversized_messages_are_read_off_and_others_are_not_missed(width):
    """Of every size around that of the buffer, acknowledged too, in pieces of any size."""
    numbers = []
    rand = random.Random(7)

    def serve(peer, _):
        peer.greet()
        wire = b""
        for size in [*range(480, 540), 5000, 1 << 20]:
            wire += publish(b"cmd", b"x" * size, 1, size & 0xFFFF or 1)
            wire += publish(b"cmd", b"%d" % size)
        while wire:
            size = rand.choice((1, 2, 5, 100, 700, 65536))
            peer.send(wire[:size])
            wire = wire[size:]
        while True:
            numbers.append(int.from_bytes(peer.packet()[1], "big"))

    broker, client = run(serve, width, keepalive_s=600)
    with broker, client:
        client.wait("message", payload=str(1 << 20))
        assert [event["payload"] for event in client.told("message") if event.get("size", 999) < 100] == [
            *map(str, range(480, 540)),
            "5000",
            str(1 << 20),
        ]
        kept = [event["size"] for event in client.told("message") if event.get("size", 0) > 100]
        fits = 512 - 3 - 2 - 3 - 2
        assert kept == list(range(480, fits + 1))
        assert client.memory()["dropped"] == 62 - len(kept)
        assert numbers == [*range(480, 540), 5000, 1]


def test_a_message_that_never_ends_is_a_dead_connection():
    def serve(peer, _):
        peer.greet()
        peer.send(publish(b"cmd", b"", size=200))
        peer.until_closed()

    broker, client = run(serve, keepalive_s=1, timeout_ms=400)
    with broker, client:
        assert client.cause() == "timeout"


@pytest.mark.parametrize("width", WIDTHS)
def test_pings(width):
    got = []

    def serve(peer, number):
        peer.greet()
        while True:
            got.append(peer.packet())
            if got[-1][0] == 0xC0 and len(got) < 4:
                peer.send(b"\xd0\0")

    broker, client = run(serve, width, keepalive_s=1, timeout_ms=400)
    with broker, client:
        assert client.cause() == "timeout"
        assert got == [(0xC0, b"")] * 4


def test_a_broker_that_takes_nothing_any_more():
    def serve(peer, _):
        peer.greet()
        peer.sock.recv(1)
        release.wait(30)

    release = threading.Event()
    broker, client = run(serve, timeout_ms=500)
    with broker, client:
        client.connected()
        for token in range(8):  # more than the system keeps for it
            client.publish("a", size=2000000, step=4096, token=token)
        assert client.cause() == "timeout"
        client.wait("failed", token=7, cause="timeout")
        release.set()


@pytest.mark.parametrize(
    ("what", "reason", "stays"),
    [
        ({"size": 3000, "excess": -8}, "length", False),
        ({"size": 3000, "excess": 8}, "length", False),
        ({"size": 30, "excess": -8}, "length", True),  # nothing of it is out yet
        ({"size": 30, "excess": 8}, "length", True),
        ({"payload": "x", "topic": "t" * 600}, "packet", True),
        ({"size": 2097150}, "length", True),
    ],
)
def test_our_own_mistakes_are_told_and_break_no_stream(what, reason, stays):
    got = []

    def serve(peer, _):
        peer.greet()
        while True:
            got.append(peer.packet())

    broker, client = run(serve)
    with broker, client:
        client.connected()
        client.publish(**{"topic": "a", "qos": 1, "token": 1, **what})
        assert client.wait("failed", token=1)["cause"] == f"ValueError {reason}"
        if not stays:
            assert client.cause() == "closed"
            client.connected(2)
        client.publish("b", "x")
        eventually(lambda: got, "nothing came")
        assert got == [(0x30, b"\0\1bx")]
        assert not client.told("settled")


@pytest.mark.parametrize("width", WIDTHS)
def test_noise(width):
    """Random bytes and good streams with changes: a connection ends or goes on, the client lives, and keeps no memory."""
    rand = random.Random(1883)
    good = publish(b"cmd", b"on", 1, 5) + b"\x40\2\0\1\xd0\0\x90\3\0\1\0" + publish(b"cmd/x", bytes(900)) + publish(b"c", b"")

    def serve(peer, number):
        peer.packet()
        if number % 3 == 0:
            peer.send(CONNACK + rand.randbytes(rand.randrange(1, 400)))
        else:
            wire = bytearray(CONNACK + good * 3)
            for _ in range(rand.randrange(1, 4)):
                wire[rand.randrange(len(wire))] = rand.randrange(256)
            peer.send(wire)
        peer.close()

    broker, client = run(serve, width)
    with broker, client:
        causes, used, open_files = set(), [], []
        for _ in range(60):
            causes.add(client.cause())
            client.halt()
            used.append(client.memory()["used"])
            open_files.append(client.descriptors())
            client.again()
        assert causes == {"malformed", "closed"}
        assert used[-1] < used[9] + 1024 and open_files[-1] == open_files[9]


def test_a_slow_broker_is_no_dead_one():
    """It takes what we say in several times the time it has for an answer; meanwhile it has something to say itself."""
    size, count = 1999996, 4  # more than the system keeps for it
    got = bytearray()
    pace = threading.Event()  # never set: waiting for it is a pause

    def serve(peer, _):
        peer.greet()
        while len(got) < count * (size + 4 + 3) + 4:
            if not got:
                peer.send(publish(b"cmd", b"on", 1, 9))
            got.extend(peer.sock.recv(65536))
            pace.wait(0.02)

    broker, client = run(serve, timeout_ms=500)
    with broker, client:
        client.connected()
        for token in range(count):
            client.publish("a", size=size, step=4096, token=token)
        client.wait("published", count)
        client.wait("message", payload="on")
        eventually(lambda: len(got) >= count * (size + 7) + 4, lambda: f"{len(got)} {client.events}")
        assert got.count(b"\x40\x02\0\x09") == 1
        assert not client.told("failed")
