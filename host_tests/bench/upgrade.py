"""Upgrades: for how long each bus waits while one is fetched over HTTPS, how long it takes, and what its check costs.

Runs alone, too: `python -m host_tests.bench.upgrade`.
"""

import sys
import tempfile
import time
from pathlib import Path

from host_tests import upgrades
from host_tests.bench.gauge import Gauge
from host_tests.bench.interpreter import figures
from host_tests.bench.polling import until
from host_tests.bench.table import Table, kilobytes, times, us
from host_tests.file_server import file, slowly
from host_tests.rig import Rig, RigFailed

_BITS = 32
_BUSES = ("rs485", "ir_left", "ir_right")
_STEP = 4096
_PAUSE_S = 0.15  # some 27 KB/s, as over a poor radio: else it is over before a meter has answered twice
_LOOK_S = 0.002
_METERS = 3


def tables():
    with tempfile.TemporaryDirectory() as folder:
        content = upgrades.make(Path(folder), _BITS)
        path = Path(folder) / "next.img"
        path.write_bytes(content)
        yield _buses(content)
        yield _whole(content)
        yield _check(path)


class _Frames:
    """When requests were heard on each wire."""

    def __init__(self, rig):
        self._rig = rig
        self._seen = {bus: (self._count(bus), time.perf_counter()) for bus in _BUSES}
        self.longest = dict.fromkeys(_BUSES, 0.0)

    def _count(self, bus):
        return self._rig.control("wire", port=bus)["frames"]

    def look(self):
        for bus in _BUSES:
            count, now = self._count(bus), time.perf_counter()
            before, since = self._seen[bus]
            self.longest[bus] = max(self.longest[bus], now - since)
            if count != before:
                self._seen[bus] = (count, now)


def _rig(**options):
    return Rig(bits=_BITS, slots=True, release_key=upgrades.KEYS, **options)


def _ready(rig):
    until(rig, lambda: rig.get_json("/get_command?command=get_status")["measurement_device_count"] == _METERS)


def _is_over(rig):
    return "the gateway restarts" in rig.log() or "upgrade: no " in rig.log()


def _buses(content):
    table = Table(
        f"Upgrades: the longest time between two requests on a bus while an image is fetched over HTTPS, {_BITS} bit, 112 KB",
        *("before", "during", "ratio"),
    )
    with upgrades.Publisher() as server, _rig(settings={"poll_ms": 0}) as rig, Gauge() as gauge:
        server.answer = lambda request: slowly(file(content, request.start), _STEP, _PAUSE_S)
        _ready(rig)
        name = upgrades.trust(rig, server)
        before = _watched(rig, len(content) / _STEP * _PAUSE_S, lambda: False)
        lag_us = rig.get_json("/api/health")["loop_lag_us"]
        began = time.monotonic()
        upgrades.start(rig, server.url + "/next.img", name)
        during = _watched(rig, 4 * len(content) / _STEP * _PAUSE_S, lambda: _is_over(rig))
        took_s = time.monotonic() - began
        if "the gateway restarts" not in rig.log():
            raise RigFailed(rig.log()[-500:])
    for bus in _BUSES:
        table.add(bus, f"{before[bus] * 1000:.0f} ms", f"{during[bus] * 1000:.0f} ms", times(during[bus] / before[bus]))
    table.note(f"{kilobytes(len(content))} in {took_s:.1f} s; the loop was held for {lag_us / 1000:.1f} ms at most before")
    table.note(f"the bench's own lag {gauge.worst_ms:.1f} ms")
    return table


def _watched(rig, seconds, is_over):
    """The longest gap of each bus, in seconds."""
    frames, end = _Frames(rig), time.monotonic() + seconds
    while time.monotonic() < end and not is_over():
        frames.look()
        time.sleep(_LOOK_S)
    return frames.longest


def _whole(content):
    """As fast as the server gives it. The loop's lag is read until the gateway is about to restart."""
    table = Table(f"Upgrades: a whole one over HTTPS from a server on this machine, {_BITS} bit, 112 KB", "time", "loop held")
    with upgrades.Publisher() as server, _rig() as rig, Gauge() as gauge:
        server.answer = lambda request: slowly(file(content, request.start), 16 * _STEP, 0.05)
        _ready(rig)
        name = upgrades.trust(rig, server)
        began, lag_us = time.monotonic(), 0
        upgrades.start(rig, server.url + "/next.img", name)
        while not _is_over(rig):
            try:
                lag_us = max(lag_us, rig.get_json("/api/health")["loop_lag_us"])
            except (OSError, RigFailed):
                break  # it restarts
        until(rig, lambda: _is_over(rig))
        fetched_s = time.monotonic() - began
        until(rig, lambda: "has proven itself" in rig.log())
        whole_s = time.monotonic() - began
    table.add(f"{kilobytes(len(content))} fetched, written, checked", f"{fetched_s:.1f} s", f"{lag_us / 1000:.1f} ms")
    table.add("until the trial is over", f"{whole_s:.1f} s")
    table.note(f"held: budget 10 ms, a slice of cryptography 50 ms; the bench's own lag {gauge.worst_ms:.1f} ms")
    return table


def _check(path):
    table = Table("Upgrades: the check of an image in its slot, in the interpreter", "time", "slices", "longest slice")
    for bits in (64, 32):
        told = figures(bits, "upgrade_verify.py", str(path), upgrades.KEYS[1], f"HOST_{_BITS}", heap="16m")
        for what, row in (("Ed25519", "signature"), (f"verify() of {kilobytes(told['bytes'])}", "verify")):
            whole, longest, count = told[row]
            table.add(f"{what}, {bits} bit", us(whole), str(count), us(longest))
    table.note("best of five rounds, with collections of garbage; the longest slice is that of the same round")
    return table


if __name__ == "__main__":
    for each in tables():
        print(each.text(), flush=True)
    sys.exit(0)
