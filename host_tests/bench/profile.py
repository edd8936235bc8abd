"""Load profiles on flash: what a record takes, how long it takes, how many are kept of two meters.

Runs alone, too: `python -m host_tests.bench.profile`.
"""

import sys

from host_tests.bench.interpreter import figures
from host_tests.bench.table import Table, us

_KINDS = (("import", "a meter that imports"), ("all", "8 bits of noise on all 8 channels"))


def tables():
    table = Table(
        "Load profiles: two meters, 8 channels, 15 min, four months of 123 days",
        *("a record", "kept of each", "blocks", "append", "longest", "query", "erases a day", "heap", "at rest"),
    )
    for kind, what in _KINDS:
        told = figures(32, "profile_speed.py", kind)
        table.add(
            what,
            f"{told['bytes']:.1f} B",
            f"{told['kept'] / 96:.0f} days",
            str(told["blocks"]),
            us(told["append_us"]),
            us(told["longest_us"]),
            us(told["query_us"]),
            f"{told['erases'] / 31:.1f}",
            f"{told['peak']} B",
            f"{told['idle']} B",
        )
    table.note("32 bit; a day is appended at a time; times are of the host, flash takes none; longest: with all it writes")
    yield table


if __name__ == "__main__":
    for each in tables():
        sys.stdout.write(each.text())
