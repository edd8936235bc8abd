"""DNS queries for the IPv4 address of a name, and their answers: no I/O, no clock.

Source: RFC 1035, 3.1 (names), 4.1 (messages), 4.1.4 (compression), 4.2.1 (512 bytes over UDP); RFC 2181, 8 (TTL), 9 (TC).
"""

import struct

from micropython import const

from lib.clock.errors import FrameError, PeerError

PORT = const(53)
SIZE = const(512)  # longest message over UDP without extensions

_HEADER = const(12)  # id, flags, then the numbers of questions, answers, authorities, additionals: 16 bits each
_LONGEST_LABEL = const(63)
_LONGEST_NAME = const(255)
_LONGEST_CHAIN = const(8)  # aliases one after the other
_MOST_ANSWERS = const(40)
_RECURSE = const(0x0100)
_RESPONSE = const(0x80)  # in the first byte of the flags
_TRUNCATED = const(0x02)
_A_IN = const(b"\x00\x01\x00\x01")
_CNAME = const(5)
_A = const(1)
_IN = const(1)
_REASONS = {2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}


def is_address(text):
    """Tell whether the text is an IPv4 address in four decimal parts, which needs no query."""
    parts = text.split(".")
    if len(parts) != 4:
        return False
    for part in parts:
        # No leading zeros: some would read them as octal.
        if not (len(part) <= 3 and part.isdigit() and int(part) <= 255 and str(int(part)) == part):
            return False
    return True


def split_host(text, port):
    """Return (host, port) from "host" or "host:port", with the given port for the first. Raises ValueError."""
    host, colon, digits = text.partition(":")
    if colon:
        if not digits.isdigit() or not 0 < int(digits) < 65536:
            raise ValueError("port from 1 to 65535 expected")
        port = int(digits)
    return host, port


def query(packet, name, ident):
    """Write the question for the A record of `name` into `packet` and return its length.

    `ident` is a random number of 16 bits. Raises ValueError for what is no host name.
    """
    if name[-1:] == ".":
        name = name[:-1]
    if not name or len(name) > _LONGEST_NAME - 2:
        raise ValueError("host name of 1 to 253 characters expected")
    struct.pack_into(">HHHHHH", packet, 0, ident, _RECURSE, 1, 0, 0, 0)
    at = _HEADER
    for label in name.split("."):
        size = len(label)
        if not 1 <= size <= _LONGEST_LABEL:
            raise ValueError("host name: part of 1 to 63 characters expected")
        packet[at] = size
        for character in label:
            at += 1
            if not ("a" <= character <= "z" or "A" <= character <= "Z" or "0" <= character <= "9" or character in "-_"):
                raise ValueError("host name: letters, digits and - only")
            packet[at] = ord(character)
        at += 1
    packet[at] = 0
    packet[at + 1 : at + 5] = _A_IN
    return at + 5


def answers(reply, packet):
    """Tell whether a datagram is an answer to the query `packet` (its whole length): same id, same question."""
    return (
        len(reply) >= len(packet)
        and reply[0] == packet[0]
        and reply[1] == packet[1]
        and reply[2] & 0xF8 == _RESPONSE  # a response, to a standard query
        and reply[4] == 0
        and reply[5] == 1
        and bytes(reply[_HEADER : len(packet)]).lower() == bytes(packet[_HEADER:]).lower()
    )


def address(reply, packet):
    """Return (address as text, time to live in seconds) from a reply to the query `packet`, both as views or bytes.

    Aliases are followed within the reply, in any order; the time to live is the shortest of all records used.
    Raises FrameError("question"): id or question of somebody else; FrameError("truncated name", "pointer", "name",
    "truncated record"): broken; PeerError: "NXDOMAIN", "SERVFAIL", "REFUSED", "rcode N", "truncated" or "no address".
    """
    if not answers(reply, packet):
        raise FrameError("question")
    code = reply[3] & 15
    if code:
        raise PeerError(_REASONS.get(code, f"rcode {code}"))
    if reply[2] & _TRUNCATED:
        raise PeerError("truncated")
    records = min(reply[6] << 8 | reply[7], _MOST_ANSWERS)
    wanted = _name(reply, _HEADER)[0]
    shortest_s = 0x7FFFFFFF
    for _ in range(_LONGEST_CHAIN):
        at = len(packet)
        alias = None
        for _ in range(records):
            owner, at = _name(reply, at)
            if at + 10 > len(reply):
                raise FrameError("truncated record")
            kind, family, ttl_s, size = struct.unpack_from(">HHIH", reply, at)
            at += 10
            if at + size > len(reply):
                raise FrameError("truncated record")
            if family == _IN and owner == wanted:
                if ttl_s >= 0x80000000:  # RFC 2181, 8: treated as zero
                    ttl_s = 0
                if kind == _A and size == 4 and (reply[at] or reply[at + 1] or reply[at + 2] or reply[at + 3]):
                    text = f"{reply[at]}.{reply[at + 1]}.{reply[at + 2]}.{reply[at + 3]}"
                    return text, min(shortest_s, ttl_s)
                if kind == _CNAME and alias is None:
                    alias = _name(reply, at)[0]
                    shortest_s = min(shortest_s, ttl_s)
            at += size
        if alias is None:
            break
        wanted = alias
    raise PeerError("no address")


def _name(reply, at):
    """Return (name in lower case, each label with its length before it; position behind it in the message).

    A pointer has to point to before the labels it stands behind, so that there is no way round in a circle.
    """
    name = b""
    after = 0  # where the message goes on; 0 until the first pointer
    lowest = at
    while True:
        if at >= len(reply):
            raise FrameError("truncated name")
        size = reply[at]
        if size == 0:
            return name.lower(), after or at + 1
        if size >= 0xC0:
            if at + 1 >= len(reply):
                raise FrameError("truncated name")
            after = after or at + 2
            at = (size & 0x3F) << 8 | reply[at + 1]
            if not _HEADER <= at < lowest:
                raise FrameError("pointer")
            lowest = at
            continue
        if size > _LONGEST_LABEL or len(name) + size + 2 > _LONGEST_NAME:
            raise FrameError("name")
        if at + 1 + size > len(reply):
            raise FrameError("truncated name")
        name += bytes(reply[at : at + 1 + size])
        at += 1 + size
