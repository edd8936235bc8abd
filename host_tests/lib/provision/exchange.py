"""What the tests of provisioning share: recorded sessions, a Wi-Fi that keeps the contract, and whole exchanges.

The sessions of host_tests/vectors/provisioning_sessions.json are such that Espressif's own client accepts every answer.
"""

import json

from lib.provision import security1, security2
from lib.provision.errors import INTERNAL_ERROR, SUCCESS, Refused
from lib.provision.provisioner import Provisioner
from lib.provision.wifi import AUTH_ERROR, CONNECTED, CONNECTING, FAILED

MOST_YIELDS = 10000  # more than any request needs: a hang
KEPT = 8


class Kept:
    """A generator function whose last results are kept: the same handshake is made thousands of times."""

    def __init__(self, compute):
        self._compute = compute
        self._results = {}

    def __call__(self, *arguments):
        if arguments not in self._results:
            if len(self._results) >= KEPT:
                self._results.clear()
            self._results[arguments] = yield from self._compute(*arguments)
        yield
        yield
        return self._results[arguments]


def _begun(*secret_and_request):
    server = _Server(*secret_and_request[:2])
    device = yield from server.begin(*secret_and_request[2:])
    return device, server._expected, server._answer, server._secret


class KeptServer(security2.Server):
    """The SRP server, with what it computes kept as above."""

    begun = Kept(_begun)

    def begin(self, *request):
        kept = yield from KeptServer.begun(self._salt, self._verifier, *request)
        device, self._expected, self._answer, self._secret = kept
        return device


_Server = security2.Server
security2.Server = KeptServer
security1.public_key = Kept(security1.public_key)
security1.exchange = Kept(security1.exchange)


def load(name):
    with open("host_tests/vectors/provisioning_" + name + ".json") as file:
        return json.load(file)[name]


def sessions():
    """{name: recorded session}"""
    return {row["name"]: row for row in load("sessions")}


def run(generator):
    """(what a generator returns, how often it yielded)."""
    for turns in range(MOST_YIELDS):
        try:
            assert next(generator) is None
        except StopIteration as end:
            return end.value, turns
    raise AssertionError("does not end")


def ask(device, endpoint, request):
    """The answer, bytes; None if the request is refused. Any other error is the test's to fail by."""
    try:
        answer, _ = run(device.handle(endpoint, request))
    except Refused as refused:
        assert isinstance(refused.args[0], str)
        return None
    assert isinstance(answer, bytes) and 0 < len(answer) <= 512
    return answer


class Wifi:
    """The product's side: finds `networks` after some looks, tells a test's `states` one after the other, the last for ever."""

    def __init__(self, networks=(), states=((CONNECTING, None),)):
        self.found = networks
        self.states = list(states)
        self.calls = []
        self.statuses = {}  # name of a method: what it returns
        self.left = None  # looks until the scan is over

    def start_scan(self, passive):
        self.calls.append(("scan", passive))
        if not self.statuses.get("scan", True):
            return False
        self.left = 4
        return True

    def scan_finished(self):
        if self.left:
            self.left -= 1
        return not self.left

    def networks(self):
        assert not self.left
        return () if self.left is None else self.found

    def set_config(self, ssid, passphrase, bssid, channel):
        assert (
            isinstance(ssid, bytes) and isinstance(passphrase, bytes) and isinstance(bssid, bytes) and isinstance(channel, int)
        )
        assert len(ssid) <= 32 and len(passphrase) <= 63 and len(bssid) in (0, 6)
        self.calls.append(("set", ssid, passphrase, bssid, channel))
        return self.statuses.get("set", SUCCESS)

    def apply(self):
        self.calls.append(("apply",))
        return self.statuses.get("apply", SUCCESS)

    def state(self):
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def reset(self):
        self.calls.append(("reset",))
        return self.statuses.get("reset", INTERNAL_ERROR)

    def reprovision(self):
        self.calls.append(("reprovision",))
        return self.statuses.get("reprovision", INTERNAL_ERROR)


class Recorded:
    """A recorded session's device: `device`, its `wifi`, and play(), which may be called again and again."""

    def __init__(self, row):
        self.row = row
        self.steps = [(step["endpoint"], bytes.fromhex(step["write"]), bytes.fromhex(step["read"])) for step in row["steps"]]
        self.wrong_proof = bytes.fromhex(row["wrong_proof"])
        self.wifi = Wifi()
        self.wifi.statuses["reset"] = SUCCESS
        networks = [
            (bytes.fromhex(each["ssid"]), each["channel"], each["rssi"], bytes.fromhex(each["bssid"]), each["auth"])
            for each in row["networks"]
        ]
        self.wifi.found = networks[::-1]
        if row["security"] == 1:
            secret = row["pop"].encode()
            random = (row["device_private"], row["device_random"])
        else:
            secret = (bytes.fromhex(row["salt"]), bytes.fromhex(row["verifier"]))
            random = (row["device_secret_b"], row["device_nonce"][:16])
        self._random = {len(text) // 2: bytes.fromhex(text) for text in random}
        self.told = 0  # wrong proofs
        self.device = Provisioner(row["security"], secret, self.wifi, self.random, self.failed)

    def random(self, count):
        return self._random[count]

    def failed(self):
        self.told += 1

    def play(self, count=None):
        """The first `count` steps, all of them without; each answer has to be the recorded one."""
        if len(self.wifi.calls) > 100:
            self.wifi.calls.clear()
        connected = (CONNECTED, ("192.168.1.57", 3, b"HomeNet", b"\xa0\xb1\xc2\xd3\xe4\xf5", 6))
        self.wifi.states = [(CONNECTING, None), (FAILED, AUTH_ERROR) if self.row["name"] == "sec1-B" else connected]
        for endpoint, write, read in self.steps[:count]:
            answer = ask(self.device, endpoint, write)
            assert answer == read, (self.row["name"], endpoint, write.hex(), answer and answer.hex())


def cut(message):
    """Every shorter beginning, the empty one included."""
    for size in range(len(message)):
        yield message[:size]


def flipped(message):
    """Every bit changed, one at a time."""
    for at in range(len(message)):
        for bit in range(8):
            changed = bytearray(message)
            changed[at] ^= 1 << bit
            yield bytes(changed)


def extended(message):
    """With more behind it: nothing that makes sense, fields unknown and known, and as long as can be and longer."""
    for more in (b"\0", b"\xff", b"\x08", b"\x08\x00", b"\x08\x02", b"\xf8\x07\x05", b"\x52\x00", b"\x5a\x00", b"\x62\x01"):
        yield message + more
    yield message + bytes(512 - len(message))
    yield message + b"\xfa\x7f" + b"\x04" + b"text"
    yield message + bytes(513 - len(message))
    yield message + bytes(5000)
