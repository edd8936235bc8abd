"""Bistable switches behind the whole gateway: by POST with a login, and by the meter on the left port."""

# What comes out of JSON has no type worth the name.
# pyright: reportArgumentType=false, reportCallIssue=false, reportIndexIssue=false

import pytest

from host_tests.gateway import change, command, eventually, gateway, login, patch, post

METERS = [
    {"port": "ir_left", "model": "IE38MD", "serial": "X0000124"},
    {"port": "ir_right", "model": "IR Bicom"},
    {"port": "rs485", "model": "WM3M4C", "serial": "18230001", "address": 35},
    {"port": "rs485", "model": "Bicom", "serial": "B0000001", "address": 50},
    {"port": "rs485", "model": "Bicom", "serial": "B0000002", "address": 51},
]
SETTINGS = {"rs485_type_2": 3, "rs485_addr_2": 50, "rs485_type_7": 3, "rs485_addr_7": 51, "rs485_desc_7": "Boiler"}
SETTINGS.update({"poll_ms": 200, "response_ms": 300})
# prefix of the command, the switch's name in the rig, the key of its state in get_bicoms
SWITCHES = (
    ("", "ir_bicom", "ir_bicom_state"),
    ("485_1_", "B0000001", "bicom_485_1_state"),
    ("485_2_", "B0000002", "bicom_485_2_state"),
)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module", params=[64, 32])
def rig(request):
    with gateway(request.param, meters=METERS, settings=SETTINGS) as rig:
        eventually(lambda: states(rig) == [0, 0, 0], lambda: command(rig, "get_bicoms"))
        yield rig


def states(rig):
    """What the gateway says of the three switches."""
    answer = command(rig, "get_bicoms")
    return [answer[key] for _, _, key in SWITCHES]


def held(rig):
    """What the switches themselves say."""
    return [rig.control("meter", name=name)["values"]["state"] for _, name, _ in SWITCHES]


def test_what_is_connected(rig):
    answer = command(rig, "get_bicoms")
    expected = {"bicoms total": 3, "ir_bicom_state": 0, "ir_bicom_description": ""}
    expected.update({"bicom_485_1_index": 2, "bicom_485_1_state": 0, "rs485_description_1": ""})
    expected.update({"bicom_485_2_index": 7, "bicom_485_2_state": 0, "rs485_description_2": "Boiler"})
    expected["local_time"] = answer["local_time"]
    assert list(answer.items()) == list(expected.items())
    devices = command(rig, "get_devices")
    assert devices["total_bicom"] == 3
    assert [devices[f"device_{slot}_model"] for slot in ("rir", 2, 7)] == ["IR Bicom", "Bicom", "Bicom"]
    assert [devices[f"device_{slot}_serial"] for slot in ("rir", 2, 7)] == ["", "B0000001", "B0000002"]


@pytest.mark.parametrize("which", range(3), ids=["infrared", "first on RS-485", "second on RS-485"])
def test_switching(rig, which):
    prefix, _, _ = SWITCHES[which]
    expected = held(rig)
    for word, state in (("ON", 1), ("ON", 1), ("TOGGLE", 0), ("TOGGLE", 1), ("OFF", 0), ("OFF", 0)):
        assert post(rig, prefix + word) == (204, "")
        expected[which] = state
        assert held(rig) == expected, word
        assert states(rig) == expected, word  # at once: it was read back


def test_a_switch_that_is_turned_by_others_is_noticed(rig):
    for _, name, _ in SWITCHES:
        rig.control("meter", name=name, set={"state": 1})
    eventually(lambda: states(rig) == [1, 1, 1], lambda: command(rig, "get_bicoms"))
    for _, name, _ in SWITCHES:
        rig.control("meter", name=name, set={"state": 0})
    eventually(lambda: states(rig) == [0, 0, 0], lambda: command(rig, "get_bicoms"))


def test_who_may_switch(rig):
    origin = rig.ready["http"]
    for what, headers, status in (
        ("no login", FORM, 401),
        ("wrong password", login(rig, "wrong"), 401),
        ("no password", login(rig, ""), 401),
        ("another user", {"Authorization": "Basic dXNlcjp1c2Vy"}, 401),
        ("not Base64", {"Authorization": "Basic ===="}, 401),
        ("another scheme", {"Authorization": "Bearer " + rig.ready["pop"]}, 401),
        ("another site's page", login(rig, Origin="http://attacker.example"), 403),
        ("a page of nowhere", login(rig, Origin="null"), 403),
        ("another port", login(rig, Origin="http://127.0.0.1:1"), 403),
        ("another scheme of the same name", login(rig, Origin=origin.replace("http", "ftp", 1)), 403),
    ):
        code, answered, body = rig.get("/post_command", headers, "POST", "command=ON")
        assert code == status, (what, body)
        assert ("WWW-Authenticate" in answered) == (status == 401), what
        assert b"error" in body, what
    assert held(rig) == [0, 0, 0]
    assert post(rig, "ON", login(rig, Origin=origin)) == (204, "")  # our own page
    assert post(rig, "OFF") == (204, "")


def test_commands_that_make_no_sense(rig):
    for body, headers, statuses in (
        ("command=BLINK", {}, {400}),
        ("command=", {}, {400}),
        ("command=485_1_", {}, {400}),
        ("command=485_3_ON", {}, {404}),
        ("command=485_0_ON", {}, {404}),
        ("command=485_x_ON", {}, {404}),
        ("nothing", {}, {400}),
        ("", {}, {400}),
        ("\0\xff" * 50, {}, {400}),
        ("command=%zz", {}, {400}),
        ('{"command":"ON"}', {"Content-Type": "application/json"}, {400, 415}),
        ("command=ON", {"Content-Type": "multipart/form-data; boundary=x"}, {400, 415}),
        ("x" * 9000, {}, {413}),
    ):
        code, _, answer = rig.get("/post_command", login(rig, **headers), "POST", body.encode("latin-1"))
        assert code in statuses and b"error" in answer, (body[:40], code, answer)
    code, headers, _ = rig.get("/post_command?command=ON", login(rig))
    assert code == 405 and "POST" in headers["Allow"] and "GET" not in headers["Allow"]
    assert held(rig) == [0, 0, 0]


@pytest.mark.parametrize("which", range(2), ids=["infrared", "RS-485"])
def test_a_switch_that_does_not_answer(rig, which):
    prefix, name, key = SWITCHES[which]
    rig.control("meter", name=name, fault="mute")
    status, answer = post(rig, prefix + ("ON", "TOGGLE")[which])
    assert status == 504 and "does not answer" in answer["error"], answer
    eventually(lambda: command(rig, "get_bicoms")[key] == 250, lambda: command(rig, "get_bicoms"))
    rig.control("meter", name=name, fault="none")
    assert post(rig, prefix + "OFF") == (204, "")
    eventually(lambda: command(rig, "get_bicoms")[key] == 0, lambda: command(rig, "get_bicoms"))


def test_a_switch_that_refuses(rig):
    rig.control("meter", name="B0000001", fault="exception")
    status, answer = post(rig, "485_1_ON")
    assert status == 502 and "refused" in answer["error"], answer
    rig.control("meter", name="B0000001", fault="none")
    assert held(rig)[1] == 0


def test_relay_mode_0_has_no_switch(rig):
    assert change(rig, ir_ext_rel_mode=0) == ["ir_ext_rel_mode"]
    status, answer = post(rig, "ON")
    assert status in (404, 409) and len(answer["error"].split()) > 3, answer
    assert command(rig, "get_bicoms")["ir_bicom_state"] == 255
    assert held(rig)[0] == 0
    change(rig, ir_ext_rel_mode=1)
    eventually(lambda: states(rig)[0] == 0, "the switch is not found again")


def test_relay_mode_2_belongs_to_the_meter_on_the_left(rig):
    assert patch(rig, {"ir_ext_rel_mode": 2})[0] == 200
    eventually(lambda: states(rig)[0] == 0, "the switch is not found")
    status, answer = post(rig, "ON")
    assert status == 409 and "meter" in answer["error"], answer
    assert held(rig)[0] == 0
    for state in (1, 0, 1, 0):
        rig.control("meter", name="X0000124", command_relay=state)
        eventually(
            lambda: rig.control("meter", name="X0000124")["relay_command"] == "answered",
            lambda: (rig.control("meter", name="X0000124"), rig.log()),
        )
        eventually(lambda: held(rig)[0] == state, lambda: held(rig))
        eventually(lambda: states(rig)[0] == state, lambda: command(rig, "get_bicoms"))
    eventually(lambda: command(rig, "get_measurements").get("measurements"), "the meter is no longer read")
    change(rig, ir_ext_rel_mode=1)
    eventually(lambda: states(rig)[0] == 0, "the switch is not found again")
    assert post(rig, "TOGGLE") == (204, "")
    assert held(rig)[0] == 1
    assert post(rig, "OFF") == (204, "")
