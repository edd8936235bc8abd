"""IEC 62056-21 meters at every output of the gateway: what clients of all kinds are told is what the simulated meters hold.

Thirty-one meters of all brands on RS-485, and one at the left infrared port; a few of them are looked at closely.
"""

import json
import math
import random
import struct
from decimal import Decimal
from xml.etree import ElementTree

import pytest
import sunspec2.modbus.client as sunspec
from pymodbus.client import ModbusTcpClient

from host_tests.gateway import answered, api, change, command, eventually, gateway, number
from host_tests.links import XML, link
from host_tests.mosquitto import Mosquitto, Receiver
from host_tests.peers.pyiskra_process import VERSIONS, Pyiskra
from host_tests.peers.test_gateway_iec_meters import BRANDS
from host_tests.peers.test_gateway_post import documents
from host_tests.peers.test_home_assistant import PYTHON, asked

COUNT = 32
FIRST_UNIT = 200
LEFT = "lir"
# One of each brand, and the last slots; what has no measurements is among them
SLOTS = (LEFT, *range(2, COUNT + 1))  # by their place in the list
LOOKED_AT = (LEFT, *range(2, len(BRANDS) + 2), 17, COUNT)
PUSHED = (LEFT, 2, 8, 17, COUNT)
SETTINGS = {
    **{"rs485_protocol": 3, "ir_protocol": 1, "ir_ext_rel_mode": 0, "rs485_type_1": 0, "rs485_type_2": 0},
    **{"leftir_pushlink": 3, "leftir_pushintv": 1, "iec_pushlink": 3, "iec_pushintv": 1},
}
# Code of the standard: our name, a factor, the unit
NAMES = {
    **{"1.8.0": "counter1nr", "2.8.0": "counter2nr", "3.8.0": "counter3nr", "4.8.0": "counter4nr"},
    **{"1.8.1": "counter1", "1.8.2": "counter2", "1.8.3": "counter3"},
    **{"5.8.0": "counter9", "6.8.0": "counter10", "7.8.0": "counter11", "8.8.0": "counter12"},
    **{"32.7": "U1", "52.7": "U2", "72.7": "U3", "32.7.0": "U1", "52.7.0": "U2", "72.7.0": "U3"},
    **{"31.7.0": "I1", "1.7.0": "P0", "1.6.0": "Pmax"},
}
ROWS = {code: name for code, name in NAMES.items() if not name.startswith("counter")}
UNITS = {"V": "V", "A": "A", "kW": "W", "kWh": "Wh", "kVArh": "varh"}
DIRECTIONS = {"1": "import", "2": "export", "3": "import", "4": "export"}
COUNTERS = [f"counter{n}nr" for n in range(1, 5)] + [f"counter{n}" for n in range(1, 21)]
FLOATS = ["U1", "U2", "U3", "U12", "U23", "U31", "I1", "I2", "I3", "P0", "P1", "P2", "P3"]


def serial(slot):
    return f"{80000000 + (0 if slot == LEFT else slot)}"


def brand(slot):
    return BRANDS[(COUNT if slot == LEFT else slot - 1) % len(BRANDS)]


def entry(slot):
    """A meter with values that no other has."""
    chance = random.Random(str(slot))
    values = {
        code: f"{chance.uniform(0, 999999):010.3f}*{'kWh' if code[0] in '12' else 'kVArh'}" for code in NAMES if ".8." in code
    }
    values.update({code: f"{chance.uniform(200, 250):05.1f}*V" for code in ROWS if code[1:2] == "2"})
    values.update({"31.7.0": f"{chance.uniform(0, 99):06.3f}*A", "1.7.0": f"{chance.uniform(0, 99):07.3f}*kW"})
    values["1.6.0"] = f"{chance.uniform(0, 99):06.3f}*kW"
    meter = {"family": "IEC " + brand(slot), "serial": serial(slot), "opening": 9600, "reaction_ms": 20, "values": values}
    return {**meter, "port": "ir_left", "opening": 300} if slot == LEFT else meter


@pytest.fixture(scope="module", params=[64, 32])
def rig(request):
    with gateway(request.param, meters=[entry(slot) for slot in SLOTS], settings=SETTINGS) as rig:
        for place, slot in enumerate(SLOTS):
            plan = {"address": serial(slot), "period": 1, "name": f"No {slot}", "opening": 9600}
            if slot == LEFT:
                plan.update(port=1, address="", opening=300)
            assert api(rig, f"/api/iec_meters/{place + 1}", plan)[0] == 201
        eventually(
            lambda: command(rig, "get_status")["measurement_device_count"] == COUNT,
            lambda: [(one["number"], one["error"]) for one in api(rig, "/api/iec_meters")[1]["meters"] if one["error"]],
            240,
        )
        yield rig


@pytest.fixture
def peer(rig):
    host, port = rig.ready["modbus_tcp"]
    with ModbusTcpClient(host, port=port, timeout=10, retries=0) as one:
        yield one


def suffix(slot):
    return "" if slot == LEFT else slot


def held(rig, slot):
    """{name: (value in base units, unit)} of what the meter tells."""
    found = {}
    for code, text in rig.control("meter", name=serial(slot))["values"].items():
        if code in NAMES:
            value, _, unit = text.partition("*")
            found[NAMES[code]] = (Decimal(value) * (1000 if unit[0] == "k" else 1), UNITS[unit])
    return found


def of_kind(values, is_counter):
    return {name: value for name, value in values.items() if name.startswith("counter") == is_counter}


def single(value):
    return struct.unpack(">f", struct.pack(">f", value))[0]


@pytest.mark.parametrize("slot", LOOKED_AT)
def test_get_command(rig, slot):
    values = held(rig, slot)
    told = answered(rig, f"get_counters{suffix(slot)}")
    assert told["header"]["serial_number"] == serial(slot)
    assert {name: number(text) for name, text in told["counters"].items()} == of_kind(values, True)
    measured = of_kind(values, False)
    told = command(rig, f"get_measurements{suffix(slot)}")["measurements"]
    assert set(told) == set(measured)
    for name, text in told.items():
        value, unit = number(text)
        assert (float(value), unit) == (pytest.approx(float(measured[name][0]), rel=1e-3), measured[name][1])


def test_lists_of_devices(rig):
    devices = command(rig, "get_devices")
    assert devices["total_meas"] == COUNT
    listed = {device["interface"]: device for device in rig.get_json("/api/devices")["devices"]}
    status = {device["slot"]: device for device in rig.get_json("/api/status")["devices"]}
    assert len(listed) == COUNT + 2
    for slot in SLOTS:
        assert devices[f"device_{slot}_serial"] == status[str(slot)]["serial"] == serial(slot)
        one = listed["Left IR" if slot == LEFT else f"RS485 {slot}"]
        assert (one["serial"], one["description"]) == (serial(slot), f"No {slot}")
        assert one["model"] == devices[f"device_{slot}_model"] == status[str(slot)]["model"] != "Not Detected"


@pytest.mark.parametrize("slot", LOOKED_AT)
def test_api_of_the_client(rig, slot):
    index = 0 if slot == LEFT else slot
    values = held(rig, slot)
    counters = rig.get_json(f"/api/counter/{index}")["counters"]
    told = {one["name"]: (Decimal(one["value"]), one["unit"]) for kind in counters.values() for one in kind if one["unit"]}
    assert {name: (Decimal(value), unit) for name, (value, unit) in of_kind(values, True).items()} == told
    first = {one["name"]: one["direction"] for one in counters["non_resettable"] if one["unit"]}
    assert first == {name: DIRECTIONS[name[7]] for name in values if name.endswith("nr")}
    status, _, body = rig.get(f"/api/measurement/{index}")
    measured = of_kind(values, False)
    if not measured or brand(slot) == "MetCom":
        assert status == 503  # there is none; or the client would take it for a meter of its own maker
        return
    assert status == 200, body
    answer = json.loads(body)["measurements"]
    told = {f"{name}{n + 1}": text for n, phase in enumerate(answer["Phases"]) for name, text in phase.items()}
    told.update({name + "0": text for name, text in answer["Total"].items()})
    assert set(told) == {name for name in measured if name != "Pmax"}
    for name, text in told.items():
        assert float(text.split()[0]) == pytest.approx(float(measured[name][0]), abs=0.001)
        assert text.split()[1] == measured[name][1]
    assert "Frequency" not in answer and "Temperature" not in answer


@pytest.mark.parametrize("version", VERSIONS)
def test_the_makers_client_is_not_confused(rig, version):
    """It knows none of these meters but, by its name alone, MetCom's, of which it is told that it is not available."""
    with Pyiskra(version) as client:
        seen = client.gateway(rig)
        assert "error" not in seen, seen
        for child in seen["children"]:
            assert child["model"].startswith("MC") and child["measurements"] is None
        assert "error" not in client.update()


@pytest.mark.parametrize("slot", LOOKED_AT)
def test_floats_and_energies_by_modbus(rig, peer, slot):
    unit = FIRST_UNIT + (0 if slot == LEFT else slot)
    values = held(rig, slot)
    kind = peer.DATATYPE

    def told(first, count, kind):
        answer = peer.read_holding_registers(first, count=count * kind.value[1], device_id=unit)
        assert not answer.isError(), answer
        return peer.convert_from_registers(answer.registers, kind)

    assert told(1000, 2, kind.UINT16) == [1, 2]
    assert told(1018, 1, kind.UINT64) == int.from_bytes(serial(slot).encode(), "big")
    floats = told(1030, len(FLOATS), kind.FLOAT32)
    expected = [single(values[name][0]) if name in values else None for name in FLOATS]
    assert [None if math.isnan(value) else value for value in floats] == expected
    energies = told(1240, 20, kind.INT64)
    for name, energy in zip(COUNTERS, energies, strict=False):
        assert energy == (int(1000 * values[name][0]) if name in values else -(1 << 63)), name


@pytest.mark.parametrize("slot", [LEFT, 7, 19, 31])
def test_sunspec(rig, slot):
    host, port = rig.ready["modbus_tcp"]
    unit = FIRST_UNIT + (0 if slot == LEFT else slot)
    values = held(rig, slot)
    device = sunspec.SunSpecModbusClientDeviceTCP(slave_id=unit, ipaddr=host, ipport=port, timeout=10)
    try:
        device.scan()
        common = {name: point.value for name, point in device.common[0].points.items()}
        assert (common["SN"], common["DA"]) == (serial(slot), unit)
        assert common["Md"].startswith(common["Mn"]) and len(common["Mn"]) == 3
        meter = device.models[213 if 213 in device.models else 211][0]
        points = {name: point.value for name, point in meter.points.items()}
        for name, point in (
            ("counter1nr", "TotWhImp"),
            ("counter2nr", "TotWhExp"),
            ("P0", "W"),
            ("U1", "PhVphA"),
            ("U2", "PhVphB"),
        ):
            assert points[point] == (single(values[name][0]) if name in values else None), name
        assert points["Hz"] is None
    finally:
        device.close()


class Links:
    """What a broker, and a server that takes XML documents, were told by the gateway."""

    def __init__(self, rig, folder):
        self._rig, self._folder = rig, folder

    def __enter__(self):
        self._broker = Mosquitto(self._folder)
        self._broker.start()
        self.receiver = Receiver(self._broker)
        self._server = documents(lambda number: True)
        port, self.documents = self._server.__enter__()
        change(self._rig, **link(1, self._broker.port, retain=1), hass1_discovery=1)
        change(self._rig, **link(2, port, protocol=XML))
        return self

    def __exit__(self, *exc):
        change(self._rig, push1_protocol=0, push2_protocol=0, mqtt1_server="", mqtt2_server="")
        self._server.__exit__(*exc)
        self.receiver.close()
        self._broker.kill()

    def payload(self, topic):
        """The last good message of a topic below the gateway's."""
        topic = "SG000017/pub/" + topic

        def look():
            good = [payload for payload in self.receiver.payloads(topic) if b'"q":"good"' in payload]
            return good and json.loads(good[-1])

        return eventually(look, lambda: f"{topic}: {sorted({one[0] for one in self.receiver.messages})}", 120)


def test_links(rig, tmp_path):
    """Flat numbers, and states for Home Assistant, to a broker; XML documents to a server."""
    with Links(rig, tmp_path) as links:
        for slot in PUSHED:
            values = held(rig, slot)
            place = "ir" if slot == LEFT else f"rs485/{slot}"
            measured = of_kind(values, False)
            told = {}
            if measured:
                told.update(links.payload("measurements/" + place))
            counters = links.payload("counters/" + place)
            state = links.payload("state/" + place)
            for name, (value, unit) in values.items():
                is_energy = unit in ("Wh", "varh")
                exact = float(value / 1000 if is_energy else value)
                assert (counters if is_energy else told)[name] == pytest.approx(exact), (slot, name)
                assert state[name] == pytest.approx(exact), (slot, name)
            assert {name for name in counters if name.startswith("counter")} == set(of_kind(values, True))
            assert links.receiver.wait("SG000017/pub/status/" + place)[-1] == b'{"state":"online"}'
        check_home_assistant(rig, links.receiver)
        serials = {serial(slot) for slot in PUSHED}

        def told_by_xml():
            roots = [ElementTree.fromstring(text.decode()) for text in links.documents]
            return serials <= {root.get("controlUnit") for root in roots} and roots

        for root in eventually(told_by_xml, lambda: links.documents[-3:], 180):
            slot = int(root.get("controlUnit", "")) - 80000000 or LEFT
            values = of_kind(held(rig, slot), True)
            told = {one.get("ident"): Decimal(one.text or "") for one in root.iter("value")}
            assert told == {"E" + name[7:]: value for name, (value, _) in values.items()}
    assert "Traceback" not in rig.log()


def check_home_assistant(rig, receiver):
    """Its own rules take every message, and show what the meters hold; for what a meter does not measure there is no sensor."""
    if not PYTHON.exists():
        return

    def announced():
        messages = [one[:2] for one in list(receiver.messages) if one[0].startswith("homeassistant/device/")]
        found = {topic: payload for topic, payload in messages if payload}
        return len(found) == COUNT + 1 and found

    found = eventually(announced, "not all meters are announced", 240)
    states = {
        name: payload.decode() for name, payload, _, _ in list(receiver.messages) if "/state" in name or "/status" in name
    }
    result = asked(discovery=[[name, payload.decode()] for name, payload in found.items()], states=states)
    assert result["faults"] == []
    for slot in PUSHED:
        values = held(rig, slot)
        for name, (value, unit) in values.items():
            exact = float(value / 1000 if unit in ("Wh", "varh") else value)
            entity = result["entities"][f"{serial(slot)}_{name}"]
            assert float(entity["shown"]) == pytest.approx(exact), (slot, name)
        mine = {key.partition("_")[2] for key in result["entities"] if key.startswith(serial(slot))}
        assert mine == {"errors", *values}


def test_statistics_of_the_wires(rig):
    told = command(rig, "get_statistics")
    for port, least in (("rs485", COUNT - 1), ("ir_left", 1)):
        assert told[f"{port}_asked"] >= told[f"{port}_answered"] >= least and told[f"{port}_busy_ms"] > 0
        assert told[f"{port}_silent"] == told[f"{port}_damaged"] == 0
