"""What is looked for in an open segment of the archive of meters: feet of parts, what an index tells, what damage left.

lib/store/archive_segments.py tells what a segment is. Raises OSError where the flash fails.
"""

from struct import unpack_from

from micropython import const

from lib.store.archive_part import FOOT_SIZE, TAIL_SIZE, foot, is_sound

_SEARCHED = const(32)  # pieces searched for a foot behind damage before others run
_PIECE = const(128)


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
    index = bytearray(size)
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
            if 0 < size <= start + at + FOOT_SIZE < end:
                content = bytearray(size)
                if read(file, start + at + FOOT_SIZE - size, content, size) and is_sound(content, size):
                    return start + at + FOOT_SIZE
        end = start
        if end <= TAIL_SIZE:
            return 0
    return end
