"""Runs the scripts of host_tests/bench/inside in MicroPython: once for figures, or as a server while a block lasts.

A script gets its arguments as a JSON list, in a line on its standard input: one on the command line may have 255 bytes.
"""

import json
import os
import subprocess
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
HERE = Path(__file__).parent
PEERS = TOP / ".tools" / "peers"
MODBUS = (HERE / "fakes", PEERS / "micropython-modbus-2.3.7")  # its `machine` is a fake of ours
MICRODOT = (PEERS / "microdot-2.7.0" / "src",)
WIDTHS = (64, 32)
_DEADLINE_S = 120


class NotMeasured(Exception):
    """A script failed; says how."""


def _start(bits, script, arguments, peers, heap):
    for folder in peers:
        if not folder.exists():
            raise NotMeasured(f"there is no {folder}; run tools/setup peers")
    command = [TOP / ".tools" / "bin" / f"micropython{bits}", "-X", f"heapsize={heap}", HERE / "inside" / script]
    path = ":".join([str(TOP), *[str(folder) for folder in peers], ".frozen"])
    process = subprocess.Popen(
        command,
        cwd=TOP,
        env=dict(os.environ, MICROPYPATH=path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    process.stdin.write(json.dumps(arguments) + "\n")
    process.stdin.flush()
    return process


def figures(bits, script, *arguments, peers=(), heap="4m"):
    """The object that the script prints, as JSON, in its last line."""
    process = _start(bits, script, arguments, peers, heap)
    try:
        output, _ = process.communicate(timeout=_DEADLINE_S)
    finally:
        process.kill()
        process.wait()
    try:
        return json.loads(output.splitlines()[-1])
    except (IndexError, ValueError):
        raise NotMeasured(f"{script} on {bits} bits: {output.strip() or 'no output'}") from None


class Server:
    """A script that serves until its standard input ends; `port` is what it prints first."""

    def __init__(self, bits, script, *arguments, peers=(), heap="4m"):
        self._process = _start(bits, script, arguments, peers, heap)
        line = self._process.stdout.readline()
        if not line.strip().isdigit():
            time.sleep(1)  # it may be about to say more
            self._process.kill()
            raise NotMeasured(f"{script} on {bits} bits: {line}{self._process.stdout.read()}")
        self.port = int(line)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._process.kill()
        self._process.communicate()
