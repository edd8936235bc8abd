"""The one layout of identity and measurements that all Iskra meters share (sheet, 4.1 and 4.2)."""

from tools.rig.words import t1, t5, t6, t7, t16, t17

_PHASES = (1, 2, 3)

# register, type, value name, quantity (which has its number of decimals per family)
ROWS = (
    (30105, "T5", "frequency", "f"),
    *((30105 + 2 * n, "T5", f"U{n}", "U") for n in _PHASES),
    (30113, "T5", "Uavg", "U"),
    (30115, "T17", "angleU12", ""),
    (30116, "T17", "angleU23", ""),
    (30117, "T17", "angleU31", ""),
    (30118, "T5", "U12", "U"),
    (30120, "T5", "U23", "U"),
    (30122, "T5", "U31", "U"),
    (30124, "T5", "Uppavg", "U"),
    *((30124 + 2 * n, "T5", f"I{n}", "I") for n in _PHASES),
    (30136, "T5", "Iavg", "I"),
    (30138, "T5", "Isum", "I"),
    *((30140 + 2 * n, "T6", f"P{n}", "P") for n in range(4)),
    *((30148 + 2 * n, "T6", f"Q{n}", "P") for n in range(4)),
    *((30156 + 2 * n, "T5", f"S{n}", "P") for n in range(4)),
    *((30164 + 2 * n, "T7", f"PF{n}", "") for n in range(4)),
    *((30172 + n, "T17", f"PA{n}", "") for n in range(4)),
    (30181, "T17", "Tint", ""),
    *((30181 + n, "T16", f"THDUp{n}", "") for n in _PHASES),
    *((30187 + n, "T16", f"THDI{n}", "") for n in _PHASES),
)


def measurement_words(values, decimals, offset=0):
    """Yield (register, words) of everything in `values` that has a place; `offset` 5400.. for the interval blocks."""
    if "invalid" in values:
        yield 30101 + offset, t1(values["invalid"])
    for register, kind, name, quantity in ROWS:
        if name not in values:
            continue
        value = values[name]
        if kind == "T5":
            words = t5(value, decimals[quantity])
        elif kind == "T6":
            words = t6(value, decimals[quantity])
        elif kind == "T7":
            words = t7(value, *direction(values, name[2:]))
        else:
            words = t16(value) if kind == "T16" else t17(value)
        yield register + offset, words


def direction(values, n):
    """(exporting, capacitive) of a phase or the total: quadrants I and III are inductive (IEC 62053-23)."""
    active, reactive = values[f"P{n}"], values[f"Q{n}"]
    return active < 0, active * reactive < 0
