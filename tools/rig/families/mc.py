"""Measuring centres and transducers: MC, iMC, MT, iMT (sheet, 4.5 and 4.7). No interval values, ratios of transformers."""

from typing import ClassVar

from tools.rig.families import floats
from tools.rig.meter import CAPACITIVE, EXPORT, IMPORT, INDUCTIVE, VAR_HOUR, WATT_HOUR, CounterPlace, Meter
from tools.rig.words import t2, t3, t4

_BOTH = (6, 16)
_PATTERN = ((WATT_HOUR, IMPORT), (WATT_HOUR, EXPORT), (VAR_HOUR, INDUCTIVE), (VAR_HOUR, CAPACITIVE))


class Mc(Meter):
    MODEL = "MC666"
    AREAS = (*Meter.AREAS, (30400, 30493), floats.AREA, (40421, 40514))
    WRITABLE = (*Meter.WRITABLE, (40421, 40514, _BOTH))
    HAS_INTERVAL = False
    LIMIT = 125
    DECIMALS: ClassVar = {"f": 4, "U": 3, "I": 5, "P": 2}
    COUNTERS = tuple(CounterPlace(f"counter{n + 1}", 40421 + 10 * n, *_PATTERN[n], 0, 0b1111) for n in range(4))

    def prepare(self, entry):
        super().prepare(entry)
        for number, ratio in ((40144, 5), (40145, 5), (40146, 1), (40147, 1)):  # secondary and primary, current and voltage
            self.registers.put(number, t4(ratio))

    def measurements(self):
        yield from super().measurements()
        yield from floats.float_words(self._values, self.world.elapsed())

    def put_counters(self, put):
        for n in range(4):
            counter = self.counters[f"counter{n + 1}"]
            put(30401 + n, t2(counter.exponent))
            put(30406 + 2 * n, t3(counter.mantissa()))


class Imc(Mc):
    MODEL = "iMC784"


class Mt(Mc):
    MODEL = "MT440"
