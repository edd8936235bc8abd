"""Encodes the requests that the gateway itself never makes: coils, and several registers at once. Not frozen on a device.

Source and rules as in lib/modbus/request.py.
"""

from struct import pack, pack_into

from lib.modbus.errors import LocalError
from lib.modbus.limits import MAX_WRITE_WITH_READ
from lib.modbus.request import Request, check, read, words


def read_coils(unit, address, count):
    """Function 1, clause 6.1: 1 to 2000 coils."""
    return read(unit, 1, address, count)


def read_discrete_inputs(unit, address, count):
    """Function 2, clause 6.2: 1 to 2000 inputs."""
    return read(unit, 2, address, count)


def write_coil(unit, address, on):
    """Function 5, clause 6.5."""
    check(unit, 0, 5, address, 1)
    return Request(unit, pack(">BHH", 5, address, 0xFF00 if on else 0))


def write_coils(unit, address, values):
    """Function 15, clause 6.11: 1 to 1968 values, true is on; the first goes to `address`."""
    count = len(values)
    check(unit, 0, 15, address, count)
    length = (count + 7) // 8
    pdu = bytearray(6 + length)
    pack_into(">BHHB", pdu, 0, 15, address, count, length)
    for index in range(count):
        if values[index]:
            pdu[6 + index // 8] |= 1 << index % 8
    return Request(unit, pdu)


def write_registers(unit, address, values):
    """Function 16, clause 6.12: 1 to 123 values of 0 to 65535; the first goes to `address`."""
    count = len(values)
    check(unit, 0, 16, address, count)
    return Request(unit, words(pack(">BHHB", 16, address, count, 2 * count), values))


def read_write_registers(unit, address, count, write_address, values):
    """Function 23, clause 6.17: writes 1 to 121 values from `write_address`, then reads 1 to 125 from `address`."""
    check(unit, 1, 23, address, count)
    writes = len(values)
    if not 1 <= writes <= MAX_WRITE_WITH_READ or not 0 <= write_address <= 0x10000 - writes:
        raise LocalError(f"write address {write_address}, count {writes}")
    head = pack(">BHHHHB", 23, address, count, write_address, writes, 2 * writes)
    return Request(unit, words(head, values))
