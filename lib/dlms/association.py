"""The opening and the end of an association, the client's side: AARQ, AARE, RLRQ, RLRE, and the initiate services inside.

Source: IEC 62056-5-3, 9.3.2 and 9.4; DLMS UA 1000-2, 9.4.2; initiate: IEC 62056-46 and DLMS UA 1000-2, 9.5.
"""

from struct import pack, unpack_from

from micropython import const

from lib.dlms import hls, results
from lib.dlms.ber import fields, octets, put
from lib.dlms.errors import FormatError, PeerError

# Conformance: a number of 24 bits
GENERAL_PROTECTION = const(0x400000)
BLOCKS_OF_GET = const(0x001000)
BLOCKS_OF_SET = const(0x000800)
BLOCKS_OF_ACTION = const(0x000400)
MULTIPLE_REFERENCES = const(0x000200)
GET = const(0x000010)
SET = const(0x000008)
SELECTIVE_ACCESS = const(0x000004)
ACTION = const(0x000001)

CONTEXT = const(1)  # logical names
CIPHERED_CONTEXT = const(3)
AARQ = const(0x60)
AARE = const(0x61)
RLRQ = const(0x62)
RLRE = const(0x63)
INITIATE_REQUEST = const(0x01)
INITIATE_RESPONSE = const(0x08)
CIPHERED_INITIATE_REQUEST = const(0x21)
CIPHERED_INITIATE_RESPONSE = const(0x28)
SERVICE_ERROR = const(0x0E)
EXCEPTION = const(0xD8)
NORMAL = b"\x80\x01\x00"  # reason of a release
OBJECT_ID = b"\x60\x85\x74\x05\x08"  # of the standard
_VERSION = const(6)
_LEAST_PDU = const(32)


def initiate_request(conformance, most_pdu, dedicated=None):
    """Return what the client proposes. most_pdu: octets of the longest APDU it takes. dedicated: 16 octets, or None."""
    key = b"\x01\x10" + dedicated if dedicated else b"\0"
    return b"\x01" + key + b"\0\0\x06\x5f\x1f\x04" + pack(">IH", conformance, most_pdu)


def initiate_response(view):
    """Return (conformance, longest APDU that the meter takes, 0 for any) of what the meter answers.

    PeerError: refused, or a meter without logical names.
    """
    if not len(view) or view[0] != INITIATE_RESPONSE:
        raise_refusal(view)
        raise FormatError("no initiate response")
    view = view[3 if len(view) > 1 and view[1] else 2 :]  # quality of service
    conformance, rest = conformance_of(view)
    if len(rest) < 4:
        raise FormatError("truncated")
    most_pdu, name = unpack_from(">HH", rest)
    if name != 7:
        raise PeerError("short names only")
    if 0 < most_pdu < _LEAST_PDU:
        raise FormatError("PDU size")
    return conformance, most_pdu


def conformance_of(view):
    """Return (conformance, what is behind it) of octets that begin with the version."""
    at = 3 if len(view) > 2 and view[2] == 0x1F else 2  # 5F 1F, in old meters 5F alone
    if len(view) < at + 5 or view[1] != 0x5F or view[at] != 4:
        raise FormatError("initiate")
    if view[0] != _VERSION:
        raise PeerError("DLMS version %d" % view[0])
    return int.from_bytes(view[at + 2 : at + 5], "big"), view[at + 5 :]


def raise_refusal(view):
    """PeerError if an APDU is an exception response or a confirmed service error."""
    if len(view) < 3:
        return
    if view[0] == EXCEPTION:
        raise PeerError(results.exception(view[1], view[2]), view[2])
    if view[0] == SERVICE_ERROR and len(view) > 3:
        raise PeerError(results.service_error(view[1], view[2], view[3]), view[3])


def aarq(context, mechanism, value, title, information):
    """Return an AARQ.

    value: password or challenge, of mechanisms from 1 on. title: the client's, b"" for none. information: an initiate
    request, ciphered or not.
    """
    parts = [put(0xA1, put(6, OBJECT_ID, bytes((1, context))))]
    if title:
        parts.append(put(0xA6, put(4, title)))
    if mechanism != hls.NONE:
        parts.append(b"\x8a\x02\x07\x80")
        parts.append(put(0x8B, OBJECT_ID, bytes((2, mechanism))))
        parts.append(put(0xAC, put(0x80, value)))
    parts.append(put(0xBE, put(4, information)))
    return put(AARQ, *parts)


class Aare:
    """An AARE: whatever order, unknown fields skipped.

    result       0 accepted, 1 rejected for good, 2 rejected for now
    source, diagnostic   why: 1 the service user or 2 its provider, and a number
    context      None if it is not told
    title        of the meter, bytes; b"" if it is not told
    challenge    of the meter, bytes; b"" without
    information  view of the initiate response, or what came instead; empty if nothing came
    """

    def __init__(self, view):
        """FormatError: no AARE, or one without a result."""
        self.result = self.context = None
        self.source, self.diagnostic = 1, 0
        self.title = self.challenge = b""
        self.information = view[:0]
        if not len(view) or view[0] != AARE:
            raise_refusal(view)
            raise FormatError("no AARE")
        body, end = octets(view, 1)
        if end != len(view):
            raise FormatError("trailing octets")
        for tag, contents in fields(body):
            self._take(tag, contents)
        if self.result is None:
            raise FormatError("no result")

    def _take(self, tag, contents):
        if tag == 0xA1:
            self.context = inner(contents, 6)[-1]
        elif tag == 0xA2:
            self.result = inner(contents, 2)[-1]
        elif tag == 0xA3:
            for kind, number in fields(contents):
                self.source, self.diagnostic = kind - 0xA0, inner(number, 2)[-1]
        elif tag == 0xA4:
            self.title = bytes(inner(contents, 4))
        elif tag == 0xAA:
            self.challenge = bytes(inner(contents, 0x80))
        elif tag == 0xBE:
            self.information = inner(contents, 4)


def inner(view, wanted):
    """Return the contents, never empty, of the one field of a field."""
    for tag, contents in fields(view):
        if tag == wanted and len(contents):
            return contents
    raise FormatError("field")


def rlrq(information=b""):
    """Return an RLRQ. information: as of the AARQ, for meters that want it in a ciphered association."""
    return put(RLRQ, NORMAL, put(0xBE, put(4, information)) if information else b"")


def check_rlre(view):
    """FormatError, PeerError: no RLRE."""
    if not len(view) or view[0] != RLRE:
        raise_refusal(view)
        raise FormatError("no RLRE")
    octets(view, 1)
