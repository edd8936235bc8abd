"""HDLC frames: making them, and what their fields mean. Finding good ones among received bytes: frame_reader.py.

`7E | format (2) | destination (1, 2, 4) | source (1, 2, 4) | control | HCS (2) | information | FCS (2) | 7E`; without
information there is no HCS. Format, high octet first: 1010, S (more frames of this information follow), 11 bits of octets
between the flags. Check sequences are sent low octet first.
Source: IEC 62056-46, 6.4.2 to 6.4.4, 6.4.4.4.3.2 (negotiation); DLMS UA 1000-2, 8.4.
"""

from micropython import const

from lib.dlms.kernels import crc16

FLAG = const(0x7E)
# Kinds of frames, as kind() tells them; with POLL they are their control octets
I = const(0)  # noqa: E741
RR = const(0x01)
RNR = const(0x05)
SNRM = const(0x83)
DISC = const(0x43)
UA = const(0x63)
DM = const(0x0F)
FRMR = const(0x87)
UI = const(0x03)

POLL = const(0x10)  # poll or final: the sender hands over the turn
REQUEST_LLC = const(b"\xe6\xe6\x00")  # in front of an APDU, in the first of its frames
REPLY_LLC = const(b"\xe6\xe7\x00")
LLC_OCTETS = const(3)
LEAST_INFO = const(128)  # octets of information in a frame when nothing else is agreed
MOST_INFO = const(2030)
# Octets of a frame beside its information: flags, format, two addresses of 4, control, HCS, FCS
OVERHEAD = const(17)

_GROUP = const(b"\x81\x80")  # of the parameters of SNRM and UA
_TRANSMIT = const(5)  # most octets of information that the sender transmits
_RECEIVE = const(6)
_WINDOWS = const(b"\x07\x04\x00\x00\x00\x01\x08\x04\x00\x00\x00\x01")
_LEAST_SANE = const(16)  # less than this is no size to work with


def kind(control):
    """Return the kind of a frame from its control octet."""
    if not control & 1:
        return I
    return control & 0xEF if control & 2 else control & 0x0F


def address(logical, physical=0, size=0):
    """Return an address of 1, 2 or 4 octets; size 0: as few as hold it. ValueError: this size does not hold it."""
    if not size:
        size = 4 if max(logical, physical) > 0x7F else 2 if physical else 1
    if size == 1 and not physical and 0 <= logical <= 0x7F:
        return bytes((logical << 1 | 1,))
    if size == 2 and min(logical, physical) >= 0 and max(logical, physical) <= 0x7F:
        return bytes((logical << 1, physical << 1 | 1))
    if size == 4 and min(logical, physical) >= 0 and max(logical, physical) <= 0x3FFF:
        return bytes((logical >> 6 & 0xFE, logical << 1 & 0xFE, physical >> 6 & 0xFE, physical << 1 & 0xFE | 1))
    raise ValueError("address")


def address_at(frame, at):
    """Return (logical, physical, offset behind it) of a well-formed address; physical is 0 in one of a single octet."""
    if frame[at] & 1:
        return frame[at] >> 1, 0, at + 1
    if frame[at + 1] & 1:
        return frame[at] >> 1, frame[at + 1] >> 1, at + 2
    return frame[at] << 6 | frame[at + 1] >> 1, frame[at + 2] << 6 | frame[at + 3] >> 1, at + 4


def make(out, addresses, control, llc=b"", information=b"", has_more=False):
    """Write a frame into `out` and return its size. addresses: destination and source, encoded; llc goes before information.

    `out` has room for OVERHEAD and the information; every part is bytes or a view.
    """
    at = 4 + len(addresses)
    behind = len(llc) + len(information)
    end = at + (behind and behind + 2)  # of what the FCS covers
    out[0] = FLAG
    out[1] = 0xA0 | (8 if has_more else 0) | (end + 1) >> 8
    out[2] = end + 1 & 0xFF
    out[3 : at - 1] = addresses
    out[at - 1] = control
    if behind:
        at = _check(out, at)
        out[at : at + len(llc)] = llc
        out[at + len(llc) : end] = information
    end = _check(out, end)
    out[end] = FLAG
    return end + 1


def _check(out, end):
    crc = crc16(out, 1, end)
    out[end] = crc & 0xFF
    out[end + 1] = crc >> 8
    return end + 2


def without_llc(apdu):
    """Return a view of an APDU without the LLC octets that may stand before it."""
    return apdu[LLC_OCTETS:] if apdu[:LLC_OCTETS] in (REPLY_LLC, REQUEST_LLC) else apdu


def parameters(most_tx, most_rx):
    """Return the information of an SNRM or UA: octets of information that its sender transmits and receives, window 1."""
    sizes = b""
    for number, size in ((_TRANSMIT, most_tx), (_RECEIVE, most_rx)):
        sizes += bytes((number, 1, size)) if size < 256 else bytes((number, 2, size >> 8, size & 0xFF))
    return _GROUP + bytes((len(sizes) + len(_WINDOWS),)) + sizes + _WINDOWS


def agreed(information):
    """Return [most_tx, most_rx] of the sender of an SNRM or UA; 128 for what is absent, as all is behind a length that lies."""
    sizes = [LEAST_INFO, LEAST_INFO]
    at = 3
    end = 0
    if len(information) > at and information[:2] == _GROUP:
        end = min(len(information), at + information[2])
    while at + 2 < end:
        number = information[at] - _TRANSMIT
        size = information[at + 1]
        at += 2
        value = int.from_bytes(information[at : at + size], "big")
        at += size
        if at > end:
            break
        if 0 <= number < 2 and value >= _LEAST_SANE:
            sizes[number] = value
    return sizes
