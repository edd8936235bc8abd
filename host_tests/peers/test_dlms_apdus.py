"""Our DLMS client against a meter of dlms-cosem's codecs, and Gurux's client against our server: APDUs, without a link."""

import json
import os
import subprocess

import pytest
from dlms_peer_meter import AK, CLIENT_TITLE, EK, PASSWORD, SECRET, Meter, example_objects, logical_name
from gurux_dlms import GXByteBuffer, GXReplyData
from gurux_dlms.enums import Authentication, InterfaceType
from gurux_dlms.GXDLMSException import GXDLMSException
from gurux_dlms.objects import GXDLMSDisconnectControl, GXDLMSProfileGeneric, GXDLMSRegister
from gurux_dlms.secure import GXDLMSSecureClient

from conftest import TOP, interpreter

REGISTER = logical_name("1.0.1.8.0.255").hex()
PROFILE = logical_name("1.0.99.1.0.255").hex()
RELAY = logical_name("0.0.96.3.10.255").hex()
NUMBER = logical_name("0.0.96.1.0.255").hex()
KEYS = {"title": CLIENT_TITLE.hex(), "ek": EK.hex(), "ak": AK.hex()}
LLS = {"mechanism": 1, "secret": PASSWORD.hex()}
ACCESSES = {
    "no security": {},
    "LLS": LLS,
    "HLS 2": {"mechanism": 2, "secret": SECRET.hex()},
    "HLS 3": {"mechanism": 3, "secret": SECRET.hex()},
    "HLS 4": {"mechanism": 4, "secret": SECRET.hex()},
    "GMAC": {"mechanism": 5, **KEYS},
    "HLS 6": {"mechanism": 6, "secret": SECRET.hex(), "title": CLIENT_TITLE.hex()},
    "ciphered": {"ciphering": "glo", **KEYS},
    "ciphered, LLS": {"ciphering": "glo", **LLS, **KEYS},
    "ciphered, GMAC": {"ciphering": "glo", "mechanism": 5, **KEYS},
    "ciphered, HLS 6": {"ciphering": "glo", "mechanism": 6, "secret": SECRET.hex(), **KEYS},
    "general, GMAC": {"ciphering": "general", "mechanism": 5, **KEYS},
    "dedicated key": {"ciphering": "glo", "mechanism": 5, "dedicated": bytes(range(32, 48)).hex(), **KEYS},
    "general, dedicated key": {"ciphering": "general", "mechanism": 5, "dedicated": bytes(range(32, 48)).hex(), **KEYS},
    "authenticated only": {"ciphering": "glo", "mechanism": 5, "security": 0x10, **KEYS},
    "enciphered only": {"ciphering": "glo", "security": 0x20, **KEYS},
}


class Failed(Exception):
    """(class of the error, reason, code)"""


class Ours:
    """Our client and server in MicroPython; see dlms_lines.py."""

    def __init__(self, width):
        self.process = subprocess.Popen(
            [interpreter(width), "-X", "heapsize=4m", str(TOP / "host_tests" / "peers" / "dlms_lines.py")],
            env=dict(os.environ, MICROPYPATH=f"{TOP}:.frozen"),
            cwd=TOP,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, *command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def run(self, meter, *command):
        """Return the values, in bytes, of something that our client does with a meter."""
        answer = self.ask(*command)
        while "apdu" in answer:
            answer = self.ask("reply", meter.apdu(bytes.fromhex(answer["apdu"])).hex())
        if "error" in answer:
            raise Failed(*answer["error"])
        self.results = answer["results"]
        return [bytes.fromhex(value) for value in answer["done"]]

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


@pytest.fixture(params=["64", "32"])
def ours(request):
    child = Ours(request.param)
    yield child
    child.close()


def meter_for(access, **options):
    return Meter(example_objects(), secret=SECRET, security=access.get("security", 0x30), **options)


@pytest.mark.parametrize("name", ACCESSES)
def test_reads_writes_and_acts(ours, name):
    access = ACCESSES[name]
    meter = meter_for(access)
    objects = meter.objects
    ours.run(meter, "begin", access)
    assert ours.run(meter, "get", 3, REGISTER, 2) == [bytes.fromhex("060001E240")]
    whole = objects[7, bytes.fromhex(PROFILE), 2](None)
    assert ours.run(meter, "get", 7, PROFILE, 2) == [whole]
    assert len(meter.asked) > 5  # in blocks
    entries = ours.ask("by_entry", 3, 6)
    assert ours.run(meter, "get", 7, PROFILE, 2, entries) == [objects[7, bytes.fromhex(PROFILE), 2]((2, [3, 6, 1, 0]))]
    span = ours.ask("by_range", "07e80501ff01000000800000", "07e80501ff02000000800000")
    (rows,) = ours.run(meter, "get", 7, PROFILE, 2, span)
    assert rows[:2] == b"\x01\x05"  # 01:00 to 02:00, both included
    items = [[3, REGISTER, 2], [3, REGISTER, 9], [7, PROFILE, 2], [1, NUMBER, 2]]
    assert ours.run(meter, "get_list", items) == [bytes.fromhex("060001E240"), b"", whole, b"\x09\x0812345678"]
    assert ours.results == [0, 4, 0, 0]
    ours.run(meter, "set", 1, NUMBER, 2, "0904" + b"abcd".hex())
    assert objects[1, bytes.fromhex(NUMBER), 2] == b"\x09\x04abcd"
    long = b"\x09\x82\x08\x00" + bytes(range(256)) * 8
    ours.run(meter, "set", 1, NUMBER, 2, long.hex())
    assert objects[1, bytes.fromhex(NUMBER), 2] == long
    ours.run(meter, "set_list", [[1, NUMBER, 2], [3, REGISTER, 8]], ["0f01", "0902" + b"xy".hex()])
    assert ours.results == [0, 4]
    assert objects[1, bytes.fromhex(NUMBER), 2] == b"\x0f\x01"
    ours.run(meter, "action", 70, RELAY, 1, "0f00")
    assert ours.run(meter, "get", 70, RELAY, 2) == [b"\x03\0"]
    with pytest.raises(Failed, match="object undefined"):
        ours.run(meter, "get", 3, "0100020300ff", 2)
    with pytest.raises(Failed, match="object undefined"):
        ours.run(meter, "action", 70, RELAY, 7, "0f00")
    ours.run(meter, "release")
    assert not meter.is_open


def test_action_in_blocks(ours):
    got = []
    meter = meter_for({}, conformance=0x001E1D)
    meter.objects[9, bytes.fromhex(RELAY), -1] = lambda parameter: got.append(parameter)
    ours.run(meter, "begin", {})
    long = b"\x09\x82\x04\x00" + bytes(1024)
    ours.run(meter, "action", 9, RELAY, 1, long.hex())
    assert got == [long]


@pytest.mark.parametrize("most_pdu", [60, 100, 128, 500, 1024, 0])
def test_pdu_sizes(ours, most_pdu):
    for name in ("no security", "ciphered, GMAC"):
        meter = meter_for(ACCESSES[name])
        meter.most_pdu = most_pdu or 0xFFFF
        seen = []
        answer, apdu = meter.apdu, lambda request: seen.append(len(request)) or answer(request)
        meter.apdu = apdu
        ours.run(meter, "begin", ACCESSES[name])
        seen.clear()
        data = b"\x09\x82\x0b\xb8" + bytes(3000)
        ours.run(meter, "set", 1, NUMBER, 2, data.hex())
        assert meter.objects[1, bytes.fromhex(NUMBER), 2] == data
        items = [[3, REGISTER, 2]] * 30
        assert ours.run(meter, "get_list", items) == [bytes.fromhex("060001E240")] * 30
        assert max(seen) <= (most_pdu or 1024)


def test_a_meter_that_takes_too_little(ours):
    meter = meter_for({}, most_pdu=40)
    ours.run(meter, "begin", ACCESSES["ciphered"])
    assert ours.run(meter, "get", 70, RELAY, 2) == [b"\x03\1"]
    with pytest.raises(Failed, match="longer than the meter takes"):
        ours.run(meter, "set", 1, NUMBER, 2, bytes(100).hex())


def test_what_a_meter_lacks(ours):
    meter = meter_for({}, conformance=0x18)
    ours.run(meter, "begin", {})
    assert ours.run(meter, "get_list", [[3, REGISTER, 2]] * 3) == [bytes.fromhex("060001E240")] * 3
    assert [request[1] for request in meter.asked] == [1, 1, 1]
    with pytest.raises(Failed, match="selective access"):
        ours.run(meter, "get", 7, PROFILE, 2, ours.ask("by_entry", 1, 2))
    with pytest.raises(Failed, match="blocks of SET"):
        ours.run(meter, "set", 1, NUMBER, 2, bytes(600).hex())


def test_wrong_secrets(ours):
    for name, wrong, error in (
        ("LLS", {"secret": b"12345679".hex()}, ["PeerError", "authentication failure", 13]),
        ("HLS 2", {"secret": b"other".hex()}, ["PeerError", "authentication failure", 3]),
        ("HLS 3", {"secret": b"other".hex()}, ["PeerError", "authentication failure", 3]),
        ("HLS 4", {"secret": b"other".hex()}, ["PeerError", "authentication failure", 3]),
        ("HLS 6", {"secret": b"other".hex()}, ["PeerError", "authentication failure", 3]),
        ("GMAC", {"ak": EK.hex()}, ["PeerError", "authentication failure", 3]),
    ):
        meter = meter_for(ACCESSES[name])
        with pytest.raises(Failed) as failed:
            ours.run(meter, "begin", {**ACCESSES[name], **wrong})
        assert list(failed.value.args) == error, name


def test_a_meter_that_does_not_know_the_secret(ours):
    for name in ("HLS 2", "HLS 3", "HLS 4", "HLS 6", "GMAC"):
        meter = meter_for(ACCESSES[name])
        proof = meter._proof
        meter._proof = lambda is_meter, counter=0: bytes(16) if is_meter else proof(is_meter, counter)
        with pytest.raises(Failed, match="does not know the secret"):
            ours.run(meter, "begin", ACCESSES[name])


def test_a_meter_with_other_keys(ours):
    meter = meter_for({}, ak=EK)
    plain = meter._plain
    meter._plain = lambda body, key: (setattr(meter, "ak", AK), plain(body, key), setattr(meter, "ak", EK))[1]
    with pytest.raises(Failed, match="wrong tag"):
        ours.run(meter, "begin", ACCESSES["ciphered, GMAC"])


class Gurux:
    """Gurux's client over a wrapper whose other end is our server."""

    def __init__(self, ours, sap, authentication, password=None):
        self.ours, self.sap = ours, sap
        self.client = GXDLMSSecureClient(True, sap, 1, authentication, password, InterfaceType.WRAPPER)

    def exchange(self, packets):
        reply = GXReplyData()
        packets = packets if isinstance(packets, list) else [packets]
        for packet in packets[0] if isinstance(packets[0], list) else packets:
            reply.clear()
            while True:
                received, notify = GXByteBuffer(), GXReplyData()
                apdu = bytes.fromhex(self.ours.ask("serve", bytes(packet)[8:].hex(), self.sap)["apdu"])
                head = b"\0\1\0\1" + self.sap.to_bytes(2, "big") + len(apdu).to_bytes(2, "big")
                received.set(head + apdu)
                assert self.client.getData(received, reply, notify)
                if reply.error:
                    raise GXDLMSException(reply.error)
                if not reply.isMoreData():
                    break
                packet = self.client.receiverReady(reply)
        return reply

    def open(self):
        self.client.parseAareResponse(self.exchange(self.client.aarqRequest()).data)

    def read(self, thing, attribute):
        self.client.updateValue(thing, attribute, self.exchange(self.client.read(thing, attribute)).value)
        return thing


def test_gurux_reads_our_server(ours):
    gurux = Gurux(ours, 16, Authentication.NONE)
    gurux.open()
    register = GXDLMSRegister("1.0.1.8.0.255")
    gurux.read(register, 3)
    assert gurux.read(register, 2).value == 1234560
    profile = GXDLMSProfileGeneric("1.0.99.1.0.255")
    gurux.read(profile, 3)
    gurux.read(profile, 2)  # 200 rows, in blocks
    assert [row[1] for row in profile.buffer] == list(range(1, 201))
    gurux.client.updateValue(profile, 2, gurux.exchange(gurux.client.readRowsByEntry(profile, 3, 4)).value)
    assert [row[1] for row in profile.buffer] == [3, 4, 5, 6]
    with pytest.raises(GXDLMSException):
        gurux.read(GXDLMSRegister("1.0.2.8.0.255"), 2)
    with pytest.raises(GXDLMSException):
        gurux.exchange(GXDLMSDisconnectControl("0.0.96.3.10.255").remoteDisconnect(gurux.client))


def test_gurux_configures_our_server(ours):
    gurux = Gurux(ours, 1, Authentication.LOW, "12345678")
    gurux.open()
    register = GXDLMSRegister("1.0.1.8.0.255")
    relay = GXDLMSDisconnectControl("0.0.96.3.10.255")
    gurux.exchange(gurux.client.readList([(register, 2), (register, 3), (relay, 2)]))
    register.value = 77
    gurux.exchange(gurux.client.write(register, 2))
    assert gurux.read(register, 2).value == 77
    assert gurux.read(relay, 2).outputState
    gurux.exchange(relay.remoteDisconnect(gurux.client))
    assert not gurux.read(relay, 2).outputState
    gurux.exchange(gurux.client.releaseRequest())
    with pytest.raises(Exception, match="not allowed"):
        gurux.read(register, 2)


def test_gurux_with_a_wrong_password(ours):
    gurux = Gurux(ours, 1, Authentication.LOW, "12345679")
    with pytest.raises(Exception, match="[Aa]uthentication"):
        gurux.open()
