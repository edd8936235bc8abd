"""/api/links: how the links do, and what a test of the stored settings says, at mosquitto and servers with TLS of all kinds."""

import re
import socket
import ssl
import threading
import time

import pytest

from host_tests.authority import Authority, self_signed
from host_tests.gateway import api, change, eventually, gateway, login
from host_tests.mosquitto import Mosquitto, Receiver, free_port
from host_tests.mqtt_process import FakeBroker

HOST = "127.0.0.1"
WIDTHS = (64, 32)
PLANT = Authority("Plant")
ELSEWHERE = Authority("Elsewhere")
SERVER = PLANT.issue("broker", [HOST])
GATEWAY = PLANT.issue("SG000017")
PASSWORD = "horse battery"
IDENTITIES = {
    "right": SERVER,
    "expired": PLANT.issue("broker", [HOST], -10, -1),
    "early": PLANT.issue("broker", [HOST], 10),
    "other name": PLANT.issue("broker", ["broker.test"]),
    "other authority": ELSEWHERE.issue("broker", [HOST]),
    "nobody's": self_signed("broker", [HOST]),
}
# what                        broker             settings                      cause                what went well
PLAIN = ("name", "tcp")
CASES = (
    ("anybody may come", "right", {"mqtt1_tls": 0}, "", (*PLAIN, "mqtt")),
    ("TLS", "right", {}, "", (*PLAIN, "tls", "mqtt")),
    ("a plain port asked for TLS", "right", {"plain": 1}, "tls_handshake", PLAIN),
    ("a TLS port asked without", "right", {"mqtt1_tls": 0, "secure": 1}, "closed", PLAIN),
    ("expired", "expired", {}, "tls_expired", PLAIN),
    ("not valid yet", "early", {}, "tls_not_yet_valid", PLAIN),
    ("for another name", "other name", {}, "tls_name", PLAIN),
    ("another authority", "other authority", {}, "tls_authority", PLAIN),
    ("self-signed", "nobody's", {}, "tls_authority", PLAIN),
    ("no authority stored", "right", {"mqtt1_cert_file": "missing.pem"}, "tls_files", ()),
    ("a client certificate that is a key", "right", {"mqtt1_tls": 2, "mqtt1_cli_cert": "ca.pem"}, "tls_files", ()),
    ("no such name", "right", {"mqtt1_server": "nowhere.invalid"}, "dns", ()),
    ("no port", "right", {"closed": 1}, "refused", ("name",)),
)


@pytest.fixture(scope="module")
def brokers(tmp_path_factory):
    """Mosquitto with each of the certificates, by what is wrong with it."""
    started = {}
    try:
        for what, identity in IDENTITIES.items():
            started[what] = Mosquitto(tmp_path_factory.mktemp("broker"), server=identity)
            started[what].start()
        yield started
    finally:
        for broker in started.values():
            broker.kill()


@pytest.fixture(scope="module", params=WIDTHS)
def rig(request):
    with gateway(request.param, meters=[]) as rig:
        certificates = (("ca.pem", PLANT.identity.pem), ("gateway.pem", GATEWAY.pem), ("gateway.key", GATEWAY.key_pem))
        for name, pem in certificates:
            assert api(rig, "/api/certificates", {"name": name, "pem": pem.decode()})[0] == 201
        yield rig


@pytest.fixture
def link(rig):
    """Set up link 1: a function of its settings. What is not named is as it comes, but for the server and MQTT."""

    def set_up(**changes):
        change(rig, **{"mqtt1_server": HOST, "push1_protocol": 1, "push1_resp_time": 5, **changes})

    yield set_up
    unset = {"mqtt1_server": "", "push1_protocol": 0, "mqtt1_tls": 0, "mqtt1_username": "", "mqtt1_password": ""}
    change(rig, **unset, mqtt1_cert_file="", mqtt1_cli_cert="", mqtt1_key_file="", push1_resp_time=5)


def tried(rig, number=1):
    status, answer = api(rig, "/api/links/test", {"link": number})
    assert status == 200, answer
    assert set(answer) == {"ok", "cause", "text", "steps"} and answer["ok"] == (not answer["cause"])
    return answer


def told(rig, number=1):
    return rig.get_json("/api/links")["links"][number - 1]


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_causes(rig, brokers, link, case):
    _, broker, settings, cause, steps = case
    broker, settings = brokers[broker], {"mqtt1_tls": 1, "mqtt1_cert_file": "ca.pem", **case[2]}
    port = broker.plain_port if not settings["mqtt1_tls"] else broker.port
    if settings.pop("plain", 0):
        port = broker.plain_port
    if settings.pop("secure", 0):
        port = broker.port
    if settings.pop("closed", 0):
        port = free_port()
    link(**settings, mqtt1_port=port)
    answer = tried(rig)
    assert (answer["cause"], tuple(answer["steps"])) == (cause, steps), answer
    assert re.fullmatch(r"[a-z][\w ,:;.'?-]{20,}", answer["text"]), "no sentence"


def test_passwords(rig, link, tmp_path):
    with Mosquitto(tmp_path, users={"sg": PASSWORD}) as broker:
        link(mqtt1_port=broker.port, mqtt1_username="sg", mqtt1_password="wrong " + PASSWORD)
        answer = tried(rig)
        assert answer["cause"] in ("password", "not_authorized") and answer["steps"] == ["name", "tcp"]
        assert "password" in answer["text"]
        link(mqtt1_port=broker.port, mqtt1_username="", mqtt1_password="")
        assert "password" in tried(rig)["text"]
        link(mqtt1_port=broker.port, mqtt1_username="sg", mqtt1_password=PASSWORD)
        answer = tried(rig)
        assert answer["ok"] and answer["steps"] == ["name", "tcp", "mqtt"]
    told_of = rig.log() + str(api(rig, "/api/events")) + str(answer) + str(rig.get_json("/api/links"))
    assert PASSWORD not in told_of


def test_certificates_of_clients(rig, link, tmp_path):
    with Mosquitto(tmp_path, server=SERVER, clients=PLANT) as broker:
        link(mqtt1_port=broker.port, mqtt1_tls=1, mqtt1_cert_file="ca.pem")
        assert tried(rig)["cause"] == "tls_handshake"
        mine = {"mqtt1_cli_cert": "gateway.pem", "mqtt1_key_file": "gateway.key"}
        link(mqtt1_port=broker.port, mqtt1_tls=2, mqtt1_cert_file="ca.pem", **mine)
        assert tried(rig)["steps"] == ["name", "tcp", "tls", "mqtt"]


class Secure:
    """An HTTPS server that takes handshakes and keeps what comes in `received`."""

    def __init__(self, identity, folder):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*identity.save(folder, "https"))
        self._context = context
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        self.received = []
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()

    def _serve(self):
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            try:
                with self._context.wrap_socket(raw, server_side=True) as secure:
                    self.received.append(secure.recv(100))
            except OSError:
                raw.close()


def test_https_up_to_tls(rig, link, tmp_path):
    with Secure(SERVER, tmp_path) as server:
        link(mqtt1_port=server.port, push1_protocol=3, mqtt1_tls=1, mqtt1_cert_file="ca.pem")
        answer = tried(rig)
        assert answer["ok"] and answer["steps"] == ["name", "tcp", "tls"]
        eventually(lambda: server.received, "nothing came through TLS")
        assert server.received == [b"\r\n"]  # and no request
    with Secure(IDENTITIES["expired"], tmp_path) as server:
        link(mqtt1_port=server.port, push1_protocol=3, mqtt1_tls=1, mqtt1_cert_file="ca.pem")
        assert tried(rig)["cause"] == "tls_expired"
        link(mqtt1_port=server.port, push1_protocol=2, mqtt1_tls=0)
        assert tried(rig)["steps"] == ["name", "tcp"]  # XML over TCP: more cannot be seen without a reading


def test_one_at_a_time_and_within_the_response_time(rig, link):
    """A server that says nothing: the first test lasts its time, a second one is not begun, the next one is."""
    asked = threading.Event()

    def serve(peer, _):
        if b"-t" in peer.packet()[1]:
            asked.set()
        peer.until_closed()

    with FakeBroker(serve) as broker:
        link(mqtt1_port=broker.port, push1_resp_time=3)
        answers = []
        first = threading.Thread(target=lambda: answers.append(tried(rig)))
        began = time.monotonic()
        first.start()
        assert asked.wait(10)
        status, answer = api(rig, "/api/links/test", {"link": 1})
        assert status == 409 and "another test" in answer["error"]
        first.join(30)
        assert answers == [{"ok": False, "cause": "timeout", "text": answers[0]["text"], "steps": ["name", "tcp"]}]
        assert time.monotonic() - began < 20, "the response time is 3 s"
        assert tried(rig)["cause"] == "timeout"
    assert api(rig, "/api/health")[1]["crashes"] == 0


def test_who_goes_away_leaves_no_test_behind(rig, link):
    seen = []

    def serve(peer, _):
        if b"-t" in peer.packet()[1]:
            seen.append(peer)
        peer.until_closed()
        if peer in seen:
            seen.append("closed")

    with FakeBroker(serve) as broker:
        link(mqtt1_port=broker.port, push1_resp_time=2)
        raw = socket.create_connection(rig.ready["http"].removeprefix("http://").split(":"))
        head = "".join(f"{name}: {value}\r\n" for name, value in login(rig).items())
        body = '{"link":1}'
        raw.sendall(f"POST /api/links/test HTTP/1.1\r\nHost: x\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        eventually(lambda: seen, "no test")
        raw.close()
        eventually(lambda: "closed" in seen, "the connection stays")
    assert eventually(lambda: api(rig, "/api/links/test", {"link": 1})[0] == 200, "the next test is not begun")


def test_what_is_wanted_of_whom(rig, link):
    headers = {"Content-Type": "application/json"}
    assert rig.get("/api/links/test", headers, "POST", '{"link":1}')[0] == 403
    assert rig.get("/api/links")[0] == 200
    for number in (0, 3, "1", True, None, 1.5, [1]):
        assert api(rig, "/api/links/test", {"link": number})[0] == 400, number
    for number in (1, 2):
        status, answer = api(rig, "/api/links/test", {"link": number})
        assert status == 409 and "off" in answer["error"]
    link(mqtt1_server="")
    assert api(rig, "/api/links/test", {"link": 1})[0] == 409
    eventually(lambda: told(rig)["state"] == "Disabled", lambda: told(rig))


def test_a_link_that_works_tells_so_and_a_test_leaves_it_alone(rig, link, tmp_path):
    started = time.time()
    with Mosquitto(tmp_path) as broker, Receiver(broker, "+/pub/#") as receiver:
        off = eventually(lambda: (now := told(rig))["state"] == "Disabled" and now, lambda: told(rig))
        assert (off["cause"], off["text"]) == ("", "")
        link(mqtt1_port=broker.port, gateway_pushlink=1, gateway_pushintv=1)
        try:
            eventually(lambda: told(rig)["state"] == "Connected", lambda: told(rig))
            eventually(lambda: told(rig)["sent"] >= 2, lambda: told(rig))
            before = told(rig)
            assert started - 2 <= before["since"] <= time.time() + 2 and before["since_time"]
            assert (before["protocol"], before["server"], before["dropped"]) == (1, HOST, 0)
            assert tried(rig)["ok"]
            assert "SG" in broker.log() and "-t" in broker.log()
            after = told(rig)
            assert (after["state"], after["since"]) == ("Connected", before["since"])
            came = len(receiver.messages)
            eventually(lambda: len(receiver.messages) > came, "the link does not send any more")
            broker.kill()
            lost = eventually(
                lambda: (now := told(rig))["state"] == "Disconnected" and now["cause"] == "refused" and now, lambda: told(rig)
            )
            assert "nothing listens" in lost["text"] and lost["failed"] >= before["since"] and lost["failed_time"]
            eventually(lambda: told(rig)["backlog"] > 0, lambda: told(rig))
            broker.start()
            again = eventually(lambda: (now := told(rig))["state"] == "Connected" and now, lambda: told(rig))
            assert again["cause"] == "refused" and again["since"] >= lost["failed"]  # why it was gone stays known
        finally:
            change(rig, gateway_pushlink=0, gateway_pushintv=600)
    link(mqtt1_port=1)
    change(rig, mqtt1_server="")
    gone = eventually(lambda: (now := told(rig))["state"] == "Disabled" and now, lambda: told(rig))
    assert (gone["cause"], gone["text"], gone["failed"], gone["backlog"]) == ("", "", 0, 0)
