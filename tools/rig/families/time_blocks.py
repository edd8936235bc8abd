"""Tariff time blocks of newer IE meters (sheet, 4.9): recognised by a 5 in 36761."""

from tools.rig.words import t1, t2, t3, t5, t17, t_unix
from tools.rig.world import local

_BLOCKS = 5
_EXPONENT = 1  # the counters step by 10 Wh
_TOTALS = (0, 2, 4, 6, 8, 10, 12, 14, 16)  # total, last month, two months ago, last year, two years ago, this .. previous year
_PART = (1.0, 0.06, 0.12, 0.5, 1.0, 0.03, 0.06, 0.4, 0.5)  # made up: what part of the total each of them shows
_DAY = 86400
AREAS = ((35244, 35262), (34901, 34902), (36761, 36998))


def active_block(unix):
    """0..4 by the hour of the day: nights are cheap, mornings and late afternoons dear."""
    hour = local(unix).hour
    if hour < 6 or hour >= 22:
        return 4
    return 1 if 7 <= hour < 14 or 16 <= hour < 20 else 3


class TimeBlocks:
    def __init__(self, unix, nominal_w):
        self._started = int(unix)
        self._nominal_w = nominal_w
        self._energy_wh = [12340.0 * (b + 1) for b in range(_BLOCKS)]
        self._import_wh = self._export_wh = 0.0
        self._thermal_w = self._last_w = self._highest_w = 0.0
        self._highest_unix = int(unix)
        self._quarter_ws = self._quarter_s = 0.0
        self._unix = unix
        self._power_w = 0.0

    def add(self, power_w, seconds, unix):
        energy_wh = power_w * seconds / 3600
        if power_w >= 0:
            self._energy_wh[active_block(unix)] += energy_wh
            self._import_wh += energy_wh
        else:
            self._export_wh -= energy_wh
        self._power_w = max(power_w, 0.0)
        self._thermal_w += (self._power_w - self._thermal_w) * min(seconds / 300, 1.0)
        if int(unix) // 900 != int(self._unix) // 900:
            self._last_w = self._quarter_ws / self._quarter_s if self._quarter_s else 0.0
            if self._last_w > self._highest_w:
                self._highest_w, self._highest_unix = self._last_w, int(unix)
            self._quarter_ws = self._quarter_s = 0.0
        self._quarter_ws += self._power_w * seconds
        self._quarter_s += seconds
        self._unix = unix

    def words(self):
        step = 10**_EXPONENT
        yield 36761, t1(_BLOCKS)
        yield 36762, t2(_EXPONENT)
        yield 36763, t1(active_block(self._unix) + 1)
        yield 36764, t_unix(self._started)
        for place, days in enumerate((30, 60, 365, 730)):
            yield 36766 + 2 * place, t_unix(self._started - days * _DAY)
        yield 36774, t3((sum(self._energy_wh)) // step)
        yield 36776, t3(self._export_wh // step)
        yield 36778, t5(self._highest_w, 1)
        yield 36780, t_unix(self._highest_unix)
        for block in range(_BLOCKS):
            yield from self._block(36786 + 42 * block, self._energy_wh[block] / step)
        yield 35244, t1(900 - int(self._unix) % 900)
        average = self._quarter_ws / self._quarter_s if self._quarter_s else 0.0
        for place, power in enumerate((self._power_w, self._thermal_w, average, self._last_w)):
            yield 35245 + 2 * place, t5(power, 1)
            yield 35253 + 2 * place, t5(0, 1)
        yield 35261, t17(100 * average / self._nominal_w)
        yield 34901, t_unix(self._unix)

    def _block(self, first, steps):
        for offset, part in zip(_TOTALS, _PART, strict=True):
            yield first + offset, t3(steps * part)
        yield first + 18, t5(0, 1)
        yield first + 20, t5(125.0, 1)
        for offset in (22, 26, 30, 34, 38):
            yield first + offset, t5(self._highest_w, 1)
            yield first + offset + 2, t_unix(self._highest_unix)
