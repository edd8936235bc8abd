"""The factory reset: what people and programs left on the flash goes; what belongs to the hardware stays.

In two halves, so that a power cut leaves it not begun or done at the next start: begin() writes a file that orders it, and the
start, before anything is read, finds the order, carries it out and takes it away last. In between littlefs may leave the file
empty: that is no order yet.
"""

import asyncio
import os

from micropython import const

_ORDER = const("/factory_reset")
_PAUSE_MS = const(500)  # so that the answer is out
_SEEN_MS = const(2000)  # the red light tells the success to who holds the button
_FOLDER = const(0x4000)
# Beginnings of the names that stay: the device's secret; the pulse counter, which is a meter's reading; the order itself.
# Everything else goes, so that a new file is not forgotten; one that belongs to the hardware (a calibration) is named here.
# An invocation counter of a DLMS meter is never used again, so the mark of those used is no setting, either.
_STAYS = const(("identity.json", "pulses.", "dlms_counters.", "factory_reset"))


def begin(gateway, by):
    """Order it and restart soon; `by`: who wants it. Raises OSError if the flash does not take it: nothing was begun then."""
    with open(gateway.platform.root + _ORDER, "w") as file:
        file.write(by)
    gateway.events.add("start", f"factory reset asked for by {by}")
    asyncio.create_task(_restart(gateway, _SEEN_MS if by == "button" else _PAUSE_MS))


def finish(gateway):
    """Carry out what was ordered before this start, if anything. A flash that fails is told; the next start tries again."""
    root = gateway.platform.root
    try:
        with open(root + _ORDER) as file:
            by = file.read()
    except OSError:
        return
    try:
        if by:
            _clear(root + "/", _STAYS)
            gateway.events.add("start", f"factory reset done, asked for by {by}")
        os.remove(root + _ORDER)
    except OSError as error:
        gateway.events.add("start", f"factory reset not completed: error {error.errno}")


def _clear(folder, stays=()):
    """Remove what is in a folder, folders within included, but names with one of these beginnings."""
    for name, kind, *_ in list(os.ilistdir(folder)):
        if any([name.startswith(beginning) for beginning in stays]):
            continue
        if kind == _FOLDER:
            _clear(folder + name + "/")
            os.rmdir(folder + name)
        else:
            os.remove(folder + name)


async def _restart(gateway, pause_ms):
    await asyncio.sleep_ms(pause_ms)
    gateway.restart()
