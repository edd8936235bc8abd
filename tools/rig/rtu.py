"""Modbus RTU frames as a slave sees them (Modbus over Serial Line V1.02, 2.5.1)."""


def _table():
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
        yield value


_CRC = tuple(_table())


def crc16(data):
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc


def seal(frame):
    """The frame with its CRC behind it, low byte first."""
    return bytes(frame) + crc16(frame).to_bytes(2, "little")


def sound(adu):
    """Whether these bytes are one whole frame: long enough, and the residue over frame and CRC is 0."""
    return 4 <= len(adu) <= 256 and crc16(adu) == 0


def request_length(data):
    """Bytes of the request that starts here as its function tells, 0 while or where that is unknown."""
    if len(data) < 7:
        return 0
    function = data[1]
    if function in (1, 2, 3, 4, 5, 6):
        return 8
    if function in (15, 16):
        return 9 + data[6]
    return 0


def take_request(data):
    """(request, rest) as soon as a whole one is there, by length and CRC, without waiting for silence; else (None, data)."""
    length = request_length(data)
    if length and len(data) >= length and sound(data[:length]):
        return data[:length], data[length:]
    if sound(data):
        return data, b""
    return None, data
