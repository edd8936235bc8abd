"""A month of load profile through the whole gateway, over a line at true speed: how long, how busy the line, what RAM.

Runs alone, too: `python -m host_tests.bench.profile_line`; some five minutes for each row.
"""

import sys
import time

from host_tests.bench.table import Table, kilobytes, percent
from host_tests.gateway import api, gateway

_NOW = 1773144420  # 2026-03-10 12:07 UTC
_QUARTER = 900
_MONTH = 30 * 96
_BAUD = 9600
_SETTINGS = {"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_1": 0, "rs485_type_2": 0, "rs485_protocol": 3}
_MOST_S = 900
_LOOK_S = 0.1
_QUIET_S = 4  # then all has been read
_METERS = (
    # brand, channels, rows
    ("EMH", 8, "VDEW rows, 8 values such as (012.500)"),
    ("TEDAS", 6, "TEDAŞ rows, 6 values of 9 characters"),
)


def _read(brand, channels, bits=32):
    """Return (seconds, characters on the line, least free heap, highest loop lag in ms, records kept)."""
    newest = _NOW // _QUARTER * _QUARTER
    meter = {
        **{"family": "IEC " + brand, "serial": "80000001", "opening": _BAUD, "channels": channels},
        "oldest": newest - (_MONTH - 1) * _QUARTER,
    }
    with gateway(bits, meters=[meter], settings=_SETTINGS, clock=_NOW, fast=False, heap="112k", frozen=True) as rig:
        plan = {"address": "80000001", "opening": _BAUD, "fastest": _BAUD, "period": 240, "profile": "auto"}
        api(rig, "/api/iec_meters/1", plan)

        def passed():
            told = rig.control("wire", port="rs485")
            return told["bytes_in"] + told["bytes_out"]

        end = time.monotonic() + _MOST_S
        while rig.control("meter", name="80000001")["values"]["profile_bytes"] < 9000:  # a piece of the month itself
            assert time.monotonic() < end, rig.log()
            time.sleep(_LOOK_S)
        began = changed = looked = time.monotonic()
        first = count = passed()
        free = 1 << 20
        while time.monotonic() < changed + _QUIET_S:
            assert time.monotonic() < end, rig.log()
            time.sleep(_LOOK_S)
            now = passed()
            if now != count:
                changed, count = time.monotonic(), now
            if time.monotonic() > looked + 5:
                looked = time.monotonic()
                free = min(free, rig.control("heap")["free"])
        health = rig.get_json("/api/health")
        profile = rig.get_json("/api/profile")["profiles"][0]
        return changed - began, count - first, free, health, profile


def tables():
    table = Table(
        "A month of 15 min over RS-485 at 9600 baud, answers after 200 ms; the whole gateway, 32 bit, heap of 112 KB",
        *("records", "characters", "took", "line busy", "heap free, least"),
    )
    for brand, channels, what in _METERS:
        took_s, characters, free, _, profile = _read(brand, channels)
        busy = percent(characters * 10 / _BAUD / took_s)
        table.add(what, str(profile["count"]), str(characters), f"{took_s:.0f} s", busy, kilobytes(free))
    table.note("from the answer to the first long request to the last character; both directions count as busy")
    yield table


if __name__ == "__main__":
    for each in tables():
        sys.stdout.write(each.text())
