"""Writes replies with values from a list, as a slave of coils and plain registers does. Not frozen on a device: the gateway
writes its registers itself. Buffers and source as in lib/modbus/server.py.
"""

from lib.modbus.errors import LocalError
from lib.modbus.limits import MAX_PDU


def encode_registers(buffer, function, values):
    """Write the reply to function 3, 4 or 23 with values of 0 to 65535; return the PDU's length."""
    at = 2
    _head(buffer, function, 2 * len(values))
    for value in values:
        buffer[at] = value >> 8 & 0xFF
        buffer[at + 1] = value & 0xFF
        at += 2
    return at


def encode_bits(buffer, function, values):
    """Write the reply to function 1 or 2, true is on; return the PDU's length."""
    length = (len(values) + 7) // 8
    _head(buffer, function, length)
    for index in range(length):
        buffer[2 + index] = 0
    for index, value in enumerate(values):
        if value:
            buffer[2 + index // 8] |= 1 << index % 8
    return 2 + length


def _head(buffer, function, length):
    if 2 + length > MAX_PDU:
        raise LocalError("longer than a PDU")
    buffer[0] = function
    buffer[1] = length
