"""The RAM logger behind the power graph: the last 24 hours in quarter hours (sheet, 4.10)."""

import math

from tools.rig.words import t1
from tools.rig.world import local

AREA = (36000, 36131)
_SAMPLES = 96
_MINUTES = 15


class DayLog:
    """Samples are average active power, 10000 = nominal, newest first; the day before the start is made up."""

    def __init__(self, unix, level, random):
        """`level` is today's usual power as a share of the nominal one."""
        self._newest = int(unix) // (60 * _MINUTES)  # quarter hours since 1970
        self._samples = []
        for age in range(_SAMPLES):
            hour = local((self._newest - age) * 60 * _MINUTES).hour
            curve = 0.6 + 0.4 * math.sin((hour - 9) / 24 * 2 * math.pi)
            self._samples.append(round(10000 * level * curve * random.uniform(0.9, 1.1)))
        self._sum = self._weight = 0.0

    def add(self, share, seconds, unix):
        """Let the power hold for so long, as a share of the nominal one."""
        self._sum += share * seconds
        self._weight += seconds
        quarter = int(unix) // (60 * _MINUTES)
        if quarter != self._newest:
            self._samples = [round(10000 * self._sum / self._weight), *self._samples[: _SAMPLES - 1]]
            self._newest, self._sum, self._weight = quarter, 0.0, 0.0

    def words(self):
        newest = local(self._newest * 60 * _MINUTES)
        yield (36000, t1(1))  # which parameter; the sheet tells no numbers: 1 stands for the active power here
        yield 36001, t1(_MINUTES)
        yield 36002, t1(_SAMPLES)
        yield 36003, t1(newest.hour * 60 + newest.minute)
        yield (36004, [min(max(sample, -0x8000), 0x7FFF) & 0xFFFF for sample in self._samples])
