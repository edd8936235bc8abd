"""The registers that every meter is shown with, whatever its family, as tables. docs/modbus-map.md is made from them.

Addresses are those on the wire, with functions 3 and 4 alike. Frozen, the tables need no RAM.
Source of the SunSpec device: the models 1, 211 and 213 as published by the SunSpec Alliance (github.com/sunspec/models).
"""

VERSION = 1  # of the float map
HEADER = 1000
FLOATS_AT = 1030
COUNTERS_AT = 1200
SUNSPEC = 40000
# first address, registers, type, name of the value in registers_mirror.py, meaning
HEADER_ROWS = (
    (1000, 1, "uint16", "version", "version of this map: 1"),
    (1001, 1, "uint16", "status", "the meter: 0 disabled, 1 not detected, 2 present, 3 silent"),
    (1002, 1, "uint16", "quality", "measurements: 0 absent, 1 stale, 2 good"),
    (1003, 1, "uint16", "counters_quality", "counters: likewise"),
    (1004, 2, "uint32", "age", "age of the last measurements, s; FFFFFFFF: none"),
    (1006, 2, "uint32", "counters_age", "age of the last counters, s; FFFFFFFF: none"),
    (1008, 1, "uint16", "phases", "phases of the meter: 1, 3; 0 not known"),
    (1009, 1, "uint16", "tariff", "active tariff, from 1; 0 not known"),
    (1010, 8, "text", "model", "model"),
    (1018, 8, "text", "serial", "serial number"),
)
# float32, from FLOATS_AT on, two registers each; 1026 to 1029 are 0
FLOATS = (
    ("U1", "V"),
    ("U2", "V"),
    ("U3", "V"),
    ("U12", "V"),
    ("U23", "V"),
    ("U31", "V"),
    ("I1", "A"),
    ("I2", "A"),
    ("I3", "A"),
    ("P0", "W"),
    ("P1", "W"),
    ("P2", "W"),
    ("P3", "W"),
    ("Q0", "var"),
    ("Q1", "var"),
    ("Q2", "var"),
    ("Q3", "var"),
    ("S0", "VA"),
    ("S1", "VA"),
    ("S2", "VA"),
    ("S3", "VA"),
    ("PF0", ""),
    ("PF1", ""),
    ("PF2", ""),
    ("PF3", ""),
    ("PA0", "deg"),
    ("PA1", "deg"),
    ("PA2", "deg"),
    ("PA3", "deg"),
    ("frequency", "Hz"),
    ("Tint", "deg C"),
    ("THDUp1", "%"),
    ("THDUp2", "%"),
    ("THDUp3", "%"),
    ("THDI1", "%"),
    ("THDI2", "%"),
    ("THDI3", "%"),
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
# One place for each counter: first address, registers of a place, type, name in registers_mirror.py, meaning
ARRAYS = (
    (1200, 2, "uint32", "whole", "value in whole Wh, varh, VAh, cut; FFFFFFFF: absent, negative, too large"),
    (1240, 4, "int64", "thousandths", "value in thousandths of Wh, varh, VAh; 8000000000000000: absent, too large"),
    (1320, 1, "uint16", "unit", "1 Wh, 2 varh, 3 VAh, 0 not known"),
    (1340, 1, "uint16", "direction", "1 import, 2 export, 3 both, 0 not known"),
    (1360, 1, "uint16", "phase", "1 to 3, 0 all"),
    (1380, 1, "uint16", "tariffs", "bit 0: counts in tariff 1, ... bit 5: in tariff 6"),
)
BLOCKS = ((1000, 104), (1200, 200))  # first address, registers

# SunSpec: 2 registers of mark, the models with 2 registers of head each, 2 of the end. Addresses of what they hold:
COMMON_LENGTH = 66
METER_AT = 40070
METER_LENGTH = 124
END_AT = METER_AT + 2 + METER_LENGTH
SUNSPEC_BLOCKS = ((SUNSPEC, END_AT + 2 - SUNSPEC),)
# first address, registers, type, name of the point, content
COMMON_ROWS = (
    (40000, 2, "text", "SunS", ""),
    (40002, 1, "uint16", "ID", "1"),
    (40003, 1, "uint16", "L", "66"),
    (40004, 16, "text", "Mn", "Iskra, or Finder"),
    (40020, 16, "text", "Md", "model"),
    (40036, 8, "text", "Opt", "empty"),
    (40044, 8, "text", "Vr", "software version of the meter"),
    (40052, 16, "text", "SN", "serial number"),
    (40068, 1, "uint16", "DA", "unit of the meter's floats and SunSpec"),
    (40069, 1, "uint16", "Pad", "8000"),
)
# The points of models 211 and 213 from METER_AT + 2 on, each a float32, and where they come from: a value of FLOATS; "sum" and
# "mean" with the values' names; "import" and "export" with the phase, 0 for all; "" absent. Behind them: Evt, 2 registers of 0.
POINTS = (
    ("A", "sum I1 I2 I3"),
    ("AphA", "I1"),
    ("AphB", "I2"),
    ("AphC", "I3"),
    ("PhV", "mean U1 U2 U3"),
    ("PhVphA", "U1"),
    ("PhVphB", "U2"),
    ("PhVphC", "U3"),
    ("PPV", "mean U12 U23 U31"),
    ("PPVphAB", "U12"),
    ("PPVphBC", "U23"),
    ("PPVphCA", "U31"),
    ("Hz", "frequency"),
    ("W", "P0"),
    ("WphA", "P1"),
    ("WphB", "P2"),
    ("WphC", "P3"),
    ("VA", "S0"),
    ("VAphA", "S1"),
    ("VAphB", "S2"),
    ("VAphC", "S3"),
    ("VAR", "Q0"),
    ("VARphA", "Q1"),
    ("VARphB", "Q2"),
    ("VARphC", "Q3"),
    ("PF", "PF0"),
    ("PFphA", "PF1"),
    ("PFphB", "PF2"),
    ("PFphC", "PF3"),
    ("TotWhExp", "export 0"),
    ("TotWhExpPhA", "export 1"),
    ("TotWhExpPhB", "export 2"),
    ("TotWhExpPhC", "export 3"),
    ("TotWhImp", "import 0"),
    ("TotWhImpPhA", "import 1"),
    ("TotWhImpPhB", "import 2"),
    ("TotWhImpPhC", "import 3"),
    ("TotVAhExp", ""),
    ("TotVAhExpPhA", ""),
    ("TotVAhExpPhB", ""),
    ("TotVAhExpPhC", ""),
    ("TotVAhImp", ""),
    ("TotVAhImpPhA", ""),
    ("TotVAhImpPhB", ""),
    ("TotVAhImpPhC", ""),
    ("TotVArhImpQ1", ""),
    ("TotVArhImpQ1phA", ""),
    ("TotVArhImpQ1phB", ""),
    ("TotVArhImpQ1phC", ""),
    ("TotVArhImpQ2", ""),
    ("TotVArhImpQ2phA", ""),
    ("TotVArhImpQ2phB", ""),
    ("TotVArhImpQ2phC", ""),
    ("TotVArhExpQ3", ""),
    ("TotVArhExpQ3phA", ""),
    ("TotVArhExpQ3phB", ""),
    ("TotVArhExpQ3phC", ""),
    ("TotVArhExpQ4", ""),
    ("TotVArhExpQ4phA", ""),
    ("TotVArhExpQ4phB", ""),
    ("TotVArhExpQ4phC", ""),
)


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
