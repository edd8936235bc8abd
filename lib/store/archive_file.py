"""What is looked for in an open segment of the archive of meters: feet of parts, what an index tells, what damage left.

lib/store/archive_segments.py tells what a segment is, lib/store/archive_part.py what is in a part. Raises OSError where the
flash fails.
"""

from binascii import crc32
from struct import pack_into, unpack_from

from micropython import const

MOST_ROWS = const(120)  # of a part
MOST_COLUMNS = const(40)
SIZE = const(768)  # of a part that is written, at most
OLD_SIZE = const(1536)  # there are larger ones on flash
FOOT_SIZE = const(17)
TAIL_SIZE = const(21)  # with the CRC-32 before it
MAGIC = const(0xA9)

_FOOT = const("<BBHHBBII")
_CRC_SIZE = const(4)
_CELLS = const(1024)  # records times columns, with time and status
_SEARCHED = const(32)  # pieces searched for a foot behind damage before others run
_PIECE = const(128)


def foot(buffer, at=0):
    """Return (count of records, size, meter, layout, columns, first time, last time) of a foot, None if there is none."""
    if buffer[at] != MAGIC or buffer[at + FOOT_SIZE - 1] != _sum(buffer, at):
        return None
    found = unpack_from(_FOOT, buffer, at)
    return found[1:] if found[2] > TAIL_SIZE else None


def seal(buffer, at, rows, meter, layout, columns, first, last):
    """Put CRC-32 and foot behind the `at` bytes of a part; return its size."""
    end = at + _CRC_SIZE
    size = end + FOOT_SIZE
    pack_into(_FOOT, buffer, end, MAGIC, rows, size, meter, layout, columns, first, last)
    buffer[size - 1] = _sum(buffer, end)
    whole = memoryview(buffer)
    pack_into("<I", buffer, at, crc32(whole[end:size], crc32(whole[:at])))
    return size


def is_sound(buffer, size):
    whole = memoryview(buffer)
    crc_at = size - TAIL_SIZE
    return unpack_from("<I", buffer, crc_at)[0] == crc32(whole[size - FOOT_SIZE : size], crc32(whole[:crc_at]))


def _sum(buffer, at):
    return sum(buffer[at : at + FOOT_SIZE - 1]) & 255


def room(columns):
    """Return how many records with so many columns a part has room for."""
    return min(MOST_ROWS, _CELLS // (columns + 2))


def foot_at(file, end):
    """Return what foot() does of the part that ends there, None too if the part would begin before the file."""
    if end < TAIL_SIZE:
        return None
    buffer = bytearray(FOOT_SIZE)
    file.seek(end - FOOT_SIZE)
    there = foot(buffer) if file.readinto(buffer) == FOOT_SIZE else None
    return there if there and there[1] <= end else None


def read(file, start, buffer, size):
    """Fill the beginning of a buffer from a place in the file; return whether there was so much, and room for it."""
    file.seek(start)
    return size <= len(buffer) and file.readinto(memoryview(buffer)[:size]) == size


def index_at(file, start, size):
    """Return the index that begins there, None if it is damaged."""
    index = bytearray(min(size, OLD_SIZE))  # what is damaged may tell any size
    return index if read(file, start, index, size) and is_sound(index, size) else None


def before(index):
    """Return the size of all parts that an index tells of."""
    return unpack_from("<I", index)[0]


def meters_in(index, take):
    """Call take(meter) for each part that an index tells of."""
    for meter in unpack_from("<%dH" % ((len(index) - 4 - TAIL_SIZE) // 4), index, 4):
        if meter:
            take(meter)


def ends_in(index, end, meter, ends):
    """Put into the list `ends` where the parts of a meter end that an index tells of, which begins at `end`."""
    count = (len(index) - 4 - TAIL_SIZE) // 4
    wanted = bytes((meter & 255, meter >> 8))
    if index.find(wanted, 4, 4 + 2 * count) < 0:
        return
    for place in range(count - 1, -1, -1):
        if index[4 + 2 * place] == wanted[0] and index[5 + 2 * place] == wanted[1]:
            ends.append(end)
        end -= unpack_from("<H", index, 4 + 2 * (count + place))[0]


def resume(file, end):
    """Return where a part that is sound ends before damage, or where to search on; 0: there is none."""
    piece = bytearray(_PIECE + FOOT_SIZE)
    for _ in range(_SEARCHED):
        start = max(0, end - _PIECE)
        count = min(end - 1 - start, _PIECE)
        file.seek(start)
        file.readinto(piece)
        for at in range(count, -1, -1):
            there = foot(piece, at)
            size = there[1] if there else 0
            if 0 < size <= min(OLD_SIZE, start + at + FOOT_SIZE) and start + at + FOOT_SIZE < end:
                content = bytearray(size)
                if read(file, start + at + FOOT_SIZE - size, content, size) and is_sound(content, size):
                    return start + at + FOOT_SIZE
        end = start
        if end <= TAIL_SIZE:
            return 0
    return end
