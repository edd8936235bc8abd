"""The list of DLMS meters over HTTP: one by one, a thousand at once on a small heap; what is wrong is told, nothing torn."""

import base64
import csv
import http.client
import io
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from host_tests.gateway import api, eventually, gateway, login

KEY = "000102030405060708090A0B0C0D0E0F"
COLUMNS = ("serial", "name", "port", "physical", "client", "security", "ciphering", "password", "key", "auth_key", "tariff")
BOUND = {"bits": 32, "heap": "112k", "frozen": True}
NO_DEVICES = {"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_1": 0, "rs485_type_2": 0}


def meter(number, **more):
    """One of a list as a server has it: with keys, which makes long lines."""
    secrets = {"security": 5, "ciphering": 1, "key": KEY, "auth_key": KEY[::-1]}
    return {"serial": f"8{number:07d}", "name": f"Substation {number % 40}", "physical": number + 16, **secrets, **more}


def as_csv(meters, separator=";"):
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, delimiter=separator)
    writer.writeheader()
    writer.writerows(meters)
    return out.getvalue().encode()


def as_json(meters):
    return "".join(json.dumps(one) + "\n" for one in meters).encode()


def load(rig, body, headers=None):
    """(status, answer) of a list; a long one takes longer than other requests."""
    connection = http.client.HTTPConnection(rig.ready["http"].removeprefix("http://"), timeout=180)
    try:
        connection.request("POST", "/api/dlms_batch", body, login(rig) if headers is None else headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def listed(rig, query=""):
    status, answer = api(rig, "/api/dlms_meters" + query)
    assert status == 200, answer
    return answer


def start_upload(rig, body, size):
    """Send the head for a body of that size and a part of it; return the socket."""
    host, port = rig.ready["http"].removeprefix("http://").split(":")
    client = socket.create_connection((host, int(port)), 20)
    pair = base64.b64encode(f"admin:{rig.ready['pop']}".encode()).decode()
    head = f"POST /api/dlms_batch HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {pair}\r\nContent-Length: {size}\r\n\r\n"
    client.sendall(head.encode() + body)
    return client


@pytest.fixture(scope="module")
def rig():
    with gateway(meters=[], settings=NO_DEVICES) as one:
        yield one


@pytest.fixture
def empty(rig):
    assert api(rig, "/api/dlms_meters", {"all": True}, "DELETE")[0] == 204
    return rig


def test_add_change_read_remove(empty):
    status, answer = api(empty, "/api/dlms_meters", meter(1, security=1, password="s3cret99"))
    assert status == 201
    number = answer["id"]
    one = api(empty, f"/api/dlms_meters/{number}")[1]
    assert (one["serial"], one["physical"], one["client"], one["type"]) == ("80000001", 17, 16, "standard")
    assert one["password_set"] is True and one["key_set"] is True and "password" not in one
    assert one["good_utc"] is None and one["failures"] == 0 and one["in_contact"] is False and one["black"] is False
    assert api(empty, f"/api/dlms_meters/{number}", {"name": "Hall", "sequence": 3}) == (200, {"id": number})
    everything = listed(empty)
    assert everything["count"] == 1 and everything["next"] is None and everything["most"] == 1000
    assert everything["meters"][0]["name"] == "Hall" and everything["meters"][0]["password_set"] is True
    assert "s3cret99" not in json.dumps(everything) and KEY not in json.dumps(everything)
    assert {row["name"] for row in everything["fields"]} >= {"serial", "key", "sequence"}
    assert api(empty, "/api/dlms_meters", meter(1))[0] == 422  # another meter has the number
    status, answer = api(empty, "/api/dlms_meters", meter(2, physical=17))
    assert status == 422 and list(answer["errors"]) == ["physical"]
    status, answer = api(empty, f"/api/dlms_meters/{number}", {"client": 400})
    assert status == 422 and list(answer["errors"]) == ["client"]
    assert api(empty, "/api/dlms_meters/60000")[0] == 404
    assert api(empty, "/api/dlms_meters/60000", {"name": "x"})[0] == 404
    assert api(empty, "/api/dlms_meters/60000", method="DELETE")[0] == 404
    assert api(empty, "/api/dlms_meters/x")[0] == 404
    assert api(empty, f"/api/dlms_meters/{number}", method="DELETE")[0] == 204
    assert listed(empty)["count"] == 0
    assert api(empty, "/api/dlms_meters", meter(1))[1]["id"] > number


def test_duplicates_and_nonsense_cost_their_lines(empty):
    lines = as_csv([meter(1), meter(2), meter(1, name="again"), meter(3, physical=17), meter(4, client=999)]).splitlines()
    lines[3:3] = [b"", b'"a;b', b"x" * 2000, b"\xff\xfe;", b"1;2;3;4;5;6;7;8;9;10;11;12;13"]
    status, answer = load(empty, b"\xef\xbb\xbf" + b"\n".join(lines))
    assert status == 200 and (answer["added"], answer["changed"], answer["running"]) == (2, 0, False)
    assert [refused["line"] for refused in answer["refused"]] == [5, 6, 7, 8, 9, 10, 11]
    reasons = [refused["reason"] for refused in answer["refused"]]
    for reason, expected in zip(reasons, ("quote", "1024", "UTF-8", "cells", "in the list", "80000001", "client"), strict=True):
        assert expected in reason, reasons
    assert api(empty, "/api/dlms_batch") == (200, answer)
    lines = [
        as_json([meter(2, name="new")]),
        b"{\n",
        b'{"serial":"9","colour":1}\n',
        b"[]\n",
        b"nonsense\n",
        as_json([meter(5)]),
    ]
    status, answer = load(empty, b"".join(lines).rstrip())
    assert status == 200 and (answer["added"], answer["changed"], answer["refusals"]) == (1, 1, 4)
    assert [one["name"] for one in listed(empty, "?search=80000002")["meters"]] == ["new"]


def test_headers_that_make_no_sense(empty):
    for head in (b"name;port\n1;2\n", b"serial;colour\n1;2\n", b"serial;serial\n", b"<html>\n", b"\n\xff\n", b"x" * 5000):
        status, answer = load(empty, head)
        assert status == 422 or answer["refusals"], (head, answer)
        assert listed(empty)["count"] == 0
    assert load(empty, b"")[0] == 400
    assert load(empty, as_csv([meter(1)], ","))[1]["added"] == 1


def test_the_table_that_comes_out_goes_in_again(empty):
    load(empty, as_json([meter(number, name=f'He said "{number}"; twice', sequence=50 - number) for number in range(50)]))
    status, headers, table = empty.get("/api/dlms_meters.csv", login(empty))
    assert status == 200 and KEY.encode() not in table
    rows = list(csv.DictReader(io.StringIO(table.decode()), delimiter=";"))
    assert [row["serial"] for row in rows] == [f"8{number:07d}" for number in range(49, -1, -1)]
    assert rows[0]["name"] == 'He said "49"; twice' and "key" not in rows[0]
    status, answer = load(empty, table)
    assert (answer["added"], answer["changed"], answer["refused"]) == (0, 50, [])
    assert all(one["key_set"] for one in listed(empty)["meters"])  # what is not named stays
    assert empty.get("/api/dlms_meters.csv", login(empty))[2] == table


def test_pages_search_and_lists(empty):
    load(empty, as_json([meter(number, tariff="Night" if number % 10 == 3 else "") for number in range(45)]))
    seen, start = [], 0
    while start is not None:
        answer = listed(empty, f"?from={start}&count=7")
        assert len(answer["meters"]) <= 7
        seen += [one["serial"] for one in answer["meters"]]
        start = answer["next"]
    assert seen == [f"8{number:07d}" for number in range(45)]
    assert len(listed(empty, "?search=night")["meters"]) == 5 and len(listed(empty, "?search=NIGHT&count=2")["meters"]) == 2
    assert listed(empty, "?list=contact")["meters"] == [] == listed(empty, "?list=black")["meters"]
    for wrong in ("?list=white", "?from=x", "?count=-1"):
        assert api(empty, "/api/dlms_meters" + wrong)[0] == 400


def test_who_may_do_what(empty):
    wrong = login(empty, "wrong password")
    for path, method, body in (
        ("/api/dlms_meters", "GET", None),
        ("/api/dlms_meters.csv", "GET", None),
        ("/api/dlms_batch", "GET", None),
        ("/api/dlms_meters", "POST", json.dumps(meter(1))),
        ("/api/dlms_meters", "DELETE", '{"all":true}'),
    ):
        assert empty.get(path, {"Content-Type": "application/json"}, method, body)[0] == 403, (path, method)
    assert load(empty, as_csv([meter(1)]), {})[0] == 403
    assert load(empty, as_csv([meter(number) for number in range(300)]), wrong)[0] == 403
    assert listed(empty)["count"] == 0
    assert api(empty, "/api/dlms_meters", {}, "DELETE")[0] == 400


def test_one_list_at_a_time(empty):
    body = as_csv([meter(number) for number in range(100)])
    with start_upload(empty, body[:5000], len(body)) as client:
        eventually(lambda: api(empty, "/api/dlms_batch")[1]["lines"] > 20, "no line was taken")
        assert api(empty, "/api/dlms_batch")[1]["running"] is True
        assert load(empty, body)[0] == 409
        assert api(empty, "/api/dlms_meters", meter(500))[0] == 409
        assert api(empty, "/api/dlms_meters", {"all": True}, "DELETE")[0] == 409
        client.sendall(body[5000:])
        assert b'"added":100' in client.recv(4096)
    assert api(empty, "/api/dlms_meters", meter(500))[0] == 201


def test_an_upload_that_breaks_off_leaves_whole_meters(empty):
    body = as_csv([meter(number) for number in range(100)])
    cut = body.index(b"\n80000060") + 20  # within a line
    start_upload(empty, body[:cut], len(body)).close()
    answer = eventually(
        lambda: (found := api(empty, "/api/dlms_batch")[1]).get("cause") and found, lambda: api(empty, "/api/dlms_batch")
    )
    assert answer["added"] == 60 and not answer["running"] and "broken off" in answer["cause"]
    assert [one["serial"] for one in listed(empty)["meters"]] == [f"8{number:07d}" for number in range(60)]
    answer = load(empty, body)[1]
    assert (answer["added"], answer["changed"]) == (40, 60)


@pytest.mark.parametrize("form", [as_csv, as_json])
def test_a_thousand_from_a_small_heap(form, tmp_path):
    """The whole list, while pages are looked at; the same list once more; a restart has all of it."""
    meters = [meter(number) for number in range(1000)]
    body = form(meters)
    flash = tmp_path / "flash"
    with gateway(meters=[], settings=NO_DEVICES, flash=flash, **BOUND) as rig, ThreadPoolExecutor() as pool:
        listed(rig)
        before = rig.control("heap")["free"]
        began = time.monotonic()
        loading = pool.submit(load, rig, body)
        while not loading.done():
            assert rig.get_json("/api/status")["devices"] == []
        status, answer = loading.result()
        print(f"{len(body)} bytes in {time.monotonic() - began:.1f} s")
        assert (status, answer["added"], answer["changed"], answer["refused"]) == (200, 1000, 0, [])
        everything = listed(rig)
        assert [one["serial"] for one in everything["meters"]] == [one["serial"] for one in meters]
        status, answer = load(rig, body)
        assert (status, answer["added"], answer["changed"], answer["refused"]) == (200, 0, 1000, [])
        status, answer = load(rig, form([meter(2000)]))
        assert (answer["added"], answer["refusals"]) == (0, 1) and "room" in answer["refused"][0]["reason"]
        health = rig.get_json("/api/health")
        assert health["crashes"] == 0 and "memory" not in rig.log(), rig.log()
        print("loop held at most", health["loop_lag_us"], "us")
        eventually(lambda: rig.control("heap")["free"] > before - 1500, lambda: (before, rig.control("heap")))
        print("heap", before, rig.control("heap"))
    with gateway(meters=[], flash=flash, **BOUND) as rig:
        assert len(listed(rig)["meters"]) == 1000
        assert api(rig, "/api/dlms_meters", {"all": True}, "DELETE")[0] == 204
        assert listed(rig)["count"] == 0
