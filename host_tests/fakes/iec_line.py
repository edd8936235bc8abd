"""IEC 62056-21 meters on a wire in simulated time: each character comes when it would, and is noise at another speed."""

import asyncio

_SPEEDS = (300, 600, 1200, 2400, 4800, 9600, 19200)
_REACTION_MS = 200
_ENDLESS_S = 150  # longer than anybody listens at 9600 baud
STX, ETX, SOH, ACK, NAK = b"\x02", b"\x03", b"\x01", b"\x06", b"\x15"


def even(data):
    """Characters of 7 bits with their parity bit."""
    found = bytearray()
    for byte in data:
        ones, rest = 0, byte & 127
        while rest:
            ones, rest = ones + (rest & 1), rest >> 1
        found.append(byte & 127 | (ones & 1) << 7)
    return bytes(found)


def checked(message):
    """A message with its block check, which begins behind the first character."""
    check = 0
    for byte in message[1:]:
        check ^= byte
    return message + bytes((check,))


class IecLine:
    """The contract of firmware/port/uart_pty.py. `meters` hear all; `echo`: the port hears itself. `sent` last by it."""

    def __init__(self, time, meters):
        self.time = time
        self.meters = meters
        self.echo = False
        self.sent = []
        self.char_us = 0
        self._baud = 0
        self._coming = []  # [ms of the first character, data, how often it comes, baud, characters that have passed]

    def configure(self, baud, parity, stop):
        self._baud = baud
        self.char_us = 10000000 // baud

    async def send(self, frame):
        heard = bytes([byte & 127 for byte in frame])
        self.sent = self.sent[-15:] + [heard]
        if self.echo:
            self.say(0, bytes(frame), self._baud)
        await asyncio.sleep_ms((len(frame) * self.char_us + 999) // 1000)
        for meter in self.meters:
            meter.hear(heard, self._baud, self)

    def say(self, after_ms, data, baud, times=1):
        """Have characters come, the first one's end so long from now; return how long it takes until the last has passed."""
        self._coming.append([self.time.passed_ms() + after_ms, data, times, baud, 0])
        return after_ms + times * len(data) * 10000 // baud

    def receive(self, view):
        now = self.time.passed_ms()
        used = 0
        for one in self._coming:
            begin, data, times, baud, passed = one
            count = min(times * len(data) - passed, max(0, (now - begin) * baud // 10000 - passed), len(view) - used)
            for at in range(passed, passed + count):
                byte = data[at % len(data)]
                view[used] = byte if baud == self._baud else (byte * 37 + used) & 255
                used += 1
            one[4] += count
        self._coming = [one for one in self._coming if one[4] < one[2] * len(one[1])]
        return used

    def discard(self):
        thrown = bytearray(64)
        count = found = self.receive(thrown)
        while found == len(thrown):
            found = self.receive(thrown)
            count += found
        return count


class IecMeter:
    """`mode`: "A" stays at the opening speed, "B" changes it unasked, "C" as it is told. `lines`: of the read-out.

    `fault`: see hear() and say(). `readouts` and `passwords` count.
    """

    def __init__(self, number, lines=(), fault="", mode="C", opening=300, fastest=9600, password="0000"):
        self.number = number
        self.lines = ["0.0.0(" + number + ")"] + list(lines)
        self.fault = fault
        self.mode = mode
        self.opening, self.fastest = opening, fastest
        self.password = password
        self.readouts = self.passwords = 0
        self._baud = opening
        self._until_ms = 0  # the end of what it says
        self._is_called = self._programs = False

    def hear(self, data, baud, line):
        if line.time.passed_ms() > self._until_ms and not self._programs and not self._is_called:
            self._baud = self.opening  # the session was over with the read-out
        if self.fault == "mute" or baud != self._baud:
            return
        if data.startswith(b"/?") and data.endswith(b"!\r\n"):
            self._baud, self._is_called, self._programs = self.opening, False, False
            if data[2:-3] in (b"", self.number.encode()) or self.fault == "any address":
                self._called(line)
        elif self._is_called and data[:1] == ACK and data.endswith(b"\r\n"):
            self._is_called = False
            self._baud = _SPEEDS[data[2] - 48] if data[2:3] == self._letter() else self.opening
            if data[3:4] == b"1":
                self._programs = True
                self.say(line, checked(SOH + b"P0" + STX + b"(" + self.number.encode() + b")" + ETX))
            else:
                self._read_out(line)
        elif data == checked(SOH + b"B0" + ETX):
            self._baud, self._programs = self.opening, False
        elif self._programs and data[:1] == SOH:
            self._commanded(data, line)

    def _letter(self):
        place = _SPEEDS.index(self.fastest)
        return b"" if self.mode == "A" else b" ABCDEF"[place : place + 1] if self.mode == "B" else b"%d" % place

    def _called(self, line):
        letter = self._letter() or b"x"
        passed = self.say(line, b"/OSG" + letter + b"FAKE\r\n")
        if self.fault == "early":
            self._baud = self.fastest  # it should wait for what it is told
        if self.mode == "C":
            self._is_called = True
            return
        if self.mode == "B":
            self._baud = self.fastest
        self._read_out(line, passed)

    def _read_out(self, line, after_ms=0):
        self.readouts += 1
        data = ("".join([text + "\r\n" for text in self.lines]) + "!\r\n").encode()
        message = checked(STX + data + ETX)
        if self.fault == "check":
            message = message[:-1] + bytes((message[-1] ^ 1,))
        self.say(line, message, after_ms)

    def say(self, line, data, after_ms=0):
        is_data = data[:1] == STX
        data = even(data)
        baud = self.opening if self.fault == "late" else self._baud
        if is_data and self.fault == "parity":
            data = data[:12] + bytes((data[12] ^ 128,)) + data[13:]
        if is_data and self.fault == "truncated":
            data = data[: len(data) // 2]
        times = 1
        if is_data and self.fault == "endless":
            data = data[:-2]
            times = _ENDLESS_S * baud // 10 // len(data)
        passed_ms = line.say(after_ms + _REACTION_MS, data, baud, times)
        self._until_ms = line.time.passed_ms() + passed_ms
        return passed_ms

    def _commanded(self, data, line):
        command = data[1:3]
        if command[:1] == b"P":
            self.passwords += 1
            is_right = self.fault != "password" and data[4:-2] == b"(" + self.password.encode() + b")"
            self.say(line, ACK if is_right else NAK)
        elif self.fault == "signs off":
            self._baud, self._programs = self.opening, False
            self.say(line, checked(SOH + b"B0" + ETX))
        elif self.fault != "stalls":
            code = data[4 : data.find(b"(")].decode()
            found = [text for text in self.lines if text.startswith(code + "(")] or ["(ERROR)"]
            self.say(line, checked(STX + found[0].encode() + ETX))
