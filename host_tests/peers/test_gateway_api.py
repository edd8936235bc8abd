"""What the pages live on: logins, values with their age, switches, settings as a file, certificates, raw frames."""

import base64
import hashlib
import hmac
import http.client
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from host_tests.gateway import api, change, detected, eventually, gateway, login, number, patch, settings, statistics, vector
from host_tests.modbus_oracle import crc

METERS = [
    {"port": "ir_left", "model": "IE38MD", "serial": "LEFT0001", "frozen": True, "values": {"U1": 229.5, "P0": 300.0}},
    {"port": "ir_right", "model": "IR Bicom"},
    {"port": "rs485", "model": "WM3M4C", "serial": "WM000035", "address": 35},
    {"port": "rs485", "model": "Bicom", "serial": "BI000050", "address": 50},
]
SETTINGS = {"rs485_type_2": 3, "rs485_addr_2": 50, "poll_ms": 200, "response_ms": 300}
PASSWORD = "a long password"
PASSPHRASE = "correct horse battery"


@pytest.fixture(scope="module", params=[64, 32])
def rig(request):
    with gateway(request.param, meters=METERS, settings=SETTINGS) as rig:
        detected(rig, 2)
        yield rig


class Browser:
    """One session: keeps its cookie, says where it comes from."""

    def __init__(self, rig):
        self._rig = rig
        self.cookie = None
        self.headers = {}

    def ask(self, path, body=None, method=None, **headers) -> tuple[int, Any]:
        headers = {**self.headers, **headers}
        if self.cookie:
            headers["Cookie"] = self.cookie
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        method = method or ("GET" if body is None else "POST")
        status, answered, content = self._rig.get(path, headers, method, body)
        if "Set-Cookie" in answered:
            self.cookie = answered["Set-Cookie"].split(";")[0]
        return status, json.loads(content) if content else ""

    def log_in(self, user, password):
        return self.ask("/api/login", {"user": user, "password": password})


def test_from_the_first_login_to_the_reader():
    """The life of the passwords: its own gateway, for they stay."""
    with gateway(meters=[], settings={"left_ir_enabled": 0}) as rig:
        pop = rig.ready["pop"]
        phone, other = Browser(rig), Browser(rig)
        assert phone.log_in("admin", "guess")[0] == 403
        assert phone.log_in("reader", "")[0] == 403
        assert phone.log_in("admin", pop) == (200, {"user": "admin", "must_change": True})
        assert other.log_in("admin", pop)[0] == 200
        assert phone.ask("/api/status")[1]["session"]["must_change"] is True
        assert phone.ask("/api/restart", {}) == (403, {"error": "change the password first"})
        for new in ("", "short", pop, None, 12345678, "x" * 65):
            status, answer = phone.ask("/api/password", {"password": pop, "new": new})
            assert status == 422 and list(answer["errors"]) == ["new"], new
        assert phone.ask("/api/password", {"password": "guess", "new": PASSWORD})[0] == 403
        assert phone.ask("/api/password", {"user": "root", "password": pop, "new": PASSWORD})[0] == 422
        assert phone.ask("/api/password", {"password": pop, "new": PASSWORD})[0] == 204
        assert phone.ask("/api/settings", {"location": "Cellar"}, "PATCH")[0] == 200
        assert other.ask("/api/settings")[0] == 403  # whoever was in with the old one is out
        assert rig.get("/api/settings", login(rig))[0] == 403  # the label's counts no more
        assert rig.get("/api/settings", login(rig, PASSWORD))[0] == 200
        rig.control("reset")
        assert other.log_in("admin", pop)[0] == 403
        assert other.log_in("admin", PASSWORD) == (200, {"user": "admin", "must_change": False})
        # A second user, who may look and nothing else
        assert other.ask("/api/password", {"user": "reader", "password": PASSWORD, "new": "only reading"})[0] == 204
        reader = Browser(rig)
        assert reader.log_in("reader", "only reading") == (200, {"user": "reader", "must_change": False})
        assert reader.ask("/api/settings")[0] == 200
        for path, body, method in (
            ("/api/settings", {"location": "x"}, "PATCH"),
            ("/api/restart", {}, "POST"),
            ("/api/relay/0", {"state": "on"}, "POST"),
            ("/api/settings/export", {}, "POST"),
            ("/api/password", {"user": "admin", "password": "only reading", "new": "something else"}, "POST"),
            ("/api/certificates", {"name": "x", "pem": "y"}, "POST"),
            ("/api/certificates/x", None, "DELETE"),
        ):
            assert reader.ask(path, body, method)[0] == 403, path
        # Reading closed: 403 under /api, 401 elsewhere, open with either login
        assert other.ask("/api/settings", {"read_login": 1}, "PATCH")[0] == 200
        assert rig.get("/api/status")[0] == 403 and rig.get("/api/live?slot=lir")[0] == 403
        status, headers, _ = rig.get("/get_command?command=get_status")
        assert status == 401 and "WWW-Authenticate" in headers
        assert rig.get("/get_command?command=get_status", login(rig, PASSWORD))[0] == 200
        basic = login(rig, PASSWORD)["Authorization"]
        assert rig.get("/api/status", {"Cookie": "Authorization=" + basic})[0] == 200  # as the maker's client sends it
        assert reader.ask("/api/status")[0] == 200 and rig.get("/", {"Accept-Encoding": "gzip"})[0] == 200
        assert other.ask("/api/password", {"user": "reader", "password": PASSWORD, "new": ""})[0] == 204
        assert reader.ask("/api/status")[0] == 403
        assert other.ask("/api/logout", {})[0] == 204
        assert other.ask("/api/settings")[0] == 403
        log = rig.log()
        for secret in (PASSWORD, "only reading", pop):
            assert secret not in log


def test_guessing_is_locked_out_and_told(rig):
    with gateway(meters=[], settings={"left_ir_enabled": 0}) as rig:
        guesser = Browser(rig)
        answers = [guesser.log_in("admin", f"guess {n}") for n in range(5)]
        assert [status for status, _ in answers] == [403] * 5
        status, answer = guesser.log_in("admin", rig.ready["pop"])
        assert status == 429 and answer["retry_s"] >= 1 and answer["error"]
        status, headers, _ = rig.get("/post_command", login(rig), "POST", "command=ON")
        assert status == 429 and int(headers["Retry-After"]) >= 1
        eventually(lambda: guesser.log_in("admin", rig.ready["pop"])[0] == 200, "locked for ever")


def test_requests_of_other_sites(rig):
    host = rig.ready["http"].removeprefix("http://")
    for headers, status in (
        ({"Origin": "http://" + host}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ):
        for path, body, method in (
            ("/api/settings", {}, "PATCH"),
            ("/api/login", {"user": "admin", "password": rig.ready["pop"]}, "POST"),
        ):
            assert api(rig, path, body, method, **headers)[0] == status, (headers, path)


def test_bodies_that_are_none(rig):
    for kind, body, status in (
        ("text/plain", "{}", 415),
        ("application/x-www-form-urlencoded", "a=b", 415),
        ("multipart/form-data; boundary=x", "{}", 415),
        ("application/json", "{", 400),
        ("application/json", "[]", 400),
        ("application/json", "[" * 4000, 400),
        ("application/json", '{"a":' * 1300, 400),
        ("application/json", '"x"', 400),
        ("application/json; charset=utf-8", "{}", 200),
        ("APPLICATION/JSON", "{}", 200),
        (None, "{}", 200),
        ("application/json", '{"x":"' + "x" * 9000 + '"}', 413),
    ):
        headers = login(rig, **({"Content-Type": kind} if kind else {}))
        found, _, content = rig.get("/api/settings", headers, "PATCH", body)
        assert found == status and (status == 200) != (b"error" in content), (kind, body[:40], content)


def test_two_editors_at_once(rig):
    revision = api(rig, "/api/settings")[1]["revision"]
    assert patch(rig, {"location": "first", "revision": revision})[0] == 200
    status, answer = patch(rig, {"location": "second", "revision": revision})
    assert (status, answer["revision"]) == (409, revision + 1) and "somebody else" in answer["error"]
    assert settings(rig)["location"] == "first"
    rig.control("reset")  # the revision outlives it
    assert patch(rig, {"location": "third", "revision": revision})[0] == 409
    assert patch(rig, {"location": "third", "revision": revision + 1})[0] == 200
    assert patch(rig, {"location": "fourth", "revision": "x"})[0] == 409


def test_settings_that_do_not_go_together(rig):
    for changes, wrong in (
        ({"static_ip_en": 1}, {"ip", "netmask"}),
        ({"static_ip_en": 1, "ip": "192.168.1.20", "netmask": "255.0.255.0"}, {"netmask"}),
        ({"static_ip_en": 1, "ip": "192.168.1.20", "netmask": "255.255.255.0", "gateway": "192.168.2.1"}, {"gateway"}),
        ({"ip": "192.168.1.256"}, {"ip"}),
        ({"ip": "router"}, {"ip"}),
        ({"dns1": "1.2.3"}, {"dns1"}),
        ({"rs485_type_3": 2, "rs485_addr_3": 35}, {"rs485_addr_3"}),
    ):
        status, answer = patch(rig, changes)
        assert status == 422 and set(answer["errors"]) == wrong, changes
    right = {"static_ip_en": 1, "ip": "192.168.1.20", "netmask": "255.255.255.0", "gateway": "192.168.1.1"}
    assert patch(rig, right)[0] == 200
    assert patch(rig, {"static_ip_en": 0, "ip": "", "netmask": "", "gateway": ""})[0] == 200


def test_names_of_every_kind_are_kept_as_they_are(rig):
    for name in ("<script>alert(1)</script>", '"quotes" \\ and more', "čšž ğüş", "中文描述", "🔌⚡", "a\u2028b", "ﷺ"):
        change(rig, description=name, ir_relay_desc="⚡ <b>")
        assert settings(rig)["description"] == rig.get_json("/api/status")["description"] == name
        assert rig.get_json("/api/relays")["relays"][0]["description"] == "⚡ <b>"


def test_the_schema_is_told(rig):
    answer = api(rig, "/api/settings")[1]
    names = []
    for page in answer["pages"]:
        for row in page["rows"]:
            assert row["meaning"] and row["kind"] in (
                "text",
                "int",
                "choice",
                "flag",
                "zone",
                "ip",
                "writes",
                "ssid",
                "sources",
                "when",
            ), row
            assert ("#" in row["name"]) == bool(page["count"])
            assert "most" in row or "from" in row or "choices" in row or row["kind"] == "flag"
            names += [row["name"].replace("#", str(n)) for n in range(1, page["count"] + 1)] or [row["name"]]
    assert sorted(names) == sorted(answer["values"])


# Values


def live(rig, slot, group="measurements"):
    return rig.get_json(f"/api/live?slot={slot}&group={group}")


def test_values_have_an_age(rig):
    name = next(meter["name"] for meter in rig.control("field")["meters"] if meter["serial"] == "LEFT0001")
    found = eventually(lambda: (answer := live(rig, "lir"))["quality"] == "good" and answer, "no good values")
    assert (found["values"]["U1"], found["model"], found["serial"]) == ("229.5 V", "IE38MD", "LEFT0001")
    assert found["age_s"] <= 8 and found["tariff"] == 1
    counters = live(rig, "lir", "counters")["values"]
    assert len(counters) == 20 and counters[0]["name"] == "counter1nr"
    assert (counters[0]["direction"], counters[0]["tariffs"], counters[0]["phase"]) == ("import", [1, 2, 3, 4], 0)
    assert number(counters[0]["value"])[1] == "Wh"
    rig.control("meter", name=name, fault="mute")
    try:
        stale = eventually(lambda: (answer := live(rig, "lir"))["quality"] == "stale" and answer, "never stale")
        assert stale["values"]["U1"] == "229.5 V" and "tariff" not in stale
        assert live(rig, "lir", "counters")["quality"] == "stale"
        eventually(lambda: live(rig, "lir")["age_s"] > stale["age_s"], "it does not age")
        eventually(lambda: live(rig, "lir")["status"] == "silent", "never silent")
    finally:
        rig.control("meter", name=name, fault="none")
    eventually(lambda: live(rig, "lir")["quality"] == "good", "never good again")


def test_slots_that_have_no_values(rig):
    for query, status in (
        ("slot=rir", 404),
        ("slot=16", 404),
        ("slot=x", 404),
        ("", 404),
        ("slot=1&group=x", 400),
        ("slot=999", 404),
    ):
        assert rig.get("/api/live?" + query)[0] == status, query
    change(rig, rs485_type_5=2, rs485_addr_5=99)
    assert live(rig, 5) == {
        **live(rig, 5),
        "status": "not_detected",
        "quality": "absent",
        "age_s": None,
        "values": {},
    }
    change(rig, rs485_type_5=0)


def test_the_devices_are_listed(rig):
    def present():
        devices = {device["slot"]: device for device in rig.get_json("/api/status")["devices"]}
        assert list(devices) == ["lir", "rir", "1", "2"]
        return all(device["status"] == "present" for device in devices.values()) and devices

    devices = eventually(present, "not all are present")
    assert [devices[slot]["kind"] for slot in devices] == ["meter", "switch", "meter", "switch"]
    assert (devices["1"]["model"], devices["1"]["serial"], devices["1"]["address"]) == ("WM3M4C", "WM000035", 35)


# Switches


def test_switches(rig):
    relays = rig.get_json("/api/relays")["relays"]
    assert [(relay["n"], relay["model"], relay["state"]) for relay in relays] == [(0, "IR Bicom", 0), (2, "Bicom", 0)]
    for n, state, result in ((0, "on", 1), (0, "on", 1), (0, "toggle", 0), (2, "toggle", 1), (2, "off", 0)):
        assert api(rig, f"/api/relay/{n}", {"state": state}) == (200, {"state": result})
    for path, body, status in (
        ("/api/relay/1", {"state": "on"}, 404),
        ("/api/relay/3", {"state": "on"}, 404),
        ("/api/relay/", {"state": "on"}, 404),
        ("/api/relay/x", {"state": "on"}, 404),
        ("/api/relay/0/1", {"state": "on"}, 404),
        ("/api/relay/0", {"state": "ON"}, 400),
        ("/api/relay/0", {"state": 1}, 400),
        ("/api/relay/0", {}, 400),
    ):
        assert api(rig, path, body)[0] == status, path
    assert rig.get("/api/relay/0", {}, "POST", '{"state":"on"}')[0] == 403
    change(rig, ir_ext_rel_mode=2)
    assert "meter on the left" in rig.get_json("/api/relays")["relays"][0]["forbidden"]
    assert api(rig, "/api/relay/0", {"state": "on"})[0] == 409
    change(rig, ir_ext_rel_mode=1)
    eventually(lambda: rig.get_json("/api/relays")["relays"][0]["state"] == 0, "not found again")


# Settings as a file


def unsealed(sealed, passphrase):
    """What OpenSSL makes of the sealed part."""
    key = hashlib.pbkdf2_hmac("sha256", passphrase.encode(), bytes.fromhex(sealed["salt"]), sealed["iterations"], 64)
    box = base64.b64decode(sealed["data"])
    assert hmac.new(key[32:], box[:-32], "sha256").digest() == box[-32:]
    decryptor = Cipher(algorithms.AES(key[:32]), modes.CBC(box[:16])).decryptor()
    plain = decryptor.update(box[16:-32]) + decryptor.finalize()
    return json.loads(plain[: -plain[-1]])


def test_settings_as_a_file(rig):
    change(rig, description="Kept ⚡", mqtt1_password="TopSecret-42", wifi_password="TopSecret-43", rs485_desc_9="Boiler")
    before = settings(rig)
    status, plain = api(rig, "/api/settings/export", {})
    assert status == 200 and "sealed" not in plain and "TopSecret" not in json.dumps(plain)
    status, file = api(rig, "/api/settings/export", {"passphrase": PASSPHRASE})
    assert status == 200 and "TopSecret" not in json.dumps(file)
    assert (file["format"], file["serial"], file["values"]["description"]) == ("opensg-settings", "SG000017", "Kept ⚡")
    assert unsealed(file["sealed"], PASSPHRASE) == {"mqtt1_password": "TopSecret-42", "wifi_password": "TopSecret-43"}
    assert api(rig, "/api/settings/export", {"passphrase": "short"})[0] == 422

    change(rig, description="Changed", mqtt1_password="", rs485_desc_9="", rs485_desc_10="Another")
    changed = settings(rig)
    for body, field in (
        ({"file": file}, "passphrase"),
        ({"file": file, "passphrase": "wrong passphrase"}, "passphrase"),
        ({"file": {**file, "sealed": {**file["sealed"], "iterations": 10**9}}, "passphrase": PASSPHRASE}, "passphrase"),
        ({"file": {**file, "sealed": {**file["sealed"], "data": "AAAA"}}, "passphrase": PASSPHRASE}, "passphrase"),
        ({"file": {**file, "sealed": 1}, "passphrase": PASSPHRASE}, "passphrase"),
        ({"file": {**plain, "format": "x"}}, "file"),
        ({"file": {**plain, "values": [1]}}, "file"),
        ({"file": "x"}, "file"),
        ({}, "file"),
        ({"file": {**plain, "values": {**plain["values"], "http_port": 0}}}, "http_port"),
        ({"file": {**plain, "values": {**plain["values"], "no_such": 1}}}, "no_such"),
    ):
        status, answer = api(rig, "/api/settings/import", body)
        assert status == 422 and list(answer["errors"]) == [field], (body, answer)
        assert settings(rig) == changed
    assert api(rig, "/api/settings/import", {"file": plain})[0] == 200
    assert settings(rig) == {**before, "mqtt1_password": {"set": False}}  # secrets are not in the file
    assert api(rig, "/api/settings/import", {"file": file, "passphrase": PASSPHRASE})[0] == 200
    assert settings(rig) == before
    change(rig, mqtt1_password="", wifi_password="")


# Certificates


def test_certificates(rig):
    vectors = [entry for entry in vector("x509")["certificates"] if entry.get("pem")]
    pem = vectors[0]["pem"]
    status, entry = api(rig, "/api/certificates", {"name": "ca.pem", "pem": pem})
    assert status == 201 and entry["name"] == "ca.pem" and entry["kind"] == "certificate" and entry["subject"]
    assert api(rig, "/api/certificates")[1]["certificates"] == [entry]
    assert api(rig, "/api/certificates", {"name": "ca.pem", "pem": pem})[0] == 409
    for name, text, field in (
        ("../x", pem, "name"),
        ("", pem, "name"),
        ("a.pem", "no certificate", "pem"),
        ("a.pem", None, "pem"),
    ):
        status, answer = api(rig, "/api/certificates", {"name": name, "pem": text})
        assert status == 422 and list(answer["errors"]) == [field], name
    change(rig, mqtt1_cert_file="ca.pem")
    assert api(rig, "/api/certificates/ca.pem", method="DELETE")[0] == 409
    change(rig, mqtt1_cert_file="")
    rig.control("reset")
    assert api(rig, "/api/certificates")[1]["certificates"] == [entry]
    assert rig.get("/api/certificates")[0] == 403
    assert api(rig, "/api/certificates/ca.pem", method="DELETE") == (204, "")
    assert api(rig, "/api/certificates/ca.pem", method="DELETE")[0] == 404
    assert api(rig, "/api/certificates/..%2fsettings.json", method="DELETE")[0] == 404


# Diagnosis


def test_raw_frames(rig):
    def frames():
        return api(rig, "/api/frames?port=rs485")[1]["frames"]

    assert rig.get("/api/frames?port=rs485")[0] == 403
    api(rig, "/api/frames?port=rs485")  # begins
    found = eventually(lambda: len(log := frames()) >= 6 and log, "no frames are kept")
    for frame in found:
        content = bytes.fromhex(frame["hex"])
        assert crc(content) == 0 and content[0] in (35, 50), frame
    numbers = [frame["n"] for frame in found]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert {frame["sent"] for frame in found} == {True, False}
    assert [frame["ms"] for frame in found] == sorted(frame["ms"] for frame in found)
    later = api(rig, f"/api/frames?port=rs485&after={numbers[-1]}")[1]["frames"]
    assert all(frame["n"] > numbers[-1] for frame in later)
    eventually(lambda: sum(len(frame["hex"]) // 2 for frame in frames()) > 1500, "not more are kept")
    assert sum(len(frame["hex"]) // 2 for frame in frames()) <= 2048
    assert api(rig, "/api/frames?port=com1")[0] == 404
    assert api(rig, "/api/frames?port=rs485&after=x")[0] == 400


def test_health_and_events(rig):
    health = rig.get_json("/api/health")
    assert health["heap_free"] > 0 and health["reset_cause"] and health["http"]["requests"] > 0
    buses = {bus["port"]: bus for bus in health["buses"]}
    assert set(buses) == {"ir_left", "ir_right", "rs485"}
    unit = next(unit for unit in buses["rs485"]["units"] if unit["address"] == 35)
    assert 0 < unit["answered"] <= statistics(rig, "rs485", 35)["answered"]
    events = rig.get_json("/api/events")["events"]
    assert any(event["kind"] == "relay" or event["kind"] == "start" for event in events)
    assert all(event["time"] and event["text"] for event in events)


def test_a_restart_is_asked_for(rig):
    before = rig.control("ready")["gateway_pid"]
    assert rig.get("/api/restart", {}, "POST", "{}")[0] == 403
    assert api(rig, "/api/restart", {}) == (202, {})
    eventually(lambda: rig.control("ready")["gateway_pid"] not in (None, before), "no restart")
    eventually(lambda: answers(rig), "it does not come back")
    detected(rig, 2)


def answers(rig):
    try:
        return rig.get("/api/status")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


# Pages


def test_the_pages_come_as_they_are(rig):
    status, headers, body = rig.get("/", {"Accept-Encoding": "gzip"})
    assert status == 200 and headers["Content-Type"].startswith("text/html") and headers["Content-Encoding"] == "gzip"
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    again, _, nothing = rig.get("/", {"Accept-Encoding": "gzip", "If-None-Match": headers["ETag"]})
    assert (again, nothing) == (304, b"")
    assert rig.get("/", {})[0] == 406
    for path in ("/app.js", "/style.css", "/text/en.txt", "/text/tr.txt", "/lib/uplot.js"):
        assert rig.get(path, {"Accept-Encoding": "gzip"})[0] == 200, path
    for path in ("/index.html", "/texts.txt", "/pages/", "/pages/status.js", "/settings.json", "/../settings.json"):
        assert rig.get(path, {"Accept-Encoding": "gzip"})[0] in (400, 404), path
    assert rig.get("/", {"Accept-Encoding": "gzip"}, "POST")[0] == 405
