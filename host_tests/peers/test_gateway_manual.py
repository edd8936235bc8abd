"""The whole gateway, asked as in the SG manual, 3.6, with the field of its samples: the answers are the manual's."""

# What comes out of JSON has no type worth the name.
# pyright: reportArgumentType=false, reportCallIssue=false, reportIndexIssue=false

import json
import re
import socket
from datetime import datetime

import pytest

from host_tests.gateway import (
    MANUAL,
    answered,
    change,
    command,
    detected,
    eventually,
    gateway,
    login,
    vector,
)

SAMPLES = vector("manual")
NOON = 1582633122  # 25.02.2020 13:18:42 in the manual's zone
QUERIES = {"measurements": "get_measurements1", "counters": "get_counters"}
LIMIT = 2048  # a client known in the field takes no more (sheet, 6.5)
SLACK_S = 30
NO_DEVICE = ("get_measurements3", "get_measurements16", "get_measurements17", "get_measurementsx", "get_measurements0")
NO_DEVICE += ("get_measurements&index=3", "get_measurements&index=x", "get_measurements&index=-1")
NO_DEVICE += ("get_measurements&number=0", "get_measurements&number=4", "get_measurements&number=x")
DEVICES = (
    # what is asked                  serial number of who answers
    ("", "X0000124"),
    ("1", "18230001"),
    ("2", "12345678"),
    ("&number=1", "X0000124"),
    ("&number=2", "18230001"),
    ("&number=3", "12345678"),
    ("&index=1", "18230001"),
    ("&index=2", "12345678"),
    ("&time=1582633521851&index=2", "12345678"),
)


@pytest.fixture(scope="module", params=[64, 32])
def rig(request):
    with gateway(request.param, meters=MANUAL) as rig:
        detected(rig, 3)
        for query in ("get_counters", "get_counters1", "get_counters2"):
            answered(rig, query)  # with them the tariff is known
        yield rig


def local_time(answer):
    text = answer["header"]["local_time"]
    assert re.fullmatch(r"\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d", text), text
    return datetime.strptime(text, "%d.%m.%Y %H:%M:%S")


@pytest.mark.parametrize("what", list(SAMPLES)[1:])
def test_sample_of_the_manual(rig, what):
    sample = SAMPLES[what]
    answered(rig, QUERIES[what])
    rig.control("clock", unix=NOON)
    status, headers, body = rig.get(f"/get_command?command={QUERIES[what]}")
    answer = json.loads(body)
    assert 0 <= (local_time(answer) - datetime(2020, 2, 25, 13, 18, 42)).total_seconds() < SLACK_S
    expected = {**sample, "header": {**sample["header"], "local_time": answer["header"]["local_time"]}}
    assert body.decode() == json.dumps(expected, separators=(",", ":"))
    assert status == 200
    assert headers["Content-Type"] == "application/json"
    assert int(headers["Content-Length"]) == len(body)


@pytest.mark.parametrize("query", ["get_measurements", "get_measurements1", "get_counters"])
def test_the_whole_answer_is_small(rig, query):
    answered(rig, query)
    host, port = rig.ready["http"].removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 30) as client:
        client.sendall(f"GET /get_command?command={query} HTTP/1.0\r\n\r\n".encode())
        whole = client.makefile("rb").read()
    assert whole.startswith(b"HTTP/1.1 200 ") and whole.endswith(b"}")
    assert len(whole) < LIMIT


def test_which_device_is_meant(rig):
    for kind in ("get_measurements", "get_counters"):
        for asked, serial in DEVICES:
            assert answered(rig, kind + asked)["header"]["serial_number"] == serial, kind + asked


def test_the_number_of_the_time_is_ignored(rig):
    for kind in ("get_measurements1", "get_counters"):
        plain = answered(rig, kind)
        for number in ("1582633521851", "0", "", "x"):
            answer = command(rig, f"{kind}&time={number}")
            answer["header"]["local_time"] = plain["header"]["local_time"]
            assert answer == plain, number


def test_no_such_device_or_command(rig):
    words = {"nonsense": "nonsense", "": "", "%22%3Cb%3E%5C%C4%8D": '"<b>\\č', "get_measurement": "get_measurement"}
    for query in NO_DEVICE:
        words[query] = query.partition("&")[0]
        counters = query.replace("measurements", "counters")
        words[counters] = counters.partition("&")[0]
    for query, cmd in words.items():
        answer = command(rig, query)
        local_time(answer)
        assert list(answer) == ["header"], query
        assert list(answer["header"]) == ["cmd", "local_time", "model"], query
        assert (answer["header"]["cmd"], answer["header"]["model"]) == (cmd, "0"), query


def test_a_device_that_is_off(rig):
    answered(rig, "get_measurements2")
    assert change(rig, rs485_type_2=0) == ["rs485_type_2"]
    answer = command(rig, "get_measurements2")
    assert (list(answer), answer["header"]["model"]) == (["header"], "0")
    assert command(rig, "get_devices")["device_2_model"] == "Disabled"
    change(rig, rs485_type_2=4)
    assert answered(rig, "get_measurements2")["header"]["model"] == "MC666"


def test_devices(rig):
    expected = {"total_meas": 3, "total_bicom": 1}
    slots = {
        "lir": ("IE38MD", "X0000124", 33),
        "rir": ("IR Bicom", "", 33),
        "1": ("WM3M4C", "18230001", 35),
        "2": ("MC666", "12345678", 36),
    }
    for slot in ["lir", "rir", *map(str, range(1, 17))]:
        if slot.isdigit():
            expected[f"rs485_description_{slot}"] = ""
        model, serial, address = slots.get(slot, ("Disabled", "", 0))
        expected.update({f"device_{slot}_model": model, f"device_{slot}_serial": serial, f"device_{slot}_addr": address})
    assert list(detected(rig, 3).items()) == list(expected.items())


def test_switches(rig):
    answer = command(rig, "get_bicoms")
    local_time({"header": answer})
    expected = {"bicoms total": 1, "ir_bicom_state": 0, "ir_bicom_description": "", "local_time": answer["local_time"]}
    assert list(answer.items()) == list(expected.items())


# Key of get_status: its value, or a pattern of its text (sheet, 6.6; values of the manual's status page where it has them).
STATUS = {
    "description": "Description",
    "location": "Location",
    "serial_number": "SG000017",
    "model_type": "SG-W1",
    "hw_ver": 65,
    "connection_mode": "WiFi",
    "ssid": "Urbancic",
    "wifi_rssi": -35,
    "ip_address": "127.0.0.1",
    "mac_address": re.compile("([0-9A-F]{2}:){5}[0-9A-F]{2}"),
    "sw_version": re.compile(r"\d+\.\d+"),
    "fs_ver": int,
    "local_time": re.compile(r"25\.02\.2020 13:\d\d:\d\d"),
    "timestamp": int,
    "uptime": re.compile(r"0d 00:\d\d:\d\d"),
    "app_status": "Normal",
    "upgrade_status": "OK",
    "flash_size": 4,
    "mqtt1_state": "Disabled",
    "mqtt2_state": "Disabled",
    "bicom_device_count": 1,
    "measurement_device_count": 3,
    "dig_count": 0,
    "pt1000_temp": "20.4",
    "heap": int,
    "heap_min": int,
}


def test_status(rig):
    rig.control("clock", unix=NOON)
    eventually(lambda: command(rig, "get_status")["pt1000_temp"] == "20.4", "no temperature")
    answer = command(rig, "get_status")
    assert [key for key in answer if key in STATUS] == list(STATUS)
    for key, expected in STATUS.items():
        value = answer[key]
        if isinstance(expected, re.Pattern):
            assert expected.fullmatch(value), (key, value)
        elif expected is int:
            assert isinstance(value, int), (key, value)
        else:
            assert value == expected, key
    assert 0 <= answer["timestamp"] - NOON < SLACK_S
    assert 0 < answer["heap_min"] <= answer["heap"]


def test_statistics(rig):
    before = command(rig, "get_statistics")
    asked = [f"{wire}_asked" for wire in ("ir_left_33", "ir_right_33", "rs485_35", "rs485_36")]
    assert set(asked) | {"uptime", "heap", "http_requests"} <= set(before)

    def moved():
        after = command(rig, "get_statistics")
        assert not any(after[key] for key in after if key.endswith(("_silent", "_damaged", "_refused")))
        return all(after[key] > before[key] for key in [*asked, "http_requests"])

    eventually(moved, "a device is no longer asked")


def test_reading_needs_no_login_and_changes_nothing(rig):
    assert rig.get("/get_command?command=get_status", login(rig, "wrong"))[0] == 200
    for query in ("set_settings&description=x", "ON", "PULSE_RESET"):
        assert command(rig, query)["header"]["model"] == "0"
    assert command(rig, "get_status")["description"] == "Description"
    assert command(rig, "get_bicoms")["ir_bicom_state"] == 0
