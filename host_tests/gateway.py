"""What the tests of the whole gateway share: its start in the rig, logins, waiting, and its texts read back as numbers."""

import base64
import json
import re
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from host_tests.rig import Rig

MANUAL = "tools/rig/manual.json"
HEAPS = {64: "1m", 32: "160k"}  # of the gateway under test, by interpreter
PATIENCE_S = 60
_LOOK_S = 0.02
_VECTORS = Path(__file__).with_name("vectors")
_FACTORS = {"": 0, "k": 3, "M": 6, "G": 9, "T": 12}
# "220.5 V", "50.01 ", "6.35 kV", "12.346 k W", "0.2 kWh", "0.00 k"
_TEXT = re.compile(r"(-?\d+\.?\d*) ([kMGT]?) ?(Wh|varh|VAh|W|var|VA|V|A|Ind|Cap)?|(-?\d+\.\d\d)")
_STATISTIC = re.compile(r"(ir_left|ir_right|rs485)_(\d+)_(\w+)")


def gateway(bits=64, **options):
    """A rig (a context manager) around a gateway on a fast field; options as of Rig."""
    return Rig(bits=bits, **{"heap": HEAPS[bits], "fast": True, **options})


def vector(name):
    return json.loads((_VECTORS / f"{name}.json").read_text())


def eventually(probe, what, patience_s=PATIENCE_S):
    """Ask until probe() returns something true, and return that. `what` is what did not happen, or tells it when called."""
    end = time.monotonic() + patience_s
    while True:
        found = probe()
        if found:
            return found
        assert time.monotonic() < end, what() if callable(what) else what
        time.sleep(_LOOK_S)


# What the gateway is asked.


def command(rig, query):
    """The answer to one command: "get_measurements1", "get_measurements&number=2"."""
    return rig.get_json(f"/get_command?command={query}")


def answered(rig, query):
    """Wait until the device of a reading command shows values, and return the answer."""
    name = "counters" if "counters" in query else "measurements"
    return eventually(lambda: (answer := command(rig, query)).get(name) and answer, f"no {name} at {query}")


def detected(rig, meters):
    """Wait until so many meters have been found."""
    return eventually(
        lambda: (devices := command(rig, "get_devices"))["total_meas"] == meters and devices,
        lambda: command(rig, "get_devices"),
    )


def statistics(rig, port, unit):
    """The counters of one unit on one wire; empty until it was asked for the first time."""
    found = {}
    for name, value in command(rig, "get_statistics").items():
        match = _STATISTIC.fullmatch(name)
        if match and match[1] == port and int(match[2]) == unit:
            found[match[3]] = value
    return found


def login(rig, password=None, **more):
    """Headers of a request by the one who may change the device."""
    pair = "admin:" + (rig.ready["pop"] if password is None else password)
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode(), **more}


def patch(rig, changes):
    """(status, answer) of a change of settings; `changes` may be the body itself."""
    body = changes if isinstance(changes, (str, bytes)) else json.dumps(changes)
    status, _, answer = rig.get("/api/settings", login(rig), "PATCH", body)
    return status, json.loads(answer)


def change(rig, **settings):
    """Change settings that are right; returns the names that changed."""
    status, answer = patch(rig, settings)
    assert status == 200, answer
    return answer["changed"]


def settings(rig):
    """All settings by name; of a secret whether it is set."""
    status, _, body = rig.get("/api/settings", login(rig))
    assert status == 200, body
    return json.loads(body)["values"]


def factory_settings(rig):
    """All settings as a new device has them."""
    values = {}
    for page in api(rig, "/api/settings")[1]["pages"]:
        for row in page["rows"]:
            for number in range(1, page["count"] + 1) or (0,):
                name = row["name"].replace("#", str(number))
                values[name] = {"set": False} if row.get("secret") else row["default"]
    return values


def api(rig, path, body=None, method=None, **headers) -> tuple[int, Any]:
    """(status, answer) of a request under /api with the login; POST when there is a body. The answer is "" if there is none."""
    if body is not None:
        headers["Content-Type"] = "application/json"
        body = body if isinstance(body, (str, bytes)) else json.dumps(body)
    method = method or ("GET" if body is None else "POST")
    status, _, content = rig.get(path, login(rig, **headers), method, body)
    return status, json.loads(content) if content else ""


def post(rig, what, headers=None):
    """(status, answer) of a command to a switch; the answer is "" if there is none."""
    status, _, body = rig.get("/post_command", login(rig) if headers is None else headers, "POST", f"command={what}")
    return status, json.loads(body) if body else ""


# What the gateway's texts mean.


def number(text):
    """(value in base units, unit) of one value as /get_command writes it."""
    match = _TEXT.fullmatch(text)
    assert match, text
    if match[4]:
        return Decimal(match[4]), ""
    return Decimal(match[1]).scaleb(_FACTORS[match[2]]), match[3] or ""


def last_place(text):
    """The value of a text's last place, in base units, as far as it may be shown (sheet, 6.3, rule 1)."""
    match = _TEXT.fullmatch(text)
    if match[4]:
        return Decimal("0.01")
    if match[3] in ("Ind", "Cap"):
        return Decimal("0.0001")
    whole = abs(Decimal(match[1]))
    decimals = 3 if whole < 100 else 2 if whole < 10000 else 1 if whole < 100000 else 0
    return Decimal(1).scaleb(_FACTORS[match[2]] - decimals)
