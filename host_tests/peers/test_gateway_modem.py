"""The gateway with a modem: the whole gateway against a simulated modem on a pseudo-terminal, behind which is the host's network."""

import pytest

from host_tests.gateway import api, change, command, eventually, gateway

QUIET = {"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_1": 0, "rs485_type_2": 0, "wifi_ssid": "", "modem_apn": "m2m"}


def start(bits=64, **settings):
    return gateway(bits, meters=[], settings={**QUIET, **settings}, board="HT_G12")


def events(rig):
    _, answer = api(rig, "/api/events")
    return [event["text"] for event in answer["events"] if event["kind"] == "network"]


def told(rig, text):
    eventually(lambda: any(text in event for event in events(rig)), lambda: events(rig), 60)


def up(rig, connections=1):
    eventually(lambda: rig.control("modem")["connections"] == connections, lambda: (rig.control("modem"), events(rig)), 60)
    eventually(lambda: command(rig, "get_status")["ip_address"] == "127.0.0.1", lambda: events(rig), 60)


@pytest.mark.parametrize(("bits", "style"), [(64, "SIM800"), (32, "SIM7600"), (64, "EC21")])
def test_connected_lost_and_connected_again(bits, style):
    with start(bits) as rig:
        rig.control("modem", style=style, apn="m2m", csq=12)
        up(rig)
        status = command(rig, "get_status")
        assert (status["connection_mode"], status["operator"], status["modem_rssi"]) == ("Modem", "Rig Mobile", -89)
        assert rig.control("modem")["lights"] == 2 and rig.control("modem")["login"] == [0, "", ""]
        rig.control("modem", drop=True, csq=31)
        up(rig, 2)
        assert command(rig, "get_status")["modem_rssi"] == -51 and rig.control("modem")["lights"] == 4
        said = events(rig)
        assert "the connection is lost" in said and said.count("Rig Mobile: connected, 127.0.0.1") == 2, said


def test_user_and_password_of_the_network_are_told():
    with start(modem_user="u", modem_password="wrong", modem_auth=1) as rig:
        rig.control("modem", apn="m2m", user="u", password="secret")
        told(rig, "refused user or password")
        change(rig, modem_password="secret")
        up(rig)
        assert rig.control("modem")["login"] == [1, "u", "secret"]
        assert not [event for event in events(rig) if "secret" in event or "wrong" in event]


def test_a_wrong_pin_is_told_once_for_ever_and_the_right_one_opens():
    with start(modem_pin="1111") as rig:
        rig.control("modem", apn="m2m", pin="4711")
        rig.control("modem", mute=True)  # until the card asks for its PIN
        rig.control("reset", cause="power-on")
        rig.control("modem", mute=False)
        told_before = rig.control("modem")["pins"]
        assert told_before <= 1
        for _ in range(2):
            eventually(lambda: rig.control("modem")["tries"] <= 3 and events(rig), lambda: events(rig))
            rig.control("reset", cause="power-on")
        assert rig.control("modem")["tries"] >= 2
