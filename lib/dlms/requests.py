"""Requests, up to where their data begin, and selectors of profiles (IEC 62056-5-3, 9.3.4 to 9.3.6; DLMS UA 1000-2, 9.5).

A target is what `target()` returns: class, logical name, attribute or method in nine octets.
"""

from struct import pack

from micropython import const

GET = const(0xC0)
SET = const(0xC1)
ACTION = const(0xC3)
RESPONSE = const(4)  # more in the tag of a response
# What follows a request's tag, and what follows a response's
NORMAL = const(1)
NEXT = const(2)  # of GET: request; the response has a block
BLOCK = const(2)
GET_LIST = const(3)
SET_FIRST = const(2)
SET_NEXT = const(3)
SET_LIST = const(4)
SET_TAKEN = const(2)
SET_LAST = const(3)
SET_LISTED = const(5)
ACTION_FIRST = const(4)
ACTION_NEXT = const(6)
ACTION_TAKEN = const(4)

CLOCK = b"\0\0\x01\0\0\xff"
_CLOCK_CLASS = const(8)
_CONFIRMED = const(0xC0)  # and of high priority


def target(class_id, ln, attribute):
    """ln: 6 octets."""
    if len(ln) != 6:
        raise ValueError("length")
    return pack(">H6sB", class_id, ln, attribute)


def head(service, kind, invoke_id):
    """Return the first three octets of a request. invoke_id: 0 to 15."""
    return bytes((service, kind, _CONFIRMED | invoke_id))


def selected(place, selector):
    """Return a target of GET with its selector, None for the whole attribute."""
    return place + (b"\x01" + selector if selector else b"\0")


def block(is_last, number):
    """Return what stands between a request with a block, and the length of its raw data."""
    return pack(">BI", is_last, number)


def by_range(since, until, clock_ln=CLOCK, columns=None):
    """Return the selector of a profile's rows from `since` to `until`, both included.

    since, until: 12 octets, as times.encode() makes them. clock_ln: of the clock among the columns. columns: those to read,
    (class, ln, attribute, index) each; None: all.
    """
    parts = [b"\x01\x02\x04", _column(_CLOCK_CLASS, clock_ln, 2, 0), b"\x09\x0c", since, b"\x09\x0c", until]
    parts.append(bytes((1, len(columns or ()))))
    for column in columns or ():
        parts.append(_column(*column))
    return b"".join(parts)


def by_entry(first, last, first_column=1, last_column=0):
    """Return the selector of a profile's entries, counted from 1 as they are sorted; 0 as the last is the last there is."""
    return b"\x02\x02\x04" + pack(">BIBIBHBH", 6, first, 6, last, 0x12, first_column, 0x12, last_column)


def _column(class_id, ln, attribute, index):
    return pack(">BBBHBB6sBbBH", 2, 4, 0x12, class_id, 9, 6, ln, 0x0F, attribute, 0x12, index)
