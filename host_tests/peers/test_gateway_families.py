"""Every family of meters, found and served by the whole gateway: what it shows is what the meters hold."""

import random
from decimal import Decimal

import pytest

from host_tests.gateway import answered, command, detected, eventually, gateway, last_place, number

# By the sheet, section 1: model, phases, non-resettable and resettable counters. Decimals of f, U, I and P: the rig's.
IE, WM, MC = (3, 2, 4, 1), (3, 2, 3, 1), (4, 3, 5, 2)
MODELS = (
    ("IE38MD", 3, 4, 16, IE),
    ("IE35MD", 3, 4, 16, IE),
    ("IE14MD", 1, 4, 8, IE),
    ("WM3M4C", 3, 2, 0, WM),
    ("WM3-6", 3, 4, 4, WM),
    ("WM1-6", 1, 0, 4, WM),
    ("MC666", 3, 0, 4, MC),
    ("iMC784", 3, 0, 4, MC),
    ("MT440", 3, 0, 4, MC),
    ("7M.24", 1, 4, 8, IE),
    ("7M.38", 3, 4, 16, IE),
    ("7M.34.8", 3, 2, 0, WM),
)
FIRST_ADDRESS = 41
WORDS, STRANGER = 13, 14  # slots behind the families: raw words, a model that nobody knows
LEFT = "L0000001"

# Words of the sheet (6.3, 6.4, 14) and what they read; rounded where the original cut.
TEXTS = (
    ("30105", "FD00 C35A", "frequency", "50.01 "),
    ("30107", "FF00 F80C", "U1", "6.35 kV"),
    ("30109", "FE00 5622", "U2", "220.5 V"),
    ("30126", "FC00 02E8", "I1", "0.074 A"),
    ("30128", "FD01 E240", "I2", "123.46 A"),
    ("30140", "FF01 E240", "P0", "12.346 k W"),
    ("30142", "FF01 869F", "P1", "9999.9 W"),
    ("30144", "FDFE 1DC0", "P2", "-123.46 W"),
    ("30146", "0300 0005", "P3", "5000.0 W"),
    ("30148", "FFFF FEEB", "Q0", "-27.7 var"),
    ("30150", "FFFF FFA6", "Q1", "-9.0 var"),
    ("30164", "00FF 084C", "PF0", "0.2124 Cap"),
    ("30166", "FF00 1ED2", "PF1", "0.7890 Ind"),
    ("30168", "0000 2710", "PF2", "1.0 Ind"),
    ("30170", "00FF 0200", "PF3", "0.0512 Cap"),
    ("30172", "E1F5", "PA0", "-76.91"),
    ("30173", "FFFF", "PA1", "-0.01"),
    ("30181", "FC18", "Tint", "-10.00"),
    ("30405", "0002", "tariff", 2),
)
COUNTERS = (
    # exponent, mantissa, their registers; configuration: parameter, tariffs; texts of counter, phase, tariffs
    ("FFFF 30401", "0001E240 30406", "0001 000F 40421", "counter1nr", "12345.6 Wh", "", "1 2 3 4 "),
    ("0002 30402", "00000002 30408", "0022 0000 40425", "counter2nr", "0.2 kvarh", "", ""),
    ("0001 30446", "0001E240 30414", "0005 0005 40437", "counter1", "1234.56 kWh", "Phase 1", "1 3 "),
    ("0003 30447", "0001E240 30416", "000A 0020 40441", "counter2", "123.456 Mvarh", "Phase 2", "6 "),
    ("0001 30448", "FFFFFF9C 30418", "000F 003F 40445", "counter3", "-1.00 kVAh", "Phase 3", "1 2 3 4 5 6 "),
    ("FFFD 30449", "0001E240 30420", "0001 0001 40449", "counter4", "123.456 Wh", "", "1 "),
    ("000C 30450", "0001E240 30422", "0001 0001 40453", "counter5", "N/A", "", "1 "),
)


def pins(index, phases, non_resettable, resettable):
    """Values that no other meter and no other name has, large and small ones, of both signs."""
    chance = random.Random(index)
    size = (0.05, 3.0, 400.0)[index % 3]
    values = {"frequency": chance.uniform(45, 65), "Tint": chance.uniform(-20, 60), "tariff": 1 + index % 2}
    for n in range(1, phases + 1):
        values[f"U{n}"] = chance.uniform(10, 300) * (30 if index == 6 else 1)
        values[f"I{n}"] = chance.uniform(0.5, 1) * size
        values[f"THDI{n}"] = chance.uniform(0, 99)
        values[f"THDUp{n}"] = chance.uniform(0, 99)
    for n in range(phases + 1):
        values[f"P{n}"] = chance.uniform(-200, 200) * size
        values[f"Q{n}"] = chance.uniform(-200, 200) * size
        values[f"S{n}"] = chance.uniform(1, 200) * size
        values[f"PF{n}"] = chance.uniform(0, 1)
        values[f"PA{n}"] = chance.uniform(-180, 180)
    for name in [f"counter{n}nr" for n in range(1, non_resettable + 1)] + [f"counter{n}" for n in range(1, resettable + 1)]:
        values[name] = chance.randint(-50, 2_000_000) * 100
    return values


def field():
    meters = [
        {
            "port": "rs485",
            "model": model,
            "serial": f"S{slot:07}",
            "address": FIRST_ADDRESS + slot - 1,
            "frozen": True,
            "values": pins(slot, *shape),
        }
        for slot, (model, *shape, _) in enumerate(MODELS, 1)
    ]
    raw = {register: words for register, words, _, _ in TEXTS}
    for exponent, mantissa, configuration, *_ in COUNTERS:
        for words, register in (exponent.split(), mantissa.split()):
            raw[register] = words
        parameter, tariffs, register = configuration.split()
        raw[register], raw[str(int(register) + 3)] = parameter, tariffs
    meters.append(
        {"model": "IE38MD", "serial": "RAWWORDS", "address": FIRST_ADDRESS + WORDS - 1, "frozen": True, "registers": raw}
    )
    meters.append({"family": "IE38", "model": "XY100", "serial": "STRANGER", "address": FIRST_ADDRESS + STRANGER - 1})
    meters.append({"port": "ir_left", "model": "IE38MD", "serial": LEFT, "frozen": True, "values": pins(0, 3, 4, 16)})
    return meters


@pytest.fixture(scope="module")
def rig():
    settings = {"ir_ext_rel_mode": 0, "poll_ms": 200}
    for slot in range(1, STRANGER + 1):
        settings[f"rs485_type_{slot}"] = 2
        settings[f"rs485_addr_{slot}"] = FIRST_ADDRESS + slot - 1
    with gateway(meters=field(), settings=settings) as rig:
        detected(rig, STRANGER + 1)
        for slot in ("", *range(1, STRANGER)):
            answered(rig, f"get_counters{slot}")  # with them the tariff is known
        yield rig


def names(phases):
    """The keys of a complete answer, in the manual's order (single phase: sheet, 6.2)."""
    each = range(1, phases + 1)
    found = ["frequency", *(f"U{n}" for n in each), *(f"I{n}" for n in each)]
    for name in ("P", "Q", "S", "PF", "PA"):
        found += [f"{name}{n}" for n in range(phases + 1)]
    return [*found, "Tint", *(f"THDI{n}" for n in each), *(f"THDUp{n}" for n in each), "tariff"]


UNITS = {
    "f": "",
    "U": "V",
    "I": "A",
    "P": "W",
    "Q": "var",
    "S": "VA",
    "PA": "",
    "Tint": "",
    "THDI": "",
    "THDUp": "",
    "frequency": "",
}


def check(shown, held, phases, decimals):
    """Every value shown is the one held, as exactly as the meter's words and the text can say it."""
    places = dict(zip(("frequency", "U", "I", "P"), decimals), Q=decimals[3], S=decimals[3], PF=4)
    for name, text in shown.items():
        if name == "tariff":
            assert text == held[name]
            continue
        kind = name.rstrip("0123")
        of = name
        if phases == 1 and kind in ("P", "Q", "S", "PF", "PA"):
            of = kind + "0"
        value, unit = number(text)
        off = abs(value - abs(Decimal(held[of])) if kind == "PF" else value - Decimal(held[of]))
        assert off <= (last_place(text) + Decimal(1).scaleb(-places.get(kind, 2))) / 2, (name, text, held[of])
        if kind == "PF":
            n = of[2:]
            assert unit == ("Cap" if held["P" + n] * held["Q" + n] < 0 else "Ind"), name
        else:
            assert unit == UNITS[kind], name


@pytest.mark.parametrize("slot", range(len(MODELS) + 1), ids=["left", *(model[0] for model in MODELS)])
def test_measurements(rig, slot):
    model, phases, _, _, decimals = MODELS[slot - 1] if slot else MODELS[0]
    serial = f"S{slot:07}" if slot else LEFT
    held = rig.control("meter", name=serial)["values"]
    answer = answered(rig, f"get_measurements{slot or ''}")
    assert (answer["header"]["model"], answer["header"]["serial_number"]) == (model, serial)
    shown = answer["measurements"]
    assert list(shown) == names(phases)
    check(shown, held, phases, decimals)


@pytest.mark.parametrize("slot", range(1, len(MODELS) + 1), ids=[model[0] for model in MODELS])
def test_counters(rig, slot):
    model, _, non_resettable, resettable, _ = MODELS[slot - 1]
    held = rig.control("meter", name=f"S{slot:07}")["values"]
    answer = answered(rig, f"get_counters{slot}")
    header = answer["header"]
    assert header["model"] == model
    assert (header["non_resetable_counters"], header["resetable_counters"]) == (non_resettable, resettable)
    ids = [f"{n}nr" for n in range(1, non_resettable + 1)] + [str(n) for n in range(1, resettable + 1)]
    assert list(answer["counters"]) == ["counter" + n for n in ids]
    assert list(answer["settings"]) == ["phase" + n for n in ids] + ["tariff" + n for n in ids]
    for n in ids:
        text = answer["counters"]["counter" + n]
        value, unit = number(text)
        kind = int(n.removesuffix("nr")) - 1
        counts = kind < 12  # an IE's last four are off
        assert value == Decimal(held["counter" + n]), (n, text)
        assert unit == ("Wh", "Wh", "varh", "varh")[kind % 4] if counts else unit == "", (n, text)
        assert answer["settings"]["phase" + n] == ""
        tariffs = "1 2 " if model.startswith(("WM", "7M.34")) else "1 2 3 4 " if kind < 8 else ""
        assert answer["settings"]["tariff" + n] == tariffs, n


def test_words_of_the_sheet(rig):
    shown = answered(rig, f"get_measurements{WORDS}")["measurements"]
    assert {name: shown[name] for _, _, name, _ in TEXTS} == {name: text for _, _, name, text in TEXTS}


def test_counters_of_the_sheet(rig):
    answer = answered(rig, f"get_counters{WORDS}")
    for _, _, _, name, text, phase, tariffs in COUNTERS:
        assert answer["counters"][name] == text
        assert answer["settings"]["phase" + name[7:]] == phase, name
        assert answer["settings"]["tariff" + name[7:]] == tariffs, name


def test_a_model_nobody_knows_is_shown_and_nothing_invented(rig):
    devices = command(rig, "get_devices")
    assert devices[f"device_{STRANGER}_model"] == "Unknown XY100"
    assert devices[f"device_{STRANGER}_serial"] == "STRANGER"
    for kind in ("measurements", "counters"):
        answer = command(rig, f"get_{kind}{STRANGER}")
        assert answer["header"]["model"] == "Unknown XY100"
        assert not answer[kind]


def test_what_the_meter_calls_invalid_is_left_out(rig):
    for slot in (1, 6):  # one of each table
        serial = f"S{slot:07}"
        phases, decimals = MODELS[slot - 1][1], MODELS[slot - 1][4]
        query = f"get_measurements{slot}"
        for bits in (0b010, 0b101, 0b111, 0):
            rig.control("meter", name=serial, set={"invalid": bits})
            expected = [name for name in names(phases) if not (name[-1] in "123" and bits >> int(name[-1]) - 1 & 1)]
            shown = eventually(
                lambda: list(shown := command(rig, query)["measurements"]) == expected and shown,
                lambda: (bits, command(rig, query)),
            )
            check(shown, rig.control("meter", name=serial)["values"], phases, decimals)
            frames = rig.control("wire", port="rs485")["frames"]
            while rig.control("wire", port="rs485")["frames"] < frames + 3 * STRANGER:  # at no moment of a round
                assert list(command(rig, query)["measurements"]) == expected, bits


def test_what_changes_at_the_meter_changes_in_the_answer(rig):
    for slot in range(1, len(MODELS) + 1):
        rig.control("meter", name=f"S{slot:07}", set={"U1": 111.0 + slot, "tariff": 2})
    for slot in range(1, len(MODELS) + 1):
        expected = (f"{111 + slot}.0 V", 2)
        query = f"get_measurements{slot}"
        eventually(
            lambda: (shown := command(rig, query)["measurements"]) and (shown["U1"], shown["tariff"]) == expected,
            lambda: command(rig, query),
        )


INTERVAL = (("IE38MD", 3), ("WM1-6", 1), ("MC666", 0))


def test_average_maximum_and_minimum_of_the_last_interval():
    """An interval is a quarter of an hour: the world runs fast here. MC meters have no such values."""
    meters = [{"model": model, "serial": model, "address": 51 + n, "frozen": True} for n, (model, _) in enumerate(INTERVAL)]
    settings = {"left_ir_enabled": 0, "ir_ext_rel_mode": 0}
    for n in range(len(INTERVAL)):
        settings.update({f"rs485_type_{n + 1}": 2, f"rs485_addr_{n + 1}": 51 + n})
    with gateway(meters=meters, settings=settings, time_scale=2000) as rig:
        detected(rig, len(INTERVAL))
        for slot, (model, phases) in enumerate(INTERVAL, 1):
            query = f"get_measurements{slot}"
            if not phases:
                assert not command(rig, f"{query}&values=average")["measurements"]
                continue
            turns = iter(range(1_000_000))

            def seen():
                rig.control("meter", name=model, set={"U1": (210.0, 240.0)[next(turns) & 1]})
                found = {
                    kind: command(rig, f"{query}&values={kind}")["measurements"] for kind in ("minimum", "average", "maximum")
                }
                if not all(found.values()) or (found["minimum"]["U1"], found["maximum"]["U1"]) != ("210.0 V", "240.0 V"):
                    return None
                return found

            found = eventually(seen, lambda: model)
            assert 210 < number(found["average"]["U1"])[0] < 240
            for shown in found.values():
                assert list(shown) == names(phases)
        assert rig.get("/get_command?command=get_measurements1&values=median")[0] == 400
