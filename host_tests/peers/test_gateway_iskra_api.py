"""/api, /api/devices, /api/measurement/<i>, /api/counter/<i>: the very texts, and what is answered where there are none."""

import json

import pytest

from host_tests.gateway import change, eventually, gateway, login

METERS = [
    {
        "port": "ir_left",
        "model": "IE38MD",
        "serial": "LEFT0001",
        "software_version": 105,
        "description": 'He said "on"',
        "location": "Cellar \\ left",
        "frozen": True,
        "time_blocks": True,
        "registers": {
            **{"30105": "FD00C35A", "30107": "FE005622", "30109": "FF00F80C", "30111": "FC000004", "30126": "FC0002E8"},
            **{"30128": "FC000005", "30130": "00000000", "30140": "FF01E240", "30142": "0300 0005", "30144": "FCFFFFFC"},
            **{"30146": "FDFE1DC0", "30148": "FFFFFEEB", "30150": "FFFFFFA6", "30152": "00000000", "30154": "FC01869B"},
            **{"30156": "FDFFFFFF", "30158": "00000001", "30160": "01000001", "30162": "FB00C350"},
            **{"30164": "00FF084C", "30166": "FF001ED2", "30168": "00002710", "30170": "00FF0200"},
            **{"30172": "E1F5", "30173": "FFFF", "30174": "0000", "30175": "0001", "30181": "FC18"},
            **{"30182": "00FA", "30183": "0000", "30184": "0001", "30188": "0920", "30189": "2710", "30190": "0064"},
            # exponents and mantissas of counters; counter1 counts phase 2, both ways; counter2 varh in quadrant III alone
            **{
                "30401": "FFFF",
                "30406": "0001E240",
                "30402": "0002",
                "30408": "00000002",
                "30403": "FFFD",
                "30410": "FFFFFFFF",
            },
            **{
                "30404": "0006",
                "30412": "7FFFFFFF",
                "30446": "0001",
                "30414": "FFFFFF9C",
                "30447": "000C",
                "30416": "00000001",
            },
            **{"40437": "0009000F", "40441": "00020004"},
            **{
                "36762": "FFFE",
                "36763": "0001",
                "36796": "00000005",
                "36798": "FFFFFFFF",
                "36804": "FF00007D",
                "36806": "0300000A",
            },
        },
    },
    {"model": "WM1-6", "serial": "WM000051", "address": 51, "frozen": True},
    {"model": "Bicom", "serial": "BI000053", "address": 53},
]
# 2 is off, 4 is set but not there, the right infrared switch is off
SETTINGS = {
    "ir_ext_rel_mode": 0,
    "rs485_type_1": 2,
    "rs485_addr_1": 51,
    "rs485_type_2": 0,
    "rs485_type_3": 3,
    "rs485_addr_3": 53,
    "rs485_type_4": 4,
    "rs485_addr_4": 54,
    "poll_ms": 200,
    "response_ms": 300,
}
MEASUREMENTS = (
    '{"measurements":{"Phases":['
    '{"U":"220.5 V","I":"0.074 A","P":"5000.0 W","Q":"-9.0 var","S":"1.0 VA","PF":"0.7890 Ind","PA":"-0.01",'
    '"THDUp":"2.50","THDI":"23.36"},'
    '{"U":"6350.0 V","I":"0.001 A","P":"0.0 W","Q":"0.0 var","S":"10.0 VA","PF":"1.0 Ind","PA":"0.00",'
    '"THDUp":"0.00","THDI":"100.00"},'
    '{"U":"0.0 V","I":"0.0 A","P":"-123.456 W","Q":"10.0 var","S":"0.5 VA","PF":"0.0512 Cap","PA":"0.01",'
    '"THDUp":"0.01","THDI":"1.00"}],'
    '"Total":{"P":"12345.6 W","Q":"-27.7 var","S":"16777.215 VA","PF":"0.2124 Cap","PA":"-76.91"},'
    '"Frequency":"50.01","Temperature":"-10.00"}}'
)
COUNTERS = (
    '{"counters":{"non_resettable":[{"name":"counter1nr","value":12345.6,"unit":"Wh","direction":"import"},'
    '{"name":"counter2nr","value":200,"unit":"Wh","direction":"export"},'
    '{"name":"counter3nr","value":-0.001,"unit":"varh","direction":"import"},'
    '{"name":"counter4nr","value":2147483647000000,"unit":"varh","direction":"export"}],'
    '"resettable":[{"name":"counter1","value":-1000,"unit":"Wh","direction":"bidirectional"},'
    '{"name":"counter2","value":null,"unit":"varh","direction":""},'
)
OFF = '{"name":"counter16","value":null,"unit":"","direction":""}]'
BLOCKS = (
    ',"block":{"active_block":1,"blocks":[{"name":"This Month Consumed Energy","unit":"Wh","time_block_1":0.05,',
    '{"name":"Previous Month Consumed Energy","unit":"Wh","time_block_1":42949672.95,',
    '{"name":"This Month Excess Power","unit":"W","time_block_1":12.5,',
    '{"name":"Previous Month Excess Power","unit":"W","time_block_1":10000,',
)


@pytest.fixture(scope="module", params=[64, 32])
def rig(request):
    with gateway(request.param, meters=METERS, settings=SETTINGS) as rig:
        eventually(lambda: rig.get("/api")[0] == 200, "the round of detection does not end")
        yield rig


def text(rig, path):
    status, headers, body = rig.get(path)
    assert status == 200, (path, body)
    assert headers["Content-Type"] == "application/json"
    return body.decode()


def is_unavailable(rig, path, headers=None):
    status, answered, body = rig.get(path, headers)
    if status != 503:
        return False
    assert int(answered["Retry-After"]) > 0 and json.loads(body)["error"], path
    return True


def test_the_gateway(rig):
    change(rig, description="Haus Süd", location="")
    expected = {"model_type": "SG-W1", "serial_number": rig.ready["serial"], "description": "Haus Süd", "location": ""}
    device = json.loads(text(rig, "/api"))["device"]
    assert device.pop("sw_ver")
    assert device == expected


def entry(interface, model, serial="", description="", location="", sw_ver=""):
    keys = ("interface", "model", "serial", "description", "location", "sw_ver")
    return dict(zip(keys, (interface, model, serial, description, location, sw_ver), strict=True))


def test_the_list_has_every_place(rig):
    """Left out or moved, an entry would give all that follow another number."""
    eventually(lambda: "BI000053" in text(rig, "/api/devices"), "no switch")
    expected = [
        entry("Left IR", "IE38MD", "LEFT0001", 'He said "on"', "Cellar \\ left", "1.05"),
        entry("Right IR", "Disabled"),
        entry("RS485 1", "WM1-6", "WM000051", sw_ver="1.23"),
        entry("RS485 2", "Disabled"),
        entry("RS485 3", "Bicom", "BI000053", sw_ver="1.23"),
        entry("RS485 4", "Not Detected"),
    ]
    assert json.loads(text(rig, "/api/devices")) == {"devices": expected}


def test_measurements(rig):
    assert text(rig, "/api/measurement/0") == MEASUREMENTS
    single = json.loads(text(rig, "/api/measurement/1"))["measurements"]
    (phase,) = single["Phases"]
    assert {name: phase[name] for name in single["Total"]} == single["Total"]
    assert list(phase) == ["U", "I", "P", "Q", "S", "PF", "PA", "THDUp", "THDI"]


def test_counters(rig):
    found = text(rig, "/api/counter/0")
    assert found.startswith(COUNTERS)
    assert OFF in found
    for part in BLOCKS:
        assert part in found
    blocks = json.loads(found)["counters"]["block"]["blocks"]
    assert len(blocks) == 6
    for block in blocks:
        assert list(block) == ["name", "unit", *(f"time_block_{n}" for n in range(1, 6))]
    counters = json.loads(text(rig, "/api/counter/1"))["counters"]
    assert list(counters) == ["non_resettable", "resettable"]  # a "block" would be one of no blocks
    assert counters["non_resettable"] == [] and len(counters["resettable"]) == 4


@pytest.mark.parametrize("kind", ["measurement", "counter"])
def test_no_such_device(rig, kind):
    for index in ("5", "16", "99", "100", "-1", "x", "", "0x1", "1.0", "lir", "0/1", "%30/1"):
        status, _, body = rig.get(f"/api/{kind}/{index}")
        assert status == 404, index
        assert json.loads(body)["error"]
    assert rig.get(f"/api/{kind}")[0] == 404


@pytest.mark.parametrize("kind", ["measurement", "counter"])
def test_a_place_without_a_meter(rig, kind):
    for index in (2, 3, 4):  # off, a switch, not there
        assert is_unavailable(rig, f"/api/{kind}/{index}"), index


def test_a_silent_meter(rig):
    rig.control("meter", name="wm1-6", fault="mute")
    for kind in ("measurement", "counter"):
        eventually(lambda: is_unavailable(rig, f"/api/{kind}/1"), "old values are served as present ones")
    devices = json.loads(text(rig, "/api/devices"))["devices"]
    assert devices[2] == entry("RS485 1", "WM1-6", "WM000051", sw_ver="1.23")  # it stays what it is
    assert text(rig, "/api/measurement/0") == MEASUREMENTS
    rig.control("meter", name="wm1-6", fault="none")
    for kind in ("measurement", "counter"):
        eventually(lambda: rig.get(f"/api/{kind}/1")[0] == 200, "it does not come back")


def test_a_phase_that_the_meter_calls_invalid(rig):
    """The client would go on with a hole, and Home Assistant stop amid its update: all or nothing."""
    rig.control("meter", name="wm1-6", set={"invalid": 1})
    eventually(lambda: is_unavailable(rig, "/api/measurement/1"), "an invalid value is served")
    assert rig.get("/api/counter/1")[0] == 200
    rig.control("meter", name="wm1-6", set={"invalid": 0})
    eventually(lambda: rig.get("/api/measurement/1")[0] == 200, "it does not come back")


def test_who_must_log_in(rig):
    change(rig, read_login=1)
    try:
        for path in ("/api", "/api/devices", "/api/measurement/0", "/api/counter/0", "/api/counter/99"):
            status, _, body = rig.get(path)
            assert status == 403 and json.loads(body)["error"], path
        basic = login(rig)["Authorization"]
        for headers in ({"Authorization": basic}, {"Cookie": "Authorization=" + basic}):
            for path in ("/api", "/api/devices", "/api/measurement/0", "/api/counter/0"):
                assert rig.get(path, headers)[0] == 200, path
    finally:
        change(rig, read_login=0)


def test_until_all_were_asked_nothing_is_listed():
    """A port that is off holds up nobody. What was found is served as soon as it is: only the list waits."""
    settings = {**SETTINGS, "rs485_addr_1": 61, "response_ms": 1000}
    with gateway(meters=[METERS[0]], settings=settings) as rig:
        eventually(lambda: rig.get("/api/measurement/0")[0] == 200, "the meter is not found")
        for path in ("/api", "/api/devices"):
            assert is_unavailable(rig, path), path
        for path in ("/api", "/api/devices"):
            eventually(lambda: rig.get(path)[0] == 200, "the round of detection does not end")
        change(rig, left_ir_enabled=0, rs485_protocol=0)
        rig.control("reset")
        devices = json.loads(eventually(lambda: (got := rig.get("/api/devices"))[0] == 200 and got[2], "no list"))["devices"]
        assert [device["model"] for device in devices] == ["Disabled"] * 2 + ["Not Detected", "Disabled"] + ["Not Detected"] * 2


def test_two_are_listed_even_if_there_are_none():
    off = {"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_1": 0, "rs485_type_2": 0}
    with gateway(meters=[], settings=off) as rig:
        devices = json.loads(text(rig, "/api/devices"))["devices"]
        assert devices == [entry(name, "Disabled") for name in ("Left IR", "Right IR", "RS485 1", "RS485 2")]
        assert is_unavailable(rig, "/api/measurement/2") and rig.get("/api/measurement/3")[0] == 404
