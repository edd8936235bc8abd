"""Time on a serial wire: how long characters take, and characters that are on their way to the gateway."""

import heapq
import itertools
from typing import NamedTuple

_STEP_S = 0.001  # characters are handed over in lumps of at most this long, or singly


class Serial(NamedTuple):
    """Line settings; parity "N", "E" or "O"."""

    baud: int
    parity: str = "N"
    stop: int = 1

    @property
    def character_s(self):
        """Start bit, eight data bits, parity bit, stop bits."""
        return (9 + (self.parity != "N") + self.stop) / self.baud

    @property
    def silence_s(self):
        """The silence that ends a frame: 3.5 characters, fixed above 19200 baud (Modbus over Serial Line V1.02, 2.5.1.1)."""
        return 0.00175 if self.baud > 19200 else 3.5 * self.character_s

    def understands(self, other):
        """Whether a receiver set like this reads what `other` sends; the number of stop bits does not matter."""
        return self.baud == other.baud and self.parity == other.parity


class Chunk:
    """Characters handed over together, when the last of them has passed."""

    def __init__(self, begin, due, data, own):
        self.begin, self.due, self.data = begin, due, bytearray(data)
        self.own = own  # the gateway's own characters coming back: nothing they could collide with

    def garble(self, random):
        self.data[:] = random.randbytes(len(self.data))


class Schedule:
    """Everything that is going to arrive at the gateway, in the order of time."""

    def __init__(self, random):
        self._random = random
        self._heap = []
        self._order = itertools.count()
        self._until = 0.0  # when the last character on the way will have passed

    def add(self, start, data, spacing_s, own=False):
        """Put characters on the wire, the first beginning at `start`; 0 spacing delivers all at once.

        Where they meet others on the wire, all that overlaps is garbled. Returns when the last one has passed.
        """
        lump = max(1, int(_STEP_S / spacing_s)) if spacing_s else len(data) or 1
        end = start + spacing_s * len(data)
        collision = not own and spacing_s and start < self._until - 1e-9
        for k in range(0, len(data), lump):
            part = data[k : k + lump]
            chunk = Chunk(start + k * spacing_s, start + (k + len(part)) * spacing_s, part, own)
            if collision:
                self._collide(chunk)
            heapq.heappush(self._heap, (chunk.due, next(self._order), chunk))
        if not own:
            self._until = max(self._until, end)
        return end

    def _collide(self, chunk):
        for _, _, other in self._heap:
            if not other.own and other.begin < chunk.due and chunk.begin < other.due:
                other.garble(self._random)
                chunk.garble(self._random)

    def next_due(self):
        """When the next chunk has passed, None when the wire is idle."""
        return self._heap[0][0] if self._heap else None

    def take(self, now):
        """The next chunk that has passed by now, None when there is none."""
        if self._heap and self._heap[0][0] <= now:
            return heapq.heappop(self._heap)[2]
        return None

    def clear(self):
        self._heap.clear()
        self._until = 0.0
