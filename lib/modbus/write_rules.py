"""The list of what masters may change through a gateway, as a person writes it: "33:6,16 35:6 *:5".

Each rule is unit:functions; `*` stands for every unit. What only reads needs no rule (limits.is_harmless).
"""


def check(rules):
    """Raise ValueError, with a sentence for the person who typed them, unless these are rules; none is fine."""
    for rule in rules.split():
        unit, colon, functions = rule.partition(":")
        if not colon or (unit != "*" and not _is_number(unit, 247)):
            raise ValueError("rules such as 33:6,16 are expected: a unit from 1 to 247 or *, a colon, functions")
        for function in functions.split(","):
            if not _is_number(function, 127):
                raise ValueError("functions from 1 to 127 with commas between them are expected, such as 33:6,16")


def allows(rules, unit, function):
    """Whether rules that passed check() let `function` through to `unit`."""
    for rule in rules.split():
        wanted, _, functions = rule.partition(":")
        if wanted in ("*", str(unit)) and str(function) in functions.split(","):
            return True
    return False


def _is_number(text, most):
    return text.isdigit() and text[0] != "0" and len(text) < 4 and int(text) <= most
