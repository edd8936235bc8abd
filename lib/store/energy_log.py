"""Writes counter readings at quarter-hour boundaries to flash; lib/store/energy_reader.py reads the energies back.

A quarter is a number: Unix seconds // 900 of the boundary. A meter has a file `<key>`, the chunk that grows, and files
`<key>.<n>`, the finished chunks whose last boundary lies in the n-th span of SPAN quarters. The growing file has at most 128
bytes: littlefs keeps such a file in its folder, and writing it anew costs an erase only every twentieth time or so, in place
of one each time. A file is valid or not there: littlefs lets a new content appear when the file is closed, as a whole.

A chunk, numbers with the low byte first:

    magic, size (of head and entries), flags, kind (4 bytes: rows of the import and export counter, 255 none, and their
    exponents), first boundary (u32), last boundary (u32): HEAD
    an entry per boundary behind the first: varint (import << 2 | X << 1 | G); if G: varint of the quarters since the boundary
    before, in front of which a 0 says that this difference is not to be trusted; if X: varint of the export
    CRC-32

The growing file has both counters' mantissas at the last boundary in front, and a CRC-32 of all of it. A chunk that begins
with a boundary of which the chunk before knows nothing has the flag NEW: what was written before it of this boundary and of
later ones is void, for the clock was ahead then. Any other begins where one ended: what is beyond that is void.
"""

import os
from binascii import crc32
from struct import pack, unpack_from

from micropython import const

HEAD = "<BBB4sII"
MAGIC = 0xE5
NEW = 1  # flags
SPAN = 846  # quarters: four spans are 35 days and 6 hours

RECORDED = const(0)  # it is on flash
AGAIN = const(1)  # half done: call again, with the same
DOUBTFUL = const(2)  # nothing was written: a counter does not go on from where it was
DAMAGED = const(3)  # it is on flash; what was in the growing file could not be read and is lost

_BROKEN = const(2)  # flag of the growing file: the difference to its last boundary is not to be trusted
_HEAD = const(15)  # bytes
_STATE = const(8)  # bytes in front of the head in the growing file
_CRC = const(4)
_MOST = const(128)  # bytes of the growing file
_SPANS = const(4)  # finished ones that are kept
_MOST_REMOVED = const(4)  # files at once: each holds the loop for a moment
_FREE = const(8)  # history gives way when less than an eighth of the blocks is free
_ENOENT = const(2)


def append(folder, key, quarter, kind, imported, exported, is_broken=False, is_sure=True):
    """Record the mantissas of both counters (0 for one that is not there) at a boundary; return one of the codes above.

    is_broken: the clock was stepped since the boundary before. is_sure: a counter that went back, or is another one, was
    seen so before. Writes to flash once. Raises OSError: the flash is full or fails, and all stays as it was.
    """
    path = folder + "/" + key
    code = RECORDED
    flags, first, last = NEW, quarter, quarter
    entries = b""
    tail = _load(path)
    if tail is None:
        code = DAMAGED
    elif tail:
        imported_then, exported_then = unpack_from("<ii", tail)
        _, _, flags, kind_then, first, last = unpack_from(HEAD, tail, _STATE)
        is_broken = is_broken or flags & _BROKEN
        if quarter == last and not is_broken:
            return RECORDED
        goes_on = kind == kind_then and imported >= imported_then and exported >= exported_then
        if quarter > last and goes_on:
            entries = _entry(quarter - last, imported - imported_then, exported - exported_then, is_broken)
            if quarter // SPAN == last // SPAN and len(tail) + len(entries) <= _MOST:
                entries = tail[_STATE + _HEAD : -_CRC] + entries
            else:
                if _finish(folder, key, tail, last):
                    return AGAIN
                flags, first = 0, last
        elif quarter > last and not is_sure:
            return DOUBTFUL
        else:
            if _finish(folder, key, tail, last):
                return AGAIN
            flags, first = NEW, quarter
    head = pack(HEAD, MAGIC, _HEAD + len(entries), flags & NEW, kind, first, quarter)
    _save(path, pack("<ii", imported, exported) + head + entries)
    return code


def mark(folder, key):
    """The clock was stepped: the quarter in progress is broken. Writes to flash once; raises OSError."""
    path = folder + "/" + key
    tail = _load(path)
    if tail and not tail[_STATE + 2] & _BROKEN:
        tail = bytearray(tail[:-_CRC])
        tail[_STATE + 2] |= _BROKEN
        _save(path, tail)


def _load(path):
    """Return the content of a growing file, b"" if there is none, None if it is damaged."""
    try:
        with open(path, "rb") as file:
            tail = file.read(_MOST + 1)
    except OSError as error:
        return b"" if error.errno == _ENOENT else None
    size = len(tail) - _STATE - _CRC
    if not tail:
        return tail  # power failed when it had just been made
    if not _HEAD <= size <= _MOST - _STATE - _CRC or tail[-_CRC:] != _crc(tail[:-_CRC]):
        return None
    return tail if tail[_STATE] == MAGIC and tail[_STATE + 1] == size else None


def _save(path, content):
    with open(path, "wb") as file:
        file.write(content + _crc(content))


def _crc(content):
    return pack("<I", crc32(content))


def _entry(quarters, imported, exported, is_broken):
    entry = bytearray()
    has_gap = quarters != 1 or is_broken
    numbers = [imported << 2 | (exported > 0) << 1 | (1 if has_gap else 0)]
    if is_broken:
        numbers.append(0)
    if has_gap:
        numbers.append(quarters)
    if exported:
        numbers.append(exported)
    for number in numbers:
        while number > 127:
            entry.append(number & 127 | 128)
            number >>= 7
        entry.append(number)
    return entry


def _finish(folder, key, tail, last):
    """Add the growing chunk to the finished ones; return False if it is there already: power failed behind that, or AGAIN."""
    span = last // SPAN
    path = f"{folder}/{key}.{span}"
    chunk = bytearray(tail[_STATE:-_CRC])
    chunk[2] &= NEW
    chunk += _crc(chunk)
    try:
        size = os.stat(path)[6]
    except OSError:
        size = 0
    if size >= len(chunk):
        with open(path, "rb") as file:
            file.seek(size - len(chunk))
            if file.read() == chunk:
                return False
    if not size:
        _remove_old(folder, key, span)
    space = os.statvfs(folder)
    if space[3] * _FREE < space[2]:
        for older in range(span - _SPANS, span):
            if _remove(f"{folder}/{key}.{older}"):
                break
    with open(path, "ab") as file:
        file.write(chunk)
    return True


def _remove_old(folder, key, span):
    """A span begins: remove what is too old of all meters, and what is far in the future, where the clock once was.

    Not unless the span before is there: then time went on for days, and it is not the clock that is wrong now.
    """
    try:
        os.stat(f"{folder}/{key}.{span - 1}")
    except OSError:
        return
    found = []
    for name, *_ in os.ilistdir(folder):
        number = name.rpartition(".")[2]
        if number != name and number.isdigit() and not span - _SPANS <= int(number) <= span + 1:
            found.append(name)
            if len(found) == _MOST_REMOVED:
                break
    for name in found:
        _remove(folder + "/" + name)


def _remove(path):
    try:
        os.remove(path)
        return True
    except OSError:
        return False
