"""A simulated line with IEC 62056-21 meters: 300 to 19200 baud, 7E1, every character in its own time.

Characters of another speed than a receiver's are noise to it, both ways: that is what a wrong switch looks like. Faults of the
line: echo (the gateway hears itself), noise (in front of answers), busy (never silent), closed.
"""

import collections
import os
import random
import select
import threading
import time

from tools.rig.families.iec import even
from tools.rig.linux import wake_exactly
from tools.rig.pty_pair import PtyPair
from tools.rig.wire import Serial

_LUMP_S = 0.002
_TICK_S = 0.25


class IecLine(threading.Thread):
    """The interface of tools/rig/line.py."""

    def __init__(self, port, meters, path, fast=False):
        super().__init__(name=port, daemon=True)
        self.port, self.meters, self.fast = port, meters, fast
        self.fault = "none"
        self.bytes_in = self.bytes_out = self.frame_count = 0
        self.busy_s = 0.0
        self._random = random.Random(port)
        self._pty = PtyPair(path, 300)
        self._queue = collections.deque()  # (due, data, baud, is own)
        self._until = 0.0
        self._said_until = 0.0
        self._wake_r, self._wake_w = os.pipe()
        self._commands = []
        self._stopping = False
        self._started_at = time.monotonic()

    @property
    def path(self):
        return self._pty.path

    def announce(self, serial: Serial):
        """The terminal's own speed counts here: it is right when the characters arrive."""

    def command_relay(self, command):
        raise NotImplementedError

    def set_fault(self, fault):
        self._do(lambda: self._set_fault(fault))

    def restart(self):
        self._do(self._restart)

    def statistics(self):
        return {
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "frames": self.frame_count,
            "busy_ms": round(self.busy_s * 1000, 3),
            "elapsed_ms": round((time.monotonic() - self._started_at) * 1000, 3),
        }

    def close(self):
        self._stopping = True
        os.write(self._wake_w, b"x")
        self.join()
        self._pty.close()
        os.close(self._wake_r)
        os.close(self._wake_w)

    def _do(self, action):
        done = threading.Event()
        self._commands.append((action, done))
        os.write(self._wake_w, b"x")
        done.wait(5)

    def run(self):
        wake_exactly()
        while not self._stopping:
            now = time.monotonic()
            self._deliver(now)
            for meter in self.meters:
                if meter.speaks_s:
                    with meter.lock:
                        meter.speak(now, self._say)
            due = self._next_due()
            timeout_s = _TICK_S if due is None else max(0.0, due - time.monotonic())
            if self.fault == "busy":
                timeout_s = 0.005
                self._put(self._random.randbytes(4))
            watched = [self._wake_r] if self._pty.master < 0 else [self._wake_r, self._pty.master]
            ready, _, _ = select.select(watched, [], [], min(timeout_s, _TICK_S))
            if self._wake_r in ready:
                os.read(self._wake_r, 64)
                while self._commands:
                    action, done = self._commands.pop(0)
                    action()
                    done.set()
            elif ready:
                self._arrived(self._pty.read(), time.monotonic())

    def _next_due(self):
        """When something is to be delivered, None if nothing is."""
        return self._queue[0][0] if self._queue else None

    def _arrived(self, data, now):
        if not data:
            return
        baud = self._pty.baud() or 300
        character_s = 0.0 if self.fast else 10 / baud
        begin = max(now, self._until)
        self._until = begin + character_s * len(data)
        self.bytes_in += len(data)
        self.busy_s += 10 / baud * len(data)
        self.frame_count += 1
        collides = bool(self._queue) and self._queue[0][0] - 0.05 < self._until and not self.fast
        if self.fault == "echo":
            self._queue_up(begin, data, baud, 0.0 if self.fast else 10 / baud)
        self._hear(data, begin, character_s, baud, collides and self.fault != "echo")

    def _hear(self, data, begin, character_s, baud, collides):
        """Every meter hears each of the gateway's characters, those of another speed or in collision as others."""
        for meter in self.meters:
            with meter.lock:
                meter.look(begin)
                for number, byte in enumerate(data):
                    if not self.fast and meter.baud != baud or collides:
                        byte = self._random.randrange(128)
                    meter.heard(byte, begin + character_s * (number + 1), self._say)

    def _say(self, meter, at, data, baud):
        """A meter's message from `at` on; return when it has passed."""
        if meter.has_parity:
            data = even(data)
        if meter.fault == "parity" and len(data) > 20:
            data = data[:15] + bytes((data[15] ^ 0x80,)) + data[16:]
        if self.fault == "noise":
            data = b"\xff\x00\x7f" + data
        self.busy_s += 10 / baud * len(data)
        if self.fast:
            at = time.monotonic()
        if at < self._said_until:
            data = self._random.randbytes(len(data))  # two at once
        end = self._queue_up(at, data, baud, 0.0 if self.fast else 10 / baud)
        self._said_until = end
        return end

    def _queue_up(self, at, data, baud, character_s):
        lump = max(1, int(_LUMP_S / character_s)) if character_s else 64
        for place in range(0, len(data), lump):
            part = data[place : place + lump]
            at += character_s * len(part)
            self._queue.append((at, part, baud))
        return at

    def _deliver(self, now):
        if len(self._queue) > 1 and self._queue[0][0] > self._queue[-1][0] and not self.fast:
            self._queue = collections.deque(sorted(self._queue, key=lambda one: one[0]))
        while self._queue and self._queue[0][0] <= now:
            _, data, baud = self._queue.popleft()
            self.bytes_out += len(data)
            if self._pty.baud() != baud and not self.fast:
                data = self._random.randbytes(len(data))
            done = self._put(data)
            if self.fast and 0 <= done < len(data):  # no UART is as fast: it waits until the gateway has read
                self._queue.appendleft((now + 0.002, data[done:], baud))
                return

    def _put(self, data):
        """Return how many bytes the terminal took, -1 if it is closed."""
        return self._pty.write(data) if self._pty.master >= 0 else -1

    def _set_fault(self, fault):
        self.fault = fault
        if fault == "closed":
            self._pty.close()
            self._queue.clear()
        elif self._pty.master < 0:
            self._pty.open()

    def _restart(self):
        self._queue.clear()
        self._until = self._said_until = 0.0
        for meter in self.meters:
            meter.restart()
        if self._pty.master >= 0:
            self._pty.flush()
