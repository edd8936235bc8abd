"""A phone gives the whole gateway its Wi-Fi over the gateway's own access point, by HTTP as the stock programs speak it.

The phone is host_tests/softap_phone.py with provisioning_client.py, which share nothing with the gateway; the heap on 32 bit is
that of a device.
"""

import os
import time

import pytest

from host_tests.gateway import api, change, command, eventually, gateway, settings
from host_tests.provisioning_client import Client, StatusError
from host_tests.softap_phone import Refused, SoftApPhone, Status

HEAPS = {64: "1m", 32: "112k"}
APS = [
    {"ssid": "Urbancic", "psk": "correct horse", "rssi": -41, "auth": "wpa2", "channel": 6},
    {"ssid": "größer", "psk": "länger", "rssi": -30, "auth": "wpa2/wpa3", "channel": 11},
    {"ssid": "hidden one", "psk": "unseen", "rssi": -50, "hidden": True},
    *[{"ssid": f"neighbour {each}", "psk": "?", "rssi": -64 - each, "channel": 1 + each} for each in range(6)],
]
SEEN = 8
ENDPOINTS = ["prov-ctrl", "prov-scan", "prov-session", "prov-config", "proto-ver"]
OTHER = "127.0.0.2"  # the address of another phone
POLL_S = 0.3


def start(bits, meters=(), **more):
    values = {"wifi_ssid": "", "wifi_ap_enabled": 1, **more}
    return gateway(bits, heap=HEAPS[bits], settings=values, **({} if meters is None else {"meters": list(meters)}))


@pytest.fixture(params=[64, 32])
def rig(request):
    with start(request.param) as rig:
        rig.control("wifi", aps=APS)
        wait_for_ap(rig)
        yield rig


def wait_for_ap(rig):
    return eventually(lambda: (ap := rig.control("ap"))["ssid"] and ap, "no access point")


def phone(rig, address="127.0.0.1", **how):
    return SoftApPhone(rig.ready["http"], address, **how)


def client_of(phone, rig, pop=None):
    return Client(phone, pop=rig.ready["pop"] if pop is None else pop)


def connected(phone, rig):
    """A client that has proved itself."""
    client = client_of(phone, rig)
    client.connect()
    return client


def refused(action, *arguments, **more):
    with pytest.raises(Refused):
        action(*arguments, **more)


def answers(status, action, *arguments, **more):
    with pytest.raises(Status) as caught:
        action(*arguments, **more)
    assert caught.value.args == (status,)


def events(rig):
    return [event["text"] for event in api(rig, "/api/events")[1]["events"]]


def ssid(rig):
    return command(rig, "get_status")["ssid"]


@pytest.mark.parametrize("bits", [64, 32])
@pytest.mark.parametrize(("keeps_alive", "security"), [(True, 1), (False, 2)])
def test_from_the_access_point_to_the_network(bits, keeps_alive, security):
    """With the default field of meters, as on site."""
    with start(bits, meters=None, prov_security=security) as rig, phone(rig, keeps_alive=keeps_alive) as guest:
        rig.control("wifi", aps=APS)
        ap = wait_for_ap(rig)
        assert (ap["ssid"], ap["password"]) == ("PROV_000011", rig.ready["pop"])
        leds = rig.control("leds")
        assert (leds["green"], leds["red"]) == ("fast", "fast")
        client = connected(guest, rig)
        found = [(each["ssid"].decode(), each["channel"], each["rssi"]) for each in client.scan()]
        seen = sorted((ap for ap in APS if not ap.get("hidden")), key=lambda ap: -ap["rssi"])
        assert found == [(ap["ssid"], ap["channel"], ap["rssi"]) for ap in seen]
        assert client.join("Urbancic", "wrong", POLL_S) == {"state": "ConnectionFailed", "reason": "AuthError"}
        assert client.join("nowhere", "wrong", POLL_S) == {"state": "ConnectionFailed", "reason": "NetworkNotFound"}
        assert settings(rig)["wifi_ssid"] == "", "what failed is not kept"
        told = client.join("größer", "länger", POLL_S)
        assert (told["state"], told["address"], told["ssid"]) == ("Connected", "127.0.0.1", "größer".encode())
        assert rig.control("ap")["ssid"], "the phone has to hear of it first"
        eventually(lambda: rig.control("ap")["ssid"] is None, "the access point stays")
        eventually(lambda: settings(rig)["wifi_ssid"] == "größer", "it is not kept")
        eventually(lambda: ssid(rig) == "größer", lambda: ssid(rig))
        answers(404, guest.post, "proto-ver", b"ESP")
        text = rig.log() + str(events(rig))
        assert rig.ready["pop"] not in text and "länger" not in text and "wrong\n" not in text
        assert sum("a phone is connected" in each for each in events(rig)) == 1
        rig.ready.update(rig.control("reset"))
        eventually(lambda: ssid(rig) == "größer", lambda: ssid(rig))


@pytest.mark.parametrize("bits", [64, 32])
def test_nothing_answers_while_no_network_is_brought(bits):
    with start(bits, wifi_ssid="Urbancic", wifi_password="correct horse") as rig, phone(rig) as guest:
        rig.control("wifi", aps=APS)
        eventually(lambda: ssid(rig) == "Urbancic", "no connection")
        for name in ENDPOINTS:
            answers(404, guest.post, name, b"ESP")
            answers(404, guest.post, name, None, "GET")
        assert rig.control("ap") == {"ok": True, "ssid": None, "password": None}


def test_without_the_setting_it_is_bluetooth():
    with start(64, wifi_ap_enabled=0) as rig, phone(rig) as guest:
        eventually(lambda: rig.control("leds")["red"] == "fast", "provisioning")
        answers(404, guest.post, "proto-ver", b"ESP")
        assert rig.control("ap")["ssid"] is None
        assert change(rig, wifi_ap_enabled=1) == ["wifi_ap_enabled"]
        assert not rig.get_json("/api/status")["restart_needed"]


def test_what_is_no_request(rig):
    with phone(rig) as guest:
        for name in ENDPOINTS:
            for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH"):
                answers(405, guest.post, name, None, method)
            refused(guest.post, name, b"")
            refused(guest.post, name, b"x" * 513)
            refused(guest.post, name, b"x" * 8000)
            refused(guest.post, name, b"x" * 100000)
        for name in ("prov-scan", "prov-config", "prov-ctrl"):
            refused(guest.post, name, b"\x08\x01")
        for size in (1, 20, 512):
            refused(guest.post, "prov-session", os.urandom(size))
        refused(guest.post, "proto-ver", b"ESP", Origin="http://192.168.4.1")
        answers(404, guest.post, "prov-what", b"x")
        answers(404, guest.post, "prov-session/x", b"x")
        assert not guest.cookies
        client = connected(guest, rig)
        assert list(guest.cookies) == ["session"]
        refused(guest.post, "prov-scan", b"x" * 513)
        refused(guest.post, "prov-scan", b"")
        assert len(client.scan()) == SEEN, "the session goes on"


def test_five_wrong_codes_lead_to_a_pause(rig):
    with phone(rig) as guest:
        for number in range(5):
            refused(client_of(guest, rig, f"wrong {number}").connect)
        refused(client_of(guest, rig).connect)
        told = [text for text in events(rig) if "wrong proof" in text]
        assert len(told) == 5 and told[-1].endswith("number 5, paused for 30 s"), told
        began = time.monotonic()

        def is_over():
            try:
                return client_of(guest, rig).connect() is None
            except Refused:
                return False

        eventually(is_over, "the pause does not end")
        assert time.monotonic() - began > 20


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
        for how in ("the program ends", "the connection breaks"):
            with phone(rig) as guest:
                step(guest, client_of(guest, rig))
                if how == "the connection breaks":
                    guest.close()
                    connected(guest, rig)  # it begins anew with the cookie it has
        assert settings(rig)["wifi_ssid"] == "", number
    with phone(rig) as guest:
        client = connected(guest, rig)
        assert len(client.scan()) == SEEN
        client.set_config("Urbancic", "correct horse")
        client.apply()
    eventually(lambda: settings(rig)["wifi_ssid"] == "Urbancic", "what worked is kept though nobody asked")
    assert not [text for text in events(rig) if "ended" in text]


def test_one_phone_at_a_time(rig):
    with phone(rig) as first, phone(rig, OTHER) as second:
        client = connected(first, rig)
        refused(client_of(second, rig).connect)
        for name in ENDPOINTS:
            refused(second.post, name, b"\x08\x01")
        second.cookies = {"session": "0123456789abcdef"}
        refused(second.post, "proto-ver", b"ESP")
        refused(second.post, "prov-scan", b"\x08\x01")
        assert len(client.scan()) == SEEN, "nothing was harmed"
        second.cookies = dict(first.cookies)
        assert second.post("proto-ver", b"ESP"), "the address may change, the cookie stays"
        assert client.join("Urbancic", "correct horse", POLL_S)["state"] == "Connected"


def test_cookies(rig):
    with phone(rig) as guest:
        client = connected(guest, rig)
        mine = guest.cookies["session"]
        for cookies in ({"session": "1234"}, {"session": ""}, {"session": mine[:-1]}, {"session": mine + "0"}):
            guest.cookies = cookies
            refused(guest.post, "prov-scan", b"\x08\x01")
            refused(guest.post, "prov-config", b"\x08\x01")
        guest.cookies = {"sg_session": "1234", "session": mine, "my session": "5"}
        assert len(client.scan()) == SEEN
        guest.cookies = {}  # a program that keeps none is known by its address
        assert client.status() == {"state": "Connecting"}
        assert guest.cookies["session"] == mine
        guest.cookies = {"session": "of another day"}  # the program was provisioning another device
        other = connected(guest, rig)
        assert guest.cookies["session"] not in (mine, "of another day")
        assert len(other.scan()) == SEEN
        guest.cookies = {"session": mine}
        refused(guest.post, "prov-scan", client.session.encrypt(b"\x08\x01"))


def test_requests_at_the_same_time(rig):
    """One that lasts, and those that come meanwhile from the same phone."""
    with phone(rig) as guest, phone(rig) as beside:
        client = connected(guest, rig)
        guest.write("prov-scan", client.session.encrypt(bytes.fromhex("52020801")))
        beside.write("proto-ver", b"ESP")
        assert client.session.decrypt(guest.read("prov-scan"))
        assert beside.read("proto-ver")
        assert len(client.scan()) == SEEN


def test_orders_that_make_no_sense(rig):
    with phone(rig) as guest:
        client = connected(guest, rig)
        for order in (client.apply, client.reset, client.reprovision, lambda: client.set_config("", "x")):
            with pytest.raises(StatusError):
                order()
        client.set_config("Urbancic", "correct horse")
        client.apply()
        with pytest.raises(StatusError):
            client.apply()
        assert client.status()["state"] in ("Connecting", "Connected"), "the attempt goes on"
