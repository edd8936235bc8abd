"""DLMS meters on a wire in simulated time, made of our own server: each octet comes when it would."""

import asyncio

from lib.dlms import selection, times
from lib.dlms.errors import PeerError
from lib.dlms.names import octets
from lib.dlms.server import Server
from lib.dlms.server_link import CLOSED, OPENED, REQUEST, SEND, ServerLink

LOAD = "1.0.99.1.0"
LOG = "0.0.99.98.1"
_ZONE_MIN = 180
_REACTION_MS = 20
CLIENT, PASSWORD = 1, b"12345678"


def u32(value):
    return b"\x06" + value.to_bytes(4, "big")


def scaler_unit(scaler, unit):
    return b"\x02\x02\x0f" + (scaler & 0xFF).to_bytes(1, "big") + b"\x16" + bytes((unit,))


def columns(*names, class_id=3):
    """The capture objects of a profile: the clock, and registers (or others) by name."""
    found = [b"\x02\x04\x12\0\x08\x09\x06" + octets("0.0.1.0.0") + b"\x0f\x02\x12\0\0"]
    found += [b"\x02\x04\x12\0" + bytes((class_id,)) + b"\x09\x06" + octets(name) + b"\x0f\x02\x12\0\0" for name in names]
    return b"\x01" + bytes((len(found),)) + b"".join(found)


class DlmsMeter:
    """`physical`: its HDLC address, the logical one is 1. `fault`: "mute", "crc", "" or what its objects do by it.

    `values`: {(class, name, attribute): octets}. `ahead_s`: its clock. `period_s`, `since`: of its load profile, whose value is
    the minute. `sessions`, `gets` count.
    """

    def __init__(self, physical, serial, fault="", clock=lambda: 0, period_s=900, since=0, size=400):
        self.physical = physical
        self.fault = fault
        self.clock = clock
        self.ahead_s = 0
        self.period_s = period_s
        self.since = since
        self.holes = ()
        self.sessions = self.gets = 0
        self.ranges = []
        self.acted = []
        self.link = ServerLink({(1, physical)}, 128, 1024)
        self.server = Server(self, {16: b"", CLIENT: PASSWORD}, size)
        self.values = {
            (1, octets("0.0.96.1.0"), 2): b"\x09" + bytes((len(serial),)) + serial.encode(),
            (7, octets(LOAD), 3): columns("1.0.1.8.0", "1.0.2.8.0"),
            (7, octets(LOAD), 4): u32(period_s),
            (7, octets(LOG), 3): columns("0.0.96.11.1", class_id=1),
        }
        for name, value, scaler, unit in (
            ("1.0.1.8.0", 1234567, 1, 30),
            ("1.0.2.8.0", 1000, 1, 30),
            ("1.0.32.7.0", 2315, -1, 35),
            ("1.0.1.7.0", 1500, 0, 27),
        ):
            self.values[3, octets(name), 2] = u32(value)
            self.values[3, octets(name), 3] = scaler_unit(scaler, unit)

    # What a Server wants of its objects.

    def get(self, class_id, ln, attribute, selector, client):
        self.gets += 1
        if (class_id, attribute) == (8, 2):
            return [b"\x09\x0c" + times.encode(self.clock() + self.ahead_s, _ZONE_MIN)]
        if (class_id, ln, attribute) == (7, octets(LOAD), 2):
            return self.rows(selector)
        if (class_id, ln, attribute) == (7, octets(LOG), 2):
            return self.log()
        if (class_id, ln, attribute) not in self.values:
            raise PeerError("object undefined", 4)
        return [self.values[class_id, ln, attribute]]

    def rows(self, selector):
        since, until = self.since, self.clock()
        if selector:
            first, last = [times.utc(octets, 0) for octets in selection.bounds(selector[1])]
            self.ranges.append((first, last))
            since, until = max(since, first), min(until, last)
        begin = -(-since // self.period_s) * self.period_s
        there = [begin + row * self.period_s for row in range(max(0, (until - begin) // self.period_s + 1))]  # 31 bits are few
        there = [at for at in there if at not in self.holes]
        yield b"\x01\x82" + len(there).to_bytes(2, "big")
        for at in there:
            yield b"\x02\x03\x09\x0c" + times.encode(at, _ZONE_MIN) + u32(at // 60 % 100000) + u32(7)

    def log(self):
        """Two events, codes 17 and 3."""
        begin = self.clock() - 86400
        events = [b"\x01\x02"]
        for after_s, code in ((0, 17), (9, 3)):
            events.append(b"\x02\x02\x09\x0c" + times.encode(begin + after_s, _ZONE_MIN) + b"\x11" + bytes((code,)))
        return events

    def set(self, class_id, ln, attribute, data, client):
        self.acted.append((class_id, attribute, bytes(data)))
        if (class_id, attribute) == (8, 2):
            self.ahead_s = times.utc(data[2:14], 0) - self.clock()
        else:
            raise PeerError("read-write denied", 3)

    def act(self, class_id, ln, method, data, client):
        self.acted.append((class_id, method, bytes(data)))
        if (class_id, method) == (8, 6):
            shift = int.from_bytes(data[1:3], "big")
            self.ahead_s += shift - 0x10000 if shift > 0x7FFF else shift
        elif class_id == 70:
            is_on = method == 2
            self.values[70, ln, 2] = b"\x03" + bytes((is_on,))
            self.values[70, ln, 3] = b"\x16" + bytes((is_on,))
            self.values[70, ln, 4] = b"\x16\x01"
        else:
            raise PeerError("object undefined", 4)

    def hear(self, frame):
        """Return what it says to that."""
        link = self.link
        said = bytearray()
        for at in range(0, len(frame), 64):
            piece = frame[at : at + 64]
            room = link.room()
            room[: len(piece)] = piece
            link.filled(len(piece))
            while True:
                event = link.next()
                if event is None:
                    break
                if event == OPENED:
                    self.sessions += 1
                    self.server.reset()
                elif event == CLOSED:
                    self.server.reset()
                elif event == REQUEST:
                    link.answer(self.server.answer(link.request, link.client))
                elif event == SEND:
                    said.extend(link.to_send)
        if self.fault == "mute":
            return b""
        if self.fault == "crc" and len(said) > 40:
            said[30] ^= 1
        return bytes(said)


class DlmsLine:
    """The contract of firmware/port/uart_pty.py. `meters` hear all. `busy_octets` have passed so far, both ways."""

    def __init__(self, time, meters, baud=9600):
        self.time = time
        self.meters = meters
        self.busy_octets = 0
        self.char_us = 0
        self.reaction_ms = _REACTION_MS
        self._baud = baud
        self._coming = []  # (ms of its end, octet)
        self._free_ms = 0

    def configure(self, baud, parity, stop, bits=8):
        self._baud = baud
        self.char_us = 10000000 // baud

    async def send(self, view):
        heard = bytes(view)
        self.busy_octets += len(heard)
        await asyncio.sleep_ms((len(heard) * 10000 + self._baud - 1) // self._baud)
        for meter in self.meters:
            said = meter.hear(heard)
            if said:
                self.busy_octets += len(said)
                begin = self.time.passed_ms() + self.reaction_ms
                self._coming.append([begin, said, 0])

    def receive(self, view):
        used = 0
        now = self.time.passed_ms()
        for one in self._coming:
            begin, said, passed = one
            there = min(len(said), max(0, (now - begin) * self._baud // 10000))
            count = min(there - passed, len(view) - used)
            view[used : used + count] = said[passed : passed + count]
            one[2] += count
            used += count
        self._coming = [one for one in self._coming if one[2] < len(one[1])]
        return used

    def discard(self):
        waste = bytearray(64)
        count = found = self.receive(waste)
        while found == len(waste):
            found = self.receive(waste)
            count += found
        return count
