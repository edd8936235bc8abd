"""Reads the energies that lib/store/energy_log.py wrote, in the order of time; the format is described there.

Needed for answers only, and so in a module of its own. Files are open for moments, never while others run: who writes may
change them in between, and littlefs protects no block for a reader.
"""

from array import array
from binascii import crc32
from struct import unpack_from

from micropython import const

from lib.store.energy_log import HEAD, MAGIC, NEW, SPAN

_HEAD = const(15)
_STATE = const(8)
_CRC = const(4)
_MOST = const(128)
_NONE = const(255)
_AT_ONCE = const(8)  # chunks looked at before others run
_ENTRIES = const(16)  # entries decoded before others run


def intervals(folder, key, first, last, troubles):
    """Yield (start, count, import, its exponent, export, its exponent) of what is known from quarter `first` to `last`.

    start and count are in quarters. An energy is the mantissa of Wh, None if there is no such counter. With a count above 1
    only the energy of all of them is known. What is not known at all, or reaches beyond `first` or `last`, is left out. Yields
    None now and then: others may run then, also those who write. Sentences on damage are added to the list `troubles`.
    """
    path = folder + "/" + key
    buffer = bytearray(_MOST)
    tail = bytearray(_MOST)
    size = _read(path, 0, tail)
    if size:
        size = _size(memoryview(tail)[_STATE:], size - _STATE, size - _STATE - _CRC)
        if not size or unpack_from("<I", tail, _STATE + size)[0] != crc32(memoryview(tail)[: _STATE + size]):
            troubles.append(f"energy history {key}: the newest part is damaged")
            size = 0
    tail_end = _end(tail, _STATE) if size else last
    for span in range((first + 1) // SPAN, last // SPAN + 1):
        name = f"{path}.{span}"
        places, ends, lasts = array("I"), array("I"), array("I")
        at = 0
        while at is not None:
            at = _look(name, at, buffer, places, ends, lasts, troubles)
            yield None
        # What is valid of a chunk ends where any later one begins.
        end = min(tail_end, last)
        for index in range(len(places) - 1, -1, -1):
            ends[index], end = end, min(end, ends[index])
        for index, place in enumerate(places):
            if lasts[index] > first and _read(name, place, buffer):
                count = _size(buffer, len(buffer))
                if count and _is_whole(buffer, count):
                    yield from _entries(buffer, 0, count, first, ends[index])
                    yield None
    if size:
        yield from _entries(tail, _STATE, size, first, last)


def _read(path, at, buffer):
    """Fill the buffer from a place in a file; return how many bytes there were, 0 without a file."""
    try:
        with open(path, "rb") as file:
            file.seek(at)
            return file.readinto(buffer) or 0
    except OSError:
        return 0


def _look(name, at, buffer, places, ends, lasts, troubles):
    """Find some more chunks of a file, from `at` on; return where to go on, None at its end."""
    try:
        with open(name, "rb") as file:
            for _ in range(_AT_ONCE):
                file.seek(at)
                there = file.readinto(buffer) or 0
                if not there:
                    return None
                size = _size(buffer, there)
                if size and _is_whole(buffer, size):
                    places.append(at)
                    ends.append(_end(buffer, 0))
                    lasts.append(unpack_from(HEAD, buffer)[5])
                    at += size + _CRC
                    continue
                trouble = name.rpartition("/")[2] + " is damaged; what else is in it serves"
                if trouble not in troubles:
                    troubles.append(trouble)
                step = buffer.find(bytes((MAGIC,)), 1, there)
                at += step if step > 0 else there
    except OSError:
        return None
    return at


def _size(chunk, there, expected=None):
    """Return the size of the chunk's head and entries, 0 if this can be no chunk; `there`: bytes with its CRC."""
    if there < _HEAD + _CRC or chunk[0] != MAGIC:
        return 0
    size = chunk[1]
    return size if _HEAD <= size <= there - _CRC and (expected is None or size == expected) else 0


def _is_whole(chunk, size):
    return unpack_from("<I", chunk, size)[0] == crc32(memoryview(chunk)[:size])


def _end(chunk, at):
    """Return the last boundary of what was written before a chunk that it leaves valid."""
    _, _, flags, _, first, _ = unpack_from(HEAD, chunk, at)
    return first - 1 if flags & NEW else first


def _entries(chunk, at, size, first, last):
    """Yield the intervals of a chunk from quarter `first` to `last`."""
    _, _, _, kind, start, _ = unpack_from(HEAD, chunk, at)
    _, _, import_exponent, export_exponent = unpack_from("<BBbb", kind)
    has_import, has_export = kind[0] != _NONE, kind[1] != _NONE
    end = at + size
    at += _HEAD
    since = 0
    while at < end:
        imported, at = _varint(chunk, at)
        has_more, has_gap = imported & 2, imported & 1
        quarters, is_broken = 1, False
        if has_gap:
            quarters, at = _varint(chunk, at)
            if not quarters:
                is_broken = True
                quarters, at = _varint(chunk, at)
        exported = 0
        if has_more:
            exported, at = _varint(chunk, at)
        if start + quarters > last:
            return
        if start >= first and not is_broken:
            yield (
                start,
                quarters,
                imported >> 2 if has_import else None,
                import_exponent,
                exported if has_export else None,
                export_exponent,
            )
        start += quarters
        since += 1
        if since == _ENTRIES:
            since = 0
            yield None


def _varint(chunk, at):
    """Return (number, where the next one begins)."""
    number = shift = 0
    while True:
        byte = chunk[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
