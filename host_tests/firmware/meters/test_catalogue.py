"""Which tables belong to which model, above all where one name starts with another."""

from firmware.meters import catalogue
from host_tests.fakes.loader import load

MODELS = (
    # model, phases, non-resettable and resettable counters, interval values, registers per request of counters (0: general)
    ("IE38MD", 3, 4, 16, True, 0),
    ("IE38MM", 3, 4, 16, True, 0),
    ("IE35CT", 3, 4, 16, True, 0),
    ("IE14MD", 1, 4, 8, True, 0),
    ("WM3M4C", 3, 2, 0, True, 0),
    ("WM3M4", 3, 2, 0, True, 0),
    ("WM3", 3, 4, 4, True, 0),
    ("WM3-6", 3, 4, 4, True, 0),
    ("WM1", 1, 0, 4, True, 14),
    ("WM1-6", 1, 0, 4, True, 14),
    ("MC666", 3, 0, 4, False, 0),
    ("MC774", 3, 0, 4, False, 0),
    ("iMC784", 3, 0, 4, False, 0),
    ("MT440", 3, 0, 4, False, 0),
    ("iMT440", 3, 0, 4, False, 0),
    ("7M.24.8.230.0210", 1, 4, 8, True, 0),
    ("7M.38.8.400.0212", 3, 4, 16, True, 0),
    ("7M.34.8", 3, 2, 0, True, 0),
)
UNKNOWN = ("", "XY100", "ie38md", "wm3", "IE3", "IE", "WM", "WM2", "M", "7M", "7M.3", "7M.34", "7M.34.9", "imc784", " IE38MD")


def test_models():
    for model, phases, non_resettable, resettable, intervals, most in MODELS:
        family = catalogue.find(model, load)
        assert family.phases == phases, model
        assert family.counters.non_resettable == non_resettable, model
        assert len(family.counters.rows) == non_resettable + resettable, model
        assert bool(family.has_intervals) is intervals and family.most_counters == most, model


def test_unknown_models():
    for model in UNKNOWN:
        assert catalogue.find(model, load) is None, model


def test_counters_have_names_in_order():
    for model, _, non_resettable, resettable, _, _ in MODELS:
        expected = [f"counter{n + 1}nr" for n in range(non_resettable)] + [f"counter{n + 1}" for n in range(resettable)]
        assert [row[0] for row in catalogue.find(model, load).counters.rows] == expected, model


def test_registers_of_the_counters():
    for model, name, exponent, mantissa, block in (
        ("IE38MD", "counter4nr", 30404, 30412, 40433),
        ("IE38MD", "counter1", 30446, 30414, 40437),
        ("IE38MD", "counter16", 30461, 30444, 40497),
        ("IE14MD", "counter8", 30453, 30428, 40465),
        ("WM3M4C", "counter1nr", 30414, 30418, 40421),
        ("WM3M4C", "counter2nr", 30415, 30420, 40431),
        ("WM3", "counter4nr", 30417, 30424, 40491),
        ("WM3", "counter4", 30404, 30412, 40451),
        ("WM1", "counter4", 30404, 30412, 40451),
        ("MC666", "counter2", 30402, 30408, 40431),
    ):
        row = [row for row in catalogue.find(model, load).counters.rows if row[0] == name][0]
        assert tuple(row[1:4]) == (exponent, mantissa, block), (model, name)
