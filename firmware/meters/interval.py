"""Average, maximum or minimum of a meter's last interval: read when somebody asks, for pushes and reports.

Kept, they would cost each meter 2 KB of RAM.
"""

from micropython import const

from firmware.meters import layout
from firmware.meters.rows import spans
from firmware.state.readings import Group
from lib.modbus.registers import DATA, word
from lib.modbus.request import read_input_registers

_FRESH_MS = const(5000)


async def read(meter, name):
    """Return a Group of "average", "maximum" or "minimum", None if there is none yet.

    `meter`: a Meter of firmware/meters/meter.py. Raises FrameError, and PeerError from a meter that has no interval values.
    """
    family, address = meter.family, meter.device.address
    if family is None or not family.has_intervals:
        return None
    count = await meter.ask(read_input_registers(address, layout.INTERVAL_COUNT, 1))
    if not word(count, DATA):
        return None
    values = family.values
    group = Group(values.rows)
    shift = layout.INTERVALS[name]
    for first, count in spans(values.ranges(), meter.most_registers):
        request = read_input_registers(address, first + shift, count)
        values.decode(group, await meter.ask(request), first + shift, count, shift)
    group.read(meter.clock.utc(), _FRESH_MS)
    return group
