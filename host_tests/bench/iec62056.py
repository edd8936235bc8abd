"""IEC 62056-21: bytes a second through the reader of messages, and what they leave to the garbage collector.

Runs alone, too: `python -m host_tests.bench.iec62056`.
"""

import sys

from iec62056_21.messages import ReadoutDataMessage

from host_tests.bench.interpreter import TOP, WIDTHS, figures
from host_tests.bench.table import Table, times
from host_tests.bench.timing import median_us

_INSIDE = (  # as inside/iec62056_speed.py tells
    "read-out of 48 KB, values found",
    "the same, registers made numbers",
    "load profile of a day, 8 channels, made records",
)
_LINE = 1920  # characters a second at 19200 baud, the fastest a meter speaks


def tables():
    inside = {bits: figures(bits, "iec62056_speed.py") for bits in WIDTHS}
    table = Table("IEC 62056-21", "64 bit", "32 bit", "of 19200 baud", "garbage a KB, 32 bit")
    for index, label in enumerate(_INSIDE):
        rates = {bits: told["bytes"][index] / told["us"][index] * 1e6 for bits, told in inside.items()}
        told = inside[32]
        left = told["garbage"][index] / told["bytes"][index] * 1024
        table.add(label, *[f"{rates[bits] / 1000:.0f} kB/s" for bits in WIDTHS], times(rates[32] / _LINE), f"{left:.0f} B")
    wire = (TOP / "host_tests" / "vectors" / "iec62056" / "mas-gen3-full.bin").read_bytes()
    took = median_us(lambda count: [ReadoutDataMessage.from_bytes(wire) for _ in range(count)])
    table.add("iec62056-21 0.0.2, CPython: the read-out, values as text", f"{len(wire) / took * 1000:.0f} kB/s")
    table.note(f"a reader with its buffer of 512 bytes and a profile hold {inside[32]['held']} bytes, 32 bit")
    yield table


if __name__ == "__main__":
    for each in tables():
        sys.stdout.write(each.text())
