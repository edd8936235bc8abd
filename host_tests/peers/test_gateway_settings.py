"""Settings of the whole gateway over HTTP: what is refused, what takes effect, what survives, what is never shown."""

import pytest

from host_tests.gateway import answered, change, command, detected, eventually, gateway, login, patch, settings

# On one line two meters that the gateway hears at different settings only, as if the installer had changed them.
METERS = [
    {"port": "ir_left", "model": "IE38MD", "serial": "LEFT0001"},
    {"port": "rs485", "model": "WM3M4C", "serial": "AT115200", "address": 35},
    {"port": "rs485", "model": "MC666", "serial": "AT009600", "address": 40, "baud": 9600, "parity": "E"},
    {"port": "rs485", "model": "IE14MD", "serial": "AT120200", "address": 120},
]
SETTINGS = {"ir_ext_rel_mode": 0, "rs485_type_2": 0, "poll_ms": 200, "response_ms": 300}
SECRETS = ("wifi_password", "mqtt1_password", "mqtt2_password")
REFUSED = {
    # name: values that are not right
    "rs485_addr_1": (0, 248, -1, 1.5, "35", None, [35], {"a": 1}, 10**30),
    "rs485_baud_rate": (8, -1, "7", 115200),
    "rs485_type_1": (1, 5, "2"),
    "http_port": (0, 65536, "80"),
    "ir_ext_rel_mode": (3, -1),
    "left_ir_enabled": (2, "1", None),
    "description": (1, None, ["x"], "x" * 41, "č" * 21, "a\nb", "a\0b"),
    "wifi_password": (12345678, "x" * 64),
    "poll_ms": (-1, 60001),
    "no_such_setting": (1, "x"),
    "rs485_type_17": (2,),
    "rs485_type_0": (2,),
    "rs485_type_#": (2,),
    "": ("x",),
}
NO_OBJECTS = (b"", b"{", b"[]", b"1", b'"x"', b"null", b"{]}", b"\xff\xfe", b"[" * 1000)


@pytest.fixture(scope="module", params=[64, 32])
def rig(request):
    with gateway(request.param, meters=METERS, settings=SETTINGS) as rig:
        detected(rig, 2)
        yield rig


def served(rig, query):
    """Serial number of the meter that a command shows values of, else None."""
    answer = command(rig, query)
    return answer["header"]["serial_number"] if answer.get("measurements") else None


def test_the_field_comes_from_the_settings(rig):
    assert answered(rig, "get_measurements1")["header"]["serial_number"] == "AT115200"
    found = settings(rig)
    assert (found["rs485_addr_1"], found["rs485_type_1"], found["rs485_type_2"], found["poll_ms"]) == (35, 2, 0, 200)
    assert found["http_port"] == 80 and found["timezone"] and found["ntp_server1"]


def test_who_may_see_and_change(rig):
    before = settings(rig)
    for headers in ({}, login(rig, "wrong")):
        for method, body in (("GET", None), ("PATCH", '{"description":"x"}')):
            code, answered, text = rig.get("/api/settings", headers, method, body)
            assert code == 403 and b"error" in text, (headers, method, text)
            assert "WWW-Authenticate" not in answered  # the browser would ask in place of the page
    foreign = login(rig, Origin="http://attacker.example")
    assert rig.get("/api/settings", foreign, "PATCH", '{"description":"x"}')[0] == 403
    assert settings(rig) == before


def test_what_is_wrong_is_told_field_by_field_and_changes_nothing(rig):
    before = settings(rig)
    for name, values in REFUSED.items():
        for value in values:
            status, answer = patch(rig, {"location": "elsewhere", name: value})
            assert status == 422, (name, value, answer)
            assert list(answer["errors"]) == [name], (name, value)
            assert len(answer["errors"][name].split()) > 2, (name, value, answer)
    status, answer = patch(rig, {name: values[0] for name, values in REFUSED.items()})
    assert status == 422 and set(answer["errors"]) == set(REFUSED)
    for body in NO_OBJECTS:
        status, answer = patch(rig, body)
        assert status == 400 and answer["error"], body
    assert patch(rig, b'{"description":"' + b"x" * 100_000 + b'"}')[0] == 413
    assert settings(rig) == before


def test_a_change_is_told_and_seen(rig):
    revision = patch(rig, {})[1]["revision"]
    for changes, changed, restart in (
        ({"description": "Cellar č", "location": "Location"}, ["description"], False),
        ({"description": "Cellar č"}, [], False),
        ({}, [], False),
        ({"tcp_port": 502}, ["tcp_port"], True),
    ):
        revision += bool(changed)
        assert patch(rig, changes) == (200, {"changed": changed, "revision": revision, "restart_needed": restart})
        assert command(rig, "get_status")["description"] == "Cellar č"
    assert rig.get_json("/api/status")["restart_needed"] is True


def test_a_secret_is_never_shown(rig):
    secrets = dict.fromkeys(SECRETS, "TopSecret-42")
    assert settings(rig)["mqtt1_password"] == {"set": False}
    assert set(change(rig, **secrets)) == set(SECRETS)
    _, _, body = rig.get("/api/settings", login(rig))
    assert b"TopSecret" not in body
    assert [settings(rig)[name] for name in SECRETS] == [{"set": True}] * len(SECRETS)
    refused = patch(rig, {"wifi_password": "TopSecret-42" * 10})
    assert "TopSecret" not in str(refused)
    for query in ("get_status", "get_devices", "get_statistics", "get_settings"):
        assert "TopSecret" not in str(command(rig, query)), query
    assert "TopSecret" not in rig.log() and rig.ready["pop"] not in rig.log()
    change(rig, mqtt2_password="")
    assert settings(rig)["mqtt2_password"] == {"set": False}


def test_the_bus_takes_other_settings_without_a_restart(rig):
    started = rig.log().count("start: ")
    for changes, serial in (
        ({"rs485_addr_1": 120}, "AT120200"),
        ({"rs485_addr_1": 40, "rs485_baud_rate": 3, "rs485_parity": 2}, "AT009600"),
        ({"rs485_addr_1": 35, "rs485_baud_rate": 7, "rs485_parity": 0}, "AT115200"),
    ):
        change(rig, **changes)
        eventually(lambda: served(rig, "get_measurements1") == serial, lambda: (serial, command(rig, "get_devices")))
    change(rig, left_ir_enabled=0)
    assert command(rig, "get_measurements")["header"]["model"] == "0"
    change(rig, left_ir_enabled=1)
    eventually(lambda: served(rig, "get_measurements") == "LEFT0001", lambda: command(rig, "get_devices"))
    assert rig.log().count("start: ") == started


def test_a_device_that_is_not_there_is_not_detected(rig):
    change(rig, rs485_type_3=2, rs485_addr_3=77)
    devices = eventually(
        lambda: (found := command(rig, "get_devices"))["device_3_model"] == "Not Detected" and found, "not shown as such"
    )
    assert (devices["device_3_serial"], devices["device_3_addr"]) == ("", 77)
    assert command(rig, "get_measurements3")["header"]["model"] == "0"
    eventually(lambda: served(rig, "get_measurements1") == "AT115200", "the other one is no longer served")
    change(rig, rs485_type_3=0)


def test_settings_survive_a_reset(rig):
    change(rig, description="After the reset", rs485_desc_5="Boiler", rs485_addr_1=120)
    before = settings(rig)
    ready = rig.control("reset")
    assert (ready["pop"], ready["serial"], ready["http"]) == (rig.ready["pop"], rig.ready["serial"], rig.ready["http"])
    assert settings(rig) == before
    assert command(rig, "get_status")["description"] == "After the reset"
    eventually(lambda: served(rig, "get_measurements1") == "AT120200", lambda: command(rig, "get_devices"))
    change(rig, rs485_addr_1=35)
