"""Which columns records in the archive of meters have: kept once, numbered from 1 on, in a file and its copy.

A record: count of columns, then of each class (u16), logical name (6 bytes), attribute (signed), index (u16), exponent
(signed), unit code, with the low byte first; then CRC-32. The file with a damaged record is put right by its copy.
"""

import errno
from binascii import crc32
from struct import pack, unpack_from

from micropython import const

from lib.store.archive_part import MOST_COLUMNS

_COLUMN = const("<H6sbHbB")
_COLUMN_SIZE = const(13)
_CRC_SIZE = const(4)
_MOST = const(255)


class Layouts:
    """Raises OSError where the flash fails."""

    def __init__(self, path):
        self._paths = (path, path + ".copy")

    def number(self, columns):
        """Return the number of a layout, a new one for columns that are not known yet; ValueError: too many, or none."""
        if not 0 < len(columns) <= MOST_COLUMNS:
            raise ValueError("columns")
        content = bytes((len(columns),)) + b"".join([pack(_COLUMN, *column) for column in columns])
        content += pack("<I", crc32(content))
        whole = self._read()
        number = 0
        for number, start, size in _records(whole):
            if whole[start : start + size] == content:
                return number
        if number == _MOST:
            raise ValueError("layouts")
        for path in self._paths:
            with open(path, "wb") as file:
                file.write(whole)
                file.write(content)
        return number + 1

    def columns(self, number):
        """Return the columns of a layout, each (class, logical name, attribute, index, exponent, unit); None: not known."""
        whole = self._read()
        for known, start, size in _records(whole):
            if known == number:
                ends = range(start + 1, start + size - _CRC_SIZE, _COLUMN_SIZE)
                return tuple([unpack_from(_COLUMN, whole, at) for at in ends])
        return None

    def _read(self):
        """Return the content of the file or of its copy, whichever has more that is sound; put the other one right."""
        contents = [_content(path) for path in self._paths]
        sound = [_sound(content) for content in contents]
        best = 0 if sound[0] >= sound[1] else 1
        content = contents[best][: sound[best]]
        for path, there in zip(self._paths, contents):
            if there != content:
                with open(path, "wb") as file:
                    file.write(content)
        return content


def _content(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise  # or it would be taken for one that has nothing
        return b""


def _records(content):
    """Yield (number, start, size) of each record up to the first that is not sound."""
    at = 0
    number = 1
    while at < len(content):
        end = at + 1 + _COLUMN_SIZE * content[at]
        if end + _CRC_SIZE > len(content) or crc32(content[at:end]) != unpack_from("<I", content, end)[0]:
            return
        yield number, at, end + _CRC_SIZE - at
        at = end + _CRC_SIZE
        number += 1


def _sound(content):
    """Return how many bytes from the beginning are sound."""
    end = 0
    for _, start, size in _records(content):
        end = start + size
    return end
