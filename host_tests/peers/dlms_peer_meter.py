"""A DLMS meter to read: dlms-cosem's codecs (lengths, data, ciphering, CRC) and `cryptography`, nothing of ours.

Speaks HDLC, the opening of mode E, and the wrapper; without security, with LLS, HLS 2 to 6, ciphered for each service or in
general; GET, SET (both with blocks and with list) and ACTION. By itself: `python dlms_peer_meter.py wrapper 4059`.
Source: IEC 62056-46; IEC 62056-5-3 (DLMS UA 1000-2), 9.
"""

import hashlib
import os
import pty
import socketserver
import struct
import sys
import threading
import tty

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from dlms_cosem import dlms_data, security
from dlms_cosem.crc import CRCCCITT

EK = bytes(range(16))
AK = bytes(range(0xD0, 0xE0))
TITLE = b"MMM\0\0\0\0\1"
CLIENT_TITLE = b"CLI\0\0\0\0\2"
PASSWORD = b"12345678"
SECRET = b"Secret of HLS"

_GET, _SET, _ACTION = 0xC0, 0xC1, 0xC3
_ONLY_TAGGED = security.SecurityControlField(0, authenticated=True)
_CIPHERING = 34  # octets that ciphering may add to an APDU
_ASSOCIATION = (15, bytes((0, 0, 40, 0, 0, 255)))
_NOT_ALLOWED = bytes((0xD8, 1, 1))
_UNKNOWN = bytes((0xD8, 2, 2))
_count = dlms_data.encode_variable_integer


def logical_name(text):
    """Return the six octets of "1.0.1.8.0.255"."""
    return bytes(map(int, text.split(".")))


def u32(number):
    return struct.pack(">I", number)


def _tlv(tag, body):
    return bytes((tag,)) + _count(len(body)) + body


def _piece(data):
    """(what a length in front of `data` covers, what is behind it)"""
    length, rest = dlms_data.decode_variable_integer(data)
    return rest[:length], rest[length:]


def _value(data):
    """(the first value of `data` as Python has it, what is behind it)"""
    parser = dlms_data.DlmsDataParser()
    (value,) = parser.parse(data, limit=1)
    return value.to_python(), bytes(parser.get_buffer_tail())


class Refused(Exception):
    """A function of `objects` refuses: Refused(data-access-result)."""


class Meter:
    """The application layer: apdu() takes one and returns one.

    objects: {(class, logical name, attribute): encoded data, or function(selector) -> encoded data;
    (class, logical name, -method): function(encoded parameter or None) -> None, or encoded data}. A selector is None or
    (1 or 2, its parameters as Python has them). asked: every service in clear, as it came, for tests to look at.

    Options: password, secret, ek, ak, title, most_pdu, conformance, challenge (of the meter, None: random), security (0x10,
    0x20 or 0x30: what it applies).
    """

    def __init__(self, objects, **options):
        self.objects = objects
        self.password, self.secret, self.ek, self.ak, self.title = PASSWORD, SECRET, EK, AK, TITLE
        self.most_pdu, self.conformance, self.challenge, self.security = 500, 0x001A1D, None, 0x30
        self.counter = 100  # our invocation counter, before the next
        for name, value in options.items():
            getattr(self, name)
            setattr(self, name, value)
        self.client_counter = -1
        self.asked = []
        self.reset()

    def reset(self):
        self.is_open = self.is_pending = self.is_ciphered = False
        self.client_title, self.peer_pdu = b"", 0xFFFF
        self.dedicated = None
        self._going, self._block, self._coming, self._target = b"", 0, b"", b""

    def apdu(self, request):
        tag = request[0]
        if tag == 0x60:
            return self._associate(request)
        if tag == 0x62:
            self.reset()
            return bytes.fromhex("6303800100")
        if tag in (0xC8, 0xC9, 0xCB):
            return self._ciphered(tag + 4, self._service(self._plain(request[1:], self.ek)), self.ek)
        if tag in (0xD0, 0xD1, 0xD3) and self.dedicated:
            return self._ciphered(tag + 4, self._service(self._plain(request[1:], self.dedicated)), self.dedicated)
        if tag in (0xDB, 0xDC):
            key = self.ek if tag == 0xDB else self.dedicated
            _, body = _piece(request[1:])
            return _tlv(tag, self.title) + self._ciphered(0, self._service(self._plain(body, key)), key)[1:]
        return _NOT_ALLOWED if self.is_ciphered else self._service(request)

    def _gcm(self, control, title, counter, key, text, tag=None):
        """(text ciphered or in clear, tag): of SC 10, 20 or 30."""
        iv = title + u32(counter)
        flags = control & 0x30
        if not flags & 0x10:
            return Cipher(algorithms.AES(key), modes.CTR(iv + u32(2))).encryptor().update(text), b""
        if flags == 0x10:
            mark = security.gmac(_ONLY_TAGGED, title, counter, key, self.ak, text)
            if tag is not None and mark != tag:
                raise ValueError("tag")
            return text, mark
        field = security.SecurityControlField.from_bytes(bytes((control,)))
        if tag is None:
            box = security.encrypt(field, title, counter, key, text, self.ak)
            return box[:-12], box[-12:]
        return security.decrypt(field, title, counter, key, text + tag, self.ak), tag

    def _plain(self, body, key):
        body, _ = _piece(body)
        control, counter, text, tag = body[0], int.from_bytes(body[1:5], "big"), bytes(body[5:]), None
        if control & 0x10:
            text, tag = text[:-12], text[-12:]
        text, _ = self._gcm(control, self.client_title, counter, key, text, tag)
        assert counter > self.client_counter, "a counter was used again"
        self.client_counter = counter
        return bytes(text)

    def _ciphered(self, tag, plain, key):
        self.counter += 1
        text, mark = self._gcm(self.security, self.title, self.counter, key, plain)
        return _tlv(tag, bytes((self.security,)) + u32(self.counter) + text + mark)

    def _associate(self, request):
        self.reset()
        fields, rest = {}, _piece(request[1:])[0]
        while rest:
            tag = rest[0]
            fields[tag], rest = _piece(rest[1:])
        self.is_ciphered = fields[0xA1][-1] == 3
        mechanism = fields[0x8B][-1] if 0x8B in fields else 0
        secret = bytes(fields[0xAC][2:]) if 0xAC in fields else b""
        self.client_title = bytes(fields.get(0xA6, b"\0\0")[2:])
        initiate, _ = _piece(fields[0xBE][1:])
        if initiate[0] == 0x21:
            initiate = self._plain(initiate[1:], self.ek)
        if initiate[1]:
            self.dedicated = bytes(initiate[3:19])
        self.peer_pdu = int.from_bytes(initiate[-2:], "big") or 0xFFFF
        self.agreed = self.conformance & int.from_bytes(initiate[-5:-2], "big")
        diagnostic, extra = 0, b""
        if mechanism == 1 and secret != self.password:
            diagnostic = 13
        elif 2 <= mechanism <= 6:
            self.mechanism, self._of_client, self._of_meter = mechanism, secret, self.challenge or os.urandom(16)
            self.is_pending, diagnostic = True, 14
            extra = bytes.fromhex("88020780") + _tlv(0x89, fields[0x8B]) + _tlv(0xAA, _tlv(0x80, self._of_meter))
        elif mechanism > 6:
            diagnostic = 11
        self.is_open = diagnostic in (0, 14)
        if self.is_ciphered or self.is_pending:
            extra = _tlv(0xA4, _tlv(4, self.title)) + extra
        answer = b"\x08\0\x06\x5f\x1f\x04\0" + u32(self.agreed)[1:] + struct.pack(">HH", self.most_pdu, 7)
        if self.is_ciphered:
            answer = self._ciphered(0x28, answer, self.ek)
        verdict = b"\2\1" + bytes((not self.is_open,))
        why = _tlv(0xA1, b"\2\1" + bytes((diagnostic,)))
        body = _tlv(0xA1, fields[0xA1]) + _tlv(0xA2, verdict) + _tlv(0xA3, why) + extra
        return _tlv(0x61, body + _tlv(0xBE, _tlv(4, answer)))

    def _proof(self, is_meter, counter=0):
        """What the meter, or the client, makes of the challenge that it was sent."""
        got, sent = (self._of_client, self._of_meter) if is_meter else (self._of_meter, self._of_client)
        own, other = (self.title, self.client_title) if is_meter else (self.client_title, self.title)
        if self.mechanism == 5:
            return b"\x10" + u32(counter) + self._gcm(0x10, own, counter, self.ek, got)[1]
        if self.mechanism == 2:
            return Cipher(algorithms.AES(self.secret.ljust(16, b"\0")), modes.ECB()).encryptor().update(got)
        if self.mechanism == 6:
            return hashlib.sha256(self.secret + own + other + got + sent).digest()
        return hashlib.new("md5" if self.mechanism == 3 else "sha1", got + self.secret).digest()

    def _service(self, request):
        self.asked.append(bytes(request))
        kind, invoke, body = request[0] << 8 | request[1], request[2], request[3:]
        if not self.is_open or (self.is_pending and kind != _ACTION << 8 | 1):
            return _NOT_ALLOWED
        handler = self._SERVICES.get(kind)
        return handler(self, invoke, body) if handler else _UNKNOWN

    def _most(self):
        return min(self.peer_pdu, self.most_pdu) - (_CIPHERING if self.is_ciphered else 0)

    def _get(self, invoke, body):
        try:
            data, _ = self._read(body)
        except Refused as why:
            return bytes((0xC4, 1, invoke, 1, why.args[0]))
        return self._give(bytes((0xC4, 1, invoke, 0)), data, invoke)

    def _get_list(self, invoke, body):
        data, rest = body[:1], body[1:]
        while rest:
            try:
                value, rest = self._read(rest)
                data += b"\0" + value
            except Refused as why:
                data, rest = data + bytes((1, why.args[0])), rest[10:]
        return self._give(bytes((0xC4, 3, invoke)), data, invoke)

    def _give(self, head, data, invoke):
        if len(head + data) <= self._most():
            return head + data
        self._going, self._block = data, 0
        return self._get_next(invoke, u32(0))

    def _get_next(self, invoke, body):
        if not self._going or int.from_bytes(body, "big") != self._block:
            return bytes((0xC4, 2, invoke, 1)) + body + bytes((1, 19))
        self._block += 1
        most = self._most() - 12
        part, self._going = self._going[:most], self._going[most:]
        return bytes((0xC4, 2, invoke, not self._going)) + u32(self._block) + b"\0" + _count(len(part)) + part

    def _read(self, body):
        """(encoded data, what is behind this descriptor)"""
        value = self.objects.get((int.from_bytes(body[:2], "big"), bytes(body[2:8]), body[8]))
        if value is None:
            raise Refused(4)
        selector, rest = None, bytes(body[10:])
        if body[9]:
            number = rest[0]
            parameters, rest = _value(rest[1:])
            selector = number, parameters
        data = value(selector) if callable(value) else value
        assert isinstance(data, bytes)
        return data, rest

    def _write(self, body, data):
        key = int.from_bytes(body[:2], "big"), bytes(body[2:8]), body[8]
        if key not in self.objects:
            return 4
        self.objects[key] = bytes(data)
        return 0

    def _set(self, invoke, body):
        return bytes((0xC5, 1, invoke, self._write(body, body[10:])))

    def _set_first(self, invoke, body):
        self._target, self._coming, self._block = body[:9], b"", 0
        return self._set_next(invoke, body[10:])

    def _set_next(self, invoke, body):
        number = int.from_bytes(body[1:5], "big")
        if number != self._block + 1:
            return bytes((0xC5, 3, invoke, 19)) + body[1:5]
        self._block = number
        self._coming += _piece(body[5:])[0]
        if not body[0]:
            return bytes((0xC5, 2, invoke)) + body[1:5]
        return bytes((0xC5, 3, invoke, self._write(self._target, self._coming))) + body[1:5]

    def _set_list(self, invoke, body):
        count = body[0]
        targets = [body[1 + 10 * index : 11 + 10 * index] for index in range(count)]
        rest = bytes(body[2 + 10 * count :])
        results = []
        for target in targets:
            _, tail = _value(rest)
            results.append(self._write(target, rest[: len(rest) - len(tail)]))
            rest = tail
        return bytes((0xC5, 5, invoke, count, *results))

    def _act(self, invoke, body):
        class_id, name, method = int.from_bytes(body[:2], "big"), bytes(body[2:8]), body[8]
        parameter = bytes(body[10:]) if body[9] else None
        if self.is_pending:
            if (class_id, name) != _ASSOCIATION or method != 1 or not parameter:
                return _NOT_ALLOWED
            return self._verify(invoke, bytes(_value(parameter)[0]))
        if (class_id, name, -method) not in self.objects:
            return bytes((0xC7, 1, invoke, 4, 0))
        try:
            data = self.objects[class_id, name, -method](parameter)
        except Refused as why:
            return bytes((0xC7, 1, invoke, why.args[0], 0))
        return bytes((0xC7, 1, invoke, 0)) + (b"\0" if data is None else b"\1\0" + data)

    def _act_first(self, invoke, body):
        self._target, self._coming, self._block = body[:9] + b"\1", b"", 0
        return self._act_next(invoke, body[9:])

    def _act_next(self, invoke, body):
        number = int.from_bytes(body[1:5], "big")
        if number != self._block + 1:
            return bytes((0xC7, 1, invoke, 19, 0))
        self._block = number
        self._coming += _piece(body[5:])[0]
        return self._act(invoke, self._target + self._coming) if body[0] else bytes((0xC7, 4, invoke)) + body[1:5]

    def _verify(self, invoke, proof):
        counter = int.from_bytes(proof[1:5], "big")
        if proof != self._proof(is_meter=False, counter=counter):
            return bytes((0xC7, 1, invoke, 3, 0))
        self.is_pending = False
        self.counter += 1
        return bytes((0xC7, 1, invoke, 0, 1, 0)) + _tlv(9, self._proof(is_meter=True, counter=self.counter))

    _SERVICES = {
        _GET << 8 | 1: _get,
        _GET << 8 | 2: _get_next,
        _GET << 8 | 3: _get_list,
        _SET << 8 | 1: _set,
        _SET << 8 | 2: _set_first,
        _SET << 8 | 3: _set_next,
        _SET << 8 | 4: _set_list,
        _ACTION << 8 | 1: _act,
        _ACTION << 8 | 4: _act_first,
        _ACTION << 8 | 6: _act_next,
    }


class HdlcLink:
    """The meter's end of HDLC. address: the octets of the server address it heeds, None: any. most_info: of each field."""

    def __init__(self, meter, address=None, most_info=128):
        self.meter, self.address, self.most_info = meter, address, most_info
        self._wire = b""
        self._is_up = False

    def taken(self, data):
        """Return what the meter sends when these octets came: none, or whole frames."""
        self._wire += data
        answers = b""
        while (frame := self._frame()) is not None:
            answers += self._answer(frame)
        return answers

    def _frame(self):
        while True:
            start = self._wire.find(b"\x7e")
            self._wire = self._wire[start:] if start >= 0 else b""
            if len(self._wire) < 3:
                return None
            end = ((self._wire[1] & 7) << 8 | self._wire[2]) + 1
            if self._wire[1] & 0xF0 == 0xA0 and len(self._wire) <= end:
                return None
            frame = self._wire[1:end]
            if self._wire[1] & 0xF0 == 0xA0 and self._wire[end] == 0x7E and _crc(frame[:-2]) == frame[-2:]:
                self._wire = self._wire[end:]  # a flag may close one frame and open the next
                return frame
            self._wire = self._wire[1:]

    def _answer(self, frame):
        at = 2
        while not frame[at] & 1:
            at += 1
        self._server, self._client = frame[2 : at + 1], frame[at + 1 : at + 2]
        if self.address is not None and self._server != self.address:
            return b""
        control, information = frame[at + 2], frame[at + 5 : -2]
        if control == 0x93:
            return self._connect(information)
        if control == 0x53 or not self._is_up:
            was_up, self._is_up = self._is_up, False
            return self._made(0x73 if was_up else 0x1F)
        if control & 1 == 0:
            if control >> 1 & 7 != self._expected:
                return self._sent  # our last frame was lost
            self._expected = self._expected + 1 & 7
            self._coming += information
            if frame[0] & 8:
                return self._ready()
            self._going, self._coming = b"\xe6\xe7\0" + self.meter.apdu(self._coming[3:]), b""
        elif control & 15 != 1:
            return self._made(0x97)
        elif control >> 5 != self._number:
            return self._sent
        if not self._going:
            return self._ready()
        part, self._going = self._going[: self._most], self._going[self._most :]
        number, self._number = self._number, self._number + 1 & 7
        self._sent = self._made(self._expected << 5 | 0x10 | number << 1, part, bool(self._going))
        return self._sent

    def _ready(self):
        self._sent = self._made(self._expected << 5 | 0x11)
        return self._sent

    def _connect(self, information):
        self.meter.reset()
        self._is_up, self._expected, self._number, self._most = True, 0, 0, self.most_info
        self._coming, self._going, self._sent = b"", b"", b""
        wanted = information[3:]
        while len(wanted) > 2:
            if wanted[0] == 6:
                self._most = min(self._most, int.from_bytes(wanted[2 : 2 + wanted[1]], "big"))
            wanted = wanted[2 + wanted[1] :]
        size = self._most.to_bytes(1 if self._most < 256 else 2, "big")
        parameters = _tlv(5, size) + _tlv(6, size) + _tlv(7, u32(1)) + _tlv(8, u32(1))
        return self._made(0x73, b"\x81\x80" + bytes((len(parameters),)) + parameters)

    def _made(self, control, information=b"", more=False):
        size = len(self._client + self._server) + 5 + (len(information) + 2 if information else 0)
        frame = struct.pack(">H", 0xA000 | more << 11 | size) + self._client + self._server + bytes((control,))
        frame += _crc(frame)
        if information:
            frame += information
            frame += _crc(frame)
        return b"\x7e" + frame + b"\x7e"


def _crc(data):
    return CRCCCITT().calculate_for(data)


# How a meter talks over a stream: read(n) returns up to n octets, b"" at the end; write(octets).


def hdlc(meter, read, write, **options):
    link = HdlcLink(meter, **options)
    while data := read(1):
        write(link.taken(data))


def mode_e(meter, read, write, identification=b"/MMM5\\2PEER\r\n"):
    """The opening, whatever the speed and the parity (a pty has none), then HDLC."""
    line = b""
    while data := read(1):
        line = (line + data)[-6:]
        if line.endswith(b"!\r\n"):
            write(identification)
        elif line[:1] == b"\x06" and line.endswith(b"\r\n"):
            write(line)
            hdlc(meter, read, write)
            return


def wrapper(meter, read, write):
    while len(head := read(8)) == 8:
        _, source, destination, size = struct.unpack(">4H", head)
        answer = meter.apdu(read(size))
        write(struct.pack(">4H", 1, destination, source, len(answer)) + answer)


def serve_tcp(meter, talk, port=0):
    """Return a server on 127.0.0.1 whose thread runs: `.server_address`, `.shutdown()`. talk: one of the three above."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            talk(meter, self.rfile.read, self.request.sendall)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def serve_pty(meter, talk=hdlc):
    """Return the name of the terminal device at whose other end the meter talks."""
    master, slave = pty.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    ends = (lambda size: os.read(master, size)), (lambda data: os.write(master, data))
    threading.Thread(target=talk, args=(meter, *ends), daemon=True).start()
    return os.ttyname(slave)


def example_objects():
    """A small meter: serial number, clock, three registers, a load profile of a day, a disconnector."""
    rows = [(index, 1000 + index) for index in range(96)]

    def stamp(index):
        return struct.pack(">HBBBBBBBhB", 2024, 5, 1, 3, index // 4, index % 4 * 15, 0, 0, -180, 0)

    def profile(selector):
        chosen = rows
        if selector and selector[0] == 1:
            first, last = (bytes(bound)[:8] for bound in selector[1][1:3])
            chosen = [
                row for row in rows if first[:4] + first[5:] <= stamp(row[0])[:4] + stamp(row[0])[5:8] <= last[:4] + last[5:]
            ]
        elif selector:
            first, last = selector[1][:2]
            chosen = rows[first - 1 : last or None]
        return b"\1" + _count(len(chosen)) + b"".join(b"\2\2\x09\x0c" + stamp(index) + b"\6" + u32(v) for index, v in chosen)

    relay = (70, logical_name("0.0.96.3.10.255"))
    objects = {
        (1, logical_name("0.0.96.1.0.255"), 2): b"\x09\x0812345678",
        (1, logical_name("0.0.42.0.0.255"), 2): b"\x09\x10MMM0000012345678",
        (8, logical_name("0.0.1.0.0.255"), 2): b"\x09\x0c" + stamp(42),
        (3, logical_name("1.0.1.8.0.255"), 2): b"\x06" + u32(123456),
        (3, logical_name("1.0.1.8.0.255"), 3): b"\x02\x02\x0f\x01\x16\x1e",
        (3, logical_name("1.0.2.8.0.255"), 2): b"\x06" + u32(789),
        (3, logical_name("1.0.2.8.0.255"), 3): b"\x02\x02\x0f\x00\x16\x1e",
        (3, logical_name("1.0.32.7.0.255"), 2): b"\x12" + struct.pack(">H", 2301),
        (3, logical_name("1.0.32.7.0.255"), 3): b"\x02\x02\x0f\xff\x16\x23",
        (7, logical_name("1.0.99.1.0.255"), 2): profile,
        (7, logical_name("1.0.99.1.0.255"), 3): bytes.fromhex(
            "0102 0204120008 0906 0000010000ff 0f02 120000 0204120003 0906 0100010800ff 0f02 120000"
        ),
        (7, logical_name("1.0.99.1.0.255"), 4): b"\x06" + u32(900),
        (7, logical_name("1.0.99.1.0.255"), 7): b"\x06" + u32(96),
        (*relay, 2): b"\x03\1",
        (*relay, 3): b"\x16\1",
        (*relay, 4): b"\x16\4",
    }

    def switch(is_on):
        def act(parameter):
            objects[(*relay, 2)] = b"\x03" + bytes((is_on,))
            objects[(*relay, 3)] = b"\x16" + bytes((is_on,))

        return act

    objects[(*relay, -1)] = switch(False)
    objects[(*relay, -2)] = switch(True)
    return objects


if __name__ == "__main__":
    how, where = {"hdlc": hdlc, "mode_e": mode_e, "wrapper": wrapper}[sys.argv[1]], int(sys.argv[2])
    print(serve_tcp(Meter(example_objects()), how, where).server_address)
    threading.Event().wait()
