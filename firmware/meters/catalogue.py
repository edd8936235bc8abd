"""Which file of tables belongs to a model. The first prefix that fits counts, case-sensitive."""

# WM3M4 and WM3 are told apart inside their file. Finder's names stand for the same meters.
_PREFIXES = (
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


def find(model):
    """Return the Family of a model, None if nobody knows it. Only families that are met are imported."""
    for prefix, name in _PREFIXES:
        if model.startswith(prefix):
            if name == "ie":
                from firmware.meters import ie as tables  # noqa: PLC0415
            elif name == "wm":
                from firmware.meters import wm as tables  # noqa: PLC0415
            else:
                from firmware.meters import mc as tables  # noqa: PLC0415
            return tables.family(model)
    return None
