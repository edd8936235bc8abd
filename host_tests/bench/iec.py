"""IEC meters behind the gateway: how long each step of a list of 32 holds the loop, and the heap a meter takes.

Runs alone, too: `python -m host_tests.bench.iec`.
"""

import sys

from host_tests.bench.interpreter import WIDTHS, figures
from host_tests.bench.table import Table, times, us

_STEPS = (  # as inside/iec_steps.py tells
    "eight values taken",
    "a read-out shown",
    "choosing whom to read next",
    "the list checked as it is loaded",
    "a change of one meter checked",
)


def tables():
    inside = {bits: figures(bits, "iec_steps.py") for bits in WIDTHS}
    table = Table("32 IEC meters: the loop is held by", "64 bit", "32 bit", "of 10000 rounds of a loop, 32 bit")
    for index, label in enumerate(_STEPS):
        took = inside[32]["us"]
        table.add(label, *[us(inside[bits]["us"][index]) for bits in WIDTHS], times(took[index] / took[-1]))
    table.note(f"a meter takes {inside[32]['bytes']} bytes of heap, 32 bit, its part of the reader with it")
    yield table


if __name__ == "__main__":
    for each in tables():
        sys.stdout.write(each.text())
