"""The opening of an association, the server's side: AARQ read, AARE written. See association.py.

Source: IEC 62056-5-3, 9.3.2 and 9.4; DLMS UA 1000-2, 9.4.2.
"""

from struct import pack, unpack_from

from micropython import const

from lib.dlms import hls
from lib.dlms.association import AARE, AARQ, CONTEXT, INITIATE_REQUEST, OBJECT_ID, conformance_of, inner
from lib.dlms.ber import fields, octets, put
from lib.dlms.errors import FormatError

# Why an AARQ is refused: diagnostics of the service user
NO_REASON = const(1)
CONTEXT_UNKNOWN = const(2)
MECHANISM_UNKNOWN = const(11)
WRONG_PASSWORD = const(13)
PASSWORD_NEEDED = const(14)
_NAME = const(7)  # of the list of objects: logical names


class Aarq:
    """An AARQ: whatever order, unknown fields skipped.

    context    of names and ciphering, see association.py
    mechanism  of hls.py; value: password or challenge, bytes
    conformance, most_pdu   what the client proposes; 0 as most_pdu is no limit
    """

    def __init__(self, view):
        """FormatError: no AARQ, or one without a plain initiate request. PeerError: another version of DLMS."""
        self.context = CONTEXT
        self.mechanism = hls.NONE
        self.value = b""
        information = view[:0]
        if not len(view) or view[0] != AARQ:
            raise FormatError("no AARQ")
        body, end = octets(view, 1)
        if end != len(view):
            raise FormatError("trailing octets")
        for tag, contents in fields(body):
            if tag == 0xA1:
                self.context = inner(contents, 6)[-1]
            elif tag == 0x8B and len(contents):
                self.mechanism = contents[-1]
            elif tag == 0xAC:
                for _, value in fields(contents):  # which may be empty
                    self.value = bytes(value)
            elif tag == 0xBE:
                information = inner(contents, 4)
        if self.context != CONTEXT:
            return  # what is inside may be ciphered
        if len(information) < 2 or information[0] != INITIATE_REQUEST:
            raise FormatError("no initiate request")
        self._read(information)

    def _read(self, information):
        at = 1
        if information[at]:  # a dedicated key
            _, at = octets(information, at + 1)
        else:
            at += 1
        for _ in range(2):  # whether it wants a response, quality of service
            if at >= len(information):
                raise FormatError("truncated")
            at += 2 if information[at] else 1
        self.conformance, rest = conformance_of(information[at:])
        if len(rest) < 2:
            raise FormatError("truncated")
        (self.most_pdu,) = unpack_from(">H", rest)


def accepted(conformance, most_pdu):
    """Return the AARE that accepts. most_pdu: octets of the longest APDU the server takes."""
    return _aare(0, 0, b"\x08\0\x06\x5f\x1f\x04" + pack(">IHH", conformance, most_pdu, _NAME))


def refused(diagnostic):
    """Return the AARE that refuses for good."""
    return _aare(1, diagnostic, b"\x0e\x01\x06\x04")


def _aare(result, diagnostic, information):
    return put(
        AARE,
        put(0xA1, put(6, OBJECT_ID, bytes((1, CONTEXT)))),
        put(0xA2, put(2, bytes((result,)))),
        put(0xA3, put(0xA1, put(2, bytes((diagnostic,))))),
        put(0xBE, put(4, information)),
    )
