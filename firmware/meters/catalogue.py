"""Which file of tables belongs to a model. The first prefix that fits counts, case-sensitive."""

from micropython import const

# WM3M4 and WM3 are told apart inside their file. Finder's names stand for the same meters.
_PREFIXES = const(
    (
        ("IE38", "ie"),
        ("IE35", "ie"),
        ("IE14", "ie"),
        ("WM3", "wm"),
        ("WM1", "wm"),
        ("MC", "mc"),
        ("iMC", "mc"),
        ("MT", "mc"),
        ("iMT", "mc"),
        ("7M.24", "ie"),
        ("7M.38", "ie"),
        ("7M.34.8", "wm"),
    )
)


def find(model, load):
    """Return the Family of a model, None if nobody knows it. `load(name)` returns a module; only the file needed is loaded."""
    if model[3:4] == " ":  # maker of three letters, blank: an IEC 62056-21 meter
        return load("firmware.meters.iec_family")
    for prefix, name in _PREFIXES:
        if model.startswith(prefix):
            return load("firmware.meters." + name).family(model)
    return None
