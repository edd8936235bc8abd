"""Journal: what a day of four meters costs the flash, in the partition of the device, on littlefs in RAM.

Runs alone, too: `python -m host_tests.bench.journal`.
"""

import sys

from host_tests.bench.interpreter import figures
from host_tests.bench.table import Table, us

_BOTH, _NONE, _FIRST = 3, 0, 1
# what, seconds between two readings, links that are up, days before the one that is counted, seconds between two flushes
_ROWS = (
    ("15 min, links up", 900, _BOTH, 1, 900),
    ("15 min, one link down", 900, _FIRST, 5, 900),
    ("15 min, both links down", 900, _NONE, 5, 900),
    ("1 min, links up", 60, _BOTH, 1, 60),
    ("1 min, both links down, flushed every minute", 60, _NONE, 1, 60),
    ("1 min, both links down, flushed when full", 60, _NONE, 1, 86400),
)
_BLOCKS = 100  # over which littlefs spreads the wear: some of 144 never change
_LIFE = 100000  # erases of a block
_DAYS = 365


def tables():
    wear = Table(
        "Journal: a day of four meters, 37 measurements and 8 counters each",
        *("erases", "at once", "programs", "years", "records held", "blocks", "append", "with flushes", "a second"),
    )
    for what, period_s, up, days, flush_s in _ROWS:
        found = figures(32, "journal_wear.py", period_s, up, days, flush_s)
        years = _BLOCKS * _LIFE / _DAYS / found["erases"] if found["erases"] else None
        wear.add(
            what,
            str(found["erases"]),
            str(found["at_once"]),
            str(found["writes"]),
            f"{years:.0f}" if years else "-",
            str(found["held"]),
            str(found["blocks"]),
            us(found["append_us"]),
            us(found["us"]),
            f"{1000000 / found['us']:.0f}",
        )
    wear.note(f"a record of {found['record']} bytes; {found['heap']} bytes of heap; 32 bit")
    wear.note(f"years: until {_BLOCKS} blocks had {_LIFE} erases each; at once: the most in one call")
    wear.note("after days in which the links were as on the one that is counted; times are of the host, flash takes none")
    yield wear


if __name__ == "__main__":
    for table in tables():
        print(table.text())
    sys.exit(0)
