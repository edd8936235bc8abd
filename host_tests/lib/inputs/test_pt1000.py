"""The whole range against the equation of IEC 60751 in exact integers, and the standard's own table."""

import gc

from lib.inputs import pt1000

# IEC 60751:2008, table 1: ohms of a Pt100, two decimals, times ten.
TABLE = (
    (-190, 228.3),
    (-100, 602.6),
    (-50, 803.1),
    (-10, 960.9),
    (0, 1000.0),
    (10, 1039.0),
    (20, 1077.9),
    (50, 1194.0),
    (100, 1385.1),
    (150, 1573.3),
    (200, 1758.6),
    (300, 2120.5),
    (400, 2470.9),
    (500, 2809.8),
    (600, 3137.1),
    (700, 3452.8),
    (800, 3757.0),
    (850, 3904.8),
)

FAULTS = (
    # what, measured, leads, fault
    ("input beyond its scale", None, 0, "open"),
    ("above 10 kohm", 10_000_001, 0, "open"),
    ("10 kohm with leads is still a sensor, but none so hot is", 10_000_001, 1, "range"),
    ("a broken wire on 31 bits", 1 << 40, 0, "open"),
    ("hotter than the standard", 3_904_812, 0, "range"),
    ("below 200 ohm", 199_999, 0, "short"),
    ("the leads alone", 12_000, 12_000, "short"),
    ("less than the leads", 5_000, 12_000, "short"),
    ("200 ohm less the leads", 200_000, 1, "short"),
    ("negative", -1, 0, "short"),
)


def scaled_mohm(mdeg):
    """Return the resistance at a temperature in thousandths of a degree, in units of 1E-21 milliohm, exactly."""
    scaled = 10**27 + 39083 * mdeg * 10**17 - 5775 * mdeg * mdeg * 10**11
    if mdeg < 0:
        scaled -= 4183 * (mdeg - 100000) * mdeg * mdeg * mdeg
    return scaled


def test_table_of_the_standard():
    for celsius, ohm in TABLE:
        cdeg, fault = pt1000.temperature(round(ohm * 1000))
        # The table is rounded to 0.1 ohm of a Pt1000: 0.05 ohm are 0.018 degC at the hot end.
        assert fault == "" and abs(cdeg - celsius * 100) <= 2, (celsius, cdeg)


def test_right_to_seven_thousandths_over_the_whole_range():
    previous = -30000
    for mohm in range(200_000, 3_904_811, 199):
        cdeg, fault = pt1000.temperature(mohm)
        assert fault == "" and cdeg >= previous, mohm
        previous = cdeg
        assert scaled_mohm(cdeg * 10 - 7) <= mohm * 10**21 <= scaled_mohm(cdeg * 10 + 7), (mohm, cdeg)
    assert pt1000.temperature(3_904_811) == (85000, "")


def test_nodes_and_their_neighbours():
    for celsius in range(-190, 850, 10):
        node = (scaled_mohm(celsius * 1000) + 5 * 10**20) // 10**21
        for mohm in (node - 1, node, node + 1):
            assert pt1000.temperature(mohm) == (celsius * 100, ""), (celsius, mohm)


def test_leads_are_taken_off():
    assert pt1000.temperature(1_000_000) == (0, "")
    assert pt1000.temperature(1_012_000, 12_000) == (0, "")
    assert pt1000.temperature(1_012_000)[0] == 307


def test_faults_have_names():
    for what, measured, leads, fault in FAULTS:
        assert pt1000.temperature(measured, leads) == (None, fault), what


def test_only_the_result_is_allocated():
    # On a 31-bit port any integer of 2**30 or more would show here.
    for mohm in (200_000, 1_039_000, 3_904_000):
        gc.collect()
        before = gc.mem_alloc()
        result = pt1000.temperature(mohm)
        assert gc.mem_alloc() - before <= 32, mohm
        del result
