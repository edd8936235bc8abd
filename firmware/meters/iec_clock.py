"""Sets the clock of an IEC 62056-21 meter: seldom, within limits, and told. In RAM only while that happens.

Source: requirements D15 (5 s); TEDAS-MLZ/2017-062 (W2, levels); VDEW 2.0 (W5).
"""

from micropython import const

from lib.iec62056.sign_on import PROGRAMMING

_LEAST_S = const(5)  # below, nothing is done
_MOST_S = const(900)  # beyond, a person shall look: a whole interval would be wrong


def is_off(drift_s):
    """Whether a clock that is so far ahead (None: not known) is to be set."""
    return drift_s is not None and _LEAST_S < abs(drift_s) <= _MOST_S


async def run(reader, index, plan):
    """Set it: time only, for the date is right unless it is about midnight, when nothing is set."""
    drift_s = reader.meters.drifts[index]
    now = reader.meters.local()
    if not is_off(drift_s) or not 1 <= now[3] < 23:
        return
    await reader.sign_on(plan, PROGRAMMING, plan.fastest)
    if plan.password:
        await reader.command(plan, None)
    is_turkish = reader.meters.is_dashed[index]
    now = reader.meters.local()[3:6]
    if is_turkish:
        await reader.command(plan, b"W2", b"0.9.1(%02d:%02d:%02d)" % now)
    else:
        await reader.command(plan, b"W5", b"0.9.1(0%02d%02d%02d)" % now)
    await reader.break_off()
    reader.rested[index] = reader.meters.minute() + 1440  # once a day at most
    reader.meters.drifts[index] = None
    reader.meters.event(index, f"clock set, it was {drift_s} s ahead")
