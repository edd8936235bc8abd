"""make deploy: mpremote puts the reader onto a stock board, for which a stand-in lies behind a pseudo-terminal."""

import os
import pty
import re
import subprocess
import tty

import pytest

from tools import deploy
from tools.image import DEVICE, TOOLS, TOP

# What a stock ESP32 image of MicroPython 1.27 has free at start, and what Wi-Fi is said to take of it (not measured here)
FREE = 134544
WIFI = 50000


@pytest.fixture
def board():
    ours, its = pty.openpty()
    tty.setraw(its)
    interpreter = TOP / ".tools" / "bin" / "micropython32"
    stand_in = TOP / "host_tests" / "tools" / "stand_in_board.py"
    running = subprocess.Popen(
        [interpreter, "-X", "heapsize=800k", stand_in], stdin=ours, stdout=ours, stderr=subprocess.DEVNULL
    )
    yield os.ttyname(its)
    running.kill()
    running.wait()
    os.close(ours)
    os.close(its)


def mpremote(port, *words):
    command = [TOOLS / "mpremote", "connect", port, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_reader_lands_on_the_board_and_its_modules_load(board, monkeypatch):
    monkeypatch.setattr(
        deploy, "commands", lambda *words, made=deploy.commands: list(made(*words))[:-1]
    )  # no reset: it would end
    assert deploy.main([board, "--march", "x86"]) is None
    mpremote(board, "fs", "ls", ":firmware/meters")
    assert "reader.run()" in mpremote(board, "fs", "cat", ":main.py")
    loads = "import gc; gc.collect(); before = gc.mem_alloc(); import reader, firmware.bus.modbus_master; "
    loads += "[reader._load('firmware.meters.' + n) for n in ('detection', 'mc')]; gc.collect(); print(gc.mem_alloc() - before)"
    used = re.search(r"^(\d+)\s*$", mpremote(board, "exec", loads), re.MULTILINE)
    assert used and int(used[1]) < FREE - WIFI, "it would not run beside Wi-Fi"


def test_it_compiles_for_the_esp32_and_is_copied_before_the_board_restarts():
    made = deploy.build()
    assert deploy.TARGET / "reader.mpy" in made and deploy.TARGET / "firmware/port/uart_esp32.mpy" in made
    assert deploy.DEVICE == DEVICE == "xtensawin"
    copy, reset = deploy.commands("/dev/ttyUSB7", False)
    assert copy[-1] == ":" and str(deploy.TARGET / "lib") in copy and reset[-1] == "reset"
    assert [words[3:] for words in deploy.commands("/dev/ttyUSB7", True)][1] == ["mip", "install", *deploy.AIOBLE]


def test_a_port_without_a_board_is_told(capfd):
    told = deploy.main(["/dev/there-is-no-such-port"])
    assert told and "mpremote failed" in told
