"""What simulated DLMS meters hold, as whole numbers that follow from a meter's number and UTC alone: tests compute them, too.

Consumption follows the hour of the day and the day of the week, so that energy at any instant is a closed expression: nothing
is stored or summed up, and a thousand meters with years of profiles cost nothing. Hours, days and tariffs are those of a zone
without summer time, `offset_s` east of Greenwich (3 h: Türkiye).
"""

import calendar
import functools
from datetime import datetime, timezone

OFFSET_S = 10800
HOUR_S, DAY_S, WEEK_S = 3600, 86400, 604800
_EPOCH = 1577836800 - 3 * DAY_S  # meters have counted since 2019-12-29, a Sunday; local time
_HOURS = (
    4,
    4,
    3,
    3,
    4,
    5,
    8,
    12,
    11,
    10,
    9,
    9,
    10,
    10,
    9,
    9,
    10,
    13,
    17,
    19,
    18,
    14,
    9,
    6,
)  # weights in a day, from midnight on
_DAYS = (8, 11, 10, 10, 11, 12, 9)  # weights in a week, from Sunday on
_TARIFFS = {0: range(24), 1: range(6, 17), 2: range(17, 22), 3: (*range(6), 22, 23), 4: ()}  # hours of each
# Energies by the C of their logical names, as percents of active import; the quadrants make up 3 and 4
PERCENTS = {1: 100, 2: 7, 3: 28, 4: 6, 5: 25, 6: 3, 7: 4, 8: 2, 9: 104}
LOGS = (0, 1, 2, 3, 4, 5)
_CODES = (  # of events, by log; 0 has the power cuts and the clock, too
    (3, 9, 11),
    (40, 41, 42, 43, 44),
    (60, 61),
    (100, 101),
    (76, 79, 82, 85),
    (140, 142),
)


def local(utc, offset_s=OFFSET_S):
    """A naive datetime."""
    return datetime.fromtimestamp(utc + offset_s, timezone.utc).replace(tzinfo=None)


def _ahead(weights):
    """Sums of the weights before each place, and of all."""
    sums = [0]
    for weight in weights:
        sums.append(sums[-1] + weight)
    return sums


_BEFORE_DAY = _ahead(_DAYS)
_BEFORE_HOUR = {
    tariff: _ahead(weight if hour in hours else 0 for hour, weight in enumerate(_HOURS)) for tariff, hours in _TARIFFS.items()
}


def _weight(utc, tariff, offset_s):
    """Consumption since _EPOCH in units of weight times seconds."""
    weeks, second = divmod(utc + offset_s - _EPOCH, WEEK_S)
    day, second = divmod(second, DAY_S)
    hour, second = divmod(second, HOUR_S)
    before = _BEFORE_HOUR[tariff]
    whole_days = weeks * _BEFORE_DAY[7] + _BEFORE_DAY[day]
    in_hour = _DAYS[day] * (before[hour + 1] - before[hour]) * second
    return (whole_days * before[24] + _DAYS[day] * before[hour]) * HOUR_S + in_hour


def mean_w(number):
    """The mean power of a meter in W."""
    return 300 + number * 37 % 1700


def energy_wh(number, utc, tariff=0, kind=1, offset_s=OFFSET_S):
    """A counter in Wh (kinds 1, 2), varh (3 to 8) or VAh (9) at an instant; tariff 0 is the sum of 1 to 3."""
    if tariff == 0:
        return sum(energy_wh(number, utc, one, kind, offset_s) for one in (1, 2, 3))
    base = (1000 + number * 7919 % 90000) * 1000 if kind == 1 else number * 104729 % 1000000
    weight = _weight(int(utc), tariff, offset_s) * WEEK_S // HOUR_S
    whole_week = sum(_HOURS) * sum(_DAYS) * HOUR_S
    return base * (tariff < 4) + mean_w(number) * PERCENTS[kind] * weight // (100 * whole_week)


def demand_w(number, utc, kind=1, period_s=900, offset_s=OFFSET_S):
    """Mean power in W over the period that ends at an instant."""
    used = energy_wh(number, utc, 0, kind, offset_s) - energy_wh(number, utc - period_s, 0, kind, offset_s)
    return used * HOUR_S // period_s


def month_begin(utc, months=0, offset_s=OFFSET_S):
    """UTC of the beginning of the local month an instant lies in, or of one so many months later."""
    now = local(utc, offset_s)
    at = now.year * 12 + now.month - 1 + months
    return calendar.timegm((at // 12, at % 12 + 1, 1, 0, 0, 0)) - offset_s


def maximum_demand(number, utc, kind=1, period_s=900, offset_s=OFFSET_S):
    """(W, UTC) of the largest demand of the local month so far, the first of equal ones; (0, 0) before the first period.

    Nine days are looked at: weeks repeat themselves.
    """
    last = utc // period_s * period_s
    first = month_begin(utc, 0, offset_s)
    return _maximum(number, first, min(last, first + 9 * DAY_S), kind, period_s, offset_s)


@functools.lru_cache(4096)
def _maximum(number, first, last, kind, period_s, offset_s):
    best = (0, 0)
    for utc in range(first + period_s, last + 1, period_s):
        demand = demand_w(number, utc, kind, period_s, offset_s)
        if demand > best[0]:
            best = demand, utc
    return best


def _noise(number, utc, salt, size):
    """A number below `size` that another minute changes."""
    return (int(utc) // 60 * 7919 + number * 104729 + salt * 31337) % 100003 % size


def power_w(number, utc, kind=1, phase=0):
    """Present power in W (var, VA) of a phase 1 to 3, or of all (0)."""
    if phase:
        return power_w(number, utc, kind) * (30 + 3 * phase) // 108
    return demand_w(number, utc // 60 * 60, kind)


def voltage_dv(number, utc, phase):
    """0.1 V."""
    return 2250 + _noise(number, utc, phase, 100)


def current_ma(number, utc, phase):
    return power_w(number, utc, 9, phase) * 10000 // voltage_dv(number, utc, phase)


def power_factor(number, utc, phase=0):
    """0.001."""
    return 930 + _noise(number, utc, 10 + phase, 60)


def frequency_chz(number, utc, _=0):
    """0.01 Hz."""
    return 4995 + _noise(number, utc, 20, 11)


def events(number, log, since, until):
    """(UTC, code) of an event log from since to until, in order: one every few days, at an instant of the meter's own."""
    period_s = (3 + log) * DAY_S
    at = number * 1543 * 60 % period_s
    for count in range(-(-(since - at) // period_s), (until - at) // period_s + 1):
        codes = _CODES[log]
        yield at + count * period_s, codes[count % len(codes)]
