"""The maker's Python client, unmodified and in five versions, reads meters by Modbus TCP through the gateway.

Which meters: IE and MC. Of the WM family it can read WM3M4 only, and of that no counters: it looks for them where WM3 has the
resettable ones; of WM3 it wants a configuration that it has not read, of WM1 more registers at once than that one gives
(device sheet, 4.5). It waits a second for an answer, four times; an exception it takes for a failure at once.
"""

import random
import struct
import time

import pytest

from host_tests.gateway import answered, change, detected, eventually, gateway, statistics
from host_tests.peers.pyiskra_process import VERSIONS, Pyiskra

INTEGERS_SINCE = "0.1.15"  # before, it read the measurements of an IE as floats too,
WM_RIGHT_SINCE = "0.1.15"  # ... and took a WM's distortion of the voltage for that of the current too
BLOCKS_SINCE = "0.1.29"
# By unit, 33 is on the left infrared port: model, class in the client, phases, non-resettable and resettable counters
METERS = {
    33: ("IE38MD", "Impact", 3, 4, 16),
    51: ("IE14MD", "Impact", 1, 4, 8),
    52: ("MC666", "MeasuringCentre", 3, 0, 4),
    53: ("IE38MD", "Impact", 3, 4, 16),
    54: ("WM3M4C", "WM", 3, 0, 0),
}
WITH_BLOCKS = 53
COUNTED = (("Wh", "import"), ("Wh", "export"), ("varh", "import"), ("varh", "export"))
KINDS = {"Wh": "active", "varh": "reactive"}
OFF_FROM = 12  # the resettable counters of an IE that count nothing
EXPONENTS = {"40423": "FFFF", "40433": "0002"}  # of the MC's counters, in their configuration
SECONDS = 1_700_000_000
NOMINAL_W = 3 * 5 * 230
ENERGIES = ("total", "last_month", "two_months_ago", "last_year", "two_years_ago")
ENERGIES += ("this_month", "previous_month", "this_year", "previous_year")
HIGHEST = ("since_reset", "this_month", "previous_month", "this_year", "previous_year")
NO_ANSWER = "No response"  # as pymodbus says when it has waited in vain


def newer(one, other):
    return [int(n) for n in one.split(".")] > [int(n) for n in other.split(".")]


def pins(unit):
    """Values that no other meter and no other name has, as fine as the meter's registers and the client's three decimals."""
    _, _, phases, non_resettable, resettable = METERS[unit]
    chance = random.Random(unit)
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
    for name in names("nr", non_resettable) + names("", resettable):
        values[name] = chance.randint(0, 2_000_000) * 100  # a million of them and more are beyond what a float tells exactly
    return values


def names(suffix, count):
    return [f"counter{n}{suffix}" for n in range(1, count + 1)]


def block_words():
    """All that the client reads of time blocks, each a number of its own: {register: (value, words in hex)}."""
    found = {36761: "0005", 36762: "FFFF", 36763: "0003", 35244: "0123", 35261: "FFFF"}
    found.update({40990 + block: f"{5000 + 1000 * block:04X}" for block in range(5)})
    for first, last in ((35245, 35259), (36774, 36785), (36786, 36995)):
        found.update({register: f"{register * 10 % 0x1000000:08X}" for register in range(first, last + 1, 2)})
    for register in (34901, 36764, 36766, 36768, 36770, 36772, 36780, 36784):
        found[register] = f"{SECONDS + register:08X}"
    for block in range(5):
        for place in range(len(HIGHEST)):
            register = 36810 + 42 * block + 4 * place
            found[register] = f"{SECONDS + register:08X}"
    return found


def field():
    meters = []
    for unit, (model, *_) in METERS.items():
        meter = {"model": model, "serial": f"S{unit:07}", "frozen": True, "values": pins(unit), "description": f"No {unit}"}
        meter.update({"port": "ir_left"} if unit == 33 else {"address": unit})
        if model == "MC666":
            meter["registers"] = EXPONENTS
        if unit == WITH_BLOCKS:
            meter.update(time_blocks=True, registers={str(register): words for register, words in block_words().items()})
        meters.append(meter)
    return meters


def settings():
    chosen = {"poll_ms": 50, "response_ms": 300}
    for slot, unit in enumerate([unit for unit in METERS if unit != 33], 1):
        chosen[f"rs485_type_{slot}"] = 2
        chosen[f"rs485_addr_{slot}"] = unit
    return chosen


@pytest.fixture(scope="module")
def rig():
    with gateway(meters=field(), settings=settings()) as rig:
        detected(rig, len(METERS))
        for slot in range(len(METERS)):
            answered(rig, f"get_counters{slot or ''}")
        yield rig


@pytest.fixture(params=VERSIONS)
def client(request):
    with Pyiskra(request.param) as one:
        yield one


def begin(client, rig, unit):
    host, port = rig.ready["modbus_tcp"]
    return client.modbus("tcp", port, unit, host)


def held(rig, unit):
    return rig.control("meter", name=f"S{unit:07}")["values"]


def asked(rig, unit):
    """How often the meter was asked on its wire."""
    return statistics(rig, "ir_left" if unit == 33 else "rs485", unit)["asked"]


def single(value):
    """What a float register and the client's rounding leave of it."""
    return round(struct.unpack(">f", struct.pack(">f", value))[0], 3)


def exact(value):
    """But for what the client's multiplication by a power of ten leaves."""
    return pytest.approx(value, rel=1e-12)


def check(client, rig, unit, seen):
    """All that the client has of a meter is what the meter holds."""
    assert "error" not in seen, (client.version, unit, seen)
    model, kind, phases, non_resettable, resettable = METERS[unit]
    texts = [seen[name].strip() for name in ("model", "serial", "description")]  # older ones keep what fills the registers up
    assert (texts, seen["class"], seen["phases"]) == ([model, f"S{unit:07}", f"No {unit}"], kind, phases)
    values = held(rig, unit)
    has_floats = kind == "MeasuringCentre" or kind == "Impact" and newer(INTEGERS_SINCE, client.version)
    if kind == "WM" and newer(WM_RIGHT_SINCE, client.version):
        values = {**values, **{f"THDI{n}": values[f"THDUp{n}"] for n in range(1, phases + 1)}}
    check_measurements(seen["measurements"], values, phases, single if has_floats else float)
    if kind != "WM":
        as_told = single if kind == "Impact" else exact
        check_counters(seen["counters"]["non_resettable"], values, names("nr", non_resettable), as_told)
        check_counters(seen["counters"]["resettable"], values, names("", resettable), as_told)
    if unit == WITH_BLOCKS and not newer(BLOCKS_SINCE, client.version):
        assert seen["supports_time_blocks"] is True
        check_blocks(seen["time_blocks_measurements"])
    else:
        assert not seen["supports_time_blocks"] and seen["time_blocks_measurements"] is None


def check_measurements(seen, values, phases, as_told):
    assert seen["frequency"] == {"value": as_told(values["frequency"]), "units": "Hz"}
    assert seen["temperature"] == {"value": as_told(values["Tint"]), "units": "°C"}
    assert len(seen["phases"]) == phases
    for n, phase in enumerate([seen["total"], *seen["phases"]]):
        expected = {
            "active_power": (values[f"P{n}"], "W"),
            "reactive_power": (values[f"Q{n}"], "var"),
            "apparent_power": (values[f"S{n}"], "VA"),
            "power_factor": (values[f"PF{n}"], ""),
            "power_angle": (values[f"PA{n}"], "°"),
        }
        if n:
            expected["voltage"] = (values[f"U{n}"], "V")
            expected["current"] = (values[f"I{n}"], "A")
            expected["thd_voltage"] = (values[f"THDUp{n}"], "%")
            expected["thd_current"] = (values[f"THDI{n}"], "%")
        assert phase == {name: {"value": as_told(value), "units": unit} for name, (value, unit) in expected.items()}, n


def check_counters(counters, values, expected, as_told):
    assert len(counters) == len(expected)
    for n, (counter, name) in enumerate(zip(counters, expected, strict=True)):
        unit, direction = COUNTED[n % 4]
        known = {"units": unit, "direction": direction, "counter_type": f"{KINDS[unit]}_{direction}"}
        if n >= OFF_FROM:
            known = {"units": "", "direction": 0, "counter_type": "unknown"}
        assert counter == {"value": as_told(values[name]), **known}, name


def check_blocks(seen):
    words = block_words()

    def number(register):
        return int(words[register], 16)

    def moment(register):
        return {"value": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(number(register))), "units": ""}

    def tenths(register):
        return exact(number(register) / 10)

    assert seen["active_block_index"]["value"] == 3 and seen["time_to_end_interval"]["value"] == 0x123
    assert len(seen["time_blocks"]) == 5
    whole = seen["time_blocks"][0]  # each of the five has all of them
    for block in range(5):
        energy, excess, highest = (whole[name][block] for name in ("consumed_energy", "excess_power", "max_15min_Power"))
        for place, name in enumerate(ENERGIES):
            assert energy[name] == {"value": tenths(36786 + 42 * block + 2 * place), "units": "Wh"}, (block, name)
        assert energy["timestamp_total"] == moment(34901)
        for place, name in enumerate(ENERGIES[1:5]):
            assert energy[f"timestamp_{name}"] == moment(36766 + 2 * place)
        assert excess["excess_power_limit"]["value"] == round(NOMINAL_W * (5000 + 1000 * block) / 10000)
        assert excess["excess_power_this_month"]["value"] == number(36804 + 42 * block)
        assert excess["excess_power_previous_month"]["value"] == number(36806 + 42 * block)
        for place, name in enumerate(HIGHEST):
            assert highest[f"max_15min_power_{name}"]["value"] == number(36808 + 42 * block + 4 * place)
            assert highest[f"timestamp_{name}"] == moment(36810 + 42 * block + 4 * place)
        assert highest["reset_timestamp"] == moment(36764)
    for way, first, highest, when in (("import", 35245, number(36778), 36780), ("export", 35253, tenths(36782), 36784)):
        power = seen[f"active_power_measurements_{way}"]
        found = [power[name]["value"] for name in ("actual_value", "thermal_function", "predicted_15min", "last_15min")]
        assert found == [number(first + 2 * place) for place in range(4)], way
        assert (power["max_15min_since_reset"]["value"], power["timestamp"]) == (highest, moment(when))
        assert power["active_energy_total"]["value"] == tenths(36774 if way == "import" else 36776)
    assert seen["active_power_measurements_import"]["predicted_15min_active_limit"]["value"] == -0.01


def test_every_value(rig, client):
    """While the gateway polls the same meters without much of a pause."""
    for unit in METERS:
        check(client, rig, unit, begin(client, rig, unit))
        values = held(rig, unit)
        changed = {"U1": round(values["U1"] / 2 + 1, 2), "P0": -values["P0"]}
        rig.control("meter", name=f"S{unit:07}", set=changed)
        assert held(rig, unit)["U1"] == changed["U1"]
        client.update()  # may share the answer to a poll that was on its way already; the next one cannot
        check(client, rig, unit, client.update())


def test_every_value_with_readings_as_answers(rig, client):
    """What another read just now may serve, so that nothing is asked of the meter twice in a row; a newer value still comes."""
    change(rig, modbus_max_age=800)
    try:
        for unit in METERS:
            check(client, rig, unit, begin(client, rig, unit))
            volts = round(held(rig, unit)["U1"] / 2 + 1, 2)
            rig.control("meter", name=f"S{unit:07}", set={"U1": volts})
            told = single(volts)
            eventually(lambda: client.update()["measurements"]["phases"][0]["voltage"]["value"] == told, "no new value")
            check(client, rig, unit, client.update())
        change(rig, modbus_max_age=60000, poll_ms=60000)  # nobody else asks
        for unit in (33, 51, 52):
            check(client, rig, unit, begin(client, rig, unit))
            # Not at once: polls may be on their way.
            eventually(lambda: asked(rig, unit) == (client.update() and asked(rig, unit)), f"{unit} is asked for each update")
            check(client, rig, unit, client.update())
    finally:
        change(rig, modbus_max_age=0, poll_ms=50)


@pytest.mark.parametrize("unit", [33, 52])
def test_a_meter_that_falls_silent(rig, client, unit):
    """The gateway tells that it does not answer, before the client has waited for as long as it does; and then it is back."""
    check(client, rig, unit, begin(client, rig, unit))
    rig.control("meter", name=f"S{unit:07}", fault="mute")
    try:
        failed = client.update()
        assert "error" in failed and NO_ANSWER not in failed["text"], (client.version, failed)
        with Pyiskra(client.version) as later:
            failed = begin(later, rig, unit)
            assert "error" in failed and NO_ANSWER not in failed["text"], (client.version, failed)
    finally:
        rig.control("meter", name=f"S{unit:07}", fault="none")
    # For two seconds after a question without an answer the next one of its size is refused: a late answer would look like its.
    eventually(lambda: "error" not in client.update(), "it does not come back")
    check(client, rig, unit, client.update())
