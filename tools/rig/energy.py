"""Energy counters as integers: power in mW times time in us, so that nothing is ever rounded away.

What a counter counts stands in its configuration block among the meter's holding registers (sheet, 4.4): +0 parameter,
+1 quadrants, +2 exponent, +3 tariffs. A write there takes effect at once.
"""

from decimal import Decimal

UNIT_BASE = 36 * 10**11  # mW us in one Wh
PARAMETERS = {1: "P", 2: "Q", 3: "S"}


class Counter:
    def __init__(self, name, block, registers, start=0):
        """`block` is the number of the first of its four configuration registers; `start` in Wh, varh or VAh."""
        self.name, self.block = name, block
        self.pinned = False
        self._registers = registers
        self.set(start)

    def set(self, base_units):
        self._energy = int(Decimal(str(base_units)) * UNIT_BASE)

    def _setting(self, offset):
        return self._registers.word(self.block + offset)

    @property
    def exponent(self):
        value = self._setting(2)
        return value - 0x10000 if value & 0x8000 else value

    def count(self, powers, microseconds, tariff):
        """Add what flowed; `powers` are (P, Q, S) in mW for total and phases."""
        parameter = self._setting(0)
        kind = parameter & 3
        if self.pinned or not kind or not self._setting(3) >> (tariff - 1) & 1:
            return
        phase = parameter >> 2 & 3
        if phase >= len(powers):
            return
        active, reactive, _ = powers[phase]
        quadrant = (1 if active < 0 else 0) if reactive >= 0 else (2 if active < 0 else 3)
        configuration = self._setting(1)
        if configuration >> quadrant & 1:
            flow = abs(powers[phase][kind - 1]) * microseconds
            self._energy += -flow if configuration & 0x20 else flow

    def mantissa(self):
        """Whole steps of 10^exponent Wh, as the meter shows them."""
        return self._steps(self.exponent)

    def tenths(self):
        """The "1000x counter": steps of 0.1 Wh, modulo 2^32."""
        return self._steps(-1)

    def units(self):
        """Energy in Wh, varh or VAh as a float (the IEEE block)."""
        return self._energy / UNIT_BASE

    def _steps(self, exponent):
        step = UNIT_BASE * 10**exponent if exponent >= 0 else UNIT_BASE // 10**-exponent
        steps = abs(self._energy) // step
        return steps if self._energy >= 0 else -steps


def milliwatts(values, phases):
    """(P, Q, S) of total and phases as the integers the counters count with."""
    return [tuple(round(values[f"{kind}{n}"] * 1000) for kind in "PQS") for n in range(phases + 1)]
