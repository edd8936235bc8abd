"""The partition tables of the ESP32 boards, boards/partitions.csv or the board's own, and what the chip expects before them."""

import csv
from typing import NamedTuple

from tools.image import TOP

BOOT_LOADER = 0x1000  # where the ESP32's ROM looks for it
TABLE = 0x8000  # CONFIG_PARTITION_TABLE_OFFSET's default


class Partition(NamedTuple):
    label: str
    kind: str
    subtype: str
    offset: int
    size: int


def partitions(board):
    """All partitions of a board in the order of the file; those of HOST-SG_W1 are SG_W1's, a flash chip that is a file."""
    own = TOP / "boards" / board.removeprefix("HOST-") / "partitions.csv"
    lines = (own if own.exists() else TOP / "boards/partitions.csv").read_text().splitlines()
    rows = csv.reader((line for line in lines if line and not line.startswith("#")), skipinitialspace=True)
    return [Partition(label, kind, subtype, int(offset, 0), int(size, 0)) for label, kind, subtype, offset, size in rows]


def partition(board, label):
    """The partition of that name."""
    (found,) = [row for row in partitions(board) if row.label == label]
    return found
