"""Tariff time blocks of newer IE meters, read when somebody asks for them; in RAM only where that happens.

Source: the maker's Python client 0.1.29 (registers 36761 to 36976, all input registers).
"""

from time import ticks_diff, ticks_ms

from micropython import const

from firmware.meters.rows import spans
from lib.modbus.registers import DATA, int16, word
from lib.modbus.request import read_input_registers

_HEAD = const(6761)  # wire address: T1 number of blocks, T2 exponent of the energies, T1 active block
_FIRST = const(6796)  # wire address, block 0: what VALUES lists; each block 42 registers further
_STEP = const(42)
_COUNT = const(5)
# Of each block, four bytes each: u32 energy of this month, the previous month, this year, the previous year (times 10**exponent
# Wh); T5 excess power of this month, of the previous month (W)
_BYTES = const(24)
_FRESH_MS = const(5000)  # the maker's client fetches the same twice in a row: the meter is asked once


async def read(ask, address, most, kept):
    """Return (active block as the meter numbers it, exponent of energies, the values' bytes: _BYTES for each of five blocks).

    `most`: registers per request; `kept`: a dict whose "blocks" is ours. None if the meter has no such blocks (any more).
    Raises FrameError and PeerError.
    """
    if "blocks" in kept:
        ticks, blocks = kept["blocks"]
        if 0 <= ticks_diff(ticks_ms(), ticks) < _FRESH_MS:
            return blocks
    active = exponent = 0
    values = bytearray(_COUNT * _BYTES)
    ranges = [(_HEAD, 3)] + [(_FIRST + _STEP * block, _BYTES // 2) for block in range(_COUNT)]
    for first, count in spans(ranges, most, most):  # few and long: other meters' turns come between
        pdu = await ask(read_input_registers(address, first, count), True)
        if first == _HEAD:
            if word(pdu, DATA) != _COUNT:
                return None
            exponent = int16(pdu, DATA + 2)
            active = word(pdu, DATA + 4)
        for block in range(_COUNT):
            at = _FIRST + _STEP * block - first
            if 0 <= at < count:
                at = DATA + 2 * at
                values[_BYTES * block : _BYTES * (block + 1)] = pdu[at : at + _BYTES]
    blocks = (active, exponent, bytes(values))
    kept["blocks"] = (ticks_ms(), blocks)
    return blocks
