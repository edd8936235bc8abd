"""What DLMS meters of a type have, by logical names: tables as text, which needs no RAM while it is frozen.

A row: name | serial number | clock | load profile | daily | monthly | maxima (profiles, empty for none) | maximum registers |
event logs | disconnector | present values, empty for those of _OF_ALL. Logical names are without their last number, 255; those
that begin like the one before may leave out what is the same: "1.0.1.8.0 .1 .2".
Source: DLMS UA 1000-1 (Blue Book), 6; IDIS package 2; SPODES (STO 34.01-5.1-006). What a meter does not have is passed over.
"""

from micropython import const

from lib.dlms.names import octets

PROFILE, DAILY, MONTHLY, MAXIMA, PRESENT = range(5)  # kinds of lib/store/archive.py; the first four are fields of a table, too

_SERIAL = const(1)
_CLOCK = const(2)
_FIRST = const(3)  # field of the load profile
_REGISTERS = const(7)
_LOGS = const(8)
_RELAY = const(9)
_PRESENT = const(10)
_OF_ALL = const(
    "1.0.1.8.0 .1 .2 .3 .4 1.0.2.8.0 1.0.3.8.0 1.0.4.8.0 1.0.5.8.0 1.0.6.8.0 1.0.7.8.0 1.0.8.8.0"
    " 1.0.1.7.0 1.0.2.7.0 1.0.3.7.0 1.0.4.7.0 1.0.32.7.0 1.0.52.7.0 1.0.72.7.0 1.0.31.7.0 1.0.51.7.0 1.0.71.7.0 1.0.13.7.0"
    " 1.0.14.7.0"
)
_TYPES = (
    "standard|0.0.96.1.0|0.0.1.0.0|1.0.99.1.0|1.0.98.2.0|1.0.98.1.0|1.0.98.3.0|1.0.1.6.0 1.0.2.6.0 1.0.3.6.0|"
    "0.0.99.98.0 .1 .2 .3 .4 .5|0.0.96.3.10|",
    "idis|0.0.96.1.0|0.0.1.0.0|1.0.99.1.0|1.0.99.2.0|0.0.98.1.0||1.0.1.6.0 1.0.2.6.0|0.0.99.98.0 .1 .2 .4 .5|0.0.96.3.10|",
    "spodes|0.0.96.1.0|0.0.1.0.0|1.0.99.1.0|1.0.98.2.0|1.0.98.1.0||1.0.1.6.0|0.0.99.98.0 .1 .2 .3 .4 .5 .6 .7|0.0.96.3.10|",
    "instant|0.0.96.1.0|0.0.1.0.0|||||||0.0.96.3.10|",
)
NAMES = const("standard idis spodes instant")


class Table:
    """A type: `serial`, `clock`, `relay`: logical names as octets, b"" for none."""

    def __init__(self, row):
        self._row = row
        self.serial, self.clock, self.relay = [octets(self._field(place)) for place in (_SERIAL, _CLOCK, _RELAY)]

    def _field(self, place):
        return self._row.split("|")[place]

    def profile(self, kind):
        """Return the logical name of the profile of a kind, None if the type has none."""
        name = self._field(_FIRST + kind)
        return octets(name) if name else None

    def registers(self):
        """Yield the logical names of the registers of present values."""
        return _names(self._field(_PRESENT) or _OF_ALL)

    def maxima(self):
        """Yield the logical names of the maximum registers (class 4)."""
        return _names(self._field(_REGISTERS))

    def logs(self):
        """Yield the logical names of the event logs."""
        return _names(self._field(_LOGS))


def _names(text):
    before = ""
    end = -1
    while end < len(text):
        begin = end + 1
        end = text.find(" ", begin)  # a list of all would take a kilobyte while they are asked for
        if end < 0:
            end = len(text)
        word = text[begin:end]
        if not word:
            continue
        if word[0] == ".":
            word = before[: before.rfind(".")] + word
        before = word
        yield octets(word)


def find(name):
    """Return the Table of a type; one that is not known is read as the standard one."""
    for row in _TYPES:
        if row.startswith(name + "|"):
            return Table(row)
    return Table(_TYPES[0])
