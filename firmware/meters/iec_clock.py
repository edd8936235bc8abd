"""Sets the clock of an IEC 62056-21 meter: seldom, within limits, and told. In RAM only while that happens.

The second that is named begins with the last stop bit of the message. Source: requirements D15 (5 s); TEDAS-MLZ/2017-062
(W2, levels); VDEW 2.0 (W5).
"""

import asyncio

from micropython import const

from firmware.meters.iec_time import MOST_S
from lib.iec62056.errors import PeerError
from lib.iec62056.sign_on import PROGRAMMING
from lib.iec62056.times import written

_LEAST_S = const(5)  # below, nothing is done
_AHEAD_MS = const(400)  # for what happens before the first character: the pause that a meter needs
_FRAME = const(6)  # SOH, two letters, STX, ETX, BCC


def is_off(drift_s):
    """Whether a clock that is so far ahead (None: not known) is to be set."""
    return drift_s is not None and _LEAST_S < abs(drift_s) <= MOST_S


async def run(reader, index, plan):
    """Set time, then date and weekday, away from midnight: within the limits they are the same before and after."""
    meters = reader.meters
    drift_s = meters.drifts[index]
    if not is_off(drift_s) or not 1 <= meters.local()[3] < 23:
        return
    is_turkish = meters.is_turkish(index)
    await reader.sign_on(plan, PROGRAMMING, plan.fastest)
    if plan.password:
        await reader.command(plan, None)
    command = b"W2" if is_turkish else b"W5"
    time = await _awaited(reader, index, 15 if is_turkish else 14)
    await reader.command(plan, command, written(b"0.9.1(hh:mm:ss)" if is_turkish else b"0.9.1(zhhmmss)", time))
    meters.drifts[index] = None
    refused = ""
    try:
        await reader.command(plan, command, written(b"0.9.2(YY-MM-DD)" if is_turkish else b"0.9.2(zYYMMDD)", time))
        if is_turkish:
            await reader.command(plan, command, b"0.9.5(%d)" % (time[7] + 1))
    except PeerError as error:
        refused = f", its date refused: {error.text}"
    meters.event(index, f"clock set, it was {drift_s} s ahead{refused}")
    await reader.break_off()


async def _awaited(reader, index, length):
    """Wait until a message of `length` characters begins to fill the end of a second; return the meter's time at its end."""
    meters = reader.meters
    takes_ms = reader.takes_ms(length + _FRAME)
    now_ms = meters.utc_ms()
    second = (now_ms + _AHEAD_MS + takes_ms) // 1000 + 1
    await asyncio.sleep_ms(second * 1000 - takes_ms - now_ms)
    return meters.time_of_meter(index, second)
