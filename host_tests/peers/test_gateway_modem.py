"""The gateway with a modem: all of it against a simulated modem on a pseudo-terminal; behind that is the host's own network."""

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
    """Wait until it is connected for the n-th time."""
    eventually(
        lambda: events(rig).count("Rig Mobile: connected, 127.0.0.1") == connections,
        lambda: (rig.control("modem"), events(rig)),
    )
    assert rig.control("modem")["connections"] == connections


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
        assert [text for text in events(rig) if "modem: SIM" not in text and "modem: Q" not in text] == [
            *("Rig Mobile: connected, 127.0.0.1", "modem: the data connection ended", "the connection is lost"),
            "Rig Mobile: connected, 127.0.0.1",
        ]


@pytest.mark.parametrize(("board", "has_modem"), [("HT_G12", True), ("SG_W1", False)])
def test_settings_of_the_modem_have_a_page_where_there_is_one(board, has_modem):
    with gateway(64, meters=[], settings=QUIET if has_modem else {}, board=board) as rig:
        _, answer = api(rig, "/api/settings")
        assert ("Modem" in [page["page"] for page in answer["pages"]]) == has_modem
        assert answer["values"].get("modem_pin") == ({"set": False} if has_modem else None)


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
        rig.control("reset", cause="power-on")  # the card asks from now on
        told(rig, "PIN")
        for _ in range(2):
            rig.control("reset", cause="power-on")
            told(rig, "this PIN was tried")
        modem = rig.control("modem")
        assert (modem["pins"], modem["tries"]) == (1, 2), "one try, and never another one"
        change(rig, modem_pin="4711")
        up(rig)
        assert rig.control("modem")["tries"] == 3
        text = rig.log() + str(events(rig))
        assert "1111" not in text and "4711" not in text
        rig.control("reset", cause="power-on")
        eventually(lambda: rig.control("modem")["connections"] == 2, lambda: (rig.control("modem"), events(rig)))


def test_a_modem_that_does_not_answer_is_reset():
    with start() as rig:
        rig.control("modem", apn="m2m", mute=True)
        rig.control("reset", cause="power-on")
        told(rig, "the modem does not answer")
        eventually(lambda: rig.control("modem")["resets"], "a reset")
        rig.control("modem", mute=False)
        up(rig)


def test_without_a_card():
    with start() as rig:
        rig.control("modem", sim=False)
        rig.control("reset", cause="power-on")
        told(rig, "there is no SIM card")
        assert command(rig, "get_status")["ip_address"] == "0.0.0.0"
