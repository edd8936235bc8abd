"""HDLC frames, type 3, and a meter's side of the link (the sheet, section 2)."""

from typing import NamedTuple

from tools.rig.families.dlms_data import Malformed

FLAG = 0x7E
SNRM, DISC, UA, DM, FRMR, UI = 0x93, 0x53, 0x73, 0x1F, 0x97, 0x13
RESTART_AFTER = 3  # requests of a connection, by a meter that restarts again and again
_RR = 0x11
CALLING = {2: 0x7E, 4: 0x3FFE}  # whoever is there answers, by the octets of the address


_CRC = list(range(256))
for _ in range(8):
    _CRC = [value >> 1 ^ (0x8408 if value & 1 else 0) for value in _CRC]


def crc(data):
    """CRC-16/X.25 as it is sent: the low octet first."""
    value = 0xFFFF
    for octet in data:
        value = value >> 8 ^ _CRC[(value ^ octet) & 0xFF]
    return (value ^ 0xFFFF).to_bytes(2, "little")


class Frame(NamedTuple):
    """One of a client: `size` octets of server address; physical 0 if that has one octet."""

    logical: int
    physical: int
    size: int
    client: int
    control: int
    info: bytes
    has_more: bool


def server_address(logical, physical, size):
    if size == 1:
        return bytes((logical << 1 | 1,))
    if size == 2:
        return bytes((logical << 1, physical << 1 | 1))
    return bytes((logical >> 7 << 1, (logical & 0x7F) << 1, physical >> 7 << 1, (physical & 0x7F) << 1 | 1))


def make(frame):
    """The octets of a meter's frame: its address is the source."""
    head = bytes((frame.client << 1 | 1,)) + server_address(frame.logical, frame.physical, frame.size)
    size = 2 + len(head) + 1 + 2 + (len(frame.info) + 2 if frame.info else 0)
    head = (0xA000 | frame.has_more << 11 | size).to_bytes(2, "big") + head + bytes((frame.control,))
    body = head + crc(head)
    if frame.info:
        body += frame.info
        body += crc(body)
    return bytes((FLAG,)) + body + bytes((FLAG,))


def parse(body):
    """The Frame between two flags, as a client sends it; raises Malformed."""
    if crc(body[:-2]) != body[-2:]:
        raise Malformed("FCS")
    end = 2
    while end < len(body) and not body[end] & 1:
        end += 1
    address = [octet >> 1 for octet in body[2 : end + 1]]
    if len(address) not in (1, 2, 4) or len(body) < end + 5 or not body[end + 1] & 1:
        raise Malformed("address")
    size = len(address)
    logical = address[0] if size < 4 else address[0] << 7 | address[1]
    physical = {1: 0, 2: address[-1], 4: address[-2] << 7 | address[-1] if size == 4 else 0}[size]
    info = b""
    if len(body) > end + 5:
        if crc(body[: end + 3]) != body[end + 3 : end + 5]:
            raise Malformed("HCS")
        info = bytes(body[end + 5 : -2])
    return Frame(logical, physical, size, body[end + 1] >> 1, body[end + 2], info, bool(body[0] & 8))


class FrameReader:
    """Finds frames in what arrives: by the length in the format, then the flag there must be."""

    def __init__(self):
        self._heard = b""

    def clear(self):
        self._heard = b""

    def take(self, data):
        """The good frames that are whole now."""
        self._heard += data
        frames = []
        while (begin := self._heard.find(FLAG)) >= 0:
            heard = self._heard = self._heard[begin:]
            if len(heard) < 3:
                break
            size = (heard[1] & 7) << 8 | heard[2]
            is_frame = heard[1] >> 4 == 0xA and size >= 7
            if is_frame and len(heard) < size + 2:
                break
            if is_frame and heard[size + 1] == FLAG:
                try:
                    frames.append(parse(heard[1 : size + 1]))
                    self._heard = heard[size + 1 :]
                    continue
                except Malformed:
                    pass
            self._heard = heard[1:]
        else:
            self._heard = b""
        return frames


class Station:
    """A meter's end of a connection: a client's frame in, the answer's frames out. `answer(client, apdu)` is the application.

    `disconnected()` is called when the connection ends, or begins anew.
    """

    def __init__(self, most_info, inactivity_s, answer, disconnected):
        self._most_info, self._inactivity_s = most_info, inactivity_s
        self._answer, self._disconnected = answer, disconnected
        self.is_open = False
        self.snrms = self.dms = self.repeats = 0
        self._heard_at = 0.0
        self._connect(0)

    def _connect(self, client):
        self.client = client
        self._send_number = self._receive_number = 0
        self._most_tx = 128
        self._request = b""
        self._rest = b""  # what of an answer is still to be sent
        self._last = None  # the frame sent last
        self._requests = 0  # of this connection

    def frame(self, frame, at, fault="none"):
        """The Frame that answers, None for none."""
        if self.is_open and self._inactivity_s and at - self._heard_at > self._inactivity_s:
            self.close()
        self._heard_at = at
        control = frame.control
        if control == SNRM:
            return self._snrm(frame, fault)
        if control == DISC:
            was_open = self.is_open and frame.client == self.client
            self.close()
            return self._unnumbered(frame, UA if was_open else DM)
        if control | 0x10 == UI:
            return None
        if not self.is_open or frame.client != self.client:
            self.dms += 1
            return self._unnumbered(frame, DM)
        if control & 1 == 0:
            return self._numbered(frame, fault)
        if control & 0x0F == 1:
            return self._ready(frame, fault)
        if control & 0x0F == 5:  # the client is busy
            return None
        self.close()
        return self._unnumbered(frame, FRMR)

    def close(self):
        if self.is_open:
            self.is_open = False
            self._disconnected()

    def _unnumbered(self, frame, control, info=b""):
        return frame._replace(control=control, info=info, has_more=False)

    def _snrm(self, frame, fault):
        self.close()
        if frame.info and fault == "no_parameters":
            return self._unnumbered(frame, FRMR)
        self.snrms += 1
        self._connect(frame.client)
        self.is_open = True
        asked = _parameters(frame.info)
        self._most_tx = min(self._most_info, asked.get(6, 128))
        most_rx = min(self._most_info, asked.get(5, 128))
        if fault == "no_parameters":
            self._most_tx = min(128, self._most_info)
            return self._unnumbered(frame, UA)
        agreed = b"".join(
            bytes((number, size)) + value.to_bytes(size, "big")
            for number, value, size in (
                (5, self._most_tx, 1 + (self._most_tx > 255)),
                (6, most_rx, 1 + (most_rx > 255)),
                (7, 1, 4),
                (8, 1, 4),
            )
        )
        return self._unnumbered(frame, UA, b"\x81\x80" + bytes((len(agreed),)) + agreed)

    def _numbered(self, frame, fault):
        if frame.control >> 1 & 7 != self._receive_number:
            self.repeats += 1  # the client did not hear the answer
            return self._last
        self._receive_number = self._receive_number + 1 & 7
        self._request += frame.info
        if frame.has_more:
            self._last = self._unnumbered(frame, self._receive_number << 5 | _RR)
            return self._last
        request, self._request = self._request, b""
        self._requests += 1
        if fault == "restart" and self._requests > RESTART_AFTER:
            self.close()
            return self._unnumbered(frame, DM)
        reply = self._answer(frame.client, request[3:]) if request[:3] == b"\xe6\xe6\0" else None
        self._rest = b"\xe6\xe7\0" + reply if reply else b""
        return self._segment(frame, fault)

    def _ready(self, frame, fault):
        if frame.control >> 5 != self._send_number:
            self.repeats += 1
            return self._last
        return self._segment(frame, fault)

    def _segment(self, frame, fault):
        """The next piece of the answer; ready for more if nothing is left of it."""
        if not self._rest:
            return self._unnumbered(frame, self._receive_number << 5 | _RR)
        if fault == "endless":
            self._rest += self._rest[-8:] * (self._most_tx // 8 + 1)
        part, self._rest = self._rest[: self._most_tx], self._rest[self._most_tx :]
        control = self._receive_number << 5 | 0x10 | self._send_number << 1
        self._send_number = self._send_number + 1 & 7
        self._last = frame._replace(control=control, info=part, has_more=bool(self._rest))
        return self._last


def _parameters(info):
    """Of an SNRM, by identifier."""
    found, at = {}, 3
    while info[:2] == b"\x81\x80" and at + 1 < len(info):
        size = info[at + 1]
        found[info[at]] = int.from_bytes(info[at + 2 : at + 2 + size], "big")
        at += 2 + size
    return found
