"""In which order DLMS meters come: by their sequence, those with the same by id. Four bytes of RAM a meter, taken once."""


class Order:
    """`count` meters; an entry of the table is sequence and id, each with the high byte first."""

    def __init__(self, most):
        self._table = bytearray(4 * most)
        self._view = memoryview(self._table)
        self.count = 0

    def id(self, position):
        """Return the id at a position, from 0."""
        return self._table[4 * position + 2] << 8 | self._table[4 * position + 3]

    def insert(self, sequence, number):
        """Put a meter that is not in the table where it belongs. IndexError: the table is full."""
        at, end = self._place(sequence, number), 4 * self.count
        if end == len(self._table):
            raise IndexError
        self._view[at + 4 : end + 4] = self._view[at:end]
        self._table[at] = sequence >> 8
        self._table[at + 1] = sequence & 255
        self._table[at + 2] = number >> 8
        self._table[at + 3] = number & 255
        self.count += 1

    def remove(self, number):
        """Take a meter out of the table."""
        at = self._find(number)
        if at >= 0:
            self.count -= 1
            self._view[at : 4 * self.count] = self._view[at + 4 : 4 * self.count + 4]

    def clear(self):
        """Take all meters out of the table."""
        self.count = 0

    def has(self, number):
        """Return whether there is such a meter."""
        return self._find(number) >= 0

    def _find(self, number):
        """Return the offset of a meter's entry, -1 if there is none."""
        wanted, at = bytes((number >> 8, number & 255)), 0
        while True:
            at = self._table.find(wanted, at, 4 * self.count)
            if at < 0 or at % 4 == 2:
                return at - 2 if at >= 0 else -1
            at += 1

    def _place(self, sequence, number):
        """Return the offset where an entry belongs."""
        table, low, high = self._table, 0, self.count
        while low < high:
            middle = (low + high) // 2
            at = 4 * middle
            there = table[at] << 8 | table[at + 1]
            if there < sequence or there == sequence and self.id(middle) < number:
                low = middle + 1
            else:
                high = middle
        return 4 * low
