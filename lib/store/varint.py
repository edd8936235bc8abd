"""Numbers of any size in a few bytes, seven bits in each, the low ones first; negative ones are odd (zigzag)."""


def put_varint(buffer, at, number):
    number = number << 1 if number >= 0 else (-number << 1) - 1
    while number > 127:
        buffer[at] = number & 127 | 128
        number >>= 7
        at += 1
    buffer[at] = number
    return at + 1


def varint(buffer, at):
    """Return (number, where the next one begins)."""
    number = shift = 0
    while True:
        byte = buffer[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return -(number + 1 >> 1) if number & 1 else number >> 1, at
        shift += 7
