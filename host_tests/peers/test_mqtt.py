"""lib/mqtt and lib/aio/connect against mosquitto and paho-mqtt, without TLS, with it, with certificates on both sides."""

import contextlib
import signal
import socket
import ssl
import threading
from typing import Any

import pytest

from host_tests.authority import Authority, self_signed
from host_tests.gateway import eventually
from host_tests.mosquitto import Mosquitto, Receiver
from host_tests.mqtt_process import FakeBroker, MqttProcess, Peer

HOST = "127.0.0.1"
WIDTHS = (64, 32)
HEAP = {64: "224k", 32: "112k"}  # objects of the first are twice as large
PLANT = Authority("Plant")
ELSEWHERE = Authority("Elsewhere")
SERVER = PLANT.issue("broker", [HOST, "broker.test"])
GATEWAY = PLANT.issue("SG000017")
KINDS = {
    "plain": ({}, {}),
    "tls": ({"server": SERVER}, {"ca": PLANT.identity.der}),
    "mutual": (
        {"server": SERVER, "clients": PLANT},
        {"ca": PLANT.identity.der, "cert": GATEWAY.der, "key": GATEWAY.key_der},
    ),
}


def pattern(size, step):
    """What mqtt_client.py sends in pieces."""
    return b"".join((b"%07d " % at * (step // 8 + 1))[: min(step, size - at)] for at in range(0, size, step))


@pytest.fixture(params=KINDS)
def kind(request, tmp_path):
    """(broker, what the client is given) of each kind of connection."""
    options, given = KINDS[request.param]
    with Mosquitto(tmp_path, **options) as broker:
        yield broker, {"port": broker.port, **given}


@pytest.fixture
def broker(tmp_path):
    with Mosquitto(tmp_path) as started:
        yield started


@pytest.mark.parametrize("width", WIDTHS)
def test_messages_both_ways_on_the_heap_of_a_device(kind, width):
    broker, given = kind
    with (
        Receiver(broker, "sg/#") as receiver,
        MqttProcess(width, HEAP[width], **given, host="broker.test", subscriptions=[["cmd/#", 1], ["status", 0]]) as client,
    ):
        client.connected()
        client.publish("sg/0", "once")
        client.publish("sg/1", "at least once", qos=1, token="a")
        client.publish("sg/kept", "ž", qos=1, retain=True, token="b")
        client.publish("sg/empty", "", qos=1, token="c")
        for token in "abc":
            assert client.wait("settled", token=token)["ok"]
        assert receiver.wait("sg/0") == [b"once"]
        assert receiver.wait("sg/1") == [b"at least once"]
        assert receiver.wait("sg/kept") == ["ž".encode()]
        assert receiver.wait("sg/empty") == [b""]
        with Receiver(broker, "sg/kept") as late:
            late.wait("sg/kept")
            assert late.messages[0][3], "not retained"
        for qos in (0, 1):
            receiver.publish("cmd/relay", f"ON{qos}", qos)
            client.wait("message", topic="cmd/relay", payload=f"ON{qos}", retained=False)
        receiver.publish("status", "")
        client.wait("message", topic="status", payload="")
        client.say("disconnect")
        client.wait("state", 2, state="off")


@pytest.mark.parametrize("width", WIDTHS)
def test_large_payloads_in_pieces(kind, width):
    broker, given = kind
    sizes = ((1, 512), (127, 512), (512, 512), (9000, 512), (9001, 100), (3000, 7), (16384, 2048), (200000, 512))
    with Receiver(broker, "sg/#") as receiver, MqttProcess(width, HEAP[width], **given) as client:
        client.connected()
        for number, (size, step) in enumerate(sizes):
            client.publish(f"sg/{number}", qos=number % 2, size=size, step=step, token=number)
        for number, (size, step) in enumerate(sizes):
            assert receiver.wait(f"sg/{number}") == [pattern(size, step)], (size, step)
        used = client.memory()["used"]
        for _ in range(10):
            client.publish("sg/again", qos=1, size=9000)
        receiver.wait("sg/again", 10)
        client.wait("settled", 14)
        assert client.memory()["used"] < used + 1024, "memory is kept"
        assert len(client.told("state", state="connected")) == 1


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("server", "cause"),
    [
        (PLANT.issue("broker", [HOST], -10, -1), "tls_expired"),
        (PLANT.issue("broker", [HOST], 2), "tls_not_yet_valid"),
        (PLANT.issue("broker", ["other.test", "127.0.0.2"]), "tls_name"),
        (PLANT.issue("broker"), "tls_name"),
        (self_signed("broker", [HOST]), "tls_authority"),
        (ELSEWHERE.issue("broker", [HOST]), "tls_authority"),
        (Authority("Plant").issue("broker", [HOST]), "tls_authority"),  # the name is right, the key is not
        (ELSEWHERE.issue("broker", [HOST], 2), "tls_not_yet_valid"),  # which of both a person has to see to first
    ],
    ids=["expired", "early", "name", "no name", "self-signed", "stranger", "impostor", "stranger, early"],
)
def test_certificates_that_are_not_accepted(tmp_path, width, server, cause):
    with Mosquitto(tmp_path, server=server) as broker:
        with MqttProcess(width, port=broker.port, ca=PLANT.identity.der) as client:
            assert client.cause() == cause
            open_files = client.descriptors()
            client.halt()
            client.again()
            assert client.cause() == cause
            assert client.descriptors() == open_files, "sockets are left open"
            assert not client.told("state", state="connected")


def test_an_authority_from_the_future_is_what_a_clock_not_set_sees(tmp_path):
    early = Authority("Plant", first_day=5)
    with Mosquitto(tmp_path, server=early.issue("broker", [HOST], 5)) as broker:
        with MqttProcess(port=broker.port, ca=early.identity.der) as client:
            assert client.cause() == "tls_not_yet_valid"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("identity", [None, ELSEWHERE.issue("SG000017"), PLANT.issue("SG000017", (), -10, -1)])
def test_brokers_that_do_not_accept_our_certificate(tmp_path, width, identity):
    with Mosquitto(tmp_path, server=SERVER, clients=PLANT) as broker:
        shown = {"cert": identity.der, "key": identity.key_der} if identity else {}
        with MqttProcess(width, port=broker.port, ca=PLANT.identity.der, **shown) as client:
            assert client.cause() == "tls_handshake"


@pytest.mark.parametrize("shown", [None, GATEWAY, ELSEWHERE.issue("SG000017")])
def test_tls_1_2_as_the_chip_speaks_it(tmp_path, shown):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(*SERVER.save(tmp_path, "server"))
    if shown:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=PLANT.identity.pem.decode())
    got = []

    def serve(peer, _):
        with context.wrap_socket(peer.sock, server_side=True) as tls:
            secure = Peer(tls)
            secure.greet()
            got.append(secure.packet())
            got.append(tls.version())
            secure.until_closed()

    given = {"cert": shown.der, "key": shown.key_der} if shown else {}
    with FakeBroker(serve) as broker, MqttProcess(32, HEAP[32], port=broker.port, ca=PLANT.identity.der, **given) as client:
        if shown is None or shown is GATEWAY:
            client.connected()
            client.publish("a", size=3000)
            eventually(lambda: len(got) == 2, lambda: f"{got} {client.events}")
            assert got == [(0x30, b"\0\x01a" + pattern(3000, 512)), "TLSv1.2"]
        else:
            assert client.cause() == "tls_handshake"


@pytest.mark.parametrize("name", ["ca", "cert", "key"])
def test_files_that_cannot_be_used(broker, name):
    der: dict[str, Any] = {"ca": PLANT.identity.der, "cert": GATEWAY.der, "key": GATEWAY.key_der}
    for wrong in (b"", b"junk", der[name][:-1]):
        with MqttProcess(port=broker.port, **{**der, name: wrong}) as client:
            assert client.cause() == "tls_files", wrong


def test_tls_and_none_at_each_others_ports(tmp_path):
    with Mosquitto(tmp_path, server=SERVER) as broker:
        with MqttProcess(port=broker.plain_port, ca=PLANT.identity.der) as client:
            assert client.cause() in ("tls_handshake", "closed")
        with MqttProcess(port=broker.port) as client:
            assert client.cause() in ("malformed", "closed")


def full_listener(stack):
    """A port that answers no more: the queue of a listener that never accepts is full."""
    listener = stack.enter_context(socket.create_server((HOST, 0), backlog=0))
    for _ in range(4):
        sock = stack.enter_context(socket.socket())
        sock.setblocking(False)
        sock.connect_ex(listener.getsockname())
    return listener.getsockname()[1]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("given", [{}, {"ca": PLANT.identity.der}], ids=["plain", "tls"])
def test_networks_that_fail(width, given):
    with contextlib.ExitStack() as stack:
        with socket.create_server((HOST, 0)) as closed:
            port = closed.getsockname()[1]
        mute = stack.enter_context(socket.create_server((HOST, 0)))
        for host, at, cause in (
            ("unknown.test", port, "dns"),
            ("mute.test", port, "dns"),
            (HOST, port, "refused"),
            ("255.255.255.255", port, "unreachable"),
            (HOST, full_listener(stack), "timeout"),
            (HOST, mute.getsockname()[1], "timeout"),
        ):
            with MqttProcess(width, host=host, port=at, timeout_ms=400, **given) as client:
                assert client.cause() == cause, host
                client.halt()
                open_files = client.descriptors()
                client.again()
                client.wait("connecting", 3)
                client.halt()
                assert client.descriptors() == open_files, f"{host}: sockets are left open"


def relay(peer, port, limit):
    """Pass bytes between the client and a broker until so many have come from the broker; then close."""
    with socket.create_connection((HOST, port)) as upstream:

        def up():
            with contextlib.suppress(OSError):
                while data := peer.sock.recv(4096):
                    upstream.sendall(data)
                upstream.shutdown(socket.SHUT_WR)

        threading.Thread(target=up, daemon=True).start()
        left = limit
        while left and (data := upstream.recv(left)):
            peer.send(data)
            left -= len(data)
        peer.close()


def test_handshakes_cut_short_leave_nothing_behind(tmp_path):
    with Mosquitto(tmp_path, server=SERVER) as broker:
        limits = [*range(0, 12), *range(12, 900, 60)]
        with FakeBroker(lambda peer, number: relay(peer, broker.port, limits[number - 1])) as cutter:
            with MqttProcess(32, HEAP[32], port=cutter.port, ca=PLANT.identity.der) as client:
                for number in range(1, len(limits) + 1):
                    assert client.cause() in ("refused", "tls_handshake")
                    client.halt()
                    if number == 1:
                        open_files = client.descriptors()
                    assert client.descriptors() == open_files, "sockets are left open"
                    if number < len(limits):
                        client.again()


@pytest.mark.parametrize("width", WIDTHS)
def test_passwords(tmp_path, width):
    with Mosquitto(tmp_path, users={"sg": "šifra"}) as broker:
        with MqttProcess(width, port=broker.port, user="sg", password="šifra") as client:
            client.connected()
        for wrong in ({}, {"user": "sg"}, {"user": "sg", "password": "other"}, {"user": "x", "password": "šifra"}):
            with MqttProcess(width, port=broker.port, **wrong) as client:
                assert client.cause() in ("not_authorized", "password"), wrong


@pytest.mark.parametrize("width", WIDTHS)
def test_the_will_is_published_unless_we_say_goodbye(broker, width):
    with Receiver(broker, "sg/#") as receiver:
        given = {"port": broker.port, "will": ["sg/status", "offline"]}
        with MqttProcess(width, **given) as client:
            client.connected()
            client.publish("sg/status", "leaving", qos=1)
            client.wait("settled")
            client.say("disconnect")
            client.wait("state", 2, state="off")
        client = MqttProcess(width, **given)
        client.connected()
        client.process.kill()
        assert receiver.wait("sg/status", 2) == [b"leaving", b"offline"]
        assert receiver.messages[-1][2] == 1


@pytest.mark.parametrize("width", WIDTHS)
def test_a_retained_megabyte_does_no_harm(kind, width):
    broker, given = kind
    with Receiver(broker, "nothing") as other:
        other.publish("cmd/large", bytes(1 << 20), retain=True)
        other.publish("cmd/small", "1", retain=True)
        with MqttProcess(width, HEAP[width], **given, subscriptions=[["cmd/#", 1]]) as client:
            assert client.wait("message", topic="cmd/large")["payload"] is None
            assert client.wait("message", topic="cmd/small")["retained"]
            for number in range(30):  # more than a broker leaves unacknowledged
                other.publish("cmd/large", bytes(20000 + number))
            other.publish("x" * 5000, "nothing subscribed")
            other.publish("cmd/" + "y" * 5000, "the topic alone is too long")
            other.publish("cmd/end", "x")
            client.wait("message", topic="cmd/end")
            assert client.memory()["dropped"] == 32
            assert len(client.told("message", topic="cmd/large", payload=None)) == 31
            assert len(client.told("message", topic=None)) == 1
            assert len(client.told("state", state="connected")) == 1


@pytest.mark.parametrize("width", WIDTHS)
def test_a_broker_that_falls_silent_and_comes_back(kind, width):
    broker, given = kind
    with MqttProcess(width, **given, keepalive_s=1, timeout_ms=700) as client:
        client.connected()
        open_files = client.descriptors()
        broker.freeze()
        for number in range(4):
            client.publish("sg/frozen", qos=1, token=number)
        assert client.cause() == "timeout"
        told = client.told("settled", ok=False) + client.told("failed")
        assert sorted(one["token"] for one in told) == [0, 1, 2, 3]
        broker.freeze(False)
        client.connected(2)
        client.publish("sg/again", qos=1, token="again")
        client.wait("settled", token="again", ok=True)
        assert client.descriptors() == open_files


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_broker_that_restarts_in_the_middle(kind, width, how):
    """Every message with QoS 1 is told of once, whatever it was at; all that were acknowledged did arrive."""
    broker, given = kind
    count = 40
    with MqttProcess(width, HEAP[width], **given) as client:
        with Receiver(broker, "sg/#") as receiver:
            client.connected()
            open_files = client.descriptors()
            for number in range(count):
                client.publish("sg/m", qos=1, size=20000 + number, token=number)
            receiver.wait("sg/m", 3)
            broker.kill(how)
        client.wait("state", state="waiting")
        eventually(
            lambda: len(client.told("settled")) + len(client.told("failed")) == count,
            lambda: f"{client.told('settled')} {client.told('failed')}",
        )
        outcome = {one["token"]: one["ok"] for one in client.told("settled")}
        assert not set(outcome) & {one["token"] for one in client.told("failed")}
        arrived = {len(payload) - 20000 for payload in receiver.payloads("sg/m")}
        if how == signal.SIGTERM:  # else it may have died before it passed on what it acknowledged
            assert {token for token, is_acknowledged in outcome.items() if is_acknowledged} - arrived == set()
        broker.start()
        client.connected(2)
        with Receiver(broker, "sg/#") as receiver:
            client.publish("sg/after", qos=1, size=9000, token="after")
            client.wait("settled", token="after", ok=True)
            assert receiver.wait("sg/after") == [pattern(9000, 512)]
        assert client.descriptors() == open_files


@pytest.mark.parametrize("width", WIDTHS)
def test_cancelled_at_any_time_it_leaves_nothing_behind(kind, width):
    broker, given = kind
    with MqttProcess(width, HEAP[width], **given) as client:
        client.connected()
        open_files = client.descriptors()
        for number in range(1, 9):
            client.publish("sg/m", qos=1, size=400000, token=number)
            if number % 2:
                client.wait("state", number, state="connected")
            client.halt()
            eventually(lambda number=number: client.told("failed", token=number), "the publisher hangs")
            assert client.descriptors() == open_files - 1
            client.again()
            client.connected(number + 1)
        assert not client.told("settled")
