"""DLMS meters at every output of the gateway, beside a Modbus meter: what all clients are told is what the meters hold.

Values of most meters are pinned to those of an instant, so that they are exact wherever they are told.
"""

import json
import math
import struct
from decimal import Decimal

import pytest
import sunspec2.modbus.client as sunspec
from pymodbus.client import ModbusTcpClient

from host_tests.gateway import answered, api, command, eventually, gateway, number
from host_tests.links import events, link
from host_tests.mosquitto import Mosquitto, Receiver
from host_tests.peers.test_gateway_dlms import GMAC, LLS, SETTINGS, add, listed, read
from host_tests.peers.test_home_assistant import PYTHON, asked
from tools.rig.families import dlms_values

NOW = 1795824000  # 2026-11-28 00:00 UTC
FIRST_UNIT = 200
OURS = SETTINGS | {"left_ir_enabled": 1, "ir_protocol": 0, "dlms_network": 0, "dlms_profile_hours": 0, "dlms_present_min": 1}
OURS |= {"dlms_events": 0, "dlms_clock": 0, "modbus_meters": FIRST_UNIT}
PUSH = {f"rs485_{name}{slot}": value for slot in (1, 2, 3) for name, value in (("pushlnk", 1), ("pushint", 1))}
PLAIN, WIDE, NEGATIVE, LIVE = 10000001, 10000002, 10000003, 10000004
# Number: what the rig has of it, how it is listed
METERS = {
    PLAIN: ({"address": 17, "scaler": 3}, LLS),
    WIDE: ({"address": 18, "scaler": -3, "security": 5, "ciphering": 1}, {**GMAC, "ciphering": 1}),
    NEGATIVE: ({"address": 19, "scaler": 0}, LLS),
    LIVE: ({"address": 20}, LLS),
}
LOCKED = {"family": "DLMS", "port": "rs485", "serial": "10000005", "address": 21}
SLOTS = {serial: slot + 1 for slot, serial in enumerate(METERS)}
# What is pinned, as the meter has it: energies of 33 and 44 bits, more than 2**31 with a scaler, none at all
ENERGIES = {
    PLAIN: {"1.8.0": 3000000123, "1.8.1": 2147483648, "2.8.0": 17, "3.8.0": 0, "5.8.0": None},
    WIDE: {"1.8.0": 12345678901234, "1.8.1": 12345000000001, "2.8.0": 2**31 + 5, "3.8.0": 5, "5.8.0": None},
    NEGATIVE: {"1.8.0": 4294967295, "1.8.1": 7, "2.8.0": 0, "3.8.0": 4000000001, "5.8.0": 2147483647},
}
NAMES = {"1.8.0": "counter1nr", "2.8.0": "counter2nr", "3.8.0": "counter3nr", "1.8.1": "counter1", "5.8.0": "counter9"}
MEASURED = {  # name: code, exponent, unit, function, its last argument
    **{f"U{n}": (f"{12 + 20 * n}.7.0", -1, "V", dlms_values.voltage_dv, n) for n in (1, 2, 3)},
    **{f"I{n}": (f"{11 + 20 * n}.7.0", -3, "A", dlms_values.current_ma, n) for n in (1, 2, 3)},
    "P0": ("1.7.0", 0, "W", dlms_values.power_w, 1),
    "frequency": ("14.7.0", -2, "Hz", dlms_values.frequency_chz, 0),
}
FLOATS = ["U1", "U2", "U3", "U12", "U23", "U31", "I1", "I2", "I3", "P0"]
PINNED = tuple(ENERGIES)
MISSING = "U3"  # of the meter WIDE: it tells null-data


def name_of(serial):
    return f"dlms_{serial}"


def pins(serial):
    """The raw values of a meter by logical name."""
    found = {f"1.0.{code}.255": value for code, value in ENERGIES[serial].items()}
    for name, (code, _, _, function, of) in MEASURED.items():
        found[f"1.0.{code}.255"] = None if (serial, name) == (WIDE, MISSING) else function(serial, NOW, of)
    found["1.0.2.7.0.255"] = 0
    return found


def counters(serial):
    """{name: (base units, unit)}"""
    scaler = METERS[serial][0]["scaler"]
    return {
        NAMES[code]: (Decimal(value).scaleb(scaler), "Wh" if code[0] in "12" else "varh")
        for code, value in ENERGIES[serial].items()
        if value is not None
    }


def measurements(serial):
    raw = pins(serial)
    return {
        name: (Decimal(raw[f"1.0.{code}.255"]).scaleb(exponent), unit)
        for name, (code, exponent, unit, _, _) in MEASURED.items()
        if raw[f"1.0.{code}.255"] is not None
    }


def entry(serial):
    meter = {"family": "DLMS", "port": "rs485", "serial": str(serial), "days": 1, "delay_ms": 5, **METERS[serial][0]}
    return meter | {"values": pins(serial)} if serial in ENERGIES else meter


@pytest.fixture(scope="module", params=[64, 32])
def rig(request):
    """On 32 bits, where there is as little memory as on a device, two meters and none of Modbus."""
    listed_ones = list(METERS)[: 4 if request.param == 64 else 2]
    meters = [*map(entry, listed_ones), LOCKED]
    settings = OURS | PUSH
    if request.param == 64:
        meters.append({"port": "ir_left", "model": "IE38MD", "serial": "LEFT0001", "address": 33})
    else:
        settings |= {"left_ir_enabled": 0}
    with gateway(request.param, meters=meters, clock=NOW, time_scale=10, settings=settings) as one:
        for serial in listed_ones:
            meter, plan = METERS[serial]
            add(one, meter | {"serial": str(serial)}, type="instant", name=f"No {serial}", **plan)
        read(one)
        yield one


def those_of(rig):
    """The meters that are in the list."""
    told = [meter["serial"] for meter in listed(rig)]
    return [serial for serial in METERS if str(serial) in told]


@pytest.fixture(params=PINNED)
def serial(rig, request):
    if request.param not in those_of(rig):
        pytest.skip("it is not there on 32 bits")
    return request.param


@pytest.fixture
def peer(rig):
    host, port = rig.ready["modbus_tcp"]
    with ModbusTcpClient(host, port=port, timeout=10, retries=0) as one:
        yield one


def live(rig, slot, group="measurements"):
    return rig.get_json(f"/api/live?slot={slot}&group={group}")


def test_get_command(rig, serial):
    told = answered(rig, f"get_counters{SLOTS[serial]}")
    assert told["header"]["serial_number"] == str(serial)
    found = {name: number(text) for name, text in told["counters"].items()}
    assert {name: found.get(name) for name in NAMES.values()} == {name: counters(serial).get(name) for name in NAMES.values()}
    told = command(rig, f"get_measurements{SLOTS[serial]}")["measurements"]
    for name in MEASURED:
        expected = measurements(serial).get(name)
        assert (name in told) == (expected is not None), (name, told)
        if expected:
            value, unit = number(told[name])
            assert (float(value), unit) == (
                pytest.approx(float(expected[0]), rel=1e-3),
                "" if name == "frequency" else expected[1],
            )


def test_api_of_the_client_and_live_values(rig, serial):
    slot = SLOTS[serial]
    told = json.loads(rig.get(f"/api/counter/{slot}")[2], parse_float=Decimal)["counters"]
    found = {one["name"]: (Decimal(one["value"]), one["unit"]) for kind in told.values() for one in kind if one["unit"]}
    expected = counters(serial)
    assert {name: found.get(name) for name in NAMES.values()} == {name: expected.get(name) for name in NAMES.values()}
    answer = rig.get_json(f"/api/measurement/{slot}")["measurements"]
    phases = [phase.get("U") for phase in answer["Phases"]]
    expected = measurements(serial)
    assert [text and float(text.split()[0]) for text in phases] == [
        float(expected[name][0]) if name in expected else None for name in ("U1", "U2", "U3")
    ]
    answer = live(rig, slot)
    assert (answer["serial"], answer["status"], answer["quality"]) == (str(serial), "present", "good")
    assert set(answer["values"]) & set(MEASURED) == set(expected)
    told = {one["name"]: number(one["value"]) for one in live(rig, slot, "counters")["values"]}
    assert all(told.get(name) == counters(serial).get(name) for name in NAMES.values())


def test_devices_are_listed_beside_the_meter_of_modbus(rig):
    if len(those_of(rig)) < len(METERS):
        pytest.skip("there is no meter of Modbus on 32 bits")
    eventually(lambda: command(rig, "get_devices")["total_meas"] == len(METERS) + 1, lambda: command(rig, "get_devices"))
    devices = {device["interface"]: device for device in rig.get_json("/api/devices")["devices"]}
    assert devices["Left IR"]["serial"] == "LEFT0001"
    for serial, slot in SLOTS.items():
        device = devices[f"RS485 {slot}"]
        assert (device["serial"], device["model"], device["description"]) == (str(serial), "OSG DLMS", f"No {serial}")


def test_energies_that_move_are_those_of_the_meter(rig):
    """All that it may have been between two looks at the clock."""
    if LIVE not in those_of(rig):
        pytest.skip("it is not there on 32 bits")
    before = rig.get_json("/api/status")["timestamp"]
    told = answered(rig, f"get_counters{SLOTS[LIVE]}")["counters"]
    for name, tariff in (("counter1nr", 0), ("counter1", 1), ("counter2", 2), ("counter3", 3)):
        held = {dlms_values.energy_wh(LIVE, utc, tariff) for utc in range(before - 180, before + 30)}
        assert number(told[name])[0] in held, name


def test_floats_and_energies_by_modbus(rig, peer, serial):
    kind = peer.DATATYPE

    def told(first, count, kind):
        answer = peer.read_holding_registers(first, count=count * kind.value[1], device_id=FIRST_UNIT + SLOTS[serial])
        assert not answer.isError(), answer
        return peer.convert_from_registers(answer.registers, kind)

    values = measurements(serial)
    expected = [single(values[name][0]) if name in values else None for name in FLOATS]
    assert [None if math.isnan(value) else value for value in told(1030, len(FLOATS), kind.FLOAT32)] == expected
    names = [f"counter{n}nr" for n in range(1, 5)] + [f"counter{n}" for n in range(1, 17)]
    energies = dict(zip(names, told(1240, 20, kind.INT64), strict=True))
    for name in NAMES.values():
        value = counters(serial).get(name)
        assert energies[name] == (int(1000 * value[0]) if value else -(1 << 63)), name


def single(value):
    return struct.unpack(">f", struct.pack(">f", value))[0]


def test_sunspec(rig, serial):
    host, port = rig.ready["modbus_tcp"]
    device = sunspec.SunSpecModbusClientDeviceTCP(slave_id=FIRST_UNIT + SLOTS[serial], ipaddr=host, ipport=port, timeout=10)
    try:
        device.scan()
        common = {name: point.value for name, point in device.common[0].points.items()}
        assert (common["SN"], common["Mn"], common["Md"]) == (str(serial), "OSG", "OSG DLMS")
        points = {name: point.value for name, point in device.models[213][0].points.items()}
    finally:
        device.close()
    values = counters(serial) | measurements(serial)
    for name, point in (
        *(("counter1nr", "TotWhImp"), ("counter2nr", "TotWhExp"), ("P0", "W"), ("frequency", "Hz")),
        *(("U1", "PhVphA"), ("U2", "PhVphB"), ("U3", "PhVphC"), ("I1", "AphA")),
    ):
        assert points[point] == (single(values[name][0]) if name in values else None), name


def test_links_and_home_assistant(rig, tmp_path):
    """Flat numbers to a broker; what Home Assistant makes of the states; no sensor for what a meter does not tell."""
    with Mosquitto(tmp_path) as broker, Receiver(broker) as receiver:
        status, _ = api(rig, "/api/settings", link(1, broker.port, retain=1) | {"hass1_discovery": 1}, "PATCH")
        assert status == 200
        try:
            states = {serial: check_topics(receiver, serial) for serial in PINNED if serial in those_of(rig)}
            check_home_assistant(receiver, states)
        finally:
            api(rig, "/api/settings", {"push1_protocol": 0, "mqtt1_server": ""}, "PATCH")
    log = rig.log()
    assert "Traceback" not in log, log[log.find("Traceback") :][:1500]


def check_topics(receiver, serial):
    """Look at a meter's topics; return its values as floats, energies in thousands."""
    place = f"rs485/{SLOTS[serial]}"
    told = {}
    for kind in ("measurements", "counters", "state"):
        topic = f"SG000017/pub/{kind}/{place}"
        told[kind] = json.loads(
            eventually(
                lambda topic=topic: [one for one in receiver.payloads(topic) if b'"q":"good"' in one],
                lambda topic=topic: f"{topic}: {sorted({one[0] for one in receiver.messages})}",
            )[-1]
        )
    exact = {name: float(value) for name, (value, _) in measurements(serial).items()}
    exact |= {name: float(value / 1000) for name, (value, _) in counters(serial).items()}
    for name in (*MEASURED, *NAMES.values()):
        for kind in ("counters" if name.startswith("counter") else "measurements", "state"):
            assert told[kind].get(name) == (pytest.approx(exact[name], rel=1e-12) if name in exact else None), (kind, name)
    return exact


def check_home_assistant(receiver, states):
    if not PYTHON.exists():
        return

    def announced():
        messages = [one[:2] for one in list(receiver.messages) if one[0].startswith("homeassistant/device/")]
        found = {topic: payload for topic, payload in messages if payload}
        return all(any(str(serial) in payload.decode() for payload in found.values()) for serial in states) and found

    found = eventually(announced, "not all meters are announced")
    told = {name: payload.decode() for name, payload, _, _ in list(receiver.messages) if "/state" in name or "/status" in name}
    result = asked(discovery=[[name, payload.decode()] for name, payload in found.items()], states=told)
    assert result["faults"] == []
    for serial, exact in states.items():
        for name, value in exact.items():
            assert float(result["entities"][f"{serial}_{name}"]["shown"]) == pytest.approx(value), (serial, name)
    wrong = {f"{WIDE}_{MISSING}", f"{PLAIN}_counter9", f"{WIDE}_counter9"} & set(result["entities"])
    assert not wrong, "what a meter does not tell has no sensor"


# What follows changes what there is: in this order.


def test_a_silent_meter_is_stale_and_never_zero(rig, peer):
    slot = SLOTS[WIDE]
    rig.control("meter", name=name_of(WIDE), fault="mute")
    try:
        stale = eventually(lambda: (answer := live(rig, slot))["quality"] == "stale" and answer, lambda: live(rig, slot))
        assert stale["status"] == "silent" and stale["values"]["P0"] != "0 W"
        assert not command(rig, f"get_counters{slot}").get("counters")
        assert rig.get(f"/api/measurement/{slot}")[0] == 503
        answer = peer.read_holding_registers(1030, count=20, device_id=FIRST_UNIT + slot)
        assert all(math.isnan(value) for value in peer.convert_from_registers(answer.registers, peer.DATATYPE.FLOAT32))
    finally:
        rig.control("meter", name=name_of(WIDE), fault="none")


def test_a_meter_that_is_removed_disappears(rig, peer):
    gone = those_of(rig)[-1]
    slot = SLOTS[gone]
    number = next(meter["id"] for meter in listed(rig) if meter["serial"] == str(gone))
    assert api(rig, f"/api/dlms_meters/{number}", method="DELETE")[0] in (200, 204)
    eventually(lambda: rig.get(f"/api/live?slot={slot}")[0] == 404, "it is still there")
    assert str(gone) not in [device["serial"] for device in rig.get_json("/api/devices")["devices"]]
    assert peer.read_holding_registers(1000, count=2, device_id=FIRST_UNIT + slot).isError()
    eventually(lambda: live(rig, SLOTS[PLAIN])["quality"] == "good", "the others stay")


def test_another_meter_and_a_wrong_password_show_nothing(rig):
    """Both are asked once, and told; the password is not tried again."""
    if NEGATIVE not in those_of(rig):
        pytest.skip("more meters than there are on 32 bits")
    add(rig, {"serial": "10000099", "address": 20}, type="instant", **LLS)
    add(rig, LOCKED, type="instant", **LLS | {"password": "87654321"})

    def look():
        found = {meter["serial"]: meter["reason"] for meter in listed(rig)}
        return (found["10000099"], found["10000005"]) == (7, 8)

    eventually(look, lambda: listed(rig))
    told = events(rig, "meter")
    assert [text for text in told if text.startswith("DLMS 10000099: other meter")], told
    assert len([text for text in told if text.startswith("DLMS 10000005: authentication failure")]) == 1, told
    devices = {device["address"]: device for device in rig.get_json("/api/status")["devices"]}
    for serial in ("10000099", "10000005"):
        slot = devices[serial]["slot"]
        assert devices[serial]["status"] != "present" and live(rig, slot)["values"] == {}
    rounds = rig.control("meter", name=name_of(PLAIN))["values"]["associations"]
    eventually(lambda: rig.control("meter", name=name_of(PLAIN))["values"]["associations"] > rounds + 1, "no more rounds")
    assert rig.control("meter", name=name_of(10000005))["values"]["wrong_passwords"] == 1


def test_energy_of_each_quarter_of_an_hour():
    """The clock runs fast; what the intervals add up to is exact, beyond 2**31, too."""
    serial, first, used = 10000001, 5000000000, 1230
    meter = {"family": "DLMS", "port": "rs485", "serial": str(serial), "address": 17, "delay_ms": 5}
    meter["values"] = {"1.0.1.8.0.255": first, "1.0.2.8.0.255": 70}
    options = {"meters": [meter], "clock": NOW, "time_scale": 200, "settings": OURS | {"left_ir_enabled": 0}}
    with gateway(**options) as rig:
        add(rig, meter, type="instant", **LLS)

        def energies(direction="import"):
            return [value for value in rig.get_json("/api/history?slot=1&view=day")[direction] if value is not None]

        eventually(lambda: len(energies()) >= 1, lambda: rig.get("/api/history?slot=1&view=day"))
        rig.control("meter", name=name_of(serial), set={"1.0.1.8.0.255": first + used})
        eventually(lambda: sum(energies()) >= used, energies)
        assert sum(energies()) == used and set(energies()) == {0, used}, "in one interval, nothing in the others"
        assert set(energies("export")) == {0}
