"""Lengths as BER and A-XDR write them, and the fields of BER (IEC 62056-5-3, 9.4; X.690, 8.1)."""

from lib.dlms.errors import FormatError


def length(view, at):
    """Return (the length written at `at`, where what it covers begins). FormatError: none, or more than 2^32."""
    if at >= len(view):
        raise FormatError("truncated")
    first = view[at]
    at += 1
    if first < 0x80:
        return first, at
    count = first & 0x7F
    if not 1 <= count <= 4 or at + count > len(view):
        raise FormatError("length")
    return int.from_bytes(view[at : at + count], "big"), at + count


def octets(view, at):
    """Return (view of the octets whose length is written at `at`, where the next begin)."""
    size, at = length(view, at)
    if size > len(view) - at:
        raise FormatError("truncated")
    return view[at : at + size], at + size


def fields(view):
    """Yield (tag, view of its contents) of fields one behind the other."""
    at = 0
    while at < len(view):
        tag = view[at]
        contents, at = octets(view, at + 1)
        yield tag, contents


def put_length(size):
    """Return the octets of a length below 2^16."""
    if size < 0x80:
        return bytes((size,))
    if size < 0x100:
        return bytes((0x81, size))
    return bytes((0x82, size >> 8, size & 0xFF))


def put(tag, *contents):
    """Return a field: tag, length, contents."""
    contents = b"".join(contents)
    return bytes((tag,)) + put_length(len(contents)) + contents
