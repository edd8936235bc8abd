"""One simulated serial line: the meters on it hear whole frames and answer, every character in its own time.

Characters of the gateway occupy the line from when they arrive. A frame ends with 3.5 characters of silence, as for real
slaves; the meter's delay runs from there. No character of an answer is handed over before it would have passed. With
`fast` frames end by length and CRC, and nothing takes time unless a meter or a fault asks for it.
"""

import os
import random
import select
import threading
import time

from tools.rig.faults import answer_pieces, noise
from tools.rig.linux import wake_exactly
from tools.rig.pty_pair import PtyPair
from tools.rig.rtu import sound, take_request
from tools.rig.wire import Schedule, Serial

DELAY_S = 0.02
_TICK_S = 1.0  # meters move on at least so often,
_CALM_S = 0.002  # ... when the line has nothing to do for so long
_BUSY_S = 0.005  # length of the lumps of random characters on a line that is stuck
_FAST_SILENCE_S = 0.005


class Line(threading.Thread):
    """`path` is what the gateway opens. Attributes ending in `_count` and `bytes_` are statistics since the start."""

    def __init__(self, port, meters, path, fast=False):
        super().__init__(name=port, daemon=True)
        self.port, self.meters, self.fast = port, meters, fast
        own = meters[0].line if meters else Serial(115200 if port == "rs485" else 19200)
        self._own = own
        self._announced = None  # the gateway's settings; None until it tells, then the terminal's speed counts
        self.fault = "none"
        self.bytes_in = self.bytes_out = self.frame_count = 0
        self.busy_s = 0.0
        self._random = random.Random(port)
        self._pty = PtyPair(path, own.baud)
        self._schedule = Schedule(self._random)
        self._frame = b""  # what has arrived since the last silence
        self._garbled = False  # ... and met other characters on the way
        self._sent_from = self._sent_until = 0.0  # when the gateway's last characters were on the wire
        self._delivered_at = 0.0  # when it last got some
        self._relay_command = None  # what the meter on the left wants of the switch on the right
        self._commands = []  # to be done by the line's own thread, with the event to set then
        self._wake_r, self._wake_w = os.pipe()
        self._stopping = False
        self._tick_at = 0.0
        self._started_at = time.monotonic()

    @property
    def path(self):
        return self._pty.path

    # Called from other threads.

    def announce(self, serial):
        """The gateway's UART is set like this."""
        self._announced = serial

    def set_fault(self, fault):
        self._do(lambda: self._set_fault(fault))

    def command_relay(self, command):
        """Have a meter be the master for this RelayCommand, which takes the place of one that still waits."""

        def begin():
            self._relay_command = command

        self._do(begin)

    def restart(self):
        """The gateway starts anew: nothing is on the line, nothing announced."""
        self._do(self._restart)

    def statistics(self):
        """Seen from the meters: `bytes_in` came from the gateway."""
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

    # The line's own thread.

    def run(self):
        wake_exactly()
        while not self._stopping:
            now = time.monotonic()
            self._deliver(now)
            self._be_master(now)
            if self._frame and now >= self._frame_end():
                self._frame_over(self._frame_end())
            self._wait()

    def _wait(self):
        now = time.monotonic()
        wakes = [now + _TICK_S]
        due = self._schedule.next_due()
        if due is not None:
            wakes.append(due)
        elif self.fault == "busy":
            wakes = [now]
        if self._frame:
            wakes.append(self._frame_end())
        elif due is None and self._relay_command and self._relay_command.due(self._quiet_since()):
            wakes.append(self._relay_command.due(self._quiet_since()))
        watched = [self._wake_r] if self._pty.master < 0 else [self._wake_r, self._pty.master]
        timeout_s = max(0.0, min(wakes) - now)
        if now >= self._tick_at and timeout_s > _CALM_S:
            self._tick_at = now + _TICK_S
            for meter in self.meters:
                meter.advance()
            return
        ready, _, _ = select.select(watched, [], [], timeout_s)
        if self._wake_r in ready:
            os.read(self._wake_r, 64)
            while self._commands:
                action, done = self._commands.pop(0)
                action()
                done.set()
        elif ready:
            self._arrived(self._pty.read(), time.monotonic())

    def _deliver(self, now):
        if self.fault == "busy" and self._schedule.next_due() is None:
            spacing = self._own.character_s
            self._schedule.add(now, self._random.randbytes(max(1, int(_BUSY_S / spacing))), spacing)
        while chunk := self._schedule.take(now):
            meets = chunk.begin < self._sent_until and chunk.due > self._sent_from
            if meets and not chunk.own and not self.fast:
                chunk.garble(self._random)
                self._garbled = True
            if not chunk.own:
                self.bytes_out += len(chunk.data)
                self.busy_s += len(chunk.data) * self._own.character_s
            self._delivered_at = now
            if self._pty.master >= 0:
                self._pty.write(chunk.data)

    def _quiet_since(self):
        return max(self._sent_until, self._delivered_at)

    def _be_master(self, now):
        """Send what a meter wants of a switch when the line is at rest."""
        if self._frame or not self._relay_command or self._schedule.next_due() is not None:
            return
        due = self._relay_command.due(self._quiet_since())
        if due and now >= due:
            spacing = 0.0 if self.fast else self._own.character_s
            self._schedule.add(now, self._relay_command.frame(now), spacing)

    def _arrived(self, data, now):
        if not data:
            return
        settings = self._settings()
        self.bytes_in += len(data)
        self.busy_s += len(data) * settings.character_s
        spacing = 0.0 if self.fast else settings.character_s
        begin = max(now, self._sent_until)
        if not self._frame:
            self._sent_from, self._garbled = begin, False
        self._sent_until = begin + spacing * len(data)
        self._frame += data
        if self.fault == "echo":
            self._schedule.add(begin, data, spacing, own=True)
        if self.fast:
            request, self._frame = take_request(self._frame)
            if request:
                rest, self._frame = self._frame, request
                self._frame_over(now)
                self._frame = rest

    def _frame_end(self):
        return self._sent_until + (_FAST_SILENCE_S if self.fast else self._settings().silence_s)

    def _frame_over(self, end):
        """The silence after a frame is over: who is meant and understood it answers."""
        adu, self._frame = self._frame, b""
        garbled, self._garbled = self._garbled or self.fault == "busy", False
        self.frame_count += 1
        settings = self._settings()
        if garbled or not sound(adu):
            return
        if self._relay_command and self._relay_command.takes(adu):
            return
        for meter in self.meters:
            if adu[0] in (0, meter.address) and meter.line.understands(settings):
                pdu = meter.answer(adu[1:-2])
                if adu[0]:
                    self._answer(meter, pdu, end)

    def _answer(self, meter, pdu, end):
        spacing = 0.0 if self.fast else meter.line.character_s
        delay = (0.0 if self.fast else DELAY_S) if meter.delay_s is None else meter.delay_s
        at = end + delay
        for piece in answer_pieces(meter.fault, meter.address, pdu, self._random):
            at += piece.wait_s
            data = piece.data
            if self.fault == "noise":
                data = noise(self._random) + data + noise(self._random)
            at = self._schedule.add(at, data, spacing if piece.spacing_s is None else max(spacing, piece.spacing_s))

    def _settings(self):
        """How the gateway's UART is set, as far as anybody knows."""
        if self._announced:
            return self._announced
        baud = self._pty.baud() if self._pty.master >= 0 else None
        return self._own._replace(baud=baud or self._own.baud)

    def _set_fault(self, fault):
        self.fault = fault
        if fault == "closed":
            self._pty.close()
            self._schedule.clear()
            self._frame = b""
        elif self._pty.master < 0:
            self._pty.open()
        if fault == "none":
            self._schedule.clear()

    def _restart(self):
        self._announced = None
        self._schedule.clear()
        self._frame = b""
        if self._pty.master >= 0:
            self._pty.flush()
