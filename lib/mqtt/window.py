"""Packets that wait for their acknowledgement: so many and no more."""

from time import ticks_diff

from micropython import const

SIZE = const(8)


class Window:
    """A packet has a place, 0 to SIZE - 1. `open` is how many there are."""

    def __init__(self):
        self._places: list = [None] * SIZE  # (packet id, type of the answer, token, ticks of its start), None: free
        self._last_id = 0
        self.open = 0

    def enter(self, kind, token, now):
        """Return (place, packet id) of a new packet that waits for an answer of the type `kind`; there has to be a place."""
        while True:
            self._last_id = self._last_id % 65535 + 1
            if self.find(self._last_id) < 0:
                break
        place = self._places.index(None)
        self._places[place] = (self._last_id, kind, token, now)
        self.open += 1
        return place, self._last_id

    def find(self, packet_id, kind=0):
        """Return the place of a packet, -1 if there is none; with `kind`, if it waits for that."""
        for place in range(SIZE):
            entry = self._places[place]
            if entry and entry[0] == packet_id and kind in (0, entry[1]):
                return place
        return -1

    def restart(self, place, now):
        """Count the time of waiting from now: only now the packet is out."""
        packet_id, kind, token, _ = self._places[place]
        self._places[place] = (packet_id, kind, token, now)

    def leave(self, place):
        """Free a place; return its token."""
        token = self._places[place][2]
        self._places[place] = None
        self.open -= 1
        return token

    def kind(self, place):
        """Return the type of the answer that the packet waits for, 0 if the place is free."""
        entry = self._places[place]
        return entry[1] if entry else 0

    def oldest_ms(self, now):
        """Return for how long the oldest has been waiting, 0 if there is none."""
        oldest = 0
        if self.open:
            for entry in self._places:
                if entry:
                    oldest = max(oldest, ticks_diff(now, entry[3]))
        return oldest
