"""The values of one device at one time as a short record, and back; no I/O, no names: what a row is, its kind tells.

Numbers with the low byte first, varints seven bits a byte, the low ones first:

    kind, quality, count of rows, length of the key: a byte each; UTC in milliseconds (6 bytes); key;
    a bit per row, the low one first: whether there is a value;
    for each value: varint (zigzag mantissa << 1 | N); if N: exponent (signed) and unit, a byte each, else both are as before

The mantissa is an integer of 64 bits, signed. Rows that follow each other mostly have the unit and exponent of the one before:
31 measurements and 20 counters of a meter take about 120 and 90 bytes.
"""

from micropython import const

NONE = const(-128)  # the exponent of a row without a value

_HEAD = const(10)  # bytes


def encode(buffer, kind, quality, key, utc_ms, mantissas, exponents, units):
    """Write a record into `buffer`; return its length.

    The last three have an entry per row, up to 255, as an exponent NONE for one that has no value. Raises ValueError when the
    buffer is too short.
    """
    count = len(mantissas)
    bits = _HEAD + len(key)
    at = bits + (count + 7 >> 3)
    if at > len(buffer):
        raise ValueError("sample too long")
    buffer[0] = kind
    buffer[1] = quality
    buffer[2] = count
    buffer[3] = len(key)
    buffer[4:_HEAD] = utc_ms.to_bytes(6, "little")
    buffer[_HEAD:bits] = key
    for place in range(bits, at):
        buffer[place] = 0
    last = len(buffer) - 12  # the most that a value takes
    exponent = unit = NONE
    for index in range(count):
        if exponents[index] == NONE:
            continue
        if at > last:
            raise ValueError("sample too long")
        buffer[bits + (index >> 3)] |= 1 << (index & 7)
        is_new = exponents[index] != exponent or units[index] != unit
        mantissa = mantissas[index]
        number = (-mantissa << 1) - 1 if mantissa < 0 else mantissa << 1
        number = number << 1 | is_new
        while number > 127:
            buffer[at] = number & 127 | 128
            number >>= 7
            at += 1
        buffer[at] = number
        at += 1
        if is_new:
            exponent = exponents[index]
            unit = units[index]
            buffer[at] = exponent & 255
            buffer[at + 1] = unit
            at += 2
    return at


class SampleReader:
    """Reads a record, a view that has to stay as it is meanwhile: kind, quality, count (of rows), key (a view), utc_ms.

    next() goes on to the next row that has a value; then index, mantissa, exponent and unit are that row's. Raises ValueError
    when the record ends too early.
    """

    def __init__(self, view):
        self._view = view
        if len(view) < _HEAD or len(view) < _HEAD + view[3] + (view[2] + 7 >> 3):
            raise ValueError("sample too short")
        self.kind = view[0]
        self.quality = view[1]
        self.count = view[2]
        self._bits = _HEAD + view[3]
        self.key = view[_HEAD : self._bits]
        self.utc_ms = int.from_bytes(view[4:_HEAD], "little")
        self._at = self._bits + (self.count + 7 >> 3)
        self.index = -1
        self.mantissa = 0
        self.exponent = NONE
        self.unit = 0

    def next(self):
        """Return whether there was one more value."""
        view = self._view
        index = self.index + 1
        while index < self.count:
            if view[self._bits + (index >> 3)] >> (index & 7) & 1:
                break
            index += 1
        else:
            return False
        self.index = index
        at = self._at
        number = shift = 0
        try:
            while True:
                byte = view[at]
                at += 1
                number |= (byte & 127) << shift
                if byte < 128:
                    break
                shift += 7
                if shift > 63:
                    raise ValueError("sample")
            if number & 1:
                exponent = view[at]
                self.exponent = exponent - 256 if exponent > 127 else exponent
                self.unit = view[at + 1]
                at += 2
        except IndexError:
            raise ValueError("sample too short") from None
        self.mantissa = -(number + 2 >> 2) if number & 2 else number >> 2
        self._at = at
        return True
