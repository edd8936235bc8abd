"""Ten, a hundred and a thousand DLMS meters behind the whole gateway: what RAM they take, how long the loop is held.

Runs alone, too: `python -m host_tests.bench.dlms_field [COUNT...]`; a thousand take some twenty minutes.
"""

import sys
import tempfile
import time
from pathlib import Path

from host_tests.bench.gauge import Gauge
from host_tests.bench.table import Table, kilobytes
from host_tests.dlms_field import (
    DAILY,
    DAY,
    HEAP,
    LARGE,
    NOW,
    PROFILE,
    Meters,
    compare_all,
    compare_export,
    export,
    field,
    ids_of,
    kept,
    listed,
    load,
)

_COUNTS = (10, 100, 1000)
_LOOK_S = 1.0
_SLOWEST_S = 6  # for a meter
_SETTLE_S = 12  # what was loaded for a request is dropped after ten


def _measured(count):
    """Return (seconds, heap in use at the end, least free, loop lag in us, the machine's own in ms, records archived, seconds
    of their export)."""
    meters = Meters(rs485=count // 3, ir_left=count // 3, network=count - 2 * (count // 3))
    with tempfile.TemporaryDirectory() as folder:
        flash = Path(folder) / "flash"
        with field(meters, {"dlms_profile_days": 1}, flash=flash, board=LARGE) as rig, Gauge() as gauge:
            time.sleep(_SETTLE_S)
            load(rig, meters)
            began = looked = time.monotonic()
            free = 1 << 20
            while True:
                time.sleep(_LOOK_S)
                free = min(free, rig.control("heap")["free"])
                if time.monotonic() > looked + count / 50:
                    looked = time.monotonic()
                    late = [one for one in listed(rig) if not one["good_utc"]]
                    if not late:
                        break
                    assert looked < began + 60 + count * _SLOWEST_S, late[:3]
            took_s = time.monotonic() - began
            ids = ids_of(rig)
            time.sleep(_SETTLE_S)
            told, health = rig.control("heap"), rig.get_json("/api/health")
            assert health["crashes"] == 0, rig.log()
            exports = {
                kind: export(rig, name, NOW - 8 * DAY, NOW + DAY) for kind, name in ((PROFILE, "profile"), (DAILY, "daily"))
            }
            free = min(free, rig.control("heap")["free"])
        found = kept(flash, ids, LARGE)
        compare_all(meters, ids, found, late_s=int(took_s) + 1)
    for kind, (_, rows) in exports.items():
        compare_export(rows, ids, found, kind)
    rows = sum(len(rows) for _, rows in found.values())
    export_s = sum(seconds for seconds, _ in exports.values())
    return took_s, told["used"], free, health["loop_lag_us"], gauge.worst_ms, rows, export_s


def tables(counts=_COUNTS):
    table = Table(
        f"DLMS meters on three ports, their first round: present values, daily values, a day of 15 min; 32 bit, heap of {HEAP}",
        *("all read in", "records kept", "exported in", "heap used", "least free", "loop lag", "the bench's own lag"),
    )
    for count in counts:
        took_s, used, free, lag_us, machine_ms, rows, export_s = _measured(count)
        heap = (kilobytes(used), kilobytes(free))
        table.add(
            f"{count} meters",
            f"{took_s:.0f} s",
            str(rows),
            f"{export_s:.0f} s",
            *heap,
            f"{lag_us / 1000:.1f} ms",
            f"{machine_ms:.1f} ms",
        )
    table.note("a third each on RS-485, on the optical port and behind TCP, on lines without pacing; every record is compared")
    yield table


if __name__ == "__main__":
    for each in tables([int(count) for count in sys.argv[1:]] or _COUNTS):
        sys.stdout.write(each.text())
