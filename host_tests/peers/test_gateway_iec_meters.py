"""IEC 62056-21 meters behind the whole gateway, on simulated wires: what is read, what is refused, what others lose by it."""

import contextlib
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from host_tests.gateway import answered, api, change, command, eventually, gateway, login
from host_tests.modbus_client import Client, read

BRANDS = ("Makel", "Kohler", "Luna", "Viko", "EMH", "Landis", "Iskra", "Elster", "Baylan", "Alp", "Mas", "MetCom")
SETTINGS = {"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_1": 0, "rs485_type_2": 0, "rs485_protocol": 3}
KEYS = ("opening", "fastest")


def entry(number, **more):
    return {"family": "IEC " + BRANDS[number % len(BRANDS)], "serial": f"{80000000 + number}", "opening": 9600, **more}


@contextlib.contextmanager
def field(meters, fast=False, plans=None, **options):
    """A gateway with these meters, all of them in its list."""
    with gateway(meters=meters, settings=SETTINGS, fast=fast, **options) as rig:
        for number, meter in enumerate(meters):
            plan = {"address": meter["serial"], **{key: meter[key] for key in KEYS if key in meter}}
            add(rig, number + 1, **{**plan, **(plans or {})})
        yield rig


def add(rig, number, **plan):
    status, answer = api(rig, f"/api/iec_meters/{number}", plan)
    assert status in (200, 201), answer


def listed(rig):
    return api(rig, "/api/iec_meters")[1]["meters"]


def present(rig, numbers, patience_s=60):
    def look():
        meters = listed(rig)
        return all(meters[number - 1]["status"] == "present" for number in numbers) and meters

    return eventually(look, lambda: [(m["number"], m["status"], m["error"]) for m in listed(rig)], patience_s)


def failed(rig, number, patience_s=60):
    """Wait for what went wrong with a meter; it was never taken for present."""

    def look():
        meter = listed(rig)[number - 1]
        assert meter["status"] != "present"
        return meter["error"] != "not read yet" and meter["error"]

    return eventually(look, lambda: listed(rig)[number - 1], patience_s)


@pytest.mark.parametrize("bits", [64, 32])
def test_values_reach_the_outputs(bits):
    values = {"1.8.0": "12345678.901*kWh", "32.7.0": "231.7*V", "1.8.1": "0001.5*MWh", "1.8.2": "7*gallons"}
    with field([entry(1, values=values)], fast=True, bits=bits) as rig:
        present(rig, [1])
        counters = command(rig, "get_counters1")["counters"]
        assert counters["counter1nr"] == "12345678.901 kWh"
        assert counters["counter1"] == "1.5000 MWh" or counters["counter1"].startswith("1.5")
        assert "counter2" not in counters  # of a unit that is no energy
        assert command(rig, "get_measurements1")["measurements"]["U1"] == "231.7 V"
        told = api(rig, "/api/counter/1")[1]["counters"]["non_resettable"]
        assert (told[0]["value"], told[0]["unit"], told[0]["direction"]) == (12345678901, "Wh", "import")
        device = rig.get_json("/api/status")["devices"][0]
        assert (device["model"], device["serial"], device["phases"]) == ("AEL TF.24", "80000001", 3)


FAULTS = (
    # fault of the meter, what is told of it
    ("mute", "no answer"),
    ("late", None),
    ("crc", "check"),
    ("parity", "parity"),
    ("garbage", None),
    ("short", "truncated"),
    ("wrong_speed", None),
    ("wrong_number", "other meter"),
)


@pytest.mark.parametrize(("fault", "told"), FAULTS)
def test_a_broken_meter_shows_nothing_and_the_next_is_read(fault, told):
    with field([entry(1, fault=fault), entry(2)]) as rig:
        present(rig, [2])
        reason = failed(rig, 1)
        assert told is None or reason == told
        assert "counters" not in command(rig, "get_counters1")
        rig.control("meter", name="80000001", fault="none")
        assert present(rig, [2], 60)


def test_an_echo_and_noise_are_passed_over():
    with field([entry(1)]) as rig:
        present(rig, [1])
        for fault in ("echo", "noise"):
            rig.control("line", port="rs485", fault=fault)
            before = rig.control("meter", name="80000001")["values"]["readouts"]
            status, _, body = rig.get("/api/iec_readout/1", login(rig))
            assert status == 200 and b"[good]" in body, (fault, body)
            assert rig.control("meter", name="80000001")["values"]["readouts"] == before + 1


def test_raw_read_out():
    with field([entry(0)]) as rig:
        present(rig, [1])
        status, _, body = rig.get("/api/iec_readout/1", login(rig))
        assert status == 200
        assert body.startswith(b"/MSY5C500.KMB.2\r\n") and b"0.0.0(80000000)" in body and body.endswith(b"[good]\n")


def test_a_raw_read_out_during_which_the_list_changes():
    with field([entry(0, opening=300, fastest=300)]) as rig, ThreadPoolExecutor() as pool:
        present(rig, [1])
        headers = login(rig)
        said = rig.control("wire", port="rs485")["bytes_out"]
        body = pool.submit(rig.get, "/api/iec_readout/1", headers)
        eventually(lambda: rig.control("wire", port="rs485")["bytes_out"] > said + 60, "the meter is not read")
        add(rig, 1, name="Hall")
        _, _, body = body.result(30)
        assert body.startswith(b"/MSY") and body.endswith(b"[broken off]\n"), body


def test_codes_with_a_password_and_a_refusal():
    with field([entry(0, password="1234")], plans={"password": "1234", "read": "R2 1.8.0 9.9.9 2.8.0"}) as rig:
        present(rig, [1])
        assert set(command(rig, "get_counters1")["counters"]) == {"counter1nr", "counter2nr"}
        rig.control("meter", name="80000000", fault="no_password")
        before = rig.control("meter", name="80000000")["values"]["passwords"]
        rig.get("/api/iec_readout/1", login(rig))
        assert listed(rig)[0]["error"] == "password"
        rig.get("/api/iec_readout/1", login(rig))  # it is not tried again: the third time would lock the meter
        assert rig.control("meter", name="80000000")["values"]["passwords"] == before + 1


def test_thirty_two_meters_are_read_each_period_and_a_dead_one_costs_little():
    meters = [entry(number, fault="mute" if number == 7 else "none") for number in range(32)]
    alive = [number for number in range(1, 33) if number != 8]
    with field(meters, plans={"period": 1}) as rig:
        present(rig, alive, 150)
        counts = {m["name"]: 0 for m in rig.control("field")["meters"]}

        def readouts():
            return {name: rig.control("meter", name=name)["values"]["readouts"] for name in counts}

        first = readouts()  # three minutes have two whole periods
        eventually(lambda: all(readouts()[name] >= first[name] + 2 for name in counts if "80000007" not in name), readouts, 190)
        assert failed(rig, 8) == "no answer"


def test_heap_with_thirty_two_meters():
    meters = [entry(number) for number in range(32)]
    with field(meters, fast=True, bits=32, frozen=True, heap="112k") as rig:
        present(rig, range(1, 33), 120)
        rig.get_json("/api/health")
        eventually(lambda: rig.control("heap")["free"] > 20000, lambda: rig.control("heap"))


@pytest.mark.parametrize(("count", "heap"), [(4, "112k"), (32, "160k")])
def test_heap_with_modbus_on_the_other_port(count, heap):
    """A Modbus meter at the infrared port, IEC meters on RS-485, four clients that ask all the time: nothing gives way."""
    meters = [entry(number) for number in range(count)] + [{"port": "ir_left", "model": "IE38MD", "serial": "X0000001"}]
    settings = {**SETTINGS, "left_ir_enabled": 1, "poll_ms": 1000}
    with gateway(32, heap=heap, meters=meters, settings=settings, fast=True) as rig:
        for number in range(count):
            add(rig, number + 1, address=meters[number]["serial"], opening=9600, period=1)
        present(rig, range(1, count + 1), 120)
        answered(rig, "get_counters")
        with ThreadPoolExecutor(4) as pool:
            asking = [pool.submit(ask_in_turn, rig, first) for first in range(3)] + [pool.submit(ask_by_modbus, rig)]
            for one in asking:
                one.result()
        assert rig.get_json("/api/health")["crashes"] == 0
        present(rig, range(1, count + 1))
        assert answered(rig, "get_counters")["counters"]["counter1nr"]
        assert "memory" not in rig.log() and "Traceback" not in rig.log(), rig.log()
        eventually(lambda: rig.control("heap")["free"] > 20000, lambda: rig.control("heap"))


ASKED = (
    *("/api/status", "/api/devices", "/api/counter/1", "/api/measurement/0", "/api/iec_meters", "/api/health"),
    *("/get_command?command=get_devices", "/get_command?command=get_counters2", "/api/live?slot=2&group=counters"),
)


def ask_in_turn(rig, first):
    for number in range(60):
        path = ASKED[(first + number) % len(ASKED)]
        status, _, body = rig.get(path, login(rig))
        assert status == 200, (path, body)


def ask_by_modbus(rig):
    """The floats of a meter behind each protocol."""
    with Client(rig) as client:
        for number in range(120):
            assert client.ask(200 + number % 2, read(3, 1030, 60)).startswith("03"), number


def test_the_list_is_checked_and_keeps_its_secrets():
    with field([entry(0)], fast=True) as rig:
        add(rig, 1, password="s3cret")
        text = json.dumps(api(rig, "/api/iec_meters")[1])
        assert "s3cret" not in text and listed(rig)[0]["password_set"] is True
        add(rig, 1, name="Hall")
        assert listed(rig)[0]["password_set"] is True and listed(rig)[0]["name"] == "Hall"
        for wrong in (
            {"period": 0},
            {"period": 241},
            {"opening": 9601},
            {"fastest": 300},
            {"address": "1/2"},
            {"password": "a|b"},
            {"read": "W2 0.9.1"},
            {"profile": "often"},
            {"colour": "red"},
        ):
            status, answer = api(rig, "/api/iec_meters/1", wrong)
            assert status == 422 and list(answer["errors"]) == list(wrong), wrong
        assert api(rig, "/api/iec_meters/2", {"address": "80000000"})[0] == 422  # twice on a wire
        assert api(rig, "/api/iec_meters/9", {"address": "9"})[0] == 404
        assert api(rig, "/api/iec_meters/1", method="DELETE")[0] in (200, 204)
        assert listed(rig) == []
        change(rig, rs485_protocol=0)
        assert eventually(lambda: rig.get_json("/api/status")["devices"] == [], "the wire is off")


def test_the_clock_is_set_in_the_middle_of_an_interval():
    utc = 1795824300  # 10 min before a quarter of an hour ends: 5 min into it
    with field([entry(0, clock_ahead_s=60)], plans={"clock": 1, "password": "00000000"}, clock=utc) as rig:
        eventually(lambda: rig.control("meter", name="80000000")["values"]["clocks_set"] == 1, lambda: listed(rig))
        assert abs(rig.control("meter", name="80000000")["values"]["clock_ahead_s"]) <= 2
        eventually(lambda: "clock set, it was" in rig.log(), "the event")
