"""A serial port in simulated time, and slaves at its other end."""

import asyncio
import gc

from host_tests.modbus_oracle import rtu

_EIO = 5


class FakeUart:
    """The contract of firmware/port/uart_pty.py, without a terminal.

    `answer(frame)` gets each frame sent and returns what comes back: pairs (milliseconds behind the frame's end, bytes).
    `sent`: (milliseconds since the start, frame), the time that of the first bit. `echo`: the port hears itself.
    `broken`: nothing works. `noisy`: there is always something on the line.
    """

    def __init__(self, time, answer):
        self._time = time
        self._answer = answer
        self._received = bytearray()
        self.char_us = 1000
        self.sent = []
        self.echo = self.broken = self.noisy = False

    async def send(self, frame):
        self._check()
        if len(self.sent) % 64 == 63:
            gc.collect()  # or what is kept here lies scattered among garbage, and no larger piece of heap stays free
        self.sent.append((self._time.passed_ms(), bytes(frame)))
        await asyncio.sleep_ms((len(frame) * self.char_us + 999) // 1000)
        if self.echo:
            self.hear(frame)
        for after_ms, data in self._answer(bytes(frame)):
            asyncio.create_task(self._later(after_ms, data))

    def receive(self, view):
        self._check()
        count = min(len(view), len(self._received))
        view[:count] = self._received[:count]
        self._received = self._received[count:]
        return count

    def discard(self):
        thrown = len(self._received) + self.noisy
        self._received = bytearray()
        return thrown

    def hear(self, data):
        """Bytes come in."""
        self._received.extend(data)

    async def _later(self, after_ms, data):
        await asyncio.sleep_ms(after_ms)
        self.hear(data)

    def _check(self):
        if self.broken:
            raise OSError(_EIO)


def reply(frame):
    """What a slave answers: each register holds its own address, each coil is off, what is written is accepted."""
    function = frame[1]
    address, count = frame[2] << 8 | frame[3], frame[4] << 8 | frame[5]
    if function in (3, 4):
        words = "".join(["%04x" % (address + index & 0xFFFF) for index in range(count)])
        return rtu("%02x%02x%02x" % (frame[0], function, 2 * count) + words)
    if function in (1, 2):
        length = (count + 7) // 8
        return rtu("%02x%02x%02x" % (frame[0], function, length) + "00" * length)
    return rtu(frame[:6].hex())
