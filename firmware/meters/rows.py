"""Reads the tables of the meter families: which registers, in which requests, and what their words mean.

Register numbers are the makers' (3xxxx input, 4xxxx holding; the wire address is the last four digits, nothing subtracted).
Rows of values: name, register, type, unit. Rows of counters: name, register of the exponent (T2), of the mantissa (T3), of the
configuration block, and perhaps of another block to use when the first is empty.
Source of types: Iskra's Modbus documents for its meters; the types' decoders are in lib/modbus/registers.py.
"""

from micropython import const

from firmware.state.readings import CAPACITIVE, INDUCTIVE, WATT_HOURS
from lib.modbus.registers import DATA, int16, int32, t5, t6, t7, word

# Types
_T17 = const(1)
_T16 = const(2)
_T5 = const(3)
_T6 = const(4)
_T7 = const(5)
# Positions in a row of values; of a row of counters: name, exponent, mantissa, configuration block, perhaps another one
_REGISTER = const(1)
_TYPE = const(2)
_UNIT = const(3)
_EXPONENT = const(1)
_MANTISSA = const(2)
_BLOCK = const(3)
_OTHER_BLOCK = const(4)

# A hole of so many registers is cheaper to read than a further request: 15 bytes of frames, two silences and the meter's own
# delay of some 20 ms are the time of about 24 registers at 19200.
_BRIDGE = const(24)


def spans(ranges, most, bridge=_BRIDGE):
    """Merge (first, count) pairs into as few as possible, none longer than `most`, holes up to `bridge` included."""
    merged = []
    for first, count in sorted(ranges):
        if merged:
            start, length = merged[-1]
            end = max(start + length, first + count)
            if first - (start + length) <= bridge and end - start <= most:
                merged[-1] = (start, end - start)
                continue
        merged.append((first, count))
    return merged


class ValueRows:
    """A table of values. All are input registers."""

    def __init__(self, rows):
        self.rows = rows

    def ranges(self):
        """Return what is to be read, as (wire address, registers) pairs."""
        return [(row[_REGISTER] % 10000, 2 if row[_TYPE] >= _T5 else 1) for row in self.rows]

    def decode(self, group, pdu, first, count, shift):
        """Put the values of the reply to a read of `count` registers from wire address `first` into the group.

        `shift` is what was added to the registers of the table: the interval values are a copy of it elsewhere.
        """
        put = group.put
        units = group.unit
        index = 0
        for _, register, kind, unit in self.rows:
            at = register % 10000 + shift - first
            if 0 <= at < count:
                at = DATA + 2 * at
                units[index] = unit
                if kind == _T5:
                    put(index, *t5(pdu, at))
                elif kind == _T6:
                    put(index, *t6(pdu, at))
                elif kind == _T17:
                    put(index, int16(pdu, at), -2)
                elif kind == _T16:
                    put(index, word(pdu, at), -2)
                elif kind == _T7:
                    value, is_export, is_capacitive = t7(pdu, at)
                    put(index, -value if is_export else value, -4)
                    units[index] = CAPACITIVE if is_capacitive else INDUCTIVE
            index += 1


class CounterRows:
    """A table of counters, the non-resettable ones (names that end in "nr") first."""

    def __init__(self, rows):
        self.rows = rows
        self.non_resettable = len([row for row in rows if row[0].endswith("nr")])

    def ranges(self):
        """Input registers of exponents and mantissas."""
        return [(row[_EXPONENT] % 10000, 1) for row in self.rows] + [(row[_MANTISSA] % 10000, 2) for row in self.rows]

    def configuration_ranges(self):
        """Holding registers of the configuration blocks: parameter, quadrants, exponent, tariffs."""
        return [(register % 10000, 4) for row in self.rows for register in row[_BLOCK:]]

    def decode(self, group, pdu, first, count, _):
        """As ValueRows.decode; the reply may hold any part."""
        index = 0
        for row in self.rows:
            at = row[_EXPONENT] % 10000 - first
            if 0 <= at < count:
                exponent = int16(pdu, DATA + 2 * at)
                group.exponent[index] = exponent if -127 <= exponent <= 127 else 127
            at = row[_MANTISSA] % 10000 - first
            if 0 <= at < count:
                group.mantissa[index] = int32(pdu, DATA + 2 * at)
            index += 1

    def configure(self, columns, pdu, first, count):
        """Put what is in this reply into four bytearrays that began with zeros: units, phases, quadrants, tariffs.

        The other block of a counter counts only if its first names no parameter, in whatever order the replies come.
        """
        units, phases, quadrants, tariffs = columns
        for place in (_BLOCK, _OTHER_BLOCK):
            for index, row in enumerate(self.rows):
                if place >= len(row):
                    continue
                at = row[place] % 10000 - first
                if not 0 <= at < count:
                    continue
                at = DATA + 2 * at
                parameter = word(pdu, at)
                kind = parameter & 3
                if units[index] and (place == _OTHER_BLOCK or not kind):
                    continue
                units[index] = WATT_HOURS - 1 + kind if kind else 0
                phases[index] = parameter >> 2 & 3 if kind else 0
                quadrants[index] = word(pdu, at + 2) & 15
                tariffs[index] = word(pdu, at + 6) & 0x3F
