"""The connection of the whole gateway: access points that come and go, wrong passwords, several networks, odd names."""

import pytest

from host_tests.gateway import api, change, command, eventually, gateway, settings

QUIET = {"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_1": 0, "rs485_type_2": 0}
HOME = {"ssid": "Urbancic", "psk": "", "rssi": -35}
NOWHERE = {"ssid": "", "wifi_rssi": 0, "ip_address": "0.0.0.0"}
ODD = "caf\\xe9 \\\\ 家"  # a byte of Latin-1, a backslash, a character


@pytest.fixture(params=[64, 32])
def rig(request):
    with gateway(request.param, meters=[], settings=QUIET) as rig:
        yield rig


def shown(rig):
    """What the status page shows of the connection."""
    status = command(rig, "get_status")
    return {name: status[name] for name in ("ssid", "wifi_rssi", "ip_address")}


def joined(rig, ssid, rssi=-35):
    expected = {"ssid": ssid, "wifi_rssi": rssi, "ip_address": "127.0.0.1"}
    eventually(lambda: shown(rig) == expected, lambda: shown(rig))


def gone(rig):
    eventually(lambda: shown(rig) == NOWHERE, lambda: shown(rig))


def events(rig):
    _, answer = api(rig, "/api/events")
    return [event["text"] for event in answer["events"] if event["kind"] == "network"]


def restart(rig):
    rig.control("reset")


def test_connected_from_the_start(rig):
    assert shown(rig) == {"ssid": "Urbancic", "wifi_rssi": -35, "ip_address": "127.0.0.1"}
    assert command(rig, "get_status")["connection_mode"] == "WiFi"
    eventually(lambda: rig.control("leds")["green"] == "slow", "operational")


def test_an_access_point_goes_and_comes(rig):
    rig.control("wifi", aps=[])
    gone(rig)
    eventually(lambda: rig.control("leds")["green"] == "fast", "connecting")
    rig.control("wifi", aps=[{**HOME, "rssi": -61}])
    joined(rig, "Urbancic", -61)
    told = events(rig)
    assert told == ["Urbancic: connected, 127.0.0.1", "the connection is lost", "Urbancic: connected, 127.0.0.1"], told


def test_a_wrong_password(rig):
    rig.control("wifi", aps=[{**HOME, "psk": "changed meanwhile"}])
    change(rig, wifi_max_retry=1)
    restart(rig)
    gone(rig)
    eventually(lambda: "no connection: Urbancic wrong password" in events(rig), lambda: events(rig))
    leds = eventually(lambda: (leds := rig.control("leds"))["red"] == "fast" and leds, "provisioning")
    assert leds["green"] == "fast"
    change(rig, wifi_password="changed meanwhile")
    restart(rig)
    joined(rig, "Urbancic")
    assert "changed meanwhile" not in rig.log()


def test_further_networks_in_their_order(rig):
    change(
        rig,
        wifi_other1_ssid="office",
        wifi_other1_password="of fice",
        wifi_other2_ssid="garage",
        wifi_other2_password="gar age",
        wifi_other3_ssid="hidden",
        wifi_other3_password="hid den",
    )
    garage, office = {"ssid": "garage", "psk": "gar age"}, {"ssid": "office", "psk": "of fice", "rssi": -80}
    rig.control("wifi", aps=[{"ssid": "strange", "rssi": -20}, garage, office])
    restart(rig)
    joined(rig, "office", -80)
    rig.control("wifi", aps=[garage, {"ssid": "hidden", "psk": "hid den", "hidden": True}])
    joined(rig, "garage")
    rig.control("wifi", aps=[{"ssid": "hidden", "psk": "hid den", "hidden": True}])
    joined(rig, "hidden")


def test_an_address_that_never_comes(rig):
    rig.control("wifi", aps=[{**HOME, "dhcp": False}])
    gone(rig)
    rig.control("wifi", aps=[HOME])
    joined(rig, "Urbancic")


def test_a_name_of_any_bytes(rig):
    change(rig, wifi_ssid=ODD, wifi_password="secret")
    assert settings(rig)["wifi_ssid"] == ODD
    rig.control("wifi", aps=[{"ssid": ODD, "psk": "secret"}])
    restart(rig)
    joined(rig, ODD)
    assert settings(rig)["wifi_ssid"] == ODD
    assert change(rig, wifi_ssid="\\x43afe") == ["wifi_ssid"]
    assert settings(rig)["wifi_ssid"] == "Cafe", "there is one text for a name"
    for wrong in ("\\", "\\x4", "é" * 17):
        status, answer = api(rig, "/api/settings", {"wifi_other1_ssid": wrong}, "PATCH")
        assert status == 422 and answer["errors"]["wifi_other1_ssid"].endswith("expected"), answer
