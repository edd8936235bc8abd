"""The last raw frames of one wire, for a person who looks for a fault; in RAM only while somebody asks for them."""

from time import ticks_diff, ticks_ms

from micropython import const

_MOST_BYTES = const(2048)
_MOST_FRAMES = const(40)
_KEEP_MS = const(10000)


class FrameLog:
    """`frames`: (number from 1, milliseconds since the log began, sent by us, bytes), oldest first."""

    def __init__(self, bus, previous=None):
        """`bus` is a wire's master: its `tap` is told each frame. `previous`: the log that this one takes the place of."""
        if previous is not None:
            previous.end()
        self.bus = bus
        self.frames = []
        self._bytes = 0
        self._count = 0
        self._began = self._asked = ticks_ms()
        bus.tap = self._take

    def ask(self):
        """Somebody wants to know: go on."""
        self._asked = ticks_ms()

    def is_forgotten(self):
        """Nobody has asked for ten seconds."""
        return ticks_diff(ticks_ms(), self._asked) > _KEEP_MS

    def end(self):
        self.bus.tap = None

    def _take(self, is_sent, view):
        self._count += 1
        try:
            self.frames.append((self._count, ticks_diff(ticks_ms(), self._began), is_sent, bytes(view)))
        except MemoryError:
            return  # the wire goes on
        self._bytes += len(view)
        while self._bytes > _MOST_BYTES or len(self.frames) > _MOST_FRAMES:
            self._bytes -= len(self.frames.pop(0)[3])
