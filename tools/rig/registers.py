"""A meter's registers: words by register number, and the areas in which it answers at all.

Numbers are the sheet's: 3xxxx input, 4xxxx holding; the address on the wire is the number less 30000 or 40000.
A hole inside an area reads 0, an address outside is refused (sheet, section 2).
"""

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE = 1, 2, 3, 4
INPUT, HOLDING = 30000, 40000


class Refused(Exception):
    """The meter answers with an exception; `code` is the Modbus exception code."""

    def __init__(self, code):
        super().__init__(f"exception {code}")
        self.code = code


class Registers:
    def __init__(self, areas, writable=()):
        """`areas` are (first, last) numbers, `writable` are (first, last, functions)."""
        self._areas = list(areas)
        self._writable = writable
        self._raw = {}  # number -> word that wins over what the simulation puts there
        self.words = {}

    def put(self, number, words):
        for offset, word in enumerate(words):
            self.words[number + offset] = word

    def force(self, number, words):
        """Show these words from now on, whatever the simulation computes; outside all areas it makes a new one."""
        for offset, word in enumerate(words):
            self._raw[number + offset] = word
        self._areas.append((number, number + len(words) - 1))

    def word(self, number):
        """One word as it reads now, without a look at the areas."""
        return self._raw.get(number, self.words.get(number, 0))

    def read(self, base, address, count):
        """Words of one request; raises Refused outside the areas."""
        self._inside(base, address, count)
        first = base + address
        return [self.word(number) for number in range(first, first + count)]

    def write(self, function, address, words):
        """Store the words; raises Refused where this function may not write."""
        self._inside(HOLDING, address, len(words))
        first = HOLDING + address
        for number in range(first, first + len(words)):
            if not any(low <= number <= high and function in functions for low, high, functions in self._writable):
                raise Refused(ILLEGAL_ADDRESS)
        for number in range(first, first + len(words)):
            self._raw.pop(number, None)
        self.put(first, words)

    def _inside(self, base, address, count):
        first = base + address
        number = first
        while number < first + count:  # neighbouring areas read as one
            reach = [high for low, high in self._areas if low <= number <= high]
            if not reach or number >= base + 10000:
                raise Refused(ILLEGAL_ADDRESS)
            number = max(reach) + 1
