"""The archive of meters: what a day of one takes on flash, erases, RAM, how long a day is looked for, the longest steps.

Runs alone, too: `python -m host_tests.bench.archive`.
"""

import sys
import tempfile
from pathlib import Path

from host_tests.bench.interpreter import figures
from host_tests.bench.table import Table, us

_DAYS = 2
_PLAIN, _LARGE, _CARD = {}, {"readsize": 128, "lookahead": 384}, {"readsize": 512, "progsize": 512, "lookahead": 2048}
# meters, blocks of flash, records of each commit, how littlefs is mounted, in words
_SIZES = (
    (10, 300, 96, _PLAIN, "as it is"),
    (100, 600, 4, _PLAIN, "as it is, an hour at a time"),
    (1000, 3056, 96, _PLAIN, "as it is"),
    (1000, 3056, 96, _LARGE, "in pieces of 128 bytes"),
    (1000, 16384, 96, _CARD, "as the SD card"),
)
_READ_MS = 0.025  # 32 bytes of flash on a device
_SLOWER = 50


def tables():
    table = Table(
        "Archive: 8 columns every 15 minutes and once a day, two days",
        *(
            "meters",
            "littlefs",
            "a day's profile",
            "a daily value",
            "erases a day and meter",
            "RAM at rest",
            "while records come",
        ),
        *("a day's profile told", "loops of 1000", "flash reads", "on a device"),
    )
    steps = Table("Archive: the longest steps on a device, ms (flash reads)", "meters", "littlefs", "step", "takes")
    for meters, blocks, at_once, mounted, words in _SIZES:
        with tempfile.TemporaryDirectory() as folder:
            chip = str(Path(folder) / "chip")
            told = figures(32, "archive_speed.py", meters, _DAYS, blocks, at_once, chip, mounted)
        table.add(
            str(meters),
            words,
            f"{told['profile_bytes']:.0f} B",
            f"{told['daily_bytes']:.0f} B",
            f"{told['erases']:.2f}",
            f"{told['idle']} B",
            f"{told['peak']} B",
            *(us(told["query_us_0"]), f"{told['ratio_0']:.0f}", f"{told['reads_0']:.0f}"),
            f"{told['query_us_0'] * _SLOWER / 1000 + told['reads_0'] * _READ_MS:.0f} ms",
        )
        for name, (ms, reads) in sorted(told["steps"].items()):
            steps.add(str(meters), words, name, f"{ms:.1f} ({reads})")
    table.note("32 bit; host without reads of the flash; a loop: 1000 additions there; a device: 50 times slower, 25 us a read")
    steps.note(
        "without what writing and erasing take; the four longest of each are left out: something else may have disturbed them"
    )
    yield table
    yield steps


if __name__ == "__main__":
    for each in tables():
        sys.stdout.write(each.text() + "\n")
