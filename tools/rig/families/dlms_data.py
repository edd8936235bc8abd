"""A-XDR data of simulated DLMS meters (the sheet, section 10): values are made as octets and read as plain Python ones."""

import struct
from datetime import datetime, timezone

from tools.rig.families.dlms_values import local

NULL = b"\0"
_SIZES = {0x03: 1, 0x05: -4, 0x06: 4, 0x0D: 1, 0x0F: -1, 0x10: -2, 0x11: 1, 0x12: 2, 0x14: -8, 0x15: 8, 0x16: 1}
_FIXED = {0x17: 4, 0x18: 8, 0x19: 12, 0x1A: 5, 0x1B: 4}
_DEEPEST = 8


class Malformed(Exception):
    """A request that does not follow the rules."""


def length(count):
    """Length of a string, or count of elements."""
    if count < 0x80:
        return bytes((count,))
    size = 1 if count < 0x100 else 2 if count < 0x10000 else 4
    return bytes((0x80 | size,)) + count.to_bytes(size, "big")


def take_length(data, at):
    """(length, where it ends)."""
    first = take(data, at, 1)[0]
    if first < 0x80:
        return first, at + 1
    size = first & 0x7F
    if not 0 < size <= 4:
        raise Malformed("length")
    return int.from_bytes(take(data, at + 1, size), "big"), at + 1 + size


def take(data, at, size):
    """So many octets; all of them must be there."""
    if at + size > len(data):
        raise Malformed("too short")
    return bytes(data[at : at + size])


def u8(value):
    return bytes((0x11, value))


def u16(value):
    return struct.pack(">BH", 0x12, value)


def u32(value):
    return struct.pack(">BI", 0x06, value & 0xFFFFFFFF)


def u64(value):
    return struct.pack(">BQ", 0x15, value)


def i8(value):
    return struct.pack(">Bb", 0x0F, value)


def i16(value):
    return struct.pack(">Bh", 0x10, value)


def i32(value):
    return struct.pack(">Bi", 0x05, value)


def enum(value):
    return bytes((0x16, value))


def boolean(value):
    return bytes((0x03, bool(value)))


def octets(value):
    return b"\x09" + length(len(value)) + value


def bits(value, count):
    return b"\x04" + length(count) + value


def structure(*members):
    return b"\x02" + length(len(members)) + b"".join(members)


def array(members):
    members = list(members)
    return b"\x01" + length(len(members)) + b"".join(members)


def scaler_unit(scaler, unit):
    return structure(i8(scaler), enum(unit))


def decode(data, at=0, depth=0):
    """(value, where it ends): int, bytes, list or None; bits as bytes."""
    if depth > _DEEPEST:
        raise Malformed("too deep")
    tag = take(data, at, 1)[0]
    at += 1
    if tag in (0x00, 0xFF):
        return None, at
    if tag in (0x01, 0x02):
        count, at = take_length(data, at)
        values = []
        for _ in range(count):
            value, at = decode(data, at, depth + 1)
            values.append(value)
        return values, at
    if tag in _SIZES:
        size = abs(_SIZES[tag])
        return int.from_bytes(take(data, at, size), "big", signed=_SIZES[tag] < 0), at + size
    if tag in _FIXED:
        return take(data, at, _FIXED[tag]), at + _FIXED[tag]
    if tag not in (0x04, 0x09, 0x0A, 0x0C):
        raise Malformed(f"type {tag}")
    size, at = take_length(data, at)
    if tag == 0x04:
        size = (size + 7) // 8
    return take(data, at, size), at + size


def whole(data):
    """The value these octets are; nothing may follow."""
    value, end = decode(data)
    if end != len(data):
        raise Malformed("octets behind the value")
    return value


class Zone:
    """How a meter writes its time: minutes east of Greenwich. Some makers tell the deviation reversed, some not at all."""

    def __init__(self, minutes=180, deviation="west"):
        self.offset_s = 60 * minutes
        self._is_reversed = deviation == "east"
        self.deviation = {"west": -minutes, "east": minutes, "none": -0x8000}[deviation]

    def time(self, utc, status=0):
        """The 12 octets of an instant."""
        now = local(utc, self.offset_s)
        return struct.pack(
            ">HBBBBBBBhB",
            *(now.year, now.month, now.day, now.isoweekday()),
            *(now.hour, now.minute, now.second, 0, self.deviation, status),
        )

    def utc(self, text):
        """The instant 12 octets tell; what is not specified is the beginning, of all times or of an hour."""
        if text is None or len(text) != 12:
            raise Malformed("time")
        year, month, day, _, hour, minute, second, _, deviation, _ = struct.unpack(">HBBBBBBBhB", text)
        if year == 0xFFFF:
            return 0
        day, month = (1 if part == 0xFF else part for part in (day, month))
        hour, minute, second = (0 if part == 0xFF else part for part in (hour, minute, second))
        try:
            days = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
        except ValueError:
            raise Malformed("time") from None
        west_s = -self.offset_s
        if deviation != -0x8000:
            west_s = -60 * deviation if self._is_reversed else 60 * deviation
        return int(days.timestamp()) + west_s


def name(text):
    """The 6 octets of a logical name such as 1.0.1.8.0.255."""
    return bytes(int(part) for part in text.split("."))


def dotted(octets6):
    return ".".join(str(part) for part in octets6)
