"""All simulated devices by family and model; a new one is one file in families and one row here."""

from typing import Any

from tools.rig.families import bicom, dlms, ie, iec, mc, wm

# Tested in this order, by the beginning of the name: WM3M4 before WM3 (sheet, section 1).
_TABLE: tuple[tuple[str, Any], ...] = (
    ("IEC ", iec.IecMeter),
    ("DLMS", dlms.DlmsMeter),
    ("IE38", ie.Ie38),
    ("IE35", ie.Ie35),
    ("IE14", ie.Ie14),
    ("WM3M4", wm.Wm3m4),
    ("WM3", wm.Wm3),
    ("WM1", wm.Wm1),
    ("MC", mc.Mc),
    ("iMC", mc.Imc),
    ("MT", mc.Mt),
    ("iMT", mc.Mt),
    ("7M.24", ie.Ie14),  # Finder's names for the same meters
    ("7M.38", ie.Ie38),
    ("7M.34.8", wm.Wm3m4),
    ("Bicom", bicom.Bicom),
    ("IR Bicom", bicom.IrBicom),
)


def device_class(name):
    """The class for a family or a model, None when there is none."""
    for prefix, kind in _TABLE:
        if name.startswith(prefix):
            return kind
    return None
