"""The lists that DLMS meters are in by how they fare, and a walk through one of them.

Each meter is in one of contact, out (of contact), never (asked yet) and off (not to be read), and perhaps on the black list.
"""

import asyncio

from micropython import const

from firmware.state.dlms_meters import matches
from firmware.state.dlms_state import State

NAMES = ("all", "contact", "out", "never", "off", "black")
_AT_ONCE = const(8)  # meters whose states are read one after the other, then their lines: both lie in pages


def is_in(name, active, state, utc, black_days):
    """Return whether a meter is in a list. state: None is not known; black_days: see firmware/state/dlms_state.py."""
    if name == "all":
        return True
    if name == "black":
        return state is not None and state.is_black(utc, black_days)
    if not active:
        return name == "off"
    if state is None or not (state.in_contact or state.in_a_row or state.good_utc):
        return name == "never"
    return name == ("contact" if state.in_contact else "out")


async def group(meters, positions, text, chosen, utc):
    """Return [(position, line, record of the state)] of those of the next meters that are in a list and contain a text, in
    lower case; record: None is not known.

    None: there are no more. positions: Meters.each().
    """
    numbers = []
    for position, number in positions:
        numbers.append((position, number))
        if len(numbers) == _AT_ONCE:
            break
    if not numbers:
        return None
    records = [_record_of(meters, number) for _, number in numbers]
    await asyncio.sleep_ms(0)
    found = []
    for (position, number), record in zip(numbers, records):
        line = meters.find(number)
        is_active = line and line[: line.rfind("|")].endswith("|1")
        state = record and State(record)
        if line and is_in(chosen, is_active, state, utc, meters.black_days) and (not text or matches(line, text)):
            found.append((position, line, record))
        await asyncio.sleep_ms(0)
    return found


def state_of(meters, number):
    """Return the State of a meter, None if the flash does not give it."""
    record = _record_of(meters, number)
    return record and State(record)


def _record_of(meters, number):
    try:
        return meters.state_record(number)
    except OSError:
        return None
