"""What a code of an IEC 62056-21 meter means: which row of measurements or counters it fills. Frozen, the tables need no RAM.

Quadrants go by IEC 62053-23, bits 0 to 3 for I to IV; the four reactive registers of Turkish meters are 5 (I, inductive at
import), 6 (II), 7 (III) and 8 (IV, capacitive at import).
Source: IEC 62056-61 (OBIS); TEDAS-MLZ/2017-062; read-outs of EMH, Iskraemeco, Landis+Gyr, Makel, Viko.
"""

from micropython import const

# Rows: the name is the first of each, as for all meters
VALUES = (
    ("frequency",),
    ("U1",),
    ("U2",),
    ("U3",),
    ("I1",),
    ("I2",),
    ("I3",),
    ("P0",),
    ("P1",),
    ("P2",),
    ("P3",),
    ("Q0",),
    ("Q1",),
    ("Q2",),
    ("Q3",),
    ("S0",),
    ("PF0",),
    ("PF1",),
    ("PF2",),
    ("PF3",),
    ("Pavg",),  # average of the last demand period
    ("Pmax",),  # maximum demand of the month, import
    ("PmaxExp",),  # ... export
)
COUNTERS = (
    ("counter1nr",),  # 1.8.0 and so on: see _CODES
    ("counter2nr",),
    ("counter3nr",),
    ("counter4nr",),
    ("counter1",),
    ("counter2",),
    ("counter3",),
    ("counter4",),
    ("counter5",),
    ("counter6",),
    ("counter7",),
    ("counter8",),
    ("counter9",),
    ("counter10",),
    ("counter11",),
    ("counter12",),
    ("counter13",),
    ("counter14",),
)
NON_RESETTABLE = 4
# A byte per counter, as of firmware/state/readings.py
QUADRANTS = b"\x09\x06\x03\x0c\x09\x09\x09\x09\x06\x06\x06\x06\x01\x02\x04\x08\x09\x0f"
TARIFFS = b"\x0f\x0f\x0f\x0f\x01\x02\x04\x08\x01\x02\x04\x08\x0f\x0f\x0f\x0f\x0f\x0f"
PHASES = bytes(18)
UNITS = b"\x01\x02\x02\x02\x03\x03\x03\x04\x04\x04\x04\x05\x05\x05\x05\x06\x07\x07\x07\x07\x04\x04\x04"  # of VALUES
COUNTER_UNITS = b"\x0c\x0c\x0d\x0d\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0d\x0d\x0d\x0d\x0e\x0c"
# Code, then the row: of VALUES, or of COUNTERS from 100 on
_CODES = const(
    b" 1.8.0 100 2.8.0 101 3.8.0 102 4.8.0 103 1.8.1 104 1.8.2 105 1.8.3 106 1.8.4 107 2.8.1 108 2.8.2 109 2.8.3 110 2.8.4 111"
    b" 5.8.0 112 6.8.0 113 7.8.0 114 8.8.0 115 9.8.0 116 15.8.0 117"
    b" 14.7.0 000 34.7.0 000 32.7.0 001 52.7.0 002 72.7.0 003 31.7.0 004 51.7.0 005 71.7.0 006"
    b" 16.7.0 007 1.7.0 007 36.7.0 008 21.7.0 008 56.7.0 009 41.7.0 009 76.7.0 010 61.7.0 010"
    b" 3.7.0 011 23.7.0 012 43.7.0 013 63.7.0 014 9.7.0 015 13.7.0 016 33.7.0 017 53.7.0 018 73.7.0 019"
    b" 1.5.0 020 1.6.0 021 2.6.0 022"
    b" 0.0.0 200 C.1.0 200 96.1.0 200 96.1.1 200 0.9.1 201 0.9.2 202 1.0.0 203 2.7.0 204 F.F.0 205 C.5.0 206"
)
NUMBER = 200  # the meter's own
TIME = 201
DATE = 202
DATE_TIME = 203
EXPORT = 204  # active power that flows back: P0 where it is not zero
FAULT = 205  # error word
STATE = 206  # status word
_LETTERS = const(("", "hz", "v", "a", "w", "var", "va", "", "", "", "", "", "wh", "varh", "vah"))


def row_of(address):
    """Return the row of an address (bytes), -1 if it is none: of another medium, of an earlier period, or not known here."""
    colon = address.find(b":")
    if colon >= 0:
        if address[:2] not in (b"1-", b"0-"):
            return -1
        address = address[colon + 1 :]
    star = max(address.find(b"*"), address.find(b"&"))
    if star >= 0:
        if address[star:] != b"*255":
            return -1
        address = address[:star]
    if address.find(b".") == address.rfind(b"."):
        address += b".0"  # 1.8 is 1.8.0
    at = _CODES.find(b" " + address + b" ")
    if at < 0 or b" " in address:
        return -1
    at += len(address) + 2
    return int(_CODES[at : at + 3])


def exponent_of(unit, sent):
    """Return the exponent that a unit as sent (bytes) stands for, None for one that cannot be of this unit (index in UNITS).

    Without one it is that of the standard: kilo for energies and powers.
    """
    letters = _LETTERS[unit]
    text = bytes(sent).strip()
    if not text:
        return 3 if letters[:1] in ("w", "v") and len(letters) > 1 or letters == "w" else 0
    lower = text.decode().lower()
    if lower == letters:
        return 0
    if lower[1:] != letters:
        return None
    return {"k": 3, "M": 6, "G": 9}.get(chr(text[0]))
