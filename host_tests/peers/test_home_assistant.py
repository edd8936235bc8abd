"""Home Assistant itself looks at what we send it: its rules for discovery, its templates, and its RESTful sensors on our REST.

It runs in an environment of its own, which tools/setup makes where Python can: home_assistant_process.py.
"""

import json
import os
import re
import subprocess

import pytest

from host_tests.conftest import interpreter
from host_tests.gateway import MANUAL, answered, command, eventually, gateway
from host_tests.rig import TOP

PYTHON = TOP / ".tools" / "homeassistant" / "bin" / "python"
EXAMPLE = re.compile(r"```yaml\n(rest:.*?)```", re.DOTALL)

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="Home Assistant does not run on this Python")


def asked(**job):
    """What Home Assistant makes of it."""
    process = [PYTHON, TOP / "host_tests" / "peers" / "home_assistant_process.py"]
    done = subprocess.run(process, input=json.dumps(job), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module", params=[64, 32])
def sent(request):
    """[(kind, topic, text)]: what a gateway with many meters sends; twice, the second time with other settings."""
    process = [interpreter(request.param), "-X", "heapsize=4m", "host_tests/fakes/push_gateway.py"]
    environment = dict(os.environ, MICROPYPATH=f"{TOP}:{TOP / 'host_tests'}:.frozen")
    done = subprocess.run(process, cwd=TOP, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [(line["kind"], line["topic"], line["payload"]) for line in lines]


def messages(sent, kind):
    return [(topic, text) for what, topic, text in sent if what == kind]


def halves(sent):
    """The discovery messages of the first and of the second settings."""
    found = messages(sent, "discovery")
    return found[: len(found) // 2], found[len(found) // 2 :]


def test_every_message_is_valid(sent):
    for half in halves(sent):
        result = asked(discovery=half)
        assert result["faults"] == []
        assert len(result["entities"]) > 150


def test_what_it_shows(sent):
    result = asked(discovery=halves(sent)[1], states=dict(messages(sent, "state")))
    assert result["faults"] == []
    entities = result["entities"]
    for name, (state, kind, unit) in {
        "18230001_frequency": ("50.01", "frequency", "Hz"),
        "18230001_U1": ("220.50", "voltage", "V"),
        "18230001_P0": ("6.5", "power", "W"),
        "18230001_Q0": ("-27.7", "reactive_power", "var"),
        "18230001_PF0": ("-0.2124", "power_factor", None),
        "18230001_PF0cap": ("Cap", "enum", None),
        "18230001_PA0": ("-76.91", "", "°"),
        "18230001_counter1nr": ("21474836.47", "energy", "kWh"),
        "18230001_counter2nr": ("1677.7217", "energy", "kWh"),
        "18230001_errors": ("3", "", None),
        "18230001_tariff": ("1", "enum", None),
        "x0000124_counter3nr": ("-0.12", "", "kvarh"),
        "12345678_counter1": ("123.456", "energy", "kWh"),
        "SG000017_temperature": ("20.41", "temperature", "°C"),
        "SG000017_pulses": ("131075", "", None),
        "SG000017_boot": ("2026-07-15T10:00:00+00:00", "timestamp", None),
        "SG000017_rssi": ("-61", "signal_strength", "dBm"),
        "SG000017_lag_ms": ("12.345", "duration", "ms"),
    }.items():
        found = entities[name]
        assert (found["class"], found["unit"]) == (kind, unit), (name, found)
        same = float(found["shown"]) == float(state) if is_number(state) else found["shown"] == state
        assert same, (name, found)
    # What a meter does not tell is unknown, not zero.
    assert entities["18230001_U2"]["shown"] is None
    assert entities["SG000017_relay_rir"]["state"] == "1" and entities["SG000017_relay_rs485_3"]["state"] == "0"
    assert json.loads(entities["SG000017_firmware"]["state"]) == {
        "installed_version": "0.1",
        "latest_version": "0.2",
        "in_progress": False,
        "update_percentage": None,
    }
    for name, found in entities.items():
        assert set(found["available"]) == {"online"}, (name, found)
    assert entities["18230001_P0"]["device"]["via_device"] == entities["SG000017_boot"]["device"]["identifiers"]


def is_number(text):
    return re.fullmatch(r"-?[\d.]+", text) is not None


def test_a_meter_that_is_silent_and_a_gateway_that_is_gone(sent):
    states = dict(messages(sent, "state"))
    states.update(messages(sent, "silent"))
    base = next(topic for topic in states if topic.endswith("/status")).removesuffix("/status")
    states[base + "/status/rs485/1"] = '{"state":"offline"}'
    states[base + "/state/rir"] = '{"q":"stale"}'
    found = asked(discovery=halves(sent)[1], states=states)
    assert found["faults"] == []
    entities = found["entities"]
    assert entities["18230001_P0"]["available"] == ["online", "offline"]
    assert entities["12345678_U1"]["available"] == ["online", "online"]
    assert entities["SG000017_relay_rir"]["available"] == ["online", "offline"]
    assert entities["SG000017_relay_rs485_3"]["available"] == ["online", "online"]
    # Nobody sees an old value, no counter goes back: unknown, or what was there before.
    for name, entity in entities.items():
        if not name.startswith("SG") and not name.endswith("_errors"):
            assert entity["shown"] is None, (name, entity)
    states[base + "/status"] = '{"state":"offline"}'
    for name, entity in asked(discovery=halves(sent)[1], states=states)["entities"].items():
        assert entity["available"][0] == "offline", name


def test_what_it_sends_back_is_a_command(sent):
    """The payloads of switches and buttons; what they do is tested where commands are."""
    for topic, text in halves(sent)[1]:
        for key, component in json.loads(text)["cmps"].items():
            for name in ("pl_on", "pl_off", "pl_prs"):
                if component["p"] in ("switch", "button") and name in component:
                    command = json.loads(component[name])
                    assert command["cmd"] in ("relay", "restart"), (topic, key)
                    assert component["cmd_t"].endswith("/cmd")


@pytest.mark.parametrize("bits", [64, 32])
def test_the_restful_sensors_of_the_documentation(bits):
    example = EXAMPLE.search((TOP / "docs" / "home-assistant.md").read_text())[1]
    with gateway(bits, meters=MANUAL) as rig:
        answers = {}
        for query in re.findall(r"command=(\w+)", example):
            answered(rig, query)
            answers[query] = rig.get(f"/get_command?command={query}")[2].decode()
        found = {one["name"]: (one["available"], one["state"]) for one in asked(rest=example, answers=answers)["rest"]}
        assert found == {
            "Meter power": ("True", "6.5"),
            "Meter voltage L1": ("True", "220.5"),
            "Meter power factor": ("True", "0.2124"),
            "Meter import": ("True", "1234.56"),
        }
        large = answers["get_measurements1"].replace('"6.5 W"', '"12.346 k W"')
        found = asked(rest=example, answers={**answers, "get_measurements1": large})["rest"]
        assert float(found[0]["state"]) == 12346.0
        name = next(meter["name"] for meter in rig.control("field")["meters"] if meter["serial"] == "18230001")
        rig.control("meter", name=name, fault="mute")
        for query in answers:
            kind = "counters" if "counters" in query else "measurements"
            eventually(lambda: command(rig, query)[kind] == {}, "values of a silent meter")
            answers[query] = json.dumps(command(rig, query))
        assert {one["available"] for one in asked(rest=example, answers=answers)["rest"]} == {"False"}
