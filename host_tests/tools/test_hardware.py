"""The tables of docs/hardware.md are those of the boards."""

import re

from host_tests.tools.test_boards import NAMES, board, pins
from tools.image import TOP

COLUMNS = ("SG_W1", "SG_W1A", "SG_E1", "HT_E22", "HT_G12", "ES_951")
VALUES = ("LED_ON", "BUTTON_PRESSED", "PULSE_CLOSED", "PT1000_PULL_UP_OHM", "PT1000_SUPPLY_MV")


def rows():
    """(name, number or None of each board) of both tables."""
    text = (TOP / "docs" / "hardware.md").read_text()
    heads = re.findall(r"^\| [^|]+ \| name \| (.*) \| known from \|$", text, re.MULTILINE)
    assert heads == [" | ".join(COLUMNS)] * 2
    assert set(COLUMNS) == set(NAMES), "a board without its column"
    found = re.findall(
        r"^\| [^|]+ \| ([\w ]+) \|" + r" ([\d-]+) \|" * len(COLUMNS) + r" (?:original|ours|the chip) \|$", text, re.MULTILINE
    )
    return [(row[0], [None if cell == "-" else int(cell) for cell in row[1:]]) for row in found]


def test_every_pin_and_level_is_in_the_tables():
    table = rows()
    assert len(table) == len({name for name, _ in table})
    for column, name in enumerate(COLUMNS):
        data = board(name)
        expected = {use: pin for use, pin, _ in pins(data)} | {value: data[value] for value in VALUES}
        shown = {use: cells[column] for use, cells in table if cells[column] is not None}
        assert shown == expected, name
