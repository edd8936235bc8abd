"""Our side of provisioning against a phone that was written without it (host_tests/provisioning_client.py)."""

import hashlib
import json
import os
import random
import subprocess

import pytest

from conftest import TOP, interpreter
from host_tests import provisioning_client as phone

NETWORKS = [  # ssid, passphrase, channel, rssi, auth
    ("HomeNet", "correcthorse", 6, -41, 3),
    ("cafe", "", 1, -63, 0),
    ("z" * 32, "p" * 63, 13, -100, 7),
    *[(f"neighbour {each}", "nobody knows", 1 + each, -64 - each, 4) for each in range(9)],
    ("größer", "l\u00e4nger", 11, -30, 6),
]


class Refused(Exception):
    """The device answered with an error of the transport."""


class Pipe:
    """A device of ours in MicroPython: the transport of a client."""

    def __init__(self, width):
        self._process = subprocess.Popen(
            [interpreter(width), "-X", "heapsize=1m", str(TOP / "host_tests" / "peers" / "provisioning_lines.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(os.environ, MICROPYPATH=f"{TOP}:.frozen"),
            cwd=TOP,
            text=True,
        )
        self._answers = {}

    def call(self, what, *arguments):
        self._process.stdin.write(json.dumps([what, arguments]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def write(self, endpoint, request):
        answer = self.call("write", endpoint, request.hex())
        self._answers[endpoint] = b"" if answer is None else bytes.fromhex(answer)
        if answer is None:
            raise Refused(endpoint)

    def read(self, endpoint):
        return self._answers[endpoint]

    def close(self):
        self._process.stdin.close()
        assert self._process.wait(10) == 0


@pytest.fixture(scope="module", params=["64", "32"])
def pipe(request):
    pipe = Pipe(request.param)
    yield pipe
    pipe.close()


def verifier(username, password, salt):
    """What a device stores in place of a password."""
    inner = hashlib.sha512(f"{username}:{password}".encode()).digest()
    x = int.from_bytes(hashlib.sha512(salt + inner).digest(), "big")
    return pow(phone.GENERATOR, x, phone.PRIME).to_bytes(phone.SIZE, "big")


def device(pipe, security, pop, networks=NETWORKS, username="wifiprov"):
    if security == 2:
        salt = b"\x5a" + os.urandom(15)
        secret = [salt.hex(), verifier(username, pop, salt).hex()]
    else:
        secret = pop
    rows = [(ssid.encode().hex(), *rest) for ssid, *rest in networks]
    pipe.call("make", security, secret, rows)


def join(client, ssid, passphrase):
    return client.join(ssid, passphrase, sleep=lambda seconds: None)


SCHEMES = ((1, "abcd1234"), (1, ""), (2, "abcd1234"))


@pytest.mark.parametrize(("security", "pop"), SCHEMES)
def test_the_whole_exchange(pipe, security, pop):
    device(pipe, security, pop)
    client = phone.Client(pipe, pop)
    client.connect()
    assert client.version["cap"] == (["wifi_scan"] if pop else ["no_pop", "wifi_scan"])
    found = client.scan()
    expected = sorted(NETWORKS, key=lambda network: -network[3])
    assert [each["ssid"].decode() for each in found] == [network[0] for network in expected]
    assert [(each["channel"], each["rssi"], each["auth"]) for each in found] == [network[2:] for network in expected]
    for ssid, passphrase, channel, _, auth in (NETWORKS[0], NETWORKS[1], NETWORKS[2], NETWORKS[-1]):
        told = join(client, ssid, passphrase)
        assert told == {
            "state": "Connected",
            "address": "192.168.4.17",
            "auth": auth,
            "channel": channel,
            "ssid": ssid.encode(),
            "bssid": bytes([channel] * 6),
        }


@pytest.mark.parametrize(("security", "pop"), SCHEMES)
def test_a_wrong_passphrase_and_then_the_right_one(pipe, security, pop):
    device(pipe, security, pop)
    client = phone.Client(pipe, pop)
    client.connect()
    assert client.status() == {"state": "Connecting"}
    assert join(client, "HomeNet", "wrong") == {"state": "ConnectionFailed", "reason": "AuthError"}
    client.reset()
    assert join(client, "nowhere", "wrong") == {"state": "ConnectionFailed", "reason": "NetworkNotFound"}
    with pytest.raises(phone.StatusError, match="InternalError"):
        client.reprovision()
    assert join(client, "HomeNet", "correcthorse")["state"] == "Connected"
    with pytest.raises(phone.StatusError, match="InternalError"):
        client.reset()
    client.reprovision()
    with pytest.raises(phone.StatusError, match="InternalError"):
        client.apply()
    with pytest.raises(phone.StatusError, match="InvalidArgument"):
        client.set_config("n" * 33)
    assert client.status() == {"state": "ConnectionFailed", "reason": "AuthError"}
    assert join(client, "cafe", "")["state"] == "Connected"


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 16, 20])
def test_any_number_of_networks(pipe, count):
    networks = [(f"{each:02}", "", 1, -20 - each, 0) for each in range(count)]
    device(pipe, 1, "", networks)
    client = phone.Client(pipe)
    client.connect()
    assert [each["rssi"] for each in client.scan()] == [network[3] for network in networks[:16]]
    assert [each["rssi"] for each in client.scan(passive=True)] == [network[3] for network in networks[:16]]


@pytest.mark.parametrize("security", [1, 2])
def test_a_wrong_proof(pipe, security):
    device(pipe, security, "abcd1234")
    wrong = phone.Client(pipe, "abcd1235")
    for count in range(1, 3):
        with pytest.raises(Refused):
            wrong.connect()
        assert pipe.call("failures") == count
    right = phone.Client(pipe, "abcd1234")  # on the same connection
    right.connect()
    assert len(right.scan()) == len(NETWORKS)


@pytest.mark.parametrize("security", [1, 2])
def test_a_client_that_connects_again(pipe, security):
    device(pipe, security, "abcd1234")
    client = phone.Client(pipe, "abcd1234")
    for _ in range(3):
        client.connect()
        client.connect()
        client.scan()
        pipe.call("disconnect")
        with pytest.raises(Refused):
            client.status()


def test_another_user(pipe):
    device(pipe, 2, "p\u00e4ss", username="somebody else")
    with pytest.raises(Refused):
        phone.Client(pipe, "p\u00e4ss").connect()
    client = phone.Client(pipe, "p\u00e4ss", "somebody else")
    client.connect()
    assert join(client, "cafe", "")["state"] == "Connected"


@pytest.mark.parametrize("security", [1, 2])
def test_refused_requests_leave_both_in_step(pipe, security):
    device(pipe, security, "abcd1234")
    client = phone.Client(pipe, "abcd1234")
    client.connect()
    for endpoint, plain in (
        ("prov-config", "0806"),
        ("prov-scan", "08048201"),
        ("prov-ctrl", "00"),
        ("prov-scan", "08047202 0811"),
    ):
        with pytest.raises(Refused):
            client.ask(endpoint, bytes.fromhex(plain))
        assert client.status() == {"state": "Connecting"}


def test_many_handshakes(pipe):
    """Keys of all kinds, those with leading zeros among them: agreement may not depend on luck."""
    dice = random.Random(8)
    for security, count in ((1, 60), (2, 12)):
        for _ in range(count):
            device(pipe, security, "abcd1234")
            client = phone.Client(pipe, "abcd1234", random=dice.randbytes)
            client.connect()
            assert client.status() == {"state": "Connecting"}


def test_the_recorded_sessions():
    """The phone itself does what is recorded of Espressif's desktop client, byte for byte in the handshake."""
    rows = json.loads((TOP / "host_tests" / "vectors" / "provisioning_sessions.json").read_text())["sessions"]
    for row in rows:
        steps = [(step["endpoint"], bytes.fromhex(step["write"]), bytes.fromhex(step["read"])) for step in row["steps"]]

        class Tape:
            def __init__(self, steps):
                self.left = list(steps)

            def write(self, endpoint, request):
                assert (endpoint, request) == self.left[0][:2]

            def read(self, endpoint):
                return self.left.pop(0)[2]

        secret = bytes.fromhex(row.get("client_private") or row["client_secret_a"])
        tape = Tape(steps)
        client = phone.Client(tape, row["pop"], random=lambda count, secret=secret: secret)
        client.version = {"sec_ver": row["security"], "cap": []}
        client.handshake()
        if row["name"] == "sec1-B":
            continue  # its commands have the desktop client's shape
        found = client.scan()
        assert [each["ssid"].hex() for each in found] == [network["ssid"] for network in row["networks"]]
        assert join(client, "HomeNet", "correcthorse")["state"] == "Connected"
        assert not tape.left
