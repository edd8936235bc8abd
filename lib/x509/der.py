"""One element of DER: the encoding of certificates and private keys, read where it lies.

Lengths in more octets than needed are taken, as TLS libraries do. Source: X.690, 8.1.2 (tags), 8.1.3 (lengths), 10.1 (DER).
"""

from micropython import const

# Tags of the universal class; those of structures with the bit for "constructed".
INTEGER = const(0x02)
BIT_STRING = const(0x03)
OCTET_STRING = const(0x04)
OBJECT_ID = const(0x06)
SEQUENCE = const(0x30)
SET = const(0x31)

_LONG_TAG = const(0x1F)  # the tag goes on in the octets that follow: nothing that is read here has one
_DAMAGED = const("the content is damaged: a length does not fit")


def element(der, at, end):
    """Return (tag, start of the contents, their end) of the element at `at`, which ends at `end` or before.

    `der`: bytes or a view of them, at least `end` long. Raises ValueError: cut short, of indefinite length, or longer than
    65535 bytes.
    """
    if at + 2 > end:
        raise ValueError(_DAMAGED)
    tag = der[at]
    size = der[at + 1]
    at += 2
    if size >= 0x80:
        octets = size & 0x7F
        if not 1 <= octets <= 2 or at + octets > end:
            raise ValueError(_DAMAGED)
        size = der[at]
        if octets == 2:
            size = size << 8 | der[at + 1]
        at += octets
    if tag & _LONG_TAG == _LONG_TAG or at + size > end:
        raise ValueError(_DAMAGED)
    return tag, at, at + size


def take(der, at, end, wanted):
    """Return (start, end) of the contents of the element at `at`. Raises ValueError also if its tag is not `wanted`."""
    tag, start, stop = element(der, at, end)
    if tag != wanted:
        raise ValueError("the content is damaged: a field is not what it should be")
    return start, stop


def whole(der):
    """Return (start, end) of the contents of the SEQUENCE that `der` is, to its last byte; raises ValueError otherwise."""
    start, stop = take(der, 0, len(der), SEQUENCE)
    if stop != len(der):
        raise ValueError(_DAMAGED)
    return start, stop
