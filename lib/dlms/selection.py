"""Reads the parameters of selectors, for the server's profiles; requests.py writes them (IEC 62056-6-2, profile generic)."""

from struct import unpack_from

from micropython import const

from lib.dlms.errors import FormatError

BY_RANGE = const(1)
BY_ENTRY = const(2)
_RESTRICTING = b"\x02\x04\x02\x04\x12"  # then class, logical name, attribute, index: 20 octets in all
_BOUNDS = const(20)
_COLUMN = const(18)  # octets of one


def bounds(parameters):
    """Return (since, until) of BY_RANGE, 12 octets each, both included; columns() has the rest of it."""
    if bytes(parameters[:5]) != _RESTRICTING:
        raise FormatError("selector")
    since, at = _time(parameters, _BOUNDS)
    until, _ = _time(parameters, at)
    return since, until


def restricting(parameters):
    """Return the class of the object whose values the bounds of BY_RANGE are."""
    return int.from_bytes(parameters[5:7], "big")


def columns(parameters):
    """Return the columns that BY_RANGE wants, (class, ln, attribute, index) each; none for all."""
    _, end = _time(parameters, _BOUNDS)
    _, end = _time(parameters, end)
    head = bytes(parameters[end : end + 2])
    if len(head) != 2 or head[0] != 1 or len(parameters) != end + 2 + _COLUMN * head[1]:
        raise FormatError("selector")
    found = []
    for at in range(end + 2, len(parameters), _COLUMN):
        kinds, class_id, text, ln, a, attribute, b, index = unpack_from(">3sH2s6sBbBH", parameters, at)
        if (kinds, text, a, b) != (b"\x02\x04\x12", b"\x09\x06", 0x0F, 0x12):
            raise FormatError("selector")
        found.append((class_id, ln, attribute, index))
    return found


def entries(parameters):
    """Return (first, last, first column, last column) of BY_ENTRY, counted from 1; 0 as a last one is the last there is."""
    if len(parameters) != 18:
        raise FormatError("selector")
    head, a, first, b, last, c, first_column, d, last_column = unpack_from(">HBIBIBHBH", parameters)
    if (head, a, b, c, d) != (0x0204, 6, 6, 0x12, 0x12):
        raise FormatError("selector")
    return first, last, first_column, last_column


def _time(parameters, at):
    """(12 octets, where the next begin): an octet-string, or a date-time."""
    at += 1 if parameters[at : at + 1] == b"\x19" else 2
    time = bytes(parameters[at : at + 12])
    if len(time) != 12:
        raise FormatError("selector")
    return time, at + 12
