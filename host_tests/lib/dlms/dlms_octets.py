"""Captures of DLMS meters, and what a Decoder makes of octets in pieces."""

from lib.dlms.axdr import Decoder
from lib.dlms.elements import BITS
from lib.dlms.errors import FormatError


def raw(text):
    return bytes.fromhex(text.replace(" ", ""))


def capture(name):
    """The lines of a capture: (direction, octets)."""
    with open("host_tests/vectors/dlms/" + name) as file:
        lines = [line.strip().partition(" ") for line in file if line.strip()]
    return [(direction, raw(octets)) for direction, _, octets in lines]


def information(frame):
    """The information field of an HDLC frame between its flags; none of the captures has a damaged one."""
    at = 3  # behind the flag and the format
    for _ in range(2):  # destination, source
        while not frame[at] & 1:
            at += 1
        at += 1
    return frame[at + 3 : -3]  # control and check in front, check and flag behind


def received(name):
    """What the meter said: information fields of its frames with data, without the octets of LLC."""
    fields = [information(octets) for direction, octets in capture(name) if direction == "RX" and len(octets) > 9]
    return [field[3:] if field[:3] == b"\xe6\xe7\x00" else field for field in fields]


def pieces(data, step):
    view = memoryview(data)
    for at in range(0, len(data), step):
        yield view[at : at + step]


def events(data, step=4096, lends=False):
    """All events of a value as (event, value), then True if it was whole; or the reason why it was refused."""
    told = []

    def take(event, value):
        if lends and event == BITS:
            value = bytes(value[0]), value[1]
        elif lends and isinstance(value, bytearray):
            value = bytes(value)
        told.append((event, value))

    decoder = Decoder(take, lends)
    try:
        for piece in pieces(data, step):
            decoder.feed(piece)
    except FormatError as error:
        return error.reason
    told.append(decoder.is_whole)
    return told


def flipped(data, most=64):
    """The octets with each bit of the first `most` of them changed in turn."""
    for bit in range(8 * min(most, len(data))):
        other = bytearray(data)
        other[bit >> 3] ^= 0x80 >> (bit & 7)
        yield bytes(other)
