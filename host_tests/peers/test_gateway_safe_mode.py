"""Safe mode: after five starts in a row that failed, only what is needed to help the gateway runs, and nothing is lost."""

import pytest

from host_tests import upgrades, versions
from host_tests.gateway import api, change, command, detected, eventually, gateway, settings
from host_tests.modbus_client import Client, read
from host_tests.rig import RigFailed
from host_tests.versions import replaced

HOST, MAIN = "firmware/port/host.py", "firmware/main.py"
TRACE = "ValueError: bad contact"
# Its pulse input makes it stop in each start
BROKEN = {
    HOST: replaced(
        HOST, ("        contact.edge(False, ticks_ms())  # it stands open", "        raise ValueError('bad contact')  #")
    )
}
PASSED_S = 1
# One that has lived for so long is no failed start
QUICK = {MAIN: replaced(MAIN, ("_YOUTH_S = const(60)", f"_YOUTH_S = const({PASSED_S})"))}
METER, MODEL = 35, read(4, 1, 8)


def status(rig):
    return command(rig, "get_status")["app_status"]


def events(rig):
    return [event["text"] for event in rig.get_json("/api/events")["events"]]


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """A gateway that runs in safe mode."""
    folder = tmp_path_factory.mktemp("broken")
    with gateway(image=versions.built(folder, version="0.1", changes=BROKEN)) as rig:
        yield rig


def test_after_five_failed_starts_what_is_needed_runs(broken):
    assert broken.log().count(TRACE) == 5
    assert status(broken) == "Safe mode"
    assert "safe mode: 5 starts in a row failed" in events(broken)
    assert change(broken, description="still there") == ["description"]


def test_modbus_reaches_the_meters_that_nobody_polls(broken):
    with Client(broken) as client:
        answer = client.ask(METER, MODEL)
        assert answer.startswith("0410") and bytes.fromhex(answer[4:]).startswith(b"WM3M4"), answer
    change(broken, rs485_addr_2=36, poll_ms=1000)  # the wires are built anew
    with Client(broken) as client:
        assert client.ask(METER, MODEL) == answer
    assert command(broken, "get_devices")["total_meas"] == 0


def test_it_stays_over_a_watchdog_and_ends_with_a_restart_that_somebody_asks_for(broken):
    tried = broken.log().count(TRACE)
    broken.control("reset", cause="watchdog")
    assert (status(broken), broken.log().count(TRACE)) == ("Safe mode", tried)
    for ask in (
        lambda: api(broken, "/api/restart", {}),
        lambda: broken.control("button", press_ms=200),
        lambda: broken.control("reset", cause="power-on"),
    ):
        ask()
        tried += 5
        eventually(lambda: broken.log().count(TRACE) >= tried, "it was not tried again")  # noqa: B023
        eventually(lambda: broken.control("ready")["http"], "it never became ready again")
        assert (status(broken), broken.log().count(TRACE)) == ("Safe mode", tried)
    assert settings(broken)["description"] == "still there", "nothing is erased"


def test_starts_that_last_are_not_counted(tmp_path):
    """Six times the watchdog ends it, after it has lived long enough; then five times too soon."""
    with gateway(image=versions.built(tmp_path, version="0.1", changes=QUICK)) as rig:

        def bitten(uptime_s):
            eventually(lambda: rig.get_json("/api/health")["uptime_s"] >= uptime_s, "time stands still")
            rig.control("reset", cause="watchdog")

        for _ in range(6):
            bitten(PASSED_S + 1)
        assert status(rig) == "Normal"
        for _ in range(4):
            rig.control("reset", cause="watchdog")
        assert status(rig) == "Normal"
        rig.control("reset", cause="watchdog")
        assert status(rig) == "Safe mode"


@pytest.mark.parametrize("bits", (64, 32))
def test_an_upgrade_helps_out_of_it(tmp_path, bits):
    content = upgrades.make(tmp_path, bits)
    image = versions.built(tmp_path, bits, "0.1", BROKEN)
    with upgrades.Publisher(next_img=content) as server, upgrades.upgradable(bits, image=image) as rig:
        assert status(rig) == "Safe mode"
        change(rig, description="still there")
        upgrades.start(rig, server.url + "/next.img", upgrades.trust(rig, server))
        assert upgrades.running(rig, upgrades.NEXT)["last"]["ok"]
        assert status(rig) == "Normal" and settings(rig)["description"] == "still there"
        detected(rig, 3)
        rig.control("reset", cause="watchdog")
        assert status(rig) == "Normal", "what failed before is not counted any more"


@pytest.mark.parametrize("bits", (64, 32))
def test_a_version_that_never_starts_is_told(tmp_path, bits):
    """Nothing runs that could help, and there is nothing to go back to."""
    image = versions.built(tmp_path, bits, "0.1", {MAIN: "raise ValueError('never')\n"})
    with pytest.raises(RigFailed, match="(?s)reset itself 10 times without becoming ready.*ValueError: never"):
        gateway(bits, image=image).__enter__()  # there is nothing to leave
