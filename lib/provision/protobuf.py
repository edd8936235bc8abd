"""Reads and writes the fields of protobuf messages, as far as provisioning has them.

Numbers are varints (wire type 0): unsigned or signed of 32 bits, enums, booleans; all else is a length and bytes (type 2), such
as strings and messages within. Which field of which message means what is known where the message is used: with so few
messages this is less code than tables of them, and takes no memory for them.

Readers raise Refused for what is no message, or a field of another wire type than it must have. They do not merge a message
within that comes twice: as with any field the last counts.

Source: protobuf's encoding as proto3 has it; ESP-IDF v5.5.5 reads with protobuf-c, which the limits follow.
"""

from micropython import const

from lib.provision.errors import Refused

_FIELDS = const(24)  # no message of provisioning has a field of this number or above


def decode(message):
    """Return {field number: number or view} of a message; unknown fields are passed over, in any order, the last one wins.

    A number is 0 to 2**32 - 1: a negative one comes as five or ten bytes, of which the low 32 bits count. A view is valid as
    long as `message` is.
    """
    message = memoryview(message)
    end = len(message)
    fields = {}
    at = 0
    while at < end:
        tag, at = _varint(message, at)
        wire_type = tag & 7
        value = None
        if wire_type == 0:
            value, at = _varint(message, at)
            value &= 0xFFFFFFFF
        elif wire_type == 2:
            size, at = _varint(message, at)
            if size > end - at:
                raise Refused("length")
            value = message[at : at + size]
            at += size
        elif wire_type == 1 or wire_type == 5:  # eight or four bytes: in none of our messages
            at += 8 if wire_type == 1 else 4
        else:
            raise Refused("wire type")
        if not 8 <= tag <= 0xFFFFFFFF or at > end:
            raise Refused("field")
        if tag >> 3 < _FIELDS:
            fields[tag >> 3] = value
    return fields


def _varint(message, at):
    """(number, where the next byte is): seven bits a byte, the lowest first, at most ten bytes."""
    value = 0
    for shift in range(0, 70, 7):
        if at == len(message):
            break
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise Refused("varint")


def number(fields, field):
    """A number of a decoded message, 0 if it is not there."""
    value = fields.get(field, 0)
    if not isinstance(value, int):
        raise Refused("type")
    return value


def data(fields, field):
    """Bytes of a decoded message as a view, empty if they are not there."""
    value = fields.get(field, b"")
    if value is None or isinstance(value, int):
        raise Refused("type")
    return value


def inner(fields, field):
    """A decoded message within a decoded one; Refused if it is not there, for an empty one is another thing."""
    if field not in fields:
        raise Refused("no message within")
    return decode(data(fields, field))


def member(field, value):
    """Encode one field, a number (-2**31 to 2**32 - 1) or bytes, even if it is 0 or empty: so is a member of a oneof.

    A negative number takes ten bytes.
    """
    if isinstance(value, int):
        return _encode(field << 3) + _encode(value & 0xFFFFFFFFFFFFFFFF)
    return _encode(field << 3 | 2) + _encode(len(value)) + value


def scalar(field, value):
    """Encode one field as member() does, but leave it out when it is 0 or empty."""
    return member(field, value) if value else b""


def _encode(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
