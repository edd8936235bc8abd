"""In which order DLMS meters come: by their sequence, those with the same by id. Three bytes of RAM a meter, taken once."""

from array import array

from micropython import const

_GROUPS = const(40)  # of 256 sequences each: there are 10000


class Order:
    """`count` meters; of each there is the id, with the high byte first, and the low byte of the sequence.

    Of the high byte there is at which position those with each begin.
    """

    def __init__(self, most):
        self._ids = bytearray(2 * most)
        self._lows = bytearray(most)
        self._ids_view, self._lows_view = memoryview(self._ids), memoryview(self._lows)
        self._begins = array("H", bytes(2 * _GROUPS))
        self.count = 0

    def id(self, position):
        """Return the id at a position, from 0."""
        return self._ids[2 * position] << 8 | self._ids[2 * position + 1]

    def insert(self, sequence, number):
        """Put a meter that is not in the table where it belongs. IndexError: the table is full."""
        if self.count == len(self._lows):
            raise IndexError
        group = min(sequence >> 8, _GROUPS - 1)
        at = self._place(group, sequence & 255, number)
        self._move(at, at + 1)
        self._ids[2 * at] = number >> 8
        self._ids[2 * at + 1] = number & 255
        self._lows[at] = sequence & 255
        for later in range(group + 1, _GROUPS):
            self._begins[later] += 1

    def remove(self, number):
        """Take a meter out of the table."""
        at = self._find(number)
        if at >= 0:
            self._move(at + 1, at)
            for group in range(_GROUPS):
                if self._begins[group] > at:
                    self._begins[group] -= 1

    def clear(self):
        """Take all meters out of the table."""
        self.count = 0
        for group in range(_GROUPS):
            self._begins[group] = 0

    def has(self, number):
        """Return whether there is such a meter."""
        return self._find(number) >= 0

    def _move(self, start, to):
        """Move the meters from a position on to another one; there are more by that, or less."""
        end = self.count
        self.count = count = end + to - start
        self._ids_view[2 * to : 2 * count] = self._ids_view[2 * start : 2 * end]
        self._lows_view[to:count] = self._lows_view[start:end]

    def _find(self, number):
        """Return the position of a meter, -1 if there is none."""
        wanted, at = bytes((number >> 8, number & 255)), 0
        while True:
            at = self._ids.find(wanted, at, 2 * self.count)
            if at < 0 or not at & 1:
                return at // 2 if at >= 0 else -1
            at += 1

    def _place(self, group, low_byte, number):
        """Return the position where a meter belongs."""
        low = self._begins[group]
        high = self._begins[group + 1] if group + 1 < _GROUPS else self.count
        while low < high:
            middle = (low + high) // 2
            there = self._lows[middle]
            if there < low_byte or there == low_byte and self.id(middle) < number:
                low = middle + 1
            else:
                high = middle
        return low
