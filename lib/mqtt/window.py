"""Packets that wait for their acknowledgement: so many and no more."""

from time import ticks_diff

from micropython import const

SIZE = const(8)


class Window:
    """A packet has a place, 0 to SIZE - 1. `open` is how many there are."""

    def __init__(self):
        self._ids = [0] * SIZE  # 0: free
        self._kinds = [0] * SIZE
        self._since = [0] * SIZE
        self.tokens = [None] * SIZE
        self.open = 0
        self._last = 0

    def enter(self, kind, token, now):
        """Return the place of a new packet that waits for an answer of the type `kind`; there has to be one."""
        while True:
            self._last = self._last % 65535 + 1
            if self._last not in self._ids:
                break
        place = self._ids.index(0)
        self._ids[place] = self._last
        self._kinds[place] = kind
        self._since[place] = now
        self.tokens[place] = token
        self.open += 1
        return place

    def packet_id(self, place):
        """Return the number of the packet in a place, 0 if it is free."""
        return self._ids[place]

    def kind(self, place):
        """Return the type of the answer it waits for."""
        return self._kinds[place]

    def find(self, packet_id, kind):
        """Return the place that an answer is for, -1 if nobody waits for it."""
        for place in range(SIZE):
            if packet_id and self._ids[place] == packet_id and self._kinds[place] == kind:
                return place
        return -1

    def leave(self, place):
        """Free a place; return its token."""
        token = self.tokens[place]
        self._ids[place] = 0
        self.tokens[place] = None
        self.open -= 1
        return token

    def oldest_ms(self, now):
        """Return for how long the oldest has been waiting, 0 if there is none."""
        oldest = 0
        for place in range(SIZE):
            if self._ids[place]:
                oldest = max(oldest, ticks_diff(now, self._since[place]))
        return oldest
