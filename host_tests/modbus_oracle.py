"""What the tests of Modbus compare with: the CRC from its definition, frames made with it, bytes that look like noise.

Runs in MicroPython and CPython alike.
"""


def crc(data):
    """CRC-16/MODBUS bit by bit: Modbus over Serial Line V1.02, 2.5.1.2."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value


def rtu(text):
    """The frame of a body (unit id and PDU) given in hex."""
    body = bytes.fromhex(text)
    value = crc(body)
    return body + bytes((value & 0xFF, value >> 8))


def noise(count, seed=1):
    """Bytes without an order to them, the same on every machine."""
    data = bytearray(count)
    for index in range(count):
        seed = (seed * 75 + 74) % 65537
        data[index] = seed >> 4 & 0xFF
    return data
