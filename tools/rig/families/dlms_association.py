"""AARQ and AARE of simulated DLMS meters: BER around an initiate request (the sheet, section 6)."""

from typing import NamedTuple

from tools.rig.families.dlms_data import Malformed, take, take_length

CIPHERED = 3  # application context: logical names, ciphering
_OID = bytes.fromhex("6085740508")  # then 01 and the context, or 02 and the mechanism
ACCEPTED, PERMANENT = 0, 1
NO_REASON, NO_CONTEXT, NO_MECHANISM, MECHANISM_REQUIRED, FAILED, REQUIRED = 1, 2, 11, 12, 13, 14
VERSION = 6


class Aarq(NamedTuple):
    context: int
    title: bytes
    mechanism: int
    secret: bytes  # password or challenge
    information: bytes  # an initiate request, plain or ciphered


class Initiate(NamedTuple):
    dedicated_key: bytes
    version: int
    conformance: int
    most_pdu: int


def parse_aarq(apdu):
    """The Aarq; raises Malformed."""
    _, at = take_length(apdu, 1)
    fields = {}
    while at < len(apdu):
        tag = apdu[at]
        size, at = take_length(apdu, at + 1)
        fields[tag] = take(apdu, at, size)
        at += size
    if 0xA1 not in fields or 0xBE not in fields or not fields[0xA1]:
        raise Malformed("AARQ")
    return Aarq(
        fields[0xA1][-1],
        _inner(fields.get(0xA6)),
        fields[0x8B][-1] if fields.get(0x8B) else 0,
        _inner(fields.get(0xAC)),
        _inner(fields[0xBE]),
    )


def _inner(content):
    """What a tag within a tag holds."""
    if not content:
        return b""
    size, at = take_length(content, 1)
    return take(content, at, size)


def parse_initiate(data):
    """The Initiate of plain user information; raises Malformed."""
    if take(data, 0, 1) != b"\x01":
        raise Malformed("initiate request")
    at, key = 1, b""
    if take(data, at, 1)[0]:
        size, at = take_length(data, at + 1)
        key = take(data, at, size)
        at += size
    else:
        at += 1
    for _ in range(2):  # response allowed, quality of service
        at += 2 if take(data, at, 1)[0] else 1
    tail = take(data, at, 10)
    if tail[1:5] != bytes.fromhex("5F1F0400"):
        raise Malformed("conformance")
    return Initiate(key, tail[0], int.from_bytes(tail[5:8], "big"), int.from_bytes(tail[8:10], "big"))


def initiate_response(conformance, most_pdu):
    head = bytes((0x08, 0x00, VERSION, 0x5F, 0x1F, 0x04, 0x00))
    return head + conformance.to_bytes(3, "big") + most_pdu.to_bytes(2, "big") + bytes.fromhex("0007")


def tlv(tag, content):
    assert len(content) < 128
    return bytes((tag, len(content))) + content


def aare(context, result, diagnostic, information, title=b"", mechanism=0, challenge=b""):
    """The answer; `title`, `mechanism` and `challenge` if they belong to it."""
    body = tlv(0xA1, tlv(0x06, bytes((*_OID, 1, context))))
    body += tlv(0xA2, tlv(0x02, bytes((result,)))) + tlv(0xA3, tlv(0xA1, tlv(0x02, bytes((diagnostic,)))))
    if title:
        body += tlv(0xA4, tlv(0x04, title))
    if challenge:
        body += bytes.fromhex("88020780") + tlv(0x89, bytes((*_OID, 2, mechanism))) + tlv(0xAA, tlv(0x80, challenge))
    return tlv(0x61, body + (tlv(0xBE, tlv(0x04, information)) if information else b""))
