"""The front of the whole gateway: what its lights show, what its button does, and a factory reset by button, web and Modbus."""

import time

import pytest

from host_tests.gateway import api, change, command, eventually, factory_settings, gateway, settings, vector
from host_tests.modbus_client import Client
from host_tests.rig import RigFailed

OPERATIONAL = ("slow", "off")
AT_FIRST = (OPERATIONAL, ("fast", "fast"))  # the latter: it was told of no network and waits to be
HELD, LET_GO, SUCCESS = ("slow", "slow"), ("fast", "off"), ("off", "fast")
PASSWORD = "a long password"
HOLD_S = 10  # the manual, 3.8
FINGER_S = 0.2  # between letting go and pressing again
MINE = {"description": "Mine", "wifi_password": "a secret", "http_port": 8080}
PULSES = 7


def start(bits=64):
    return gateway(bits, meters=[])


def lights(rig):
    shown = rig.control("leds")
    return shown["green"], shown["red"]


def shown(rig, expected):
    """Wait until the lights show this; return when that was."""
    eventually(lambda: lights(rig) == expected, lambda: f"{lights(rig)} and not {expected}")
    return time.monotonic()


def restarted(rig, before):
    """Wait until it runs again; return the new ready line."""

    def again():
        try:
            ready = rig.control("ready")
        except RigFailed:
            return None
        return ready if ready["http"] and ready["gateway_pid"] != before["gateway_pid"] else None

    rig.ready = eventually(again, "no restart")
    return rig.ready


def events(rig):
    return [event["text"] for event in rig.get_json("/api/events")["events"]]


def live_in(rig):
    """Leave something of everything on its flash; return the settings of a new device."""
    new = factory_settings(rig)
    rig.control("pulse", count=PULSES)
    eventually(lambda: pulses(rig) == PULSES, "no pulses")
    pem = vector("x509")["certificates"][0]["pem"]
    assert api(rig, "/api/certificates", {"name": "ca.pem", "pem": pem})[0] == 201
    change(rig, **MINE)
    body = {"user": "admin", "password": rig.ready["pop"], "new": PASSWORD}
    assert api(rig, "/api/password", body)[0] == 204
    return new


def pulses(rig):
    return int(command(rig, "get_status")["dig_count"])


def check_reset(rig, before, new, by):
    """It starts as a new device that is the same one."""
    ready = restarted(rig, before)
    assert (ready["pop"], ready["serial"]) == (before["pop"], before["serial"])
    assert settings(rig) == new, "and the first password opens it"
    assert api(rig, "/api/settings", password=PASSWORD)[0] == 403
    assert api(rig, "/api/certificates")[1] == {"certificates": []}
    assert eventually(lambda: pulses(rig) == PULSES, "the pulse counter is a meter's reading")
    assert f"factory reset done, asked for by {by}" in events(rig)
    eventually(lambda: lights(rig) in AT_FIRST, lambda: f"{lights(rig)} after the reset")
    before = ready
    rig.control("reset")
    restarted(rig, before)
    assert not [text for text in events(rig) if "factory" in text], "once"


@pytest.mark.parametrize("bits", [64, 32])
def test_a_short_press_restarts(bits):
    with start(bits) as rig:
        shown(rig, OPERATIONAL)
        before = rig.ready
        rig.control("button", press_ms=300)
        shown(rig, HELD)
        ready = restarted(rig, before)
        assert ready["pop"] == before["pop"]
        shown(rig, OPERATIONAL)
        assert "restart asked for by button" in rig.log()


def test_the_button_restores_the_factory_settings():
    with start() as rig:
        new = live_in(rig)
        before = rig.ready
        for is_last, signal in ((False, LET_GO), (True, SUCCESS)):
            rig.control("button", down=True)
            pressed = shown(rig, HELD)
            reached = shown(rig, signal)
            assert HOLD_S - 0.5 < reached - pressed < HOLD_S + 2
            if not is_last:
                assert api(rig, "/api/settings", password=PASSWORD)[1]["values"]["description"] == "Mine", "not yet"
                rig.control("button", down=False)
                time.sleep(FINGER_S)
        rig.control("button", down=False)
        check_reset(rig, before, new, "button")
        assert "factory reset asked for by button" in rig.log()


def test_a_button_let_go_too_early_changes_nothing():
    with start() as rig:
        pid = rig.ready["gateway_pid"]
        shown(rig, OPERATIONAL)
        rig.control("button", press_ms=3000)
        shown(rig, HELD)
        shown(rig, OPERATIONAL)
        assert rig.control("ready")["gateway_pid"] == pid
        assert not [text for text in events(rig) if "button" in text]


def test_over_the_web_it_is_confirmed_by_the_serial_number():
    with start() as rig:
        new = live_in(rig)
        before = rig.ready
        for wrong in (
            {},
            {"confirm": ""},
            {"confirm": "SG000018"},
            {"confirm": True},
            {"confirm": None},
            {"confirm": ["SG000017"]},
        ):
            status, answer = api(rig, "/api/factory_reset", wrong, password=PASSWORD)
            assert (status, list(answer["errors"])) == (422, ["confirm"]), wrong
        for headers in ({"password": "wrong"}, {"password": before["pop"]}):
            assert api(rig, "/api/factory_reset", {"confirm": before["serial"]}, **headers)[0] == 403
        assert rig.get("/api/factory_reset", {"Content-Type": "application/json"}, "POST", "{}")[0] == 403
        assert api(rig, "/api/settings", password=PASSWORD)[1]["values"]["description"] == "Mine"
        assert api(rig, "/api/factory_reset", {"confirm": before["serial"]}, password=PASSWORD) == (202, {})
        check_reset(rig, before, new, "web")


def test_over_modbus_where_writing_is_allowed():
    with start() as rig:
        new = live_in(rig)
        before = rig.ready
        with Client(rig) as client:
            assert client.ask(34, "06000c0005") == "8601", "locked"
            assert api(rig, "/api/modbus_access", {"minutes": 1}, password=PASSWORD)[0] == 200
            assert client.ask(34, "06000c0005") == "06000c0005"
        check_reset(rig, before, new, "Modbus")
