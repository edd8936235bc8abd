"""Users, their roles and rights, on the whole gateway: what a right opens, who stays, what counts at once, who is named."""

import ast
import base64
import json
import time

import pytest

from host_tests.gateway import api, change, eventually, gateway, login
from host_tests.rig import TOP

ADMIN, ANNA = "the admin's own", "the one of anna"
RIGHTS = ("read", "export", "clock", "write", "backup", "clear", "update", "users", "roles")
NOT_RIGHTS = {"public": None, "user": "read", "own": None}
HARMFUL = "/api/restart"  # the only address that an empty order does something at


def routes():
    """(method, path, level) of each address."""
    tree = ast.parse((TOP / "firmware/routes.py").read_text())
    (table,) = [node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ROUTES"]
    for row in ast.literal_eval(table).strip().split("\n"):
        method, path, level, *_ = row.split(" ")
        yield method, path + "x" if path.endswith("/") else path, level


def as_user(rig, user, password, path, body=None, method=None):
    """(status, answer) of a request with HTTP Basic."""
    headers = {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
    if body is not None:
        headers["Content-Type"] = "application/json"
        body = json.dumps(body)
    status, _, content = rig.get(path, headers, method or ("GET" if body is None else "POST"), body)
    return status, json.loads(content) if content[:1] == b"{" else content


def as_anna(rig, path, body=None, method=None):
    return as_user(rig, "anna", ANNA, path, body, method)


def session(rig, user, password):
    """Headers of who has logged in."""
    order = json.dumps({"user": user, "password": password})
    status, answer, _ = rig.get("/api/login", {"Content-Type": "application/json"}, "POST", order)
    assert status == 200
    return {"Cookie": answer["Set-Cookie"].split(";")[0], "Content-Type": "application/json"}


def add(rig, user, role, new, password=None):
    return api(rig, "/api/users", {"user": user, "role": role, "new": new, "password": password or rig.ready["pop"]})[0]


@pytest.fixture(params=[64, 32])
def rig(request):
    with gateway(request.param, meters=[]) as rig:
        yield rig


def test_every_address_needs_what_there_is():
    levels = {level for _, _, level in routes()}
    assert levels == {*RIGHTS, *NOT_RIGHTS}
    for method, path, level in routes():
        assert method == "GET" or level not in ("read", "export", "user"), f"{path}: a change for who may only read"


def test_each_right_taken_away_closes_its_addresses_and_no_others():
    with gateway(64, meters=[], settings={"read_login": 1}) as rig:
        assert api(rig, "/api/roles", {"role": "guest", "rights": []})[0] == 204
        assert add(rig, "anna", "guest", ANNA) == 201
        for right in RIGHTS:
            others = [other for other in RIGHTS if other != right]
            assert api(rig, "/api/roles", {"role": "guest", "rights": others})[0] == 204
            for method, path, level in routes():
                is_closed = NOT_RIGHTS.get(level, level) == right
                if path == HARMFUL and not is_closed:
                    continue
                status, answer = as_anna(rig, path, None if method == "GET" else {}, method)
                what = right, method, path, status, answer
                if not is_closed:
                    assert status != 401 and "lacks the right" not in str(answer), what
                    assert answer not in ({"error": "not found"}, {"error": "this method is not for this address"}), what
                elif path.startswith("/api") or path in ("/get_command", "/post_command"):
                    assert (status, answer) == (403, {"error": f"your role lacks the right {right}"}), what


def test_from_the_first_user_to_the_last(rig):
    assert add(rig, "anna", "configurator", ANNA, "wrong") == 403
    assert add(rig, "anna", "configurator", "short") == 422
    assert add(rig, "anna", "configurator", rig.ready["pop"]) == 422
    assert add(rig, "a:b", "configurator", ANNA) == 422 and add(rig, "anna", "emperor", ANNA) == 422
    assert as_anna(rig, "/api/settings")[0] == 403
    assert add(rig, "anna", "configurator", ANNA) == 201
    found = api(rig, "/api/users")[1]
    assert found["roles"] == ["administrator", "configurator", "reader"]
    assert {"user": "anna", "role": "configurator", "has_password": True} in found["users"]
    assert {"user": "reader", "role": "reader", "has_password": False} in found["users"]
    assert ANNA not in json.dumps(found)
    # What the role may, and no more
    headers = session(rig, "anna", ANNA)
    assert rig.get("/api/settings", headers, "PATCH", '{"description":"x"}')[0] == 200
    eventually(
        lambda: any(event["text"] == "anna: PATCH /api/settings" for event in api(rig, "/api/events")[1]["events"]),
        "nobody is named",
    )
    assert rig.get("/api/users", headers)[0] == 403
    assert json.loads(rig.get("/api/status", headers)[2])["session"]["rights"] == "read export clock write backup"
    # Another role, at once
    assert api(rig, "/api/users", {"user": "anna", "role": "reader"})[0] == 200
    assert rig.get("/api/settings", headers, "PATCH", '{"description":"y"}')[0] == 403
    assert rig.get("/api/settings", headers)[0] == 200
    # The own password: by oneself
    order = {"user": "anna", "password": ANNA, "new": "another of anna"}
    assert as_anna(rig, "/api/password", {**order, "user": "admin"})[0] == 403
    assert as_anna(rig, "/api/password", {**order, "password": "wrong"})[0] == 403
    assert as_anna(rig, "/api/password", order)[0] == 204
    assert as_anna(rig, "/api/settings")[0] == 403 and as_user(rig, "anna", order["new"], "/api/settings")[0] == 200
    # What is on flash
    rig.control("reset")
    assert as_user(rig, "anna", order["new"], "/api/settings")[0] == 200
    headers = session(rig, "anna", order["new"])
    assert api(rig, "/api/users/anna", {}, "DELETE")[0] == 204
    assert rig.get("/api/settings", headers)[0] == 403 and as_user(rig, "anna", order["new"], "/api/settings")[0] == 403
    assert api(rig, "/api/users/anna", {}, "DELETE")[0] == 404


def test_the_last_administrator_stays(rig):
    for body, method, path in (({"user": "admin", "role": "reader"}, "POST", "/api/users"), ({}, "DELETE", "/api/users/admin")):
        status, answer = api(rig, path, body, method)
        assert (status, answer["errors"]) == (422, {"user": "the last administrator stays"})
    status, answer = api(rig, "/api/roles", {"role": "administrator", "rights": ["read", "users"]})
    assert (status, answer["errors"]) == (422, {"rights": "the administrator keeps the right roles"})
    assert add(rig, "anna", "administrator", ANNA) == 201
    assert as_anna(rig, "/api/users/admin", {}, "DELETE")[0] == 204
    assert api(rig, "/api/settings")[0] == 403, "the password on the label counts no more"
    status, answer = as_anna(rig, "/api/users/anna", {}, "DELETE")
    assert (status, answer["errors"]) == (422, {"user": "the last administrator stays"})


def test_guessing_locks_a_user_and_nobody_else(rig):
    assert add(rig, "anna", "reader", ANNA) == 201
    answers = []
    while 429 not in answers:  # locks grow longer each time: one of them is seen however slow the machine is
        answers.append(as_user(rig, "anna", f"guess {len(answers)}", "/api/settings")[0])
    assert answers[:5] == [403] * 5 and len(answers) < 12
    end = time.monotonic() + 60
    while as_anna(rig, "/api/settings")[0] == 429:
        assert time.monotonic() < end, "the first locks are of seconds"
    assert api(rig, "/api/settings")[0] == 200
    assert as_anna(rig, "/api/settings")[0] == 200


def test_nobody_gives_more_than_what_they_have(rig):
    assert api(rig, "/api/roles", {"role": "clerk", "rights": ["read", "users"]})[0] == 204
    assert add(rig, "anna", "clerk", ANNA) == 201
    order = {"user": "otto", "role": "administrator", "new": "the one of otto", "password": ANNA}
    status, answer = as_anna(rig, "/api/users", order)
    assert (status, list(answer["errors"])) == (422, ["user"])
    assert as_anna(rig, "/api/users", {"user": "anna", "role": "administrator"})[0] == 422
    assert as_anna(rig, "/api/password", {"user": "admin", "password": ANNA, "new": "now it is mine"})[0] == 422
    assert as_anna(rig, "/api/users", {**order, "role": "clerk"})[0] == 201
    assert as_anna(rig, "/api/users/otto", {}, "DELETE")[0] == 204
    assert api(rig, "/api/roles/clerk", {}, "DELETE")[0] == 422, "anna has it"
    assert api(rig, "/api/roles/reader", {}, "DELETE")[0] == 422
    assert api(rig, "/api/users", {"user": "anna", "role": "reader"})[0] == 200
    assert api(rig, "/api/roles/clerk", {}, "DELETE")[0] == 204


def test_a_computer_sets_the_clock(rig):
    status, answer = api(rig, "/api/clock", {"utc_ms": 1800000000000})
    assert status == 200 and answer["step_ms"]
    assert 1800000000 <= api(rig, "/api/status")[1]["timestamp"] < 1800000060
    for wrong in (None, "x", 1, 10**14, [], {}):
        assert api(rig, "/api/clock", {"utc_ms": wrong})[0] == 422, wrong
    assert any(event["text"] == "set by admin" for event in api(rig, "/api/events")[1]["events"])


def test_a_factory_reset_forgets_them_all(rig):
    assert add(rig, "anna", "administrator", ANNA) == 201
    assert as_anna(rig, "/api/factory_reset", {"confirm": rig.ready["serial"]})[0] == 202
    pid = rig.ready["gateway_pid"]

    def again():
        ready = rig.control("ready")
        return ready["http"] and ready["gateway_pid"] != pid

    eventually(again, "no restart")
    assert as_anna(rig, "/api/settings")[0] == 403
    assert [user["user"] for user in api(rig, "/api/users")[1]["users"]] == ["admin", "reader"]


def test_a_board_without_roles_has_the_two_users_it_had():
    with gateway(64, meters=[], board="SG_W1") as rig:
        assert api(rig, "/api/users")[0] == 404 and api(rig, "/api/clock", {"utc_ms": 0})[0] == 404
        order = {"user": "reader", "password": rig.ready["pop"], "new": "of the reader"}
        assert api(rig, "/api/password", order)[0] == 204
        assert as_user(rig, "reader", order["new"], "/api/settings")[0] == 200
        for method, path, level in routes():
            if level in RIGHTS[2:] and level not in ("clock", "users", "roles"):
                status, answer = as_user(rig, "reader", order["new"], path, {}, method)
                assert status == 404 or status == 403 and "admin" in str(answer), path
        assert as_user(rig, "anna", ANNA, "/api/settings")[0] == 403
        assert "rights" not in api(rig, "/api/status")[1]["session"]
        assert change(rig, description="x") == ["description"]
        assert login(rig)
