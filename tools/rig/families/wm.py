"""WM3M4, WM3 and WM1 meters, and Finder's 7M.34.8 (sheet, 4.5)."""

from typing import ClassVar

from tools.rig.meter import CAPACITIVE, EXPORT, IMPORT, INDUCTIVE, VAR_HOUR, WATT_HOUR, CounterPlace, Meter
from tools.rig.words import t2, t3

_BOTH = (6, 16)
_TWO = 0b11  # two tariffs
_PATTERN = ((WATT_HOUR, IMPORT), (WATT_HOUR, EXPORT), (VAR_HOUR, INDUCTIVE), (VAR_HOUR, CAPACITIVE))


class _Wm(Meter):
    AREAS = (*Meter.AREAS, *Meter.AREAS_INTERVAL, (30400, 30463), (40421, 40500))
    WRITABLE = (*Meter.WRITABLE, *Meter.WRITABLE_INTERVAL, (40421, 40500, _BOTH))
    LIMIT = 100
    DECIMALS: ClassVar = {"f": 3, "U": 2, "I": 3, "P": 1}

    @staticmethod
    def _put(put, counter, exponent, mantissa, tenths=None):
        put(exponent, t2(counter.exponent))
        put(mantissa, t3(counter.mantissa()))
        if tenths:
            put(tenths, t3(counter.tenths()))


class Wm3m4(_Wm):
    """Two counters only, in the place of WM3's non-resettable ones; nothing at 30401 and 30406."""

    MODEL = "WM3M4C"
    # 47000..48999: signed charging data. Nobody but a charging station's own master has any business there.
    AREAS = (*_Wm.AREAS, (34999, 35000), (47000, 48999))
    WRITABLE = (*_Wm.WRITABLE, (47000, 48999, _BOTH))
    COUNTERS = (
        CounterPlace("counter1nr", 40421, WATT_HOUR, IMPORT, 1, _TWO),
        CounterPlace("counter2nr", 40431, WATT_HOUR, EXPORT, 1, _TWO),
    )

    def put_counters(self, put):
        for n in range(2):
            self._put(put, self.counters[f"counter{n + 1}nr"], 30414 + n, 30418 + 2 * n, 30434 + 2 * n)
        put(34999, t3(self.world.elapsed()))


class Wm3(_Wm):
    """Four resettable counters, four that are not; the latter have blocks of their own (the sheet leaves this open)."""

    MODEL = "WM3-6"
    COUNTERS = (
        *(CounterPlace(f"counter{n + 1}", 40421 + 10 * n, *_PATTERN[n], 1, _TWO) for n in range(4)),
        *(CounterPlace(f"counter{n + 1}nr", 40461 + 10 * n, *_PATTERN[n], 1, _TWO) for n in range(4)),
    )

    def put_counters(self, put):
        for n in range(4):
            self._put(put, self.counters[f"counter{n + 1}"], 30401 + n, 30406 + 2 * n, 30426 + 2 * n)
            self._put(put, self.counters[f"counter{n + 1}nr"], 30414 + n, 30418 + 2 * n, 30434 + 2 * n)


class Wm1(_Wm):
    """Single phase, with small buffers: 14 registers at most from 30400 on, 20 of the texts."""

    MODEL = "WM1-6"
    PHASES = 1
    COUNTERS = tuple(CounterPlace(f"counter{n + 1}", 40421 + 10 * n, *_PATTERN[n], 0, _TWO) for n in range(4))

    def limit(self, base, address, count):
        number = base + address
        if number < 30464 and number + count > 30400:
            return 14
        if number < 40141 and number + count > 40101:
            return 20
        return self.LIMIT

    def put_counters(self, put):
        for n in range(4):
            self._put(put, self.counters[f"counter{n + 1}"], 30401 + n, 30406 + 2 * n)
