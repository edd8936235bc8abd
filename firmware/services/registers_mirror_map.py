"""The registers that every meter is shown with, whatever its family, as tables. docs/modbus-map.md is made from them.

Addresses are those on the wire, with functions 3 and 4 alike. Frozen, the tables need no RAM.
Source of the SunSpec device: the models 1, 211 and 213 as published by the SunSpec Alliance (github.com/sunspec/models).
"""

VERSION = 1  # of the float map
HEADER = 1000
FLOATS_AT = 1030
COUNTERS_AT = 1200
SUNSPEC = 40000
# first address, name of the value in registers_mirror.py, type, registers: see lib/modbus/window.py, rows()
HEADER_ROWS = """
1000 version
1001 status
1002 quality
1003 counters_quality
1004 age uint32 2
1006 counters_age uint32 2
1008 phases
1009 tariff
1010 model text 8
1018 serial text 8
"""
# float32, from FLOATS_AT on, two registers each; 1026 to 1029 are 0
FLOATS = (
    "U1",
    "U2",
    "U3",
    "U12",
    "U23",
    "U31",
    "I1",
    "I2",
    "I3",
    "P0",
    "P1",
    "P2",
    "P3",
    "Q0",
    "Q1",
    "Q2",
    "Q3",
    "S0",
    "S1",
    "S2",
    "S3",
    "PF0",
    "PF1",
    "PF2",
    "PF3",
    "PA0",
    "PA1",
    "PA2",
    "PA3",
    "frequency",
    "Tint",
    "THDUp1",
    "THDUp2",
    "THDUp3",
    "THDI1",
    "THDI2",
    "THDI3",
)
COUNTERS = (
    "counter1nr",
    "counter2nr",
    "counter3nr",
    "counter4nr",
    "counter1",
    "counter2",
    "counter3",
    "counter4",
    "counter5",
    "counter6",
    "counter7",
    "counter8",
    "counter9",
    "counter10",
    "counter11",
    "counter12",
    "counter13",
    "counter14",
    "counter15",
    "counter16",
)
# One place for each counter: first address, registers of a place, name in registers_mirror.py
ARRAYS = (
    (1200, 2, "whole"),
    (1240, 4, "thousandths"),
    (1320, 1, "unit"),
    (1340, 1, "direction"),
    (1360, 1, "phase"),
    (1380, 1, "tariffs"),
)
BLOCKS = ((1000, 104), (1200, 200))  # first address, registers

# SunSpec: 2 registers of mark, the models with 2 registers of head each, 2 of the end. Addresses of what they hold:
COMMON_LENGTH = 66
METER_AT = 40070
METER_LENGTH = 124
END_AT = METER_AT + 2 + METER_LENGTH
SUNSPEC_BLOCKS = ((SUNSPEC, END_AT + 2 - SUNSPEC),)
# first address, name of the point, type, registers
COMMON_ROWS = """
40000 SunS text 2
40002 ID
40003 L
40004 Mn text 16
40020 Md text 16
40036 Opt text 8
40044 Vr text 8
40052 SN text 16
40068 DA
40069 Pad
"""
# Where the points of models 211 and 213 come from, in their order from METER_AT + 2 on, each a float32: a value of FLOATS;
# "sum" and "mean" with the values' names; "import" and "export" with the phase, 0 for all. Those behind them are
# absent, up to Evt, 2 registers of 0.
SOURCES = (
    "sum I1 I2 I3",
    "I1",
    "I2",
    "I3",
    "mean U1 U2 U3",
    "U1",
    "U2",
    "U3",
    "mean U12 U23 U31",
    "U12",
    "U23",
    "U31",
    "frequency",
    "P0",
    "P1",
    "P2",
    "P3",
    "S0",
    "S1",
    "S2",
    "S3",
    "Q0",
    "Q1",
    "Q2",
    "Q3",
    "PF0",
    "PF1",
    "PF2",
    "PF3",
    "export 0",
    "export 1",
    "export 2",
    "export 3",
    "import 0",
    "import 1",
    "import 2",
    "import 3",
)
POINTS = 61


def row_of(rows, name, after=0):
    """Return the index of the row of this name in a group's rows, -1 if there is none; the search begins at `after`.

    Tables that name values in the order of the rows thus find each at once.
    """
    count = len(rows)
    for number in range(count):
        index = (after + number) % count
        if rows[index][0] == name:
            return index
    return -1
