"""The bytes of a stored load profile: records in columns, each column as differences; no I/O.

A part holds up to ROWS records of one chunk, a span of time that is CHUNK periods long. Numbers with the low byte first:

    HEAD: magic, count of records (0: a description, see below), size of the whole part (u16), number of the chunk (u32),
    sum of these bytes
    for each column - time, status, channels:
        form: 5 bits for the low bits of its Rice code, 31: all rows are alike; ORDER: of second order; GAPS: some are missing
        exponent (signed)
        varint (zigzag) of the first value, 7 bits a byte, the low ones first; with ORDER another one: what the second has more
        with GAPS a bit per row, the low one first: it is missing; such a row repeats the value before
        Rice code of the other rows as in profile_kernels.py, to a whole byte
    zeros, if the part was larger once; CRC-32

A description is HEAD with the period in minutes in place of the chunk, then text: code*unit of each channel, commas between,
then CRC-32. It is that of the parts behind it in a file.
"""

from array import array
from binascii import crc32
from struct import pack_into, unpack_from

from micropython import const

from lib.store.profile_kernels import decode, encode, weight
from lib.store.varint import put_varint, varint

ROWS = const(64)
CHUNK = const(48)  # periods
HEAD_SIZE = const(9)
CRC_SIZE = const(4)
MOST_CHANNELS = const(16)
MAGIC = const(0xD7)

_HEAD = const("<BBHI")
_TIME = const(0)
_STATUS = const(1)
_CHANNELS = const(2)  # the first of them
_ALIKE = const(31)
_ORDER = const(32)
_GAPS = const(64)
_MOST_LOW = const(24)
_BIAS = const(1 << 27)  # so that no value in a column is negative
_GAP_BYTES = const(8)
_MOST_BITS = const(62)  # of a column's first value


def put_head(buffer, rows, size, number):
    """Write a head."""
    pack_into(_HEAD, buffer, 0, MAGIC, rows, size, number)
    buffer[HEAD_SIZE - 1] = _sum(buffer)


def head(buffer):
    """Return (count of records, size, number of the chunk) of the head that a buffer begins with, None if there is none."""
    if buffer[0] != MAGIC or buffer[HEAD_SIZE - 1] != _sum(buffer):
        return None
    _, rows, size, number = unpack_from(_HEAD, buffer)
    return (rows, size, number) if rows <= ROWS and size >= HEAD_SIZE + CRC_SIZE else None


def seal(buffer, size):
    """Put the CRC-32 at the end of a part."""
    pack_into("<I", buffer, size - CRC_SIZE, crc32(memoryview(buffer)[: size - CRC_SIZE]))


def is_sound(buffer, size):
    return unpack_from("<I", buffer, size - CRC_SIZE)[0] == crc32(memoryview(buffer)[: size - CRC_SIZE])


def description(period, text):
    """Return the part that describes channels: text as above."""
    size = HEAD_SIZE + len(text) + CRC_SIZE
    part = bytearray(size)
    put_head(part, 0, size, period)
    part[HEAD_SIZE:-CRC_SIZE] = text
    seal(part, size)
    return part


def _sum(buffer):
    total = 0
    for at in range(HEAD_SIZE - 1):
        total += buffer[at]
    return total & 255


class Part:
    """Records of one chunk; `rows` of them are there, in the order in which they came."""

    def __init__(self, channels, chunk=0):
        self.channels = channels
        columns = channels + _CHANNELS
        self._values = array("i", bytes(4 * ROWS * columns))
        self._bases: list = [None] * columns  # None: no value yet
        self._exponents = [0] * columns
        self._gaps = bytearray(_GAP_BYTES * columns)
        self.clear(chunk)

    def clear(self, chunk):
        self.chunk = chunk
        self.rows = 0
        for column in range(len(self._bases)):
            self._bases[column] = None
        for at in range(len(self._gaps)):
            self._gaps[at] = 0

    def add(self, time, status, values):
        """Add a record: UTC in seconds, a number of 32 bits, (mantissa, exponent) or None of each channel.

        Return False, nothing changed, if it is one too many or its values are too far from those of the others.
        """
        row = self.rows
        if row == ROWS:
            return False
        for column in range(_CHANNELS + self.channels):  # twice: to see whether all fit, and to put them there
            value = values[column - _CHANNELS] if column >= _CHANNELS else None
            if column < _CHANNELS or value is not None:
                if self._place(column, status if column else time, value) is None:
                    return False
        for column in range(_CHANNELS + self.channels):
            value = values[column - _CHANNELS] if column >= _CHANNELS else None
            at = column * ROWS + row
            if column < _CHANNELS or value is not None:
                place = self._place(column, status if column else time, value)
                if self._bases[column] is None:
                    self._bases[column] = status if column == _STATUS else value[0] if value else time
                    self._exponents[column] = value[1] if value else 0
                self._values[at] = place or 0
            else:
                self._gaps[column * _GAP_BYTES + (row >> 3)] |= 1 << (row & 7)
                self._values[at] = self._values[at - 1] if row else _BIAS
        self.rows = row + 1
        return True

    def _place(self, column, number, value):
        """Return what stands for a value in its column, None if it is out of reach."""
        base = self._bases[column]
        if base is None:
            return _BIAS if abs(value[0] if value else number) >> _MOST_BITS == 0 else None
        if value:
            number, exponent = value
            exponent -= self._exponents[column]
            if exponent > 0:
                number *= 10**exponent
            elif exponent < 0 and number:
                number, rest = divmod(number, 10**-exponent)
                if rest:
                    return None
        number -= base
        return number + _BIAS if -_BIAS < number < _BIAS else None

    def time(self, row):
        return self._bases[_TIME] + self._values[row] - _BIAS

    def status(self, row):
        return self._bases[_STATUS] + self._values[_STATUS * ROWS + row] - _BIAS

    def value(self, channel, row):
        """Return (mantissa, exponent), None for a missing one."""
        column = channel + _CHANNELS
        if self._gaps[column * _GAP_BYTES + (row >> 3)] >> (row & 7) & 1:
            return None
        return self._bases[column] + self._values[column * ROWS + row] - _BIAS, self._exponents[column]

    def encode(self, buffer, least=0):
        """Write the part into a bytearray, with zeros behind it up to `least` bytes; return its size, 0 if it has no room."""
        rows, values = self.rows, self._values
        end = len(buffer) - CRC_SIZE
        at = HEAD_SIZE
        for column in range(_CHANNELS + self.channels):
            if at + 28 > end:  # the most that comes before the code
                return 0
            start = column * ROWS
            first = weight(values, start, rows, 1)
            total = min(first, weight(values, start, rows, 2))
            form = _ORDER if total < first else 0
            mean = total // (rows - 1) if rows > 1 else 0
            low = 0
            while mean >> low and low < _MOST_LOW:
                low += 1
            low = max(low - 1, 0) if first else _ALIKE
            gaps = column * _GAP_BYTES
            has_gaps = any(self._gaps[gaps : gaps + _GAP_BYTES])
            buffer[at] = form | low | (_GAPS if has_gaps else 0)
            buffer[at + 1] = self._exponents[column] & 255
            base = (self._bases[column] or 0) + values[start] - _BIAS
            at = put_varint(buffer, at + 2, base)
            if form:
                at = put_varint(buffer, at, values[start + 1] - values[start])
            if has_gaps:
                count = rows + 7 >> 3
                buffer[at : at + count] = self._gaps[gaps : gaps + count]
                at += count
            if low != _ALIKE:
                at = encode(values, start, rows, 2 if form else 1, low, buffer, at, end)
                if at < 0:
                    return 0
        size = max(at + CRC_SIZE, least)
        if size > len(buffer):
            return 0
        while at < size - CRC_SIZE:
            buffer[at] = 0
            at += 1
        put_head(buffer, rows, size, self.chunk)
        seal(buffer, size)
        return size

    def decode(self, buffer, size):
        """Take what encode() wrote; return False, and hold nothing, if it is damaged or has other channels."""
        self.clear(0)
        there = head(buffer)
        if there is None or there[1] != size or not is_sound(buffer, size):
            return False
        rows, _, chunk = there
        end = size - CRC_SIZE
        at = HEAD_SIZE
        for column in range(_CHANNELS + self.channels):
            if at + 3 > end:
                return False
            form, exponent = buffer[at], buffer[at + 1]
            self._exponents[column] = exponent - 256 if exponent > 127 else exponent
            self._bases[column], at = varint(buffer, at + 2)
            start = column * ROWS
            self._values[start] = _BIAS
            if form & _ORDER:
                slope, at = varint(buffer, at)
                self._values[start + 1] = _BIAS + slope
            if form & _GAPS:
                count = rows + 7 >> 3
                gaps = column * _GAP_BYTES
                self._gaps[gaps : gaps + count] = buffer[at : at + count]
                at += count
                if all([self._gaps[gaps + (row >> 3)] >> (row & 7) & 1 for row in range(rows)]):
                    self._bases[column] = None
            low = form & 31
            if low == _ALIKE:
                for row in range(start + 1, start + rows):
                    self._values[row] = _BIAS
            else:
                at = decode(self._values, start, rows, 2 if form & _ORDER else 1, low, buffer, at, end)
                if at < 0:
                    return False
        self.chunk = chunk
        self.rows = rows
        return True
