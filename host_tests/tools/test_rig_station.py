"""The rig's process side, around a stand-in for the gateway: control channel, resets, watchdog, ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from host_tests.rig import TOP, RigFailed, RigProcess

STAND_IN = Path(__file__).with_name("stand_in_rig.py")
PATIENCE_S = 30


@pytest.fixture
def rig(tmp_path):
    """start(board, watchdog_s) -> a running rig around the stand-in."""
    running = []

    def start(board="SG_W1", watchdog_s=30, *power_cut):
        command = [sys.executable, str(STAND_IN), str(tmp_path), board, str(watchdog_s), *power_cut]
        running.append(RigProcess(command).__enter__())
        return running[-1]

    yield start
    for each in running:
        each.close()


def heard(rig):
    """What the stand-in wrote down: its arguments and all messages, in order."""
    return [json.loads(line) for line in Path(rig.ready["flash"]).read_text().splitlines()]


def arguments(rig):
    return [entry["argument"] for entry in heard(rig) if "argument" in entry]


def eventually(condition, what):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()


def test_ready_line(rig):
    ready = rig().ready
    assert list(ready) == [
        *("pid", "http", "modbus_tcp", "modbus_tls", "discovery", "netbios", "ble", "control"),
        *("flash", "log", "pop", "serial", "mac", "code", "gateway_pid", "slot"),
    ]
    assert ready["http"] == "http://127.0.0.1:40123"
    assert ready["modbus_tcp"] == ["127.0.0.1", 40124]
    assert ready["netbios"] == ["127.0.0.1", 40137]
    assert ready["discovery"] is None
    assert ready["ble"][0] == "127.0.0.1", "the air is there, whether anybody sends or not"
    assert (ready["pop"], ready["serial"]) == ("12345678", "SG000017")


def test_control_channel_reaches_gateway_and_field(rig):
    started = rig()
    assert started.control("heap")["used"] == 9  # it read its meter through the terminal it was given
    assert started.control("wire", port="ir_left")["frames"] == 1
    assert started.control("meter", name="wm3m4c", set={"U1": 231.5})["values"]["U1"] == 231.5
    assert started.control("meter", name="rs485:36", fault="mute")["fault"] == "mute"
    assert started.control("line", port="rs485", fault="noise") == {"ok": True, "port": "rs485", "fault": "noise"}
    assert started.control("pt1000", celsius=0)["ohm"] == 1000
    assert started.control("pt1000", fault="open")["ohm"] is None
    assert started.control("clock", unix=1582633122) == {"ok": True}
    started.control("wifi", aps=[{"ssid": "Other", "rssi": -80}])
    started.control("button", down=True)
    eventually(lambda: started.control("leds")["green"] == "fast", "the LED never blinked")
    started.control("button", press_ms=5)
    eventually(lambda: started.control("leds")["green"] == "off", "the button was never let go")
    assert len(started.control("field")["meters"]) == 4
    assert started.control("ready")["serial"] == "SG000017"
    messages = [entry for entry in heard(started) if "op" in entry]
    assert messages[0]["op"] == "wifi" and messages[0]["aps"][0]["ssid"] == "Urbancic"
    assert {"op": "clock", "unix": 1582633122, "scale": 1.0} in messages
    assert {"op": "pt1000", "ohm": None} in messages
    assert messages[-1] == {"op": "button", "down": False}
    assert "nonsense" in started.log()


def test_control_channel_refuses_in_one_sentence(rig):
    started = rig()
    for op, fields in (
        ("nonsense", {}),
        ("meter", {"name": "nobody"}),
        ("meter", {"name": "mc666", "fault": "lazy"}),
        ("meter", {"name": "mc666", "set": {"U9": 1}}),
        ("meter", {"name": "mc666", "set": 5}),
        ("line", {"port": "usb", "fault": "none"}),
        ("line", {"port": "rs485", "fault": "wet"}),
        ("wire", {}),
        ("button", {}),
        ("button", {"press_ms": "long"}),
        ("wifi", {"aps": [5]}),
        ("pulse", {}),
        ("pt1000", {}),
        ("clock", {"unix": None}),
        ("reset", {"cause": "boredom"}),
    ):
        with pytest.raises(RigFailed) as refusal:
            started.control(op, **fields)
        assert "\n" not in str(refusal.value), op
    assert started.control("leds")["ok"]


def test_resets_keep_ports_and_flash(rig):
    started = rig()
    again = started.control("reset")
    assert again["gateway_pid"] != started.ready["gateway_pid"]
    assert gone(started.ready["gateway_pid"])
    assert {name: again[name] for name in ("http", "flash", "control")} == {
        name: started.ready[name] for name in ("http", "flash", "control")
    }
    started.control("pulse", count=3)  # machine.reset()
    eventually(lambda: len(arguments(started)) == 3, "it was not started a third time")
    first, second, third = arguments(started)
    assert (first["reset_cause"], second["reset_cause"], third["reset_cause"]) == ("power-on", "reset", "reset")
    assert (first["http_port"], second["http_port"], third["modbus_port"]) == (0, 40123, 40124)
    assert (first["netbios_port"], third["netbios_port"]) == (0, 40137)
    assert (first["settings"], second["settings"]) == ({"left_ir_enabled": 1}, None)
    assert first["tty"] == third["tty"]
    eventually(lambda: started.control("ready")["http"], "it never became ready again")
    assert started.control("heap")["used"] == 9


def test_watchdog_bites(rig):
    started = rig("STARVES", 0.3)
    eventually(lambda: len(arguments(started)) > 1, "nobody was bitten")
    assert arguments(started)[1]["reset_cause"] == "watchdog"
    assert "watchdog" in started.log()


def test_power_cut_ends_the_rig(rig):
    started = rig()
    started.control("pulse", count=42)
    assert started.wait() == 42
    with pytest.raises(RigFailed, match="exit status 42"):
        rig("SG_W1", 30, "1")


def test_a_crash_is_told_with_the_end_of_the_log(rig):
    started = rig()
    started.control("pulse", count=7)
    assert started.wait() == 1
    assert "stopped with exit status 7" in started.errors() and "stand-in: started" in started.errors()
    with pytest.raises(RigFailed, match="cannot work"):
        rig("BROKEN")
    with pytest.raises(RigFailed, match="without becoming ready"):
        rig("RESETS")


def test_ends_take_the_gateway_along(rig):
    for end, status in (
        (lambda process: process.stdin.close(), 0),
        (lambda process: process.send_signal(signal.SIGTERM), 0),
        (lambda process: process.send_signal(signal.SIGINT), 0),
        (lambda process: process.kill(), -signal.SIGKILL),
    ):
        started = rig()
        end(started.process)
        assert started.wait() == status
        eventually(lambda pid=started.ready["gateway_pid"]: gone(pid), "the gateway lives on")


def test_wrong_options_are_told_in_one_sentence(tmp_path):
    meters = tmp_path / "meters.json"
    meters.write_text('[{"model": "ACME"}]')
    for options in (
        ["--meters", str(tmp_path / "missing.json")],
        ["--meters", str(meters)],
        ["--port", "usb=/dev/null"],
        ["--clock", "noon"],
        ["--settings", str(tmp_path / "missing.json")],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "tools.rig", "up", "--json", *options],
            cwd=TOP,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 1 and not done.stdout
        assert done.stderr.startswith("rig: ") and done.stderr.count("\n") == 1, done.stderr
