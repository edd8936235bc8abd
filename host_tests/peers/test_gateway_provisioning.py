"""A phone gives the whole gateway its Wi-Fi over the rig's BLE channel: success, failures, guessing, and phones that misbehave.

The phone is host_tests/provisioning_client.py, which shares nothing with the gateway; the heap on 32 bit is that of a device.
"""

import json
import os
import time
from typing import Any

import pytest

from host_tests.ble_channel import AttError, Lost, Phone
from host_tests.gateway import api, command, eventually, gateway, settings
from host_tests.provisioning_client import Client, StatusError

# On a device aioble is frozen. Where the tests run over it (docs/rig.md) it lies in the heap, all of it.
HEAPS = {64: "1m", 32: "144k" if os.environ.get("OPENSG_AIOBLE") else "112k"}
APS = [
    {"ssid": "Urbancic", "psk": "correct horse", "rssi": -41, "auth": "wpa2", "channel": 6},
    {"ssid": "caf\\xe9", "psk": "", "rssi": -63, "auth": "open"},
    {"ssid": "größer", "psk": "länger", "rssi": -30, "auth": "wpa2/wpa3", "channel": 11},
    {"ssid": "hidden one", "psk": "unseen", "rssi": -50, "hidden": True},
    *[{"ssid": f"neighbour {each}", "psk": "?", "rssi": -64 - each, "channel": 1 + each} for each in range(6)],
]
ENDPOINTS = ["prov-ctrl", "prov-scan", "prov-session", "prov-config", "proto-ver"]
REFUSED = 14
POLL_S = 0.3


def start(bits, meters=None, **more):
    rig = gateway(bits, heap=HEAPS[bits], settings={"wifi_ssid": "", **more}, meters=[] if meters is None else meters)
    return rig


@pytest.fixture(params=[64, 32])
def rig(request):
    with start(request.param) as rig:
        rig.control("wifi", aps=APS)
        yield rig


def phone(rig):
    return Phone(rig.ready["ble"])


def client_of(phone, rig, pop=None):
    return Client(phone, pop=rig.ready["pop"] if pop is None else pop)


def connected(phone, rig, pop=None):
    """A client that has proved itself."""
    phone.connect()
    client = client_of(phone, rig, pop)
    client.connect()
    return client


def refused(action, *arguments):
    with pytest.raises(AttError) as caught:
        action(*arguments)
    assert caught.value.args == (REFUSED,)


def events(rig):
    return [event["text"] for event in api(rig, "/api/events")[1]["events"]]


def ssid(rig):
    return command(rig, "get_status")["ssid"]


@pytest.mark.parametrize("security", [1, 2])
@pytest.mark.parametrize("bits", [64, 32])
def test_the_installers_five_minutes(bits, security):
    """With the default field of meters, as on site."""
    chosen = {"wifi_ssid": "", "prov_security": security}
    with gateway(bits, heap=HEAPS[bits], settings=chosen) as rig, phone(rig) as guest:
        rig.control("wifi", aps=APS)
        code = json.loads(rig.ready["code"])
        assert code["security"] == str(security)
        assert guest.find() == code["name"] == "PROV_000011" and code["pop"] == rig.ready["pop"]
        leds = rig.control("leds")
        assert (leds["green"], leds["red"]) == ("fast", "fast")
        client = connected(guest, rig, code["pop"])
        found = [(each["ssid"], each["channel"], each["rssi"], each["auth"]) for each in client.scan()]
        seen = sorted((ap for ap in APS if not ap.get("hidden")), key=lambda ap: -ap["rssi"])
        auths = {"open": 0, "wpa2": 3, "wpa2/wpa3": 7}
        names = [b"caf\xe9" if ap["ssid"].startswith("caf") else ap["ssid"].encode() for ap in seen]
        assert found == [
            (name, ap.get("channel", 1), ap["rssi"], auths[ap.get("auth", "wpa2")])
            for name, ap in zip(names, seen, strict=True)
        ]
        assert client.join("Urbancic", "wrong", POLL_S) == {"state": "ConnectionFailed", "reason": "AuthError"}
        assert client.join("nowhere", "wrong", POLL_S) == {"state": "ConnectionFailed", "reason": "NetworkNotFound"}
        assert settings(rig)["wifi_ssid"] == "", "what failed is not kept"
        told = client.join("größer", "länger", POLL_S)
        assert told == {
            "state": "Connected",
            "address": "127.0.0.1",
            "auth": 7,
            "ssid": "größer".encode(),
            "bssid": b"\2\0\0\0\0\2",
            "channel": 11,
        }
        eventually(lambda: ssid(rig) == "größer", lambda: ssid(rig))
        eventually(lambda: settings(rig)["wifi_ssid"] == "größer", "it is not kept")
        eventually(lambda: rig.control("leds")["red"] == "off", "operational")
        assert guest.ask("read", handle=0) == {"error": "not connected"}, "Bluetooth is off"
        assert guest.scan() == ({}, {})
        text = rig.log() + str(events(rig))
        assert rig.ready["pop"] not in text and "länger" not in text and "wrong\n" not in text
        rig.ready.update(rig.control("reset"))
        eventually(lambda: ssid(rig) == "größer", lambda: ssid(rig))


def test_what_is_in_the_air(rig):
    with phone(rig) as guest:
        guest.find()
        advertisement, response = guest.scan()
        assert set(advertisement) == {1, 7} and advertisement[1] == b"\x06"
        assert response == {9: b"PROV_000011"}
        guest.do("connect")
        first, *others = guest.do("discover")["services"]
        assert bytes.fromhex(first["uuid"].replace("-", ""))[::-1] == advertisement[7]
        names = []
        for number, each in enumerate(first["characteristics"]):
            assert each["properties"] == ["read", "write"]
            assert each["uuid"] == f"{first['uuid'][:4]}{0xFF4F + number:04x}{first['uuid'][8:]}"
            (descriptor,) = each["descriptors"]
            assert descriptor["uuid"] == "2901"
            names.append(bytes.fromhex(guest.do("read", handle=descriptor["handle"])["hex"]).decode())
        assert names == ENDPOINTS
        (gap,) = others
        assert bytes.fromhex(guest.do("read", handle=gap["characteristics"][0]["handle"])["hex"]) == response[9]


def test_nothing_is_read_that_was_not_asked_for(rig):
    with phone(rig) as guest:
        guest.connect()
        for name in ENDPOINTS:
            refused(guest.read, name)
        guest.write("proto-ver", b"ESP")
        version = guest.read("proto-ver")
        assert json.loads(version)["prov"]["sec_ver"] == 1
        assert guest.read("proto-ver") == version, "it stays until the next request"
        guest.write("proto-ver", b"")
        refused(guest.read, "proto-ver")
        for size in (1, 20, 512):
            guest.write("prov-session", os.urandom(size))
            refused(guest.read, "prov-session")
        assert guest.ask("write", handle=guest.handles["proto-ver"], hex="00" * 513) == {"att_error": 13}
        for _ in range(3):
            guest.write("proto-ver", b"first")
            guest.write("proto-ver", b"second")  # before the first was answered
            assert guest.read("proto-ver") == version
        guest.write("proto-ver", b"ESP")
        guest.disconnect()
        guest.connect()
        refused(guest.read, "proto-ver")
        for name in ("prov-scan", "prov-config", "prov-ctrl"):
            guest.write(name, b"\x08\x01")
            refused(guest.read, name)
        client_of(guest, rig).connect()


def test_long_values_come_in_pieces(rig):
    with phone(rig) as guest:
        guest.find()
        guest.do("connect", mtu=23)
        guest.disconnect()
        guest.connect()
        whole = client_of(guest, rig).read_version()
        guest.disconnect()
        handles = guest.handles
        guest.find()
        guest.do("connect", mtu=23)
        guest.handles = handles
        client = client_of(guest, rig)
        assert client.read_version() == whole
        client.handshake()
        assert len(client.scan()) == 9


def test_wrong_proofs_lead_to_a_pause_that_a_reset_does_not_end(rig):
    with phone(rig) as guest:
        for number in range(5):
            guest.connect()
            refused(client_of(guest, rig, f"wrong {number}").connect)
            if number % 2:
                guest.disconnect()
            else:  # the link stays up: the person corrects the code
                assert client_of(guest, rig).read_version()
                guest.disconnect()
        guest.connect()
        refused(client_of(guest, rig).connect)
        told = [text for text in events(rig) if "wrong proof" in text]
        assert len(told) == 5 and told[-1] == "provisioning: wrong proof of possession, number 5, paused for 30 s", told
        assert not any("paused" in text for text in told[:-1])
    rig.ready.update(rig.control("reset"))
    with phone(rig) as guest:
        guest.connect()
        refused(client_of(guest, rig).connect)
        client = client_of(guest, rig)
        began = time.monotonic()

        def is_over():
            try:
                client.connect()
            except AttError:
                return False
            return True

        eventually(is_over, "the pause does not end")
        assert time.monotonic() - began > 20
        guest.disconnect()
        guest.connect()
        refused(client_of(guest, rig, "wrong again").connect)
        assert "provisioning: wrong proof of possession, number 1" in events(rig)


def test_phones_that_go_at_any_step(rig):
    steps = (
        lambda guest, client: guest.write("proto-ver", b"ESP"),
        lambda guest, client: client.read_version(),
        lambda guest, client: guest.write("prov-session", bytes.fromhex("52250a230a20") + b"\x09" * 32),
        lambda guest, client: client.connect(),
        lambda guest, client: (
            client.connect(),
            guest.write("prov-scan", client.session.encrypt(bytes.fromhex("52020801"))),
        ),
        lambda guest, client: (client.connect(), client.scan()),
        lambda guest, client: (client.connect(), client.set_config("Urbancic", "correct horse")),
        lambda guest, client: (client.connect(), client.set_config("Urbancic", "no horse"), client.apply()),
    )
    for number, step in enumerate(steps):
        for how in ("says so", "is gone"):
            with phone(rig) as guest:
                guest.connect()
                step(guest, client_of(guest, rig))
                if how == "says so":
                    guest.disconnect()
        assert settings(rig)["wifi_ssid"] == "", number
    with phone(rig) as guest:
        client = connected(guest, rig)
        assert len(client.scan()) == 9
        client.set_config("Urbancic", "correct horse")
        client.apply()
    eventually(lambda: settings(rig)["wifi_ssid"] == "Urbancic", "what worked is kept though nobody asked")
    assert not [text for text in events(rig) if "ended" in text]


def test_one_phone_at_a_time(rig):
    with phone(rig) as first, phone(rig) as second:
        client = connected(first, rig)
        assert second.scan() == ({}, {}), "no advertising while somebody is connected"
        with pytest.raises(Lost):
            second.do("connect")
        with pytest.raises(Lost):
            second.do("write", handle=first.handles["proto-ver"], hex="00")
        with pytest.raises(Lost):
            second.do("disconnect")
        assert len(client.scan()) == 9
        first.disconnect()
        other = connected(second, rig)
        with pytest.raises(Lost):
            client.scan()
        assert other.join("Urbancic", "correct horse", POLL_S)["state"] == "Connected"


def test_orders_that_make_no_sense(rig):
    with phone(rig) as guest:
        client = connected(guest, rig)
        for order in (client.apply, client.reset, client.reprovision, lambda: client.set_config("", "x")):
            with pytest.raises(StatusError):
                order()
        assert client.status()["state"] == "ConnectionFailed", "phones overlook a refusal, and ask on"
        no_text: Any = b"\xff\xfe"
        with pytest.raises(StatusError):
            client.join("Urbancic", no_text, POLL_S)
        assert client.join("Urbancic", "wrong", POLL_S)["state"] == "ConnectionFailed"
        client.reset()
        assert client.status() == {"state": "Connecting"}
        client.set_config("Urbancic", "correct horse")
        client.apply()
        with pytest.raises(StatusError):
            client.apply()
        assert client.status()["state"] in ("Connecting", "Connected"), "the attempt goes on"
        guest.disconnect()
        client = connected(guest, rig)  # another phone, or the same: it may have another network tried
        assert client.join(b"caf\xe9", "", POLL_S)["ssid"] == b"caf\xe9"
        eventually(lambda: settings(rig)["wifi_ssid"] == "caf\\xe9", lambda: settings(rig)["wifi_ssid"])
