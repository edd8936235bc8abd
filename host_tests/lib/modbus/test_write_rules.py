"""Which writes a person's rules let through, and which rules are none."""

from lib.modbus import write_rules
from lib.modbus.limits import is_harmless

RIGHT = ("", "33:6", "33:6,16 35:6", "*:5,15", "  247:127  ", "1:1")
WRONG = (
    "33",
    "33:",
    ":6",
    "33:6,",
    "0:6",
    "248:6",
    "33:0",
    "33:128",
    "33: 6",
    "x:6",
    "33:a",
    "03:6",
    "33:06",
    "33:6;16",
    "33:6:16",
)
RULES = "33:6,16 35:6 *:5"
ALLOWED = ((33, 6), (33, 16), (35, 6), (33, 5), (1, 5), (255, 5))
REFUSED = ((33, 15), (35, 16), (34, 6), (3, 6), (333, 6), (1, 1))


def test_rules_that_are_right():
    for rules in RIGHT:
        write_rules.check(rules)


def test_rules_that_are_none():
    for rules in WRONG:
        try:
            write_rules.check(rules)
        except ValueError as error:
            assert "expected" in str(error)
        else:
            raise AssertionError(rules)


def test_what_is_let_through():
    for unit, function in ALLOWED:
        assert write_rules.allows(RULES, unit, function), (unit, function)
    for unit, function in REFUSED:
        assert not write_rules.allows(RULES, unit, function), (unit, function)
    assert not write_rules.allows("", 33, 6)


def test_what_is_harmless():
    harmless = [function for function in range(1, 128) if is_harmless(function)]
    assert harmless == [1, 2, 3, 4, 7, 11, 12, 17, 20, 24, 43]
