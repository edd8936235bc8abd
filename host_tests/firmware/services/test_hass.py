"""Discovery messages: who is announced, under which names, and who is taken back. Their content: host_tests/peers."""

import json

from firmware.services import hass, hass_announced
from firmware.state.readings import NOT_DETECTED, PRESENT, SILENT
from host_tests.fakes.push_gateway import Gateway, text

GATEWAY = "homeassistant/device/sg_sg000017/config"
IE = "homeassistant/device/ie38md_x0000124/config"
WM = "homeassistant/device/wm3m4c_18230001/config"
MC = "homeassistant/device/mc666_12345678/config"
SINGLE = "homeassistant/device/ie14mw_x0000777/config"


def announce(gateway, link=1):
    """As a link does it; return the topics that were taken back."""
    if gateway.settings.get(f"hass{link}_discovery"):
        pairs = [pair[:2] for pair in hass.announced(gateway, link)]
    else:
        pairs = []
    gone = hass_announced.begin(gateway, link, pairs)
    hass_announced.end(gateway, link, gone)
    return gone


def topics(gateway, link=1):
    return [topic for topic, _, _ in hass.announced(gateway, link)]


def message(gateway, device=None, link=1):
    return json.loads(text(hass.message(gateway, link, device)))


def test_who_is_announced():
    gateway = Gateway()
    assert topics(gateway) == [GATEWAY, IE, WM, MC, SINGLE]
    assert topics(gateway, 2) == [GATEWAY, IE]  # only that one goes over link 2
    gateway.mc.status = NOT_DETECTED
    gateway.wm.status = SILENT
    gateway.settings.change({"hass1_prefix": "ha", "rs485_pushlnk4": 2})
    assert topics(gateway) == [topic.replace("homeassistant", "ha") for topic in (GATEWAY, IE, WM)]


def test_a_meter_keeps_its_name_wherever_it_hangs():
    gateway = Gateway()
    before = message(gateway, gateway.wm)
    gateway.wm.slot = 5
    after = message(gateway, gateway.wm)
    assert before["dev"] == after["dev"] and topics(gateway)[2] == WM
    unique = [component.get("uniq_id") for component in before["cmps"].values()]
    assert unique == [component.get("uniq_id") for component in after["cmps"].values()]
    assert len(set(unique)) == len(unique)
    assert after["stat_t"] == "SG000017/pub/state/rs485/5"


def test_odd_names_make_good_topics_and_json():
    gateway = Gateway(mqtt1_roottopic='a"b', ir_relay_desc='the "big" \\ one')
    gateway.wm.model, gateway.wm.serial = 'W"/+#ü', "1\n2"
    assert topics(gateway)[2] == "homeassistant/device/w_____/config".replace("w_____", "w______1_2"), topics(gateway)
    assert message(gateway, gateway.wm)["dev"]["mdl"] == 'W"/+#ü'
    assert message(gateway)["cmps"]["relay_rir_state"]["name"] == 'the "big" \\ one'
    gateway.wm.serial = ""
    assert message(gateway, gateway.wm)["dev"]["ids"] == "sg_sg000017_rs485_1"


def test_the_longest_names_fit():
    long = {f"mqtt1_{name}": '"' * 32 for name in ("roottopic", "sub_topic", "pub_topic")}
    gateway = Gateway(ir_relay_desc='"' * 20, push1_commands=1, **long)
    gateway.wm.model, gateway.wm.serial = '"' * 16, '"' * 8
    assert message(gateway)["cmps"]["relay_rir"]["cmd_t"] == '"' * 32 + "/" + '"' * 32
    assert message(gateway, gateway.wm)["dev"]["sn"] == '"' * 8


def test_commands_make_a_switch_of_a_relay():
    gateway = Gateway()
    components = message(gateway)["cmps"]
    assert components["restart"] == {"p": "button"} and components["relay_rir"] == {"p": "switch"}
    assert components["relay_rir_state"]["pl_on"] == "1" and "cmd_t" not in components["relay_rir_state"]
    gateway.settings.change({"push1_commands": 1})
    components = message(gateway)["cmps"]
    assert components["relay_rir_state"] == {"p": "binary_sensor"}
    switch = components["relay_rs485_3"]
    assert json.loads(switch["pl_off"]) == {"cmd": "relay", "index": 3, "val": "off"}
    assert switch["cmd_t"] == "SG000017/cmd"
    assert json.loads(components["restart"]["pl_prs"]) == {"cmd": "restart"}


def test_values_expire_only_where_no_broker_keeps_them():
    gateway = Gateway(rs485_pushint1=60)
    assert message(gateway, gateway.wm)["cmps"]["P0"]["exp_aft"] == 180
    gateway.settings.change({"push1_retain": 1})
    assert "exp_aft" not in message(gateway, gateway.wm)["cmps"]["P0"]


def test_what_is_not_there_is_not_announced():
    gateway = Gateway(adc_enabled=0, pulse_cnt_en=0)
    components = message(gateway)["cmps"]
    assert "temperature" not in components and "pulses" not in components and "rssi" in components
    components = message(gateway, gateway.single)["cmps"]
    assert "P0" in components and "P1" not in components and "U1" in components and "U2" not in components
    assert [key for key in components if key.startswith("counter")] and "counter1" not in components  # it counts nothing


def test_meters_that_left_are_taken_back():
    gateway = Gateway()
    assert announce(gateway) == []
    gateway.readings.devices.remove(gateway.wm)
    assert announce(gateway) == [WM]
    assert announce(gateway) == []
    gateway.mc.serial = "87654321"  # another meter answers in its place
    assert announce(gateway) == [MC]
    gateway.settings.change({"rs485_pushlnk4": 0})
    assert announce(gateway) == [SINGLE]
    gateway.settings.change({"hass1_prefix": "ha"})
    assert sorted(announce(gateway)) == sorted((GATEWAY, IE, "homeassistant/device/mc666_87654321/config"))
    gateway.settings.change({"hass1_discovery": 0})
    assert len(announce(gateway)) == 3
    assert announce(gateway) == []


def test_links_do_not_mix():
    gateway = Gateway(hass2_discovery=1)
    announce(gateway)
    announce(gateway, 2)
    gateway.readings.devices.remove(gateway.ie)
    assert announce(gateway, 2) == [IE]
    assert announce(gateway) == [IE]


def test_a_meter_that_did_not_answer_since_the_start_stays():
    gateway = Gateway()
    announce(gateway)
    wm = gateway.wm
    model, serial = wm.model, wm.serial
    wm.clear()
    wm.status = NOT_DETECTED
    assert announce(gateway) == []
    assert announce(gateway) == []  # noted still
    gateway.readings.devices.remove(wm)
    assert announce(gateway) == [WM]
    assert (model, serial) == ("WM3M4C", "18230001")


def test_a_meter_that_moves_is_not_taken_back():
    gateway = Gateway()
    announce(gateway)
    gateway.wm.slot, gateway.wm.status = 5, PRESENT
    assert announce(gateway) == []


def test_power_may_fail_amid_it():
    gateway = Gateway()
    announce(gateway)
    gateway.readings.devices.remove(gateway.wm)
    pairs = [pair[:2] for pair in hass.announced(gateway, 1)]
    assert hass_announced.begin(gateway, 1, pairs) == [WM]  # and the broker never got the empty message
    assert hass_announced.begin(gateway, 1, pairs) == [WM]
