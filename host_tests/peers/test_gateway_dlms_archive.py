"""The archive of DLMS meters, and what is wanted of one at once, behind the whole gateway: it is what the meters have."""
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import contextlib
import csv
import io
import json

import pytest

from host_tests.gateway import api, change, eventually, gateway, login
from host_tests.links import events, link
from host_tests.mosquitto import Mosquitto, Receiver
from host_tests.peers.test_gateway_dlms import LLS, SETTINGS, add, listed, read
from host_tests.peers.test_gateway_push import ROOT
from tools.rig.families import dlms_values as values

NOW = 1795824000  # 2026-11-28 00:00 UTC
METERS = (
    {"address": 17},
    {"address": 18, "scaler": -1, "wide": True},
    {"address": 19, "columns": ["1.0.2.8.0.255", "1.0.9.8.0.255"]},
)
SETTINGS = SETTINGS | {"ir_protocol": 0, "dlms_network": 0}
KINDS = {"1.0.1.8.0.255": 1, "1.0.2.8.0.255": 2, "1.0.3.8.0.255": 3, "1.0.4.8.0.255": 4, "1.0.9.8.0.255": 9}


@contextlib.contextmanager
def field(bits=64, **options):
    """A gateway that has read three meters; the first may be switched. Yields it, and the ids."""
    meters = [{"family": "DLMS", "port": "rs485", "serial": f"{10000001 + at}", "days": 5} for at in range(len(METERS))]
    with gateway(
        bits, meters=[a | b for a, b in zip(meters, METERS, strict=True)], clock=NOW, settings=SETTINGS, **options
    ) as rig:
        for at, meter in enumerate(METERS):
            add(rig, meters[at] | meter, **LLS, relay=1 if at < 2 else 0)
        read(rig)
        yield rig, [meter["id"] for meter in listed(rig)]


@pytest.fixture(scope="module")
def rig():
    with field() as (one, ids):
        one.ids = ids
        yield one


def got(rig, path):
    """JSON with its numbers as they were written, or a table."""
    status, headers, body = rig.get(path)
    assert status == 200, body
    if "csv" in headers["Content-Type"]:
        return list(csv.DictReader(io.StringIO(body.decode())))
    return json.loads(body, parse_float=str, parse_int=str)


def expected(meter, code, utc):
    """What the meter has in a column, as text with its decimals."""
    wh = values.energy_wh(10000001 + meter, utc, 0, KINDS[code])
    return f"{wh}.0" if meter == 1 else f"{wh}"


def test_a_profile_is_that_of_the_meter(rig):
    for meter, number in enumerate(rig.ids):
        answer = got(rig, f"/api/archive/{number}?kind=profile&from={NOW - 86400}&to={NOW}")
        codes = [column["code"] for column in answer["columns"]]
        assert answer["key"] == f"{10000001 + meter}" and codes[0] == ("1.0.2.8.0.255" if meter == 2 else "1.0.1.8.0.255")
        assert [int(record[0]) for record in answer["records"]] == list(range(NOW - 86400, NOW + 1, 900))
        for record in answer["records"]:
            utc = int(record[0])
            assert record[1:] == ["3600", "0", *(expected(meter, code, utc) for code in codes)]
        rows = got(rig, f"/api/archive/{number}?from={NOW - 86400}&to={NOW}&format=csv")
        assert [list(row.values())[3:] for row in rows] == [record[3:] for record in answer["records"]]
        assert rows[-1]["local_time"] == "28.11.2026 01:00:00"


def test_days_months_and_maxima(rig):
    number = rig.ids[0]
    daily = got(rig, f"/api/archive/{number}?kind=daily")
    midnights = [int(record[0]) for record in daily["records"]]
    assert midnights[-1] == NOW - 10800 and len(midnights) == 5, "midnight is the meter's"
    for record in daily["records"]:
        told = dict(zip([column["code"] for column in daily["columns"]], record[3:], strict=True))
        for tariff in range(4):
            assert told[f"1.0.1.8.{tariff}.255"] == str(values.energy_wh(10000001, int(record[0]), tariff))
    monthly = got(rig, f"/api/archive/{number}?kind=monthly")["records"]
    assert len(monthly) == 12 and int(monthly[-1][0]) == values.month_begin(NOW)
    maxima = got(rig, f"/api/archive/{number}?kind=maxima")
    assert [column["unit"] for column in maxima["columns"][:2]] == ["W", "time"]
    for record in maxima["records"]:
        most, utc = values.maximum_demand(10000001, int(record[0]) - 1)
        assert record[3:5] == [str(most), str(utc)]


def test_all_meters_as_one_table(rig):
    rows = got(rig, f"/api/archive.csv?kind=profile&from={NOW - 7200}&to={NOW}")
    assert [row["serial"] for row in rows[::9]] == ["10000001", "10000002", "10000003"] and len(rows) == 27
    for row in rows:
        meter = int(row["serial"]) - 10000001
        assert row["id"] == str(rig.ids[meter])
        for title, value in row.items():
            code = title.split(" ")[0]
            if code in KINDS and value:
                assert value == expected(meter, code, int(row["utc"]))
        assert (row["1.0.9.8.0.255 VAh"] == "") == (meter != 2) and (row["1.0.1.8.0.255 Wh"] == "") == (meter == 2)


def test_how_full_it_is_and_events(rig):
    kinds = {kind["kind"]: kind for kind in api(rig, "/api/archive")[1]["kinds"]}
    assert kinds["profile"]["first"] >= NOW - 2 * 86400 and kinds["profile"]["last"] == NOW
    told = api(rig, f"/api/dlms_events/{rig.ids[0]}")[1]["events"]
    for log in range(6):
        there = [(event["utc"], event["code"]) for event in told if event["log"] == log]
        assert there == list(values.events(10000001, log, NOW - 5 * 86400, NOW)), log
    assert all(event["name"] for event in told) and told == sorted(told, key=lambda event: event["utc"])


def relay(rig, meter):
    told = rig.control("meter", name=f"dlms_{10000001 + meter}")["values"]
    return bool(told["output"]), told["control"], told["mode"]


def test_a_relay_is_switched_and_read_back(rig):
    place = f"/api/dlms_meters/{rig.ids[0]}/relay"
    assert api(rig, place) == (200, {"output": 1, "control": 1, "mode": 4})
    assert api(rig, place, {"on": 0}) == (200, {"output": 0, "control": 0, "mode": 4}) and relay(rig, 0) == (False, 0, 4)
    status, _, body = rig.get("/post_command", login(rig), "POST", f"command=DLMS_{rig.ids[0]}_ON")
    assert status == 204 and relay(rig, 0) == (True, 1, 4), body
    assert [text for text in events(rig, "relay") if "switched off by admin, output 0, control 0" in text]
    rig.control("meter", name="dlms_10000001", set={"mode": 3})
    assert api(rig, place, {"on": 0})[1]["control"] == 0
    assert api(rig, place, {"on": 1}) == (200, {"output": 0, "control": 2, "mode": 3}), "it waits for its button"
    rig.control("meter", name="dlms_10000001", set={"mode": 0, "output": 1})
    status, answer = api(rig, place, {"on": 0})
    assert (status, relay(rig, 0)) == (409, (True, 1, 0)) and "mode 0" in answer["error"]
    rig.control("meter", name="dlms_10000001", set={"mode": 4})
    rig.control("meter", name="dlms_10000001", fault="stuck")
    assert api(rig, place, {"on": 0})[0] == 502
    rig.control("meter", name="dlms_10000001", fault="none")


def test_who_may_not_switches_nothing(rig):
    place = f"/api/dlms_meters/{rig.ids[1]}/relay"
    assert rig.get(place, {"Content-Type": "application/json"}, "POST", '{"on":0}')[0] == 403
    assert rig.get("/post_command", {}, "POST", f"command=DLMS_{rig.ids[1]}_OFF")[0] in (401, 403)
    assert rig.get(f"/api/dlms_meters/{rig.ids[1]}/object?class=3&ln=1.0.1.8.0.255")[0] == 403
    for body in ({}, {"on": 2}, {"on": "1"}, {"state": "off"}):
        assert api(rig, place, body)[0] == 400
    assert api(rig, f"/api/dlms_meters/{rig.ids[2]}/relay", {"on": 0}) == (409, {"error": "relay is 0 in the list of meters"})
    assert api(rig, "/api/dlms_meters/9/relay", {"on": 0})[0] == 404
    assert api(rig, "/api/dlms_meters/x/relay")[0] == 404
    assert relay(rig, 1) == (True, 1, 4) == relay(rig, 2)
    assert any("relay is 0" in text for text in events(rig, "relay"))


def test_clock_values_and_objects_at_once(rig):
    place = f"/api/dlms_meters/{rig.ids[1]}"
    rig.control("meter", name="dlms_10000002", set={"clock_ahead_s": 500})
    told = api(rig, place + "/clock")[1]
    assert abs(told["drift_s"] - 500) <= 2 and told["local_time"]
    assert abs(api(rig, place + "/clock", {})[1]["drift_s"]) <= 2
    assert abs(rig.control("meter", name="dlms_10000002")["values"]["clock_ahead_s"]) < 5
    status, answer = api(rig, place + "/read", {})
    codes = [column["code"] for column in answer["columns"]]
    (record,) = answer["records"]
    assert status == 200 and abs(record[0] - rig.get_json("/api/status")["timestamp"]) < 60
    least, most = (values.energy_wh(10000002, record[0] + by) for by in (-60, 60))
    assert least <= record[3 + codes.index("1.0.1.8.0.255")] <= most
    status, answer = api(rig, place + "/object?class=1&ln=0.0.96.1.0.255&attribute=2")
    assert status == 200 and bytes.fromhex(answer["value"]) == b"10000002" and answer["data"][-16:] == answer["value"]
    status, answer = api(rig, place + "/object?class=7&ln=1.0.99.1.0.255&attribute=3")
    assert [column[1] for column in answer["value"][2:]] == ["0100010800ff", "0100020800ff", "0100030800ff", "0100040800ff"]
    for query in (
        "",
        "?class=3",
        "?class=x&ln=1.0.1.8.0.255",
        "?class=3&ln=1.0&attribute=2",
        "?class=3&ln=1.0.1.8.0.255&attribute=0",
    ):
        assert api(rig, place + "/object" + query)[0] == 400
    status, answer = api(rig, place + "/object?class=3&ln=1.0.77.8.0.255")
    assert status == 502 and "undefined" in answer["error"]
    rig.control("meter", name="dlms_10000002", fault="mute")
    status, answer = api(rig, place + "/read", {})
    assert status == 504 and "no answer" in answer["error"]
    rig.control("meter", name="dlms_10000002", fault="none")
    change(rig, rs485_protocol=0)
    assert api(rig, place + "/relay")[0] == 503
    assert got(rig, f"/api/archive/{rig.ids[0]}")["records"], "what is kept is told all the same"
    change(rig, rs485_protocol=5)


def is_sent(rig, receiver, ids):
    """See that all of the archive comes over link 1, each record once, as it is kept."""
    kept = {}
    for number in ids:
        for kind in ("profile", "daily", "monthly", "maxima"):
            answer = got(rig, f"/api/archive/{number}?kind={kind}&from=0&to={NOW}")
            kept |= {(answer["key"], kind, record[0]): record[2:] for record in answer["records"]}

    def told():
        found = {}
        for topic, payload, qos, _ in list(receiver.messages):
            if topic.startswith(f"{ROOT}/pub/archive/"):
                message = json.loads(payload, parse_float=str, parse_int=str)
                key, kind = message["key"], message["kind"]
                assert topic.endswith(f"/archive/{key}/{kind}") and qos == 1 and len(payload) < 3000
                for record in message["records"]:
                    assert kind == "events" or found.get((key, kind, record[0])) is None, "once"
                    found[key, kind, record[0]] = record[1:]
        return found

    change(rig, dlms_pushlink=1)
    eventually(lambda: set(told()) >= set(kept), lambda: sorted(set(kept) - set(told()))[:5])
    found = told()
    assert len(kept) > 3 * 190 and {name: found[name] for name in kept} == kept
    eventually(lambda: {"events", "present"} <= {kind for _, kind, _ in told()}, lambda: {kind for _, kind, _ in told()})


def test_over_a_link(tmp_path):
    with Mosquitto(tmp_path) as broker, Receiver(broker) as receiver, field() as (rig, ids):
        replies = f"{ROOT}/pub/reply"

        def answer(**order):
            count = len(receiver.payloads(replies))
            receiver.publish(f"{ROOT}/cmd", json.dumps(order).encode())
            return json.loads(receiver.wait(replies, count + 1)[count])

        change(rig, **link(1, broker.port, commands=1))
        receiver.wait(f"{ROOT}/pub/status")
        off = {
            "ok": True,
            "id": 1,
            "cmd": "dlms",
            "data": {"id": ids[0], "key": "10000001", "output": 0, "control": 0, "mode": 4},
        }
        eventually(lambda: "/cmd (QoS 1)" in broker.log(), lambda: broker.log())
        assert answer(id=1, dlms=ids[0], relay=0) == off and relay(rig, 0) == (False, 0, 4)
        assert answer(id=1, dlms="10000001", relay="state") == off
        assert any("switched off by link 1" in text for text in events(rig, "relay"))
        assert answer(dlms=ids[0], relay=1)["data"]["output"] == 1 and relay(rig, 0) == (True, 1, 4)
        refused = answer(id="r", dlms=ids[2], relay=0)
        assert (refused["ok"], refused["id"], refused["error"]) == (False, "r", "relay is 0 in the list of meters")
        assert answer(dlms="nobody", relay=0)["error"] == "there is no such meter"
        assert "expected" in answer(dlms=ids[0])["error"] and answer(dlms=ids[0], relay=5)["ok"] is False
        assert abs(answer(dlms=ids[1], clock=1)["data"]["drift_s"]) <= 2
        told = answer(dlms=ids[0], read=1)["data"]
        assert told["key"] == "10000001" and told["columns"][0] == {"code": "1.0.1.8.0.255", "unit": "Wh"}
        assert len(told["records"][0]) == 2 + len(told["columns"])
        lines = [{"serial": "7", "physical": 90, "active": 0}, {"serial": "10000001", "name": "Hall"}, {"serial": "8", "x": 1}]
        told = answer(dlms_batch=lines[:1], more=1)["data"]
        assert (told["running"], told["added"]) == (True, 0)
        told = answer(dlms_batch=lines[1:])["data"]
        assert (told["running"], told["added"], told["changed"], told["refusals"]) == (False, 1, 1, 1) and "refused_3" in told
        assert [meter["name"] for meter in listed(rig)][0] == "Hall" and len(listed(rig)) == 4
        is_sent(rig, receiver, ids)
        rig.control("meter", name="dlms_10000001", fault="mute")
        count = len(receiver.payloads(replies))
        receiver.publish(f"{ROOT}/cmd", json.dumps({"dlms": ids[0], "relay": 0}).encode())
        receiver.publish(f"{ROOT}/cmd", json.dumps({"cmd": "status"}).encode())
        first, second = [json.loads(text) for text in receiver.wait(replies, count + 2)[count:]]
        assert first["ok"] is False and "does not answer" in first["error"] and second["data"]["serial_number"] == "SG000017"
        assert "Traceback" not in rig.log(), rig.log()[-1500:]
