"""Reads the energies that lib/store/energy_log.py wrote, in the order of time; the format is described there.

Needed for answers only, and so in a module of its own. Files are open for moments, never while others run: who writes may
change them in between, and littlefs protects no block for a reader.
"""

from binascii import crc32
from struct import unpack_from

from micropython import const

from lib.store.energy_log import HEAD, MAGIC, NEW, SPAN

_HEAD = const(15)
_STATE = const(8)
_CRC = const(4)
_MOST = const(128)
_NONE = const(255)
_AT_ONCE = const(12)  # chunks looked at before others run
_TAIL = const(-1)  # the place of the chunk that grows
_ENTRIES = const(16)  # entries decoded before others run


def intervals(folder, key, first, last, troubles):
    """Yield (start, count, import, its exponent, export, its exponent) of what is known from quarter `first` to `last`.

    start and count are in quarters. An energy is the mantissa of Wh, None if there is no such counter. With a count above 1
    only the energy of all of them is known. What is not known at all, or reaches beyond `first` or `last`, is left out. Yields
    None now and then: others may run then, also those who write. Sentences on damage are added to the list `troubles`.
    """
    path = folder + "/" + key
    tail, buffer = bytearray(_MOST), bytearray(_MOST)
    size = _load(path, tail, troubles)
    tail_span = unpack_from(HEAD, tail, _STATE)[5] // SPAN if size else 0
    for span in range((first + 1) // SPAN, last // SPAN + 1):
        name = f"{path}.{span}"
        pieces = []
        place = 0
        while place is not None:
            place = _look(name, place, buffer, pieces, first, last, troubles)
            yield None
        if span == tail_span:
            _add(pieces, tail, _STATE, _TAIL, first, last)
        pieces.sort()
        for start, end, place in pieces:
            if place == _TAIL:
                yield from _entries(tail, _STATE, size, start, end)
            elif _read(name, place, buffer) and _is_whole(buffer, len(buffer)):
                yield from _entries(buffer, 0, buffer[1], start, end)
            yield None


def _load(path, tail, troubles):
    """Fill `tail` from the growing file; return the size of its chunk, 0 if there is none."""
    there = _read(path, 0, tail)
    if not there:
        return 0
    size = there - _STATE - _CRC
    if size >= _HEAD and tail[_STATE] == MAGIC and tail[_STATE + 1] == size:
        if unpack_from("<I", tail, there - _CRC)[0] == crc32(memoryview(tail)[: there - _CRC]):
            return size
    troubles.append(f"energy history {path.rpartition('/')[2]}: the newest part is damaged")
    return 0


def _read(path, at, buffer):
    """Fill the buffer from a place in a file; return how many bytes there were, 0 without a file."""
    try:
        with open(path, "rb") as file:
            file.seek(at)
            return file.readinto(buffer) or 0
    except OSError:
        return 0


def _look(name, at, buffer, pieces, first, last, troubles):
    """Find some more chunks of a file, from `at` on; return where to go on, None at its end."""
    try:
        with open(name, "rb") as file:
            for _ in range(_AT_ONCE):
                file.seek(at)
                there = file.readinto(buffer) or 0
                if not there:
                    return None
                if _is_whole(buffer, there):
                    _add(pieces, buffer, 0, at, first, last)
                    at += buffer[1] + _CRC
                    continue
                trouble = f"energy history {name.rpartition('/')[2]}: damaged, what else is in it serves"
                if trouble not in troubles:
                    troubles.append(trouble)
                step = buffer.find(bytes((MAGIC,)), 1, there)
                at += step if step > 0 else there
    except OSError:
        return None
    return at


def _is_whole(buffer, there):
    """Whether the buffer begins with a chunk that is sound."""
    size = buffer[1]
    if buffer[0] != MAGIC or not _HEAD <= size <= there - _CRC:
        return False
    return unpack_from("<I", buffer, size)[0] == crc32(memoryview(buffer)[:size])


def _add(pieces, chunk, at, place, first, last):
    """Add the time of a chunk, as far as it is asked for, to the (start, end, place) of those before; cut it out of theirs."""
    _, _, flags, _, start, end = unpack_from(HEAD, chunk, at)
    start = max(first, start - 1 if flags & NEW else start)
    end = min(last, end)
    if start >= end:
        return
    for index in range(len(pieces) - 1, -1, -1):
        start_then, end_then, place_then = pieces[index]
        if start < end_then and start_then < end:
            pieces.pop(index)
            if start_then < start:
                pieces.append((start_then, start, place_then))
            if end < end_then:
                pieces.append((end, end_then, place_then))
    pieces.append((start, end, place))


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
        quarters, is_known = 1, True
        if has_gap:
            quarters, at = _varint(chunk, at)
            if not quarters:
                is_known = False
                quarters, at = _varint(chunk, at)
        exported = 0
        if has_more:
            exported, at = _varint(chunk, at)
        if start + quarters > last:
            return
        if start >= first and is_known:
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
