"""The measurements that all Iskra families share: one layout of registers for IE, WM and MC (30101 to 30190).

The order of the rows is that of the manual's answer to get_measurements; index 0 is the total. A single-phase meter fills
phase 1 and the total, and its total is served as phase 1. Average, maximum and minimum of the last interval are copies of the
whole layout, 5400, 5500 and 5600 registers further.
"""

from firmware.meters.rows import ValueRows

INVALID = 101  # wire address, T1: bit n - 1 set means that phase n is not valid
TARIFF = 405  # wire address, T1: active tariff, from 1; lies amid the counters of every family
INTERVALS = {"average": 5400, "maximum": 5500, "minimum": 5600}
INTERVAL_COUNT = 5502  # wire address, T1: finished intervals, 0 is none yet

_THREE_PHASES = """
frequency 30105 T5 Hz
U1 30107 T5 V
U2 30109 T5 V
U3 30111 T5 V
I1 30126 T5 A
I2 30128 T5 A
I3 30130 T5 A
P0 30140 T6 W
P1 30142 T6 W
P2 30144 T6 W
P3 30146 T6 W
Q0 30148 T6 var
Q1 30150 T6 var
Q2 30152 T6 var
Q3 30154 T6 var
S0 30156 T5 VA
S1 30158 T5 VA
S2 30160 T5 VA
S3 30162 T5 VA
PF0 30164 T7
PF1 30166 T7
PF2 30168 T7
PF3 30170 T7
PA0 30172 T17 deg
PA1 30173 T17 deg
PA2 30174 T17 deg
PA3 30175 T17 deg
Tint 30181 T17 C
THDI1 30188 T16 %
THDI2 30189 T16 %
THDI3 30190 T16 %
THDUp1 30182 T16 %
THDUp2 30183 T16 %
THDUp3 30184 T16 %
"""

_SINGLE_PHASE = """
frequency 30105 T5 Hz
U1 30107 T5 V
I1 30126 T5 A
P0 30140 T6 W
P1 30140 T6 W
Q0 30148 T6 var
Q1 30148 T6 var
S0 30156 T5 VA
S1 30156 T5 VA
PF0 30164 T7
PF1 30164 T7
PA0 30172 T17 deg
PA1 30172 T17 deg
Tint 30181 T17 C
THDI1 30188 T16 %
THDUp1 30182 T16 %
"""

_parsed = {}  # by phases: all meters share the tables


def values(phases):
    """Return the parsed table for 1 or 3 phases."""
    if phases not in _parsed:
        _parsed[phases] = ValueRows(_SINGLE_PHASE if phases == 1 else _THREE_PHASES)
    return _parsed[phases]
