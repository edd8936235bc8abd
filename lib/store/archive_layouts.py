"""Which columns records in the archive of meters have: kept once, numbered from 1 on, in a file and its copy.

A record: count of columns, then of each class (u16), logical name (6 bytes), attribute (signed), index (u16), exponent
(signed), unit code, with the low byte first; then CRC-32. The file with a damaged record is put right by its copy.
"""

import errno
import os
from binascii import crc32
from struct import pack, unpack, unpack_from

from micropython import const

from lib.store.archive_file import MOST_COLUMNS

_COLUMN = const("<H6sbHbB")
_COLUMN_SIZE = const(13)
_CRC_SIZE = const(4)
_MOST = const(255)
_PIECE = const(104)  # eight columns: larger ones may not be had


class Layouts:
    """Raises OSError where the flash fails."""

    def __init__(self, path):
        self._paths = (path, path + ".copy")

    def number(self, columns):
        """Return the number of a layout, a new one for columns that are not known yet; ValueError: too many, or none."""
        if not 0 < len(columns) <= MOST_COLUMNS:
            raise ValueError("columns")
        count = bytes((len(columns),))
        crc = crc32(count)
        for column in columns:
            crc = crc32(pack(_COLUMN, *column), crc)
        number = 0
        if self._put_right():
            with open(self._paths[0], "rb") as file:
                for number, start, there, found in _records(file):
                    if (there, found) == (len(columns), crc) and _are(file, start, columns):
                        return number
        if number == _MOST:
            raise ValueError("layouts")
        for path in self._paths:
            with open(path, "ab") as file:
                file.write(count)
                for column in columns:
                    file.write(pack(_COLUMN, *column))
                file.write(pack("<I", crc))
        return number + 1

    def columns(self, number):
        """Return the columns of a layout, each (class, logical name, attribute, index, exponent, unit); None: not known."""
        return self._find(number, lambda file, start, count: tuple(_columns(file, start, count)), None)

    def count(self, number):
        """Return how many columns a layout has; 0: it is not known."""
        return self._find(number, lambda file, start, count: count, 0)

    def _find(self, number, told, default):
        if self._put_right():
            with open(self._paths[0], "rb") as file:
                for known, start, count, _ in _records(file):
                    if known == number:
                        return told(file, start, count)
        return default

    def _put_right(self):
        """Have the same in the file and its copy, of whichever has more that is sound; return how many bytes that is."""
        sound = [_sound(path) for path in self._paths]
        best = 0 if sound[0][0] >= sound[1][0] else 1
        size, crc, _ = sound[best]
        for at, there in enumerate(sound):
            if there != (size, crc, size):
                _copy(self._paths[best], size, self._paths[at])
        return size


def _records(file):
    """Yield (number, start of the columns, count of columns, CRC) of each record up to the first that is not sound."""
    piece = bytearray(_PIECE)
    view = memoryview(piece)
    number, at = 1, 0
    while True:
        file.seek(at)
        if file.readinto(view[:1]) != 1:
            return
        count, crc = piece[0], crc32(view[:1])
        left = count * _COLUMN_SIZE
        while left:
            size = file.readinto(view[: min(left, _PIECE)])
            if not size:
                return
            crc = crc32(view[:size], crc)
            left -= size
        if file.readinto(view[:_CRC_SIZE]) != _CRC_SIZE or unpack_from("<I", piece)[0] != crc:
            return
        yield number, at + 1, count, crc
        at += 1 + count * _COLUMN_SIZE + _CRC_SIZE
        number += 1


def _columns(file, start, count):
    file.seek(start)
    for _ in range(count):
        yield unpack(_COLUMN, file.read(_COLUMN_SIZE))


def _are(file, start, columns):
    """Return whether these are the columns that begin there."""
    at = 0
    for column in _columns(file, start, len(columns)):
        if pack(_COLUMN, *column) != pack(_COLUMN, *columns[at]):
            return False
        at += 1
    return True


def _sound(path):
    """Return (bytes from the beginning that are sound, their CRC, size of the whole file)."""
    end = crc = 0
    try:
        with open(path, "rb") as file:
            for _, start, count, found in _records(file):
                end = start + count * _COLUMN_SIZE + _CRC_SIZE
                crc = crc32(pack("<I", found), crc)
            return end, crc, file.seek(0, 2)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise  # or it would be taken for one that has nothing
    return 0, 0, 0


def _copy(path, size, other):
    """Make a file of the first bytes of another one, or cut off what is behind them."""
    view = memoryview(bytearray(_PIECE))
    with open(other + ".new", "wb") as target:
        if size:
            with open(path, "rb") as source:
                while size:
                    count = source.readinto(view[: min(size, _PIECE)])
                    if not count:
                        raise OSError(errno.EIO)
                    target.write(view[:count])
                    size -= count
    os.rename(other + ".new", other)
