"""A new version on trial: a good one stays, and each kind of bad one goes back by itself and says why.

The gateway that is upgraded is a version of its own: its restart switches to the other slot, and /api/factory_reset tells what
came of it. What is in the other slot is written into the flash chip beside it.
"""

import http.client

import pytest

from host_tests import versions
from host_tests.gateway import HEAPS, api, command, detected, eventually, gateway
from host_tests.versions import replaced

MAIN, FIELD, NETWORK = "firmware/main.py", "firmware/field.py", "firmware/services/network.py"
STATUS, PAGES = "firmware/services/status.py", "firmware/services/pages.py"
UPGRADES = """
from firmware.services import upgrade_trial

async def restart(gateway, request, response, body):
    upgrade_trial.prepare(gateway, "0.2")
    gateway.platform.slots.switch()
    restart_soon(gateway)
    response.status = 202
    response.put(b"{}")

async def factory_reset(gateway, request, response, body):
    import json
    if body.get("prepare"):
        upgrade_trial.prepare(gateway, "0.2")
    response.put(json.dumps({"outcome": upgrade_trial.outcome(gateway)}))
"""
CHANGES = {STATUS: versions.source(STATUS) + UPGRADES}
TRIAL_S = 8
WATCHDOG_S = 6
HEAP = {64: HEAPS[64], 32: "400k"}  # what modules define is in the heap: not frozen

# what is wrong with a new version: the module, what it says there instead; what the version that comes back tells
BAD = (
    (
        "crashes at import",
        {MAIN: "raise ValueError('bad')\n"},
        "it stopped or hung before it could say why (restarted by: reset)",
    ),
    ("hangs", {MAIN: "while True:\n    pass\n"}, "it stopped or hung before it could say why (restarted by: watchdog)"),
    (
        "crashes in the middle of the start",
        {FIELD: replaced(FIELD, ("        self._list()\n        self._open_all()", "        raise ValueError('bad')"))},
        "it stopped or hung before it could say why (restarted by: reset)",
    ),
    (
        "has no network",
        {NETWORK: replaced(NETWORK, ("    lan = gateway.platform.lan\n", "    await asyncio.sleep(1000)\n    lan = None\n"))},
        "it had no connection by WiFi",
    ),
    (
        "asks nobody",
        {
            FIELD: replaced(
                FIELD, ('        self._start_waiting()\n        if "dlms"', '        self._waiting = []\n        if "dlms"')
            )
        },
        "nothing answered it on ",
    ),
    (
        "has no pages",
        {PAGES: replaced(PAGES, ("    return _file(path) is not None", "    raise ValueError('bad')"))},
        "its web server did not answer",
    ),
    (
        "cannot read the settings",
        {MAIN: replaced(MAIN, ("in self.settings.load():", "in ('they are gone',):"))},
        "it could not read the settings",
    ),
)


def events(rig):
    """The texts of the events since the gateway's last start; none while it is away."""
    try:
        return [event["text"] for event in rig.get_json("/api/events")["events"]]
    except (OSError, http.client.HTTPException):
        return []


def told(rig, text):
    """Wait for an event of which this is a part."""
    return eventually(lambda: [event for event in events(rig) if text in event], lambda: (text, events(rig), rig.log()[-2000:]))


def outcome(rig):
    return api(rig, "/api/factory_reset", {})[1]["outcome"]


@pytest.fixture(scope="module")
def upgrading(request, tmp_path_factory):
    """(rig, bits, folder): a gateway that can be upgraded, with meters that answer."""
    folder = tmp_path_factory.mktemp("versions")
    bits = request.param
    first = versions.built(folder, bits, "0.1", CHANGES)
    with gateway(bits, heap=HEAP[bits], image=first, trial_s=TRIAL_S, watchdog_s=WATCHDOG_S) as rig:
        detected(rig, 3)
        yield rig, bits, folder


def upgrade(rig, bits, folder, changes):
    slot = rig.control("ready")["slot"]
    versions.put(rig.ready["flash"], versions.built(folder, bits, "0.2", changes), versions.other(slot))
    assert api(rig, "/api/restart", {})[0] == 202
    return slot


# How it starts and ends is the interpreter's, what the self-test finds is not.
@pytest.mark.parametrize(
    ("upgrading", "row"),
    [(64, row) for row in BAD] + [(32, row) for row in BAD[:2]],
    ids=[f"64-{row[0]}" for row in BAD] + [f"32-{row[0]}" for row in BAD[:2]],
    indirect=["upgrading"],
)
def test_a_bad_version_goes_back_by_itself(upgrading, row):
    rig, bits, folder = upgrading
    _, changes, reason = row
    detected(rig, 3)
    slot = upgrade(rig, bits, folder, changes)
    told(rig, "0.2 was taken back: " + reason[:40])
    assert rig.control("ready")["slot"] == slot and command(rig, "get_status")["sw_version"] == "0.1"
    found = outcome(rig)
    assert (found["from"], found["to"], found["ok"]) == ("0.1", "0.2", False)
    assert found["reason"].startswith(reason)
    rig.control("reset")
    assert outcome(rig) == found, "it is told of only once, and still known"
    assert not [text for text in events(rig) if "taken back" in text]


@pytest.mark.parametrize("upgrading", (64,), indirect=True)
def test_a_version_that_somebody_restarts_on_trial_goes_back(upgrading):
    rig, bits, folder = upgrading
    detected(rig, 3)
    slot = upgrade(rig, bits, folder, BAD[-1][1])
    told(rig, "version 0.2 is on trial")
    assert api(rig, "/api/restart", {})[0] == 202
    told(rig, "0.2 was taken back: it was restarted before it had proven itself")
    assert rig.control("ready")["slot"] == slot


@pytest.mark.parametrize("upgrading", (64,), indirect=True)
def test_a_version_that_the_boot_loader_does_not_know_of(upgrading):
    """Power failed before the switch was complete."""
    rig, _, _ = upgrading
    assert api(rig, "/api/factory_reset", {"prepare": 1}) == (200, {"outcome": None})
    rig.control("reset")
    assert told(rig, "0.2 was taken back: the boot loader did not start it")
    assert not outcome(rig)["ok"]


@pytest.mark.parametrize("upgrading", (64, 32), indirect=True)
def test_a_good_version_stays(upgrading):
    rig, bits, folder = upgrading
    detected(rig, 3)
    slot = upgrade(rig, bits, folder, CHANGES)
    told(rig, "version 0.2 has proven itself and stays")
    for _ in range(2):
        found = outcome(rig)
        assert (found["from"], found["to"], found["ok"], found["reason"]) == ("0.1", "0.2", True, "")
        assert rig.control("ready")["slot"] == versions.other(slot) and command(rig, "get_status")["sw_version"] == "0.2"
        rig.control("reset")
    assert not [text for text in events(rig) if "trial" in text]
