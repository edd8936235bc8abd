"""What can go wrong with the octets a simulated DLMS meter sends, in pieces as tools/rig/faults.py has them."""

from tools.rig.faults import Piece

LATE_S = 3.5  # longer than any reader should wait
_TRICKLE_S = 0.01
_BETWEEN_S = 0.005


def pieces(fault, data, random):
    """The pieces that leave a meter with this fault in place of right octets."""
    if fault == "mute":
        return []
    if fault == "late":
        return [Piece(data, LATE_S)]
    if fault == "twice":
        return [Piece(data), Piece(data, _BETWEEN_S)]
    if fault == "trickle":
        return [Piece(data[at : at + 1], _TRICKLE_S) for at in range(len(data))]
    if fault == "crc":
        data = data[:-2] + bytes((data[-2] ^ 0x5A,)) + data[-1:]
    elif fault == "garbage":
        data = bytes((data[0] ^ 0xFF,)) + random.randbytes(len(data) - 1)
    elif fault == "short":
        data = data[: len(data) // 2]
    elif fault == "long":
        data += random.randbytes(3)
    return [Piece(data)]
