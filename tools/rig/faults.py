"""What can go wrong with a meter's answer, as pieces of bytes with the times they go out."""

from typing import NamedTuple

from tools.rig.registers import DEVICE_FAILURE
from tools.rig.rtu import seal

METER_FAULTS = (
    *("none", "mute", "late", "crc", "garbage", "short"),
    *("long", "wrong_unit", "wrong_function", "exception", "twice", "trickle"),
)
LINE_FAULTS = ("none", "echo", "noise", "busy", "closed")
_LATE_S = 1.5
_TRICKLE_S = 0.005
_BETWEEN_S = 0.005  # between two answers to one request


class Piece(NamedTuple):
    """Bytes that go out `wait_s` after the piece before (or the meter's delay) is through."""

    data: bytes
    wait_s: float = 0.0
    spacing_s: float | None = None  # from character to character; None = as fast as the line carries them


def answer_pieces(fault, unit, pdu, random):
    """The pieces that leave a meter with this fault in place of a right answer."""
    frame = seal(bytes((unit,)) + pdu)
    if fault == "mute":
        return []
    if fault == "late":
        return [Piece(frame, _LATE_S)]
    if fault == "twice":
        return [Piece(frame), Piece(frame, _BETWEEN_S)]
    if fault == "trickle":
        return [Piece(frame, 0.0, _TRICKLE_S)]
    return [Piece(_spoilt(fault, frame, random))]


def _spoilt(fault, frame, random):
    if fault == "crc":
        return frame[:-1] + bytes((frame[-1] ^ 0x5A,))
    if fault == "garbage":
        noise = random.randbytes(len(frame) - 1)
        return bytes((frame[0] ^ 0xFF,)) + noise  # never by chance the right answer
    if fault == "short":
        return frame[: len(frame) // 2]
    if fault == "long":
        return frame + random.randbytes(3)
    if fault == "wrong_unit":
        return seal(bytes((frame[0] % 247 + 1,)) + frame[1:-2])
    if fault == "wrong_function":
        return seal(bytes((frame[0], frame[1] ^ 7)) + frame[2:-2])
    if fault == "exception":
        return seal(bytes((frame[0], frame[1] | 0x80, DEVICE_FAILURE)))
    return frame


def noise(random):
    """A few bytes of line noise."""
    return random.randbytes(random.randint(1, 4))
