"""Use of the bus while polling: one IE38MD on RS-485, read without a pause, true wire timing."""

import time

from host_tests.bench.polling import at_frame, polled, statistics
from host_tests.bench.table import Table, percent
from host_tests.bench.wire_limit import limit_s

_UNIT = 33
_WINDOW_S = 12
_BUDGETS = {9600: 0.9, 19200: 0.9, 115200: 0.7}


def tables():
    table = Table(__doc__.strip(), "transactions", "a second", "in characters", "use of the limit", "budget")
    lags = Table("Loop lag, highest since the start in each of these runs", "loop lag", "budget")
    for baud, budget in _BUDGETS.items():
        with polled(baud, [_UNIT]) as rig:
            before, asked_before = at_frame(rig), statistics(rig)
            time.sleep(_WINDOW_S)
            asked, after = statistics(rig), at_frame(rig)
            lag_us = rig.get_json("/get_command?command=get_status")["loop_lag_us"]
        passed = {name: after[name] - before[name] for name in before if isinstance(before[name], (int, float))}
        characters = passed["bytes_in"] + passed["bytes_out"]
        elapsed_s = passed["elapsed_ms"] / 1000
        use = limit_s(baud, characters, passed["frames"]) / elapsed_s
        rate = passed["frames"] / elapsed_s
        table.add(f"{baud} baud", str(passed["frames"]), f"{rate:.2f}", str(characters), percent(use), percent(budget))
        start = f"rs485_{_UNIT}_"
        lost = [asked[start + kind] - asked_before[start + kind] for kind in ("silent", "damaged", "refused")]
        if any(lost):
            table.note(f"{baud} baud: {lost[0]} without an answer, {lost[1]} damaged, {lost[2]} refused")
        lags.add(f"{baud} baud", f"{lag_us / 1000:.1f} ms", "10 ms")
    lags.note("on a shared machine this holds what other jobs took the processor for")
    yield table
    yield lags
