"""The NetBIOS name service, as far as one name needs it (RFC 1002, 4.2): `http://sg000013/` works from Windows.

The name is the serial number. Two kinds of packets are answered: who has this name, and what names has this machine.
"""

import struct

from micropython import const

from firmware.services.neighbours import is_near
from firmware.state.schema import ip_number

_ONE_QUESTION = const(b"\x00\x01\x00\x00\x00\x00\x00\x00")  # and no other section
_QUERY, _STATUS = b"\x00\x20", b"\x00\x21"  # types NB and NBSTAT
_INTERNET = const(b"\x00\x01")
_SUFFIXES = const(b"\x00\x20")  # workstation, server
_ANYBODY = b"CK" + b"A" * 30  # "*" and zeros
_VALID_S = const(300)


def answer(gateway, datagram, address):
    """Return the answer to a query, None to all else. `address`: the sender, as recvfrom() gave it.

    A query has 50 bytes: a head of 12 - number, flags, counts -, a name in 34, type and class. All numbers are big endian.
    """
    if (
        len(datagram) != 50
        or datagram[2] & 0xF8  # a response, or something else than a query
        or datagram[4:12] != _ONE_QUESTION
        or datagram[12] != 32  # a pointer, or no NetBIOS name
        or datagram[45]  # the name has a scope
        or datagram[48:] != _INTERNET
    ):
        return None
    name, kind = datagram[13:45], datagram[46:48]
    serial = gateway.identity.serial
    is_own = any([name == encoded(serial, suffix) for suffix in _SUFFIXES])
    if not is_near(gateway.platform.network, address):
        return None
    if kind == _QUERY and is_own:
        return _found(gateway, datagram)
    if kind == _STATUS and (is_own or name == _ANYBODY):
        return _status(gateway, datagram)
    return None


def encoded(name, suffix):
    """Return a name as packets have it: 15 characters filled with blanks, a suffix; two letters for each (RFC 1001, 14.1)."""
    plain = bytearray(b" " * 15)
    plain[: len(name)] = name.upper().encode()
    plain.append(suffix)
    return bytes([0x41 + (byte >> 4 * half & 15) for byte in plain for half in (1, 0)])


def _found(gateway, query):
    """The address that belongs to the name, valid for some minutes: one machine's name, no group's (4.2.13)."""
    head = query[:2] + b"\x85\x00\x00\x00\x00\x01\x00\x00\x00\x00"
    return head + query[12:50] + struct.pack(">IHHI", _VALID_S, 6, 0, ip_number(gateway.platform.network.address))


def _status(gateway, query):
    """Both names, active, and the MAC address, which the statistics begin with; the others are not kept (4.2.18)."""
    head = query[:2] + b"\x84\x00\x00\x00\x00\x01\x00\x00\x00\x00"
    name = ("%-15s" % gateway.identity.serial).encode()
    names = b"".join([name + bytes((suffix, 4, 0)) for suffix in _SUFFIXES])
    size = 1 + len(names) + 46
    return head + query[12:50] + struct.pack(">IHB", 0, size, len(_SUFFIXES)) + names + gateway.platform.mac + bytes(40)
