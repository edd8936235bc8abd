"""The maker's Python client, unmodified and in five versions, sees by REST what the meters hold; Home Assistant is built on it.

What Home Assistant does with it, in order: create a gateway, which creates its children, then update each child every minute.
"""

import random

import pytest

from host_tests.gateway import answered, change, detected, eventually, gateway
from host_tests.peers.pyiskra_process import VERSIONS, Pyiskra

FIRST_ADDRESS = 50  # plus the slot
BLOCKS_SINCE = "0.1.29"
TOTAL_ANGLE_SINCE = "0.1.21"
# By slot, 0 is the left infrared port: model, class in the client, phases, non-resettable and resettable counters
METERS = {
    0: ("IE38MD", "Impact", 3, 4, 16),
    1: ("IE14MD", "Impact", 1, 4, 8),
    3: ("WM3M4C", "WM", 3, 2, 0),
    6: ("WM3-6", "WM", 3, 4, 4),
    7: ("WM1-6", "WM", 1, 0, 4),
    8: ("MC666", "MeasuringCentre", 3, 0, 4),
    9: ("iMC784", "MeasuringCentre", 3, 0, 4),
    10: ("IE38MD", "Impact", 3, 4, 16),
}
# The others: 2 is off, 4 is set but nothing is there, the client knows no switch and no stranger.
ABSENT, SWITCH, STRANGER = 4, 5, 11
COUNTED = (
    ("Wh", "import", "active"),
    ("Wh", "export", "active"),
    ("varh", "import", "reactive"),
    ("varh", "export", "reactive"),
)
OFF_FROM = 12  # the counters of an IE that count nothing
# Of the meter at 0: exponent -1; per block the energies of this month, the previous, this year, the previous, then powers in W
BLOCKS = [[10 * block + n for n in range(4)] + [1000 + block, 12345] for block in range(4)] + [
    [4294967295, 0, 1, 7, 0, 16777215]
]
# Counters of the meter at 10: exponent, mantissa, in words; what they are
RAW = {"counter1nr": ("FFFF", "0001E240", 12345.6), "counter2nr": ("FFFD", "FFFFFFFF", -0.001)}


def pins(slot, phases, non_resettable, resettable):
    """Values that no other meter and no other name has, as exact as the meters' words and three decimals."""
    chance = random.Random(slot)
    values = {"frequency": round(chance.uniform(45, 65), 3), "Tint": round(chance.uniform(-20, 60), 2)}
    for n in range(1, phases + 1):
        values[f"U{n}"] = round(chance.uniform(10, 300), 2)
        values[f"I{n}"] = round(chance.uniform(0, 60), 3)
        values[f"THDI{n}"] = round(chance.uniform(0, 99), 2)
        values[f"THDUp{n}"] = round(chance.uniform(0, 99), 2)
    for n in range(phases + 1):
        values[f"P{n}"] = round(chance.uniform(-90000, 90000), 1)
        values[f"Q{n}"] = round(chance.uniform(-900, 900), 1)
        values[f"S{n}"] = round(chance.uniform(0, 90000), 1)
        values[f"PF{n}"] = round(chance.uniform(0, 1), 4)
        values[f"PA{n}"] = round(chance.uniform(-180, 180), 2)
    values.update({"P0": 0.0, "PF0": 1.0} if slot % 2 else {"I1": 0.0, "P1": -0.1, "PA1": -0.01})
    if phases == 1:  # the total serves as the phase
        values.update({name + "1": values[name + "0"] for name in ("P", "Q", "S", "PF", "PA")})
    for name in names("nr", non_resettable) + names("", resettable):
        values[name] = chance.randint(-50, 2_000_000) * 100
    return values


def names(suffix, count):
    return [f"counter{n}{suffix}" for n in range(1, count + 1)]


def serial(slot):
    return f"S{slot:07}"


def block_words():
    words = {"36761": "0005", "36762": "FFFF", "36763": "0002"}
    for block, values in enumerate(BLOCKS):
        first = 36796 + 42 * block
        for n, value in enumerate(values):
            words[str(first + 2 * n)] = f"{value >> 16:04X}{value & 0xFFFF:04X}"
    return words


def field():
    meters = [
        {"port": "ir_right", "model": "IR Bicom"},
        {"model": "Bicom", "serial": "BICOM", "address": FIRST_ADDRESS + SWITCH},
    ]
    meters.append({"family": "IE38", "model": "XY100", "serial": "STRANGER", "address": FIRST_ADDRESS + STRANGER})
    for slot, (model, _, *shape) in METERS.items():
        meter = {
            "model": model,
            "serial": serial(slot),
            "frozen": True,
            "values": pins(slot, *shape),
            "description": f"No {slot}",
        }
        meter.update({"address": FIRST_ADDRESS + slot} if slot else {"port": "ir_left"})
        meters.append(meter)
    meters[3].update(time_blocks=True, registers=block_words())
    meters[-1]["registers"] = {
        **{str(30401 + n): raw[0] for n, raw in enumerate(RAW.values())},
        **{str(30406 + 2 * n): raw[1] for n, raw in enumerate(RAW.values())},
    }
    return meters


def settings(slots):
    chosen = {"ir_ext_rel_mode": 1, "poll_ms": 200, "response_ms": 300, "rs485_type_1": 0, "rs485_type_2": 0}
    for slot in slots:
        if slot:
            chosen[f"rs485_type_{slot}"] = 3 if slot == SWITCH else 2
            chosen[f"rs485_addr_{slot}"] = FIRST_ADDRESS + slot
    return chosen


@pytest.fixture(scope="module")
def rig():
    with gateway(meters=field(), settings=settings([*METERS, ABSENT, SWITCH, STRANGER])) as rig:
        detected(rig, len(METERS) + 1)
        for slot in METERS:
            answered(rig, f"get_counters{slot or ''}")
        eventually(lambda: rig.get("/api")[0] == 200, "the round of detection does not end")
        yield rig


def held(rig, slot):
    values = rig.control("meter", name=serial(slot))["values"]
    if slot == 10:
        values.update({name: raw[2] for name, raw in RAW.items()})
    return values


def check(version, rig, child):
    """All that the client has of one child is what its meter holds."""
    slot = child["index"]
    model, kind, phases, non_resettable, resettable = METERS[slot]
    assert (child["model"], child["serial"], child["class"], child["phases"]) == (model, serial(slot), kind, phases)
    assert child["description"] == f"No {slot}"
    values = held(rig, slot)
    seen = child["measurements"]
    assert (seen["frequency"], seen["temperature"]) == (
        {"value": values["frequency"], "units": "Hz"},
        {"value": values["Tint"], "units": "°C"},
    )
    assert len(seen["phases"]) == phases
    for n, phase in enumerate([seen["total"], *seen["phases"]]):
        expected = {
            "active_power": (values[f"P{n}"], "W"),
            "reactive_power": (values[f"Q{n}"], "var"),
            "apparent_power": (values[f"S{n}"], "VA"),
            "power_factor": (values[f"PF{n}"], "Cap" if values[f"P{n}"] * values[f"Q{n}"] < 0 else "Ind"),
            "power_angle": (values[f"PA{n}"], "°"),
        }
        if n:
            expected["voltage"] = (values[f"U{n}"], "V")
            expected["current"] = (values[f"I{n}"], "A")
            expected["thd_voltage"] = (values[f"THDUp{n}"], "%")
            expected["thd_current"] = (values[f"THDI{n}"], "%")
        elif newer(TOTAL_ANGLE_SINCE, version):
            del expected["power_angle"]  # which it does not look for
            assert phase.pop("power_angle") is None
        found = {name: value and (value["value"], value["units"]) for name, value in phase.items()}
        assert found == expected, (slot, n)
    check_counters(child["counters"]["non_resettable"], values, names("nr", non_resettable))
    check_counters(child["counters"]["resettable"], values, names("", resettable))
    if slot == 0 and not newer(BLOCKS_SINCE, version):
        check_blocks(child)
    else:
        assert not child["supports_time_blocks"] and child["time_blocks_measurements"] is None


def check_counters(counters, values, expected):
    assert len(counters) == len(expected)
    for n, (counter, name) in enumerate(zip(counters, expected, strict=True)):
        if n < OFF_FROM:
            unit, direction, kind = COUNTED[n % 4]
            known = {"value": values[name], "units": unit, "direction": direction, "counter_type": f"{kind}_{direction}"}
        else:
            known = {"value": None, "units": "", "direction": "", "counter_type": "unknown"}
        assert counter == known, name


def check_blocks(child):
    assert child["supports_time_blocks"] is True
    seen = child["time_blocks_measurements"]
    assert seen["active_block_index"]["value"] == 2
    assert len(seen["time_blocks"]) == len(BLOCKS)
    energies, powers = seen["time_blocks"][0]["consumed_energy"], seen["time_blocks"][0]["excess_power"]
    for energy, power, values in zip(energies, powers, BLOCKS, strict=True):
        for name, value in zip(("this_month", "previous_month", "this_year", "previous_year"), values, strict=False):
            assert energy[name] == {"value": value / 10, "units": "Wh"}
        assert power["excess_power_this_month"] == {"value": values[4], "units": "W"}
        assert power["excess_power_previous_month"] == {"value": values[5], "units": "W"}


def newer(one, other):
    return [int(n) for n in one.split(".")] > [int(n) for n in other.split(".")]


@pytest.mark.parametrize("version", VERSIONS)
def test_all_meters_and_every_value(rig, version):
    with Pyiskra(version) as client:
        seen = client.gateway(rig)
        assert (seen.get("model"), seen.get("serial")) == ("SG-W1", rig.ready["serial"]), seen
        assert seen["class"] == "SmartGateway" and seen["fw_version"]
        assert [child["index"] for child in seen["children"]] == list(METERS)
        for child in seen["children"]:
            check(version, rig, child)
        for place, slot in enumerate(METERS):
            volts = 101 + slot + 20 * VERSIONS.index(version)
            rig.control("meter", name=serial(slot), set={"U1": float(volts)})
            eventually(lambda: f'"U":"{volts}.0 V"'.encode() in rig.get(f"/api/measurement/{slot}")[2], "no new value")
            check(version, rig, client.update(place))


def test_a_meter_that_falls_silent(rig):
    """The client goes on without it, and has it back; it never sees old values as new ones."""
    places = list(METERS)
    mute = (1, 8)
    clients = [Pyiskra(version) for version in VERSIONS]
    try:
        for client in clients:
            assert "children" in client.gateway(rig)
        for slot in mute:
            rig.control("meter", name=serial(slot), fault="mute")
        for slot in mute:
            eventually(lambda: rig.get(f"/api/measurement/{slot}")[0] == 503, "not noticed")
        for version, client in zip(VERSIONS, clients, strict=True):
            for slot in mute:
                assert client.update(places.index(slot)).get("error") == "DeviceConnectionError", version
            check(version, rig, client.update(places.index(10)))
            with Pyiskra(version) as later:
                seen = later.gateway(rig)
                assert [child["index"] for child in seen["children"]] == [slot for slot in METERS if slot not in mute]
                for child in seen["children"]:
                    check(version, rig, child)
        for slot in mute:
            rig.control("meter", name=serial(slot), fault="none")
        for slot in mute:
            eventually(lambda: rig.get(f"/api/counter/{slot}")[0] == 200, "it does not come back")
        for version, client in zip(VERSIONS, clients, strict=True):
            for slot in mute:
                check(version, rig, client.update(places.index(slot)))
    finally:
        for slot in mute:
            rig.control("meter", name=serial(slot), fault="none")
        for client in clients:
            client.__exit__()


def test_just_after_the_start_and_with_a_password():
    """Nothing is told before all meters were asked, so that none is missing then; and nothing without the login it needs."""
    meters = [{"port": "ir_left", "model": "IE38MD", "serial": "LEFT"}, {"model": "WM3M4C", "address": 61, "fault": "mute"}]
    chosen = {
        "ir_ext_rel_mode": 0,
        "rs485_type_1": 2,
        "rs485_addr_1": 61,
        "rs485_type_2": 0,
        "response_ms": 1500,
        "poll_ms": 200,
    }
    clients = [Pyiskra(version) for version in VERSIONS]
    try:
        for client in clients:
            assert client.update()["error"] == "AttributeError"  # it has nothing yet: but it is there now
        with gateway(meters=meters, settings=chosen) as rig:
            for client in clients:
                assert client.gateway(rig).get("error") == "DeviceConnectionError"
            assert b"looked for" in rig.get("/api")[2]  # until then
            eventually(lambda: rig.get("/api")[0] == 200, "the round of detection does not end")
            for client in clients:
                assert [child["serial"] for child in client.gateway(rig)["children"]] == ["LEFT"]
            change(rig, read_login=1)
            for client in clients:
                assert client.update(0).get("error") == "NotAuthorised"
                assert client.gateway(rig).get("error") == "NotAuthorised"
                seen = client.gateway(rig, "admin", rig.ready["pop"])
                assert [child["serial"] for child in seen["children"]] == ["LEFT"]
                assert client.update(0)["measurements"]["total"]["active_power"]["units"] == "W"
            assert clients[0].gateway(rig, "admin", "guess").get("error") == "NotAuthorised"
    finally:
        for client in clients:
            client.__exit__()
