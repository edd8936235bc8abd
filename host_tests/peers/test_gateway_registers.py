"""The gateway's own registers and those it shows every meter with, read and written by other people's clients.

pymodbus reads the own unit, the floats and the energies of each family; the SunSpec Alliance's own client finds the meters as
SunSpec devices. What they read is what the simulated meters hold and what the gateway's pages tell.
"""

import math
import random
import struct
from decimal import Decimal
from typing import Any

import pytest
import sunspec2.modbus.client as sunspec
from pymodbus.client import ModbusTcpClient

from host_tests.gateway import answered, api, change, command, detected, eventually, gateway, settings

FIRST_ADDRESS, FIRST_UNIT, OWN = 50, 200, 34
# By slot, 0 is the left infrared port: model, phases, non-resettable and resettable counters
METERS = {
    0: ("IE38MD", 3, 4, 16),
    1: ("IE14MD", 1, 4, 8),
    2: ("WM3-6", 3, 4, 4),
    3: ("MC666", 3, 0, 4),
    4: ("WM1-6", 1, 0, 4),
    5: ("WM3M4C", 3, 2, 0),
    6: ("7M.38", 3, 4, 16),
}
NOBODY = 7  # a slot that is set and has no meter
FLOATS = [f"U{n}" for n in (1, 2, 3)] + ["U12", "U23", "U31"] + [f"I{n}" for n in (1, 2, 3)]
FLOATS += [f"{kind}{n}" for kind in ("P", "Q", "S", "PF", "PA") for n in range(4)]
FLOATS += ["frequency", "Tint"] + [f"{kind}{n}" for kind in ("THDUp", "THDI") for n in (1, 2, 3)]
LINE_VOLTAGES = ("U12", "U23", "U31")
COUNTERS = [f"counter{n}nr" for n in range(1, 5)] + [f"counter{n}" for n in range(1, 17)]
TARIFFS = {"IE": 0b1111, "7M": 0b1111, "WM": 0b11, "MC": 0b1111}
NOT_32, NOT_64 = 0xFFFFFFFF, -(1 << 63)
# Of the meter at 6: configuration (parameter, quadrants, exponent, tariffs) at its register, and what it then holds, in Wh.
ODD = {
    "counter1nr": ("40421", "0005 000F FFFF 0021", "12345.6", (1, 3, 1, 0x21)),  # phase 1, both directions
    "counter2nr": ("40425", "000A 0006 FFFD 0001", "-0.125", (2, 2, 2, 1)),
    "counter1": ("40437", "0003 0000 0006 003F", "7000000000", (3, 0, 0, 0x3F)),
    "counter2": ("40441", "0001 0009 0001 0000", "4294967290", (1, 1, 0, 0)),
    "counter3": ("40445", "0001 0009 0003 0001", "4294968000", (1, 1, 0, 1)),
}


def pins(slot):
    """Values that no other meter and no other name has, as fine as the meters' registers."""
    model, phases, non_resettable, resettable = METERS[slot]
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
    if phases == 1:  # the total serves as the phase
        values.update({name + "1": values[name + "0"] for name in ("P", "Q", "S", "PF", "PA")})
    for name in [f"counter{n}nr" for n in range(1, non_resettable + 1)] + [f"counter{n}" for n in range(1, resettable + 1)]:
        values[name] = chance.randint(0, 2_000_000) * 100
    if model == "7M.38":
        values.update({name: float(wh) for name, (_, _, wh, _) in ODD.items()})
    return values


def field():
    meters = []
    for slot, (model, *_) in METERS.items():
        meter = {"model": model, "serial": f"S{slot:07}", "frozen": True, "values": pins(slot), "software_version": 100 + slot}
        meter.update({"address": FIRST_ADDRESS + slot} if slot else {"port": "ir_left"})
        if model == "7M.38":
            meter["registers"] = {register: words for register, words, _, _ in ODD.values()}
        meters.append(meter)
    return meters


def chosen():
    found = {"poll_ms": 100, "response_ms": 300, "location": "Cellar", "ntp_server3": "time.example", "dns1": "192.168.7.1"}
    for slot in [*METERS, NOBODY]:
        if slot:
            found[f"rs485_type_{slot}"] = 2
            found[f"rs485_addr_{slot}"] = FIRST_ADDRESS + slot
    return found


@pytest.fixture(scope="module", params=[64, 32])
def rig(request):
    with gateway(request.param, meters=field(), settings=chosen()) as rig:
        detected(rig, len(METERS))
        for slot in METERS:
            answered(rig, f"get_measurements{slot or ''}")
            answered(rig, f"get_counters{slot or ''}")
        yield rig


@pytest.fixture
def peer(rig):
    host, port = rig.ready["modbus_tcp"]
    with ModbusTcpClient(host, port=port, timeout=10, retries=0) as one:
        yield one


def told(peer, unit, first, count, kind, holding=True) -> Any:
    """Values of one type from registers; a single one as such."""
    size = kind.value[1]
    found = []
    while count:  # as many as one request may ask for, whole values each
        now = min(count, 120 // size)
        ask = peer.read_holding_registers if holding else peer.read_input_registers
        answer = ask(first, count=now * size, device_id=unit)
        assert not answer.isError(), answer
        part = peer.convert_from_registers(answer.registers, kind)
        found += part if isinstance(part, list) else [part]
        first, count = first + now * size, count - now
    return found if len(found) > 1 else found[0]


def text(peer, unit, first, registers, holding=True):
    ask = peer.read_holding_registers if holding else peer.read_input_registers
    answer = ask(first, count=registers, device_id=unit)
    return struct.pack(f">{registers}H", *answer.registers).decode().rstrip()


def inputs(peer, first, registers=1):
    """A number of the own unit's."""
    return told(peer, OWN, first, 1, peer.DATATYPE.UINT32 if registers == 2 else peer.DATATYPE.UINT16, holding=False)


def single(value):
    return struct.unpack(">f", struct.pack(">f", value))[0]


def expected_floats(values, phases):
    """By name; None for what has to be NaN."""
    found = {}
    for name in FLOATS:
        value = values.get(name)
        if value is None or (phases == 1 and name[-1] in "23"):
            found[name] = None
        else:
            sign = -1 if name.startswith("PF") and values[f"P{name[2:]}"] < 0 else 1  # a negative factor is export
            found[name] = single(sign * value)
            if name in LINE_VOLTAGES:  # the meter calculates them, and has two decimals
                found[name] = pytest.approx(value, abs=0.006)
    return found


def plain(values):
    """NaN as None."""
    return [None if math.isnan(value) else value for value in values]


def floats_of(peer, unit):
    return dict(zip(FLOATS, plain(told(peer, unit, 1030, len(FLOATS), peer.DATATYPE.FLOAT32)), strict=True))


@pytest.mark.parametrize("slot", METERS)
def test_floats_and_identity_of_each_family(rig, peer, slot):
    model, phases, *_ = METERS[slot]
    unit = FIRST_UNIT + slot
    values = rig.control("meter", name=f"S{slot:07}")["values"]
    wanted = expected_floats(values, phases)
    assert floats_of(peer, unit) == wanted
    assert told(peer, unit, 1000, 4, peer.DATATYPE.UINT16) == [1, 2, 2, 2]
    assert all(age < 60 for age in told(peer, unit, 1004, 2, peer.DATATYPE.UINT32))
    assert told(peer, unit, 1008, 2, peer.DATATYPE.UINT16) == [phases, 1]
    assert (text(peer, unit, 1010, 8), text(peer, unit, 1018, 8)) == (model, f"S{slot:07}")
    for n, name in enumerate(FLOATS):  # alone, and by the other function, it is the same
        if name in ("U1", "P0", "PF0", "Tint", "THDI1"):
            assert told(peer, unit, 1030 + 2 * n, 1, peer.DATATYPE.FLOAT32, holding=False) == wanted[name]


@pytest.mark.parametrize("slot", METERS)
def test_energies_of_each_family(rig, peer, slot):
    model, *_ = METERS[slot]
    unit = FIRST_UNIT + slot
    values = rig.control("meter", name=f"S{slot:07}")["values"]
    kind = peer.DATATYPE
    arrays = [told(peer, unit, 1200, 20, kind.UINT32), told(peer, unit, 1240, 20, kind.INT64)]
    arrays += [told(peer, unit, 1320 + 20 * n, 20, kind.UINT16) for n in range(4)]
    for name, *found in zip(COUNTERS, *arrays, strict=True):
        if name not in values:
            assert found == [NOT_32, NOT_64, 0, 0, 0, 0], name
            continue
        number = int(name.removeprefix("counter").removesuffix("nr"))
        energy = Decimal(str(values[name]))
        what = ((number - 1) % 4 // 2 + 1, 2 - number % 2, 0, TARIFFS[model[:2]])
        if model.startswith(("IE", "7M")) and not name.endswith("nr"):  # the last ones of these are idle
            what = (*what[:3], what[3] if number <= 8 else 0) if number <= 12 else (0, 0, 0, 0)
        if model == "7M.38" and name in ODD:
            energy, what = Decimal(ODD[name][2]), ODD[name][3]
        whole = int(energy) if 0 <= energy < NOT_32 else NOT_32
        assert found == [whole, int(1000 * energy), *what], name


@pytest.mark.parametrize("slot", METERS)
def test_sunspec(rig, slot):
    model, phases, *_ = METERS[slot]
    values = rig.control("meter", name=f"S{slot:07}")["values"]
    host, port = rig.ready["modbus_tcp"]
    device = sunspec.SunSpecModbusClientDeviceTCP(slave_id=FIRST_UNIT + slot, ipaddr=host, ipport=port, timeout=10)
    try:
        device.scan()
        assert device.base_addr == 40000
        common, meter = device.common[0], device.models[213 if phases == 3 else 211][0]
        assert not common.error_info and not meter.error_info
        assert len(device.model_list) == 2
        names = {name: point.value for name, point in common.points.items()}
        assert (names["Mn"], names["Md"]) == ("Finder" if model.startswith("7M") else "Iskra", model)
        assert (names["SN"], names["Vr"], names["DA"]) == (f"S{slot:07}", f"1.{slot:02}", FIRST_UNIT + slot)
        points = {name: point.value for name, point in meter.points.items()}
        wanted = expected_floats(values, phases)
        for mine, theirs in (("U", "PhVph"), ("I", "Aph"), ("P", "Wph"), ("Q", "VARph"), ("S", "VAph"), ("PF", "PFph")):
            assert [points[theirs + letter] for letter in "ABC"] == [wanted[f"{mine}{n}"] for n in (1, 2, 3)], mine
        for mine, theirs in (("P0", "W"), ("Q0", "VAR"), ("S0", "VA"), ("PF0", "PF"), ("frequency", "Hz")):
            assert points[theirs] == wanted[mine], theirs
        each = range(1, phases + 1)
        assert points["A"] == pytest.approx(sum(values[f"I{n}"] for n in each), rel=1e-6)
        assert points["PhV"] == pytest.approx(sum(values[f"U{n}"] for n in each) / phases, rel=1e-6)
        energies = [points["TotWhImp"], points["TotWhExp"], points["TotWhImpPhA"], points["TotWhExpPhC"], points["TotVAhImp"]]
        suffix = "nr" if model != "MC666" and model != "WM1-6" else ""
        imported, exported = (single(values[f"counter{n}{suffix}"]) for n in (1, 2))
        if model == "7M.38":  # what its first ones count is unusual: the next that fit are meant
            imported, exported = (single(values[name]) for name in ("counter5", "counter6"))
        assert energies == [imported, exported, None, None, None]
    finally:
        device.close()


def test_a_meter_that_falls_silent(rig, peer):
    """All its values are gone at once, none is shown as zero or as it was; what it is stays, and the values come back."""
    slot = 3
    unit, name = FIRST_UNIT + slot, f"S{slot:07}"
    kind = peer.DATATYPE
    before = floats_of(peer, unit)
    rules = [told(peer, unit, 1320 + 20 * n, 20, kind.UINT16) for n in range(4)]
    rig.control("meter", name=name, fault="mute")
    try:
        eventually(lambda: told(peer, unit, 1001, 2, kind.UINT16) == [3, 1], "not noticed")
        assert set(floats_of(peer, unit).values()) == {None}
        assert set(told(peer, unit, 1200, 20, kind.UINT32)) == {NOT_32}
        assert set(told(peer, unit, 1240, 20, kind.INT64)) == {NOT_64}
        assert [told(peer, unit, 1320 + 20 * n, 20, kind.UINT16) for n in range(4)] == rules
        assert set(plain(told(peer, unit, 40072, 61, kind.FLOAT32))) == {None}
        assert told(peer, unit, 40070, 2, kind.UINT16) == [213, 124]
        assert (text(peer, unit, 1010, 8), text(peer, unit, 1018, 8)) == ("MC666", name)
        assert told(peer, unit, 1003, 1, kind.UINT16) in (0, 1)
        assert told(peer, FIRST_UNIT, 1001, 2, kind.UINT16) == [2, 2]  # the others go on
        eventually(lambda: told(peer, unit, 1004, 1, kind.UINT32) >= 1, "its values do not age")
    finally:
        rig.control("meter", name=name, fault="none")
    eventually(lambda: told(peer, unit, 1001, 3, kind.UINT16) == [2, 2, 2], "it does not come back")
    assert floats_of(peer, unit) == before


def test_a_meter_that_never_was_there(peer):
    unit, kind = FIRST_UNIT + NOBODY, peer.DATATYPE
    assert told(peer, unit, 1000, 4, kind.UINT16) == [1, 1, 0, 0]
    assert told(peer, unit, 1004, 2, kind.UINT32) == [NOT_32, NOT_32]
    assert set(floats_of(peer, unit).values()) == {None}
    assert set(told(peer, unit, 1240, 20, kind.INT64)) == {NOT_64}
    assert peer.read_holding_registers(40000, count=2, device_id=unit).exception_code == 4
    assert peer.read_holding_registers(1000, count=2, device_id=FIRST_UNIT + NOBODY + 1).exception_code == 11


def test_who_the_gateway_is(rig, peer):
    status = command(rig, "get_status")
    assert (text(peer, OWN, 1, 8, False), text(peer, OWN, 9, 4, False)) == (status["model_type"], rig.ready["serial"])
    assert inputs(peer, 0) == inputs(peer, 9000) == 5
    assert inputs(peer, 13) == round(float(status["sw_version"]) * 100) and inputs(peer, 16) == status["fs_ver"]
    assert text(peer, OWN, 14, 1, False) == chr(status["hw_ver"])
    mac = peer.read_input_registers(17, count=3, device_id=OWN).registers
    assert struct.pack(">3H", *mac).hex(":").upper() == status["mac_address"]
    assert (inputs(peer, 101), text(peer, OWN, 102, 9, False)) == (3, status["ip_address"])
    assert told(peer, OWN, 111, 1, peer.DATATYPE.INT16, holding=False) == status["wifi_rssi"]
    assert inputs(peer, 113) == 3  # the infrared meter is there
    block, mirrored = (peer.read_input_registers(first, count=20, device_id=OWN).registers for first in (0, 9000))
    assert block == mirrored


def test_what_the_gateway_measures(rig, peer):
    rig.control("pulse", count=7)
    eventually(lambda: inputs(peer, 207, 2) == 7, "not counted")
    for celsius, shown in ((20.4, 204), (-12.3, -123)):
        rig.control("pt1000", celsius=celsius)
        eventually(
            lambda: told(peer, OWN, 204, 1, peer.DATATYPE.INT16, holding=False) == shown and inputs(peer, 203) == 1,
            "not measured",
        )
    rig.control("pt1000", fault="open")
    eventually(lambda: inputs(peer, 203) == 0, "an open sensor is not noticed")
    assert told(peer, OWN, 204, 1, peer.DATATYPE.INT16, holding=False) == -32768
    earlier = inputs(peer, 115, 2)
    eventually(lambda: inputs(peer, 115, 2) > earlier, "it does not count its seconds")
    status = command(rig, "get_status")
    assert abs(inputs(peer, 201, 2) - status["timestamp"] - 3600) < 60  # local time, an hour ahead
    assert inputs(peer, 1001, 2) > 0 and inputs(peer, 1003, 2) > 0 and inputs(peer, 1006) == 0


def test_settings_as_registers(rig, peer):
    kept = settings(rig)
    texts = {101: ("description", 20), 121: ("location", 20), 341: ("ntp_server3", 20), 301: ("ntp_server1", 20)}
    for first, (name, registers) in texts.items():
        assert text(peer, OWN, first, registers) == kept[name], name
    numbers = {142: "time_sync_src", 145: "pulse_cnt_en", 201: "tcp_port", 202: "sg_modbus_addr", 203: "connection_mode"}
    numbers.update({205: "locked", 402: "left_ir_enabled", 403: "ir_counter_addr", 422: "rs485_baud_rate", 2011: "poll_ms"})
    numbers.update({2021: "modbus_wait_ms", 2026: "modbus_meters", 520: "mqtt1_port", 770: "mqtt2_port"})
    numbers.update({1001 + 10 * n: f"rs485_type_{n + 1}" for n in range(16)})
    numbers.update({1002 + 10 * n: f"rs485_addr_{n + 1}" for n in range(16)})
    for first, name in numbers.items():
        assert told(peer, OWN, first, 1, peer.DATATYPE.UINT16) == kept[name], name
    assert told(peer, OWN, 141, 1, peer.DATATYPE.INT16) == int(kept["timezone"]) == 60
    assert peer.read_holding_registers(234, count=2, device_id=OWN).registers == [192 << 8 | 168, 7 << 8 | 1]
    assert text(peer, OWN, 371, 10) == ""  # a secret


def holding(peer, first):
    return told(peer, OWN, first, 1, peer.DATATYPE.UINT16)


def refused(answer):
    """The exception's number, 0 if it was taken."""
    return answer.exception_code if answer.isError() else 0


def padded(words, registers):
    return list(struct.unpack(f">{registers}H", words.encode().ljust(2 * registers)))


def test_settings_are_written_only_when_it_is_allowed_and_take_effect_when_saved(rig, peer):
    name = padded("Workshop", 20)
    writes = {
        "one register": lambda: peer.write_register(2011, 150, device_id=OWN),
        "several": lambda: peer.write_registers(101, name, device_id=OWN),
        "written and read": lambda: peer.readwrite_registers(
            read_address=121, read_count=20, write_address=121, values=padded("Roof", 20), device_id=OWN
        ),
        "the command to save": lambda: peer.write_register(12, 1, device_id=OWN),
        "the command to restart": lambda: peer.write_register(12, 3, device_id=OWN),
    }
    for what, write in writes.items():
        assert refused(write()) == 1, what
    assert holding(peer, 2001) == 0
    assert refused(peer.write_register(1030, 0, device_id=FIRST_UNIT)) == 1  # of a meter nothing can be written
    before = settings(rig)
    assert api(rig, "/api/modbus_access", {"minutes": 10})[1]["left_s"] > 0
    try:
        assert holding(peer, 2001) == 1 and 590 < holding(peer, 2002) <= 600
        assert refused(writes["one register"]()) == refused(writes["several"]()) == 0
        answer = writes["written and read"]()
        assert struct.pack(">20H", *answer.registers).rstrip() == b"Roof"
        assert (holding(peer, 2003), holding(peer, 2011), text(peer, OWN, 101, 20)) == (3, 150, "Workshop")
        assert settings(rig) == before  # nothing is saved yet
        assert refused(peer.write_register(2021, 1, device_id=OWN)) == 3  # wrong by itself
        assert refused(peer.write_register(150, 1, device_id=OWN)) == 2  # nothing is there
        assert refused(peer.write_register(12, 1, device_id=OWN)) == 0
        after = settings(rig)
        assert {key for key in after if after[key] != before[key]} == {"poll_ms", "description", "location"}
        assert (after["poll_ms"], after["description"], after["location"]) == (150, "Workshop", "Roof")
        assert command(rig, "get_status")["description"] == "Workshop" and holding(peer, 2003) == 0
        # What does not fit together is refused as a whole, and waits to be put right, or forgotten.
        assert refused(peer.write_register(207, 1, device_id=OWN)) == 0
        assert refused(peer.write_registers(101, padded("Attic", 20), device_id=OWN)) == 0
        assert refused(peer.write_register(12, 1, device_id=OWN)) == 3
        assert any("not saved: ip" in event["text"] for event in api(rig, "/api/events")[1]["events"])
        assert settings(rig) == after and holding(peer, 2003) == 2
        assert refused(peer.write_register(12, 2, device_id=OWN)) == 0
        assert (holding(peer, 2003), text(peer, OWN, 101, 20), holding(peer, 207)) == (0, "Workshop", 0)
        # The pulse counter, and the lock.
        rig.control("pulse", count=3)
        eventually(lambda: inputs(peer, 207, 2) >= 3, "not counted")
        assert refused(peer.write_register(13, 1, device_id=OWN)) == 0 and inputs(peer, 207, 2) == 0
        assert refused(peer.write_register(2011, 200, device_id=OWN)) == 0
        assert refused(peer.write_register(12, 6, device_id=OWN)) == 0
        assert (holding(peer, 2001), holding(peer, 2003), holding(peer, 2011)) == (0, 0, 150)
        assert refused(writes["several"]()) == 1
    finally:
        api(rig, "/api/modbus_access", {"minutes": 0})
        change(rig, **{key: before[key] for key in ("poll_ms", "description", "location")})
