"""The bytes of the journal's records (lib/store/journal.py), in RAM and on flash; numbers with the low byte first.

a record: HEAD: magic, mask of links (bit n is link n), size of the content, sequence number, the two links' numbers;
content; CRC-32 of both
`cursors`: CURSORS: magic, first sequence number not used yet, for each link the number of the last record acknowledged,
then for each how many were dropped; CRC-32
a segment's name: the sequence number of its first record and both links' numbers before it, 24 hexadecimal digits
"""

from binascii import crc32
from struct import unpack_from

from micropython import const

MOST = 400  # bytes of a record's content
ROOM = 420  # bytes of the longest record
HEAD = "<BBHIII"
MAGIC = 0xB7
CURSORS = "<BIIIII"

_HEAD = const(16)  # bytes
_CRC = const(4)
_SIZE = const(2)  # places in a record
_NUMBERS = const(8)


def number_of(buffer, at, link):
    """Return the number for a link of the record at a place."""
    return unpack_from("<I", buffer, at + _NUMBERS + 4 * link)[0]


def whole_of(buffer, at):
    """Return the bytes of the record at a place."""
    return _HEAD + _CRC + (buffer[at + _SIZE] | buffer[at + _SIZE + 1] << 8)


def look(file, at, buffer):
    """Read the record at a place of a file into a buffer of ROOM bytes; return its bytes, 0 at the end of the file.

    A number less than 0: there is none that is sound, look so many further on.
    """
    file.seek(at)
    there = file.readinto(buffer) or 0
    if not there:
        return 0
    if there >= _HEAD + _CRC and buffer[0] == MAGIC:
        whole = whole_of(buffer, 0)
        if whole <= there and unpack_from("<I", buffer, whole - _CRC)[0] == crc32(memoryview(buffer)[: whole - _CRC]):
            return whole
    step = buffer.find(bytes((MAGIC,)), 1, there)
    return -(step if step > 0 else there)
