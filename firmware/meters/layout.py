"""The measurements that all Iskra families share: one layout of registers for IE, WM and MC (30101 to 30190).

Rows: name, register, type, unit. The order is that of the manual's answer to get_measurements; index 0 is the total. A
single-phase meter fills phase 1 and the total, and its total is served as phase 1. Average, maximum and minimum of the last
interval are copies of the whole layout, 5400, 5500 and 5600 registers further.
"""

from micropython import const

INVALID = 101  # wire address, T1: bit n - 1 set means that phase n is not valid
TARIFF = 405  # wire address, T1: active tariff, from 1; lies amid the counters of every family
INTERVALS = {"average": 5400, "maximum": 5500, "minimum": 5600}
INTERVAL_COUNT = 5502  # wire address, T1: finished intervals, 0 is none yet

# Types as in firmware/meters/rows.py, units as in firmware/state/readings.py (a test keeps them equal): constants of this very
# file, so that the tables are constants too and need no RAM when they are frozen.
_T17 = const(1)
_T16 = const(2)
_T5 = const(3)
_T6 = const(4)
_T7 = const(5)
_NONE = const(0)
_HERTZ = const(1)
_VOLT = const(2)
_AMPERE = const(3)
_WATT = const(4)
_VAR = const(5)
_VOLT_AMPERE = const(6)
_DEGREE = const(9)
_CELSIUS = const(10)
_PERCENT = const(11)

THREE_PHASES = (
    ("frequency", 30105, _T5, _HERTZ),
    ("U1", 30107, _T5, _VOLT),
    ("U2", 30109, _T5, _VOLT),
    ("U3", 30111, _T5, _VOLT),
    ("I1", 30126, _T5, _AMPERE),
    ("I2", 30128, _T5, _AMPERE),
    ("I3", 30130, _T5, _AMPERE),
    ("P0", 30140, _T6, _WATT),
    ("P1", 30142, _T6, _WATT),
    ("P2", 30144, _T6, _WATT),
    ("P3", 30146, _T6, _WATT),
    ("Q0", 30148, _T6, _VAR),
    ("Q1", 30150, _T6, _VAR),
    ("Q2", 30152, _T6, _VAR),
    ("Q3", 30154, _T6, _VAR),
    ("S0", 30156, _T5, _VOLT_AMPERE),
    ("S1", 30158, _T5, _VOLT_AMPERE),
    ("S2", 30160, _T5, _VOLT_AMPERE),
    ("S3", 30162, _T5, _VOLT_AMPERE),
    ("PF0", 30164, _T7, _NONE),
    ("PF1", 30166, _T7, _NONE),
    ("PF2", 30168, _T7, _NONE),
    ("PF3", 30170, _T7, _NONE),
    ("PA0", 30172, _T17, _DEGREE),
    ("PA1", 30173, _T17, _DEGREE),
    ("PA2", 30174, _T17, _DEGREE),
    ("PA3", 30175, _T17, _DEGREE),
    ("Tint", 30181, _T17, _CELSIUS),
    ("THDI1", 30188, _T16, _PERCENT),
    ("THDI2", 30189, _T16, _PERCENT),
    ("THDI3", 30190, _T16, _PERCENT),
    ("THDUp1", 30182, _T16, _PERCENT),
    ("THDUp2", 30183, _T16, _PERCENT),
    ("THDUp3", 30184, _T16, _PERCENT),
    ("U12", 30118, _T5, _VOLT),
    ("U23", 30120, _T5, _VOLT),
    ("U31", 30122, _T5, _VOLT),
)

SINGLE_PHASE = (
    ("frequency", 30105, _T5, _HERTZ),
    ("U1", 30107, _T5, _VOLT),
    ("I1", 30126, _T5, _AMPERE),
    ("P0", 30140, _T6, _WATT),
    ("P1", 30140, _T6, _WATT),
    ("Q0", 30148, _T6, _VAR),
    ("Q1", 30148, _T6, _VAR),
    ("S0", 30156, _T5, _VOLT_AMPERE),
    ("S1", 30156, _T5, _VOLT_AMPERE),
    ("PF0", 30164, _T7, _NONE),
    ("PF1", 30164, _T7, _NONE),
    ("PA0", 30172, _T17, _DEGREE),
    ("PA1", 30172, _T17, _DEGREE),
    ("Tint", 30181, _T17, _CELSIUS),
    ("THDI1", 30188, _T16, _PERCENT),
    ("THDUp1", 30182, _T16, _PERCENT),
)
