"""Iskra WM3M4 (also Finder 7M.34.8), WM3 and WM1.

Which configuration block belongs to the non-resettable counters of a WM3 is not certain: its own (from 40461) is used if it
names a parameter, else the one of the resettable counter of that number.
Sources: public drivers of the WM3M4C, the maker's Python client, "Modbus communication protocol 7M.24 - 7M.38" (introduction).
"""

from micropython import const

from firmware.meters.family import Family

_RESETTABLE = const(
    (
        ("counter1", 30401, 30406, 40421),
        ("counter2", 30402, 30408, 40431),
        ("counter3", 30403, 30410, 40441),
        ("counter4", 30404, 30412, 40451),
    )
)
_NON_RESETTABLE = const(
    (
        ("counter1nr", 30414, 30418, 40461, 40421),
        ("counter2nr", 30415, 30420, 40471, 40431),
        ("counter3nr", 30416, 30422, 40481, 40441),
        ("counter4nr", 30417, 30424, 40491, 40451),
    )
)
_WM3M4 = const(
    (
        ("counter1nr", 30414, 30418, 40421),
        ("counter2nr", 30415, 30420, 40431),
    )
)


def family(model):
    if model.startswith("WM1"):
        return Family(1, _RESETTABLE, most_counters=14, most_texts=20)
    if model.startswith("WM3M4") or model.startswith("7M.34.8"):
        return Family(3, _WM3M4)
    return Family(3, _NON_RESETTABLE + _RESETTABLE)
