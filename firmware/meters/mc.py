"""Iskra's power quality meters MC, iMC, MT and iMT (MC666, MC7xx, iMC784, MT4xx).

They have the common layout beside their IEEE floats; the former is read, for a float has 24 bits. No interval values.
Sources: public manuals of the same meters under another maker's name; the maker's Python client for counters and prefixes.
"""

from micropython import const

from firmware.meters.family import Family

_COUNTERS = const(
    (
        ("counter1", 30401, 30406, 40421),
        ("counter2", 30402, 30408, 40431),
        ("counter3", 30403, 30410, 40441),
        ("counter4", 30404, 30412, 40451),
    )
)


def family(_):
    return Family(3, _COUNTERS, has_intervals=False)
