"""Writes counter readings at quarter-hour boundaries to flash; lib/store/energy_reader.py reads the energies back.

A quarter is a number: Unix seconds // 900 of the boundary. A meter has a file `<key>`, the chunk that grows, and files
`<key>.<n>`, the finished chunks whose last boundary lies in the n-th span of SPAN quarters. The growing file has at most 128
bytes: littlefs keeps such a file in its folder, and writing it anew costs an erase only every twentieth time or so, in place
of one each time. A file is valid or not there: littlefs lets a new content appear when the file is closed, as a whole.

A chunk, numbers with the low byte first:

    HEAD: magic, size (of head and entries), flags, kind (4 bytes: rows of the import and the export counter, 255 none, and
    their exponents), first boundary (u32), last boundary (u32)
    an entry per boundary behind the first: varint (import << 2 | X << 1 | G); if G: varint of the quarters since the boundary
    before, in front of which a 0 says that the energy is not known; if X: varint of the export
    CRC-32

The growing file has both counters' mantissas at the last boundary in front, and a CRC-32 of all of it. A chunk begins where
the one before ended, or has the flag NEW: nothing is known of the time before, because the clock was stepped. Of two chunks
that tell of the same quarters the one written later is right; a NEW one tells of the quarter before its first boundary, too.
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
DOUBTFUL = const(2)  # nothing was written: a counter went back, or is another one
DAMAGED = const(3)  # it is on flash; what was in the growing file could not be read and is lost

_BROKEN = const(2)  # flag of the growing file: the clock was stepped since its last boundary
_HEAD = const(15)  # bytes
_STATE = const(8)  # bytes in front of the head in the growing file
_CRC = const(4)
_MOST = const(128)  # bytes of the growing file
_SPANS = const(4)  # finished ones that are kept
_MOST_REMOVED = const(4)  # files at once: each holds the loop for a moment
_LONGEST = const(3384)  # quarters: of a longer time only its end is recorded
_FREE = const(8)  # history gives way when less than an eighth of the blocks is free
_ENOENT = const(2)


def append(folder, key, quarter, kind, imported, exported, is_broken=False, is_sure=True):
    """Record the mantissas of both counters (0 for one that is not there) at a boundary; return one of the codes above.

    is_broken: the clock was stepped since the boundary before. is_sure: a counter that went back, or is another one, was
    seen so before. Writes to flash once. Raises OSError: the flash is full or fails, and all stays as it was.
    """
    path = folder + "/" + key
    code = RECORDED
    flags, first, entries = NEW, quarter, b""
    tail = _load(path)
    if tail is None:
        code = DAMAGED
    elif tail:
        import_then, export_then = unpack_from("<ii", tail)
        _, _, flags_then, kind_then, first_then, last = unpack_from(HEAD, tail, _STATE)
        is_broken = is_broken or flags_then & _BROKEN
        if quarter == last and not is_broken:
            return RECORDED
        fits = False
        if not is_broken and 0 < quarter - last <= _LONGEST:
            flags, first = 0, last
            if kind == kind_then and imported >= import_then and exported >= export_then:
                entries = _entry(quarter - last, imported - import_then, exported - export_then)
                fits = quarter // SPAN == last // SPAN and len(tail) + len(entries) <= _MOST
            elif is_sure:
                entries = _entry(quarter - last, 0, 0, False)
            else:
                return DOUBTFUL
        if fits:
            flags, first = flags_then, first_then
            entries = tail[_STATE + _HEAD : -_CRC] + entries
        elif _finish(folder, key, tail, last):
            return AGAIN
    head = pack(HEAD, MAGIC, _HEAD + len(entries), flags, kind, first, quarter)
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


def _entry(quarters, imported, exported, is_known=True):
    has_gap = quarters != 1 or not is_known
    numbers = [imported << 2 | (exported > 0) << 1 | (1 if has_gap else 0)]
    if not is_known:
        numbers.append(0)
    if has_gap:
        numbers.append(quarters)
    if exported:
        numbers.append(exported)
    entry = bytearray()
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
    _, _, blocks, free, *_ = os.statvfs(folder)
    if not blocks // _FREE <= free <= blocks:  # littlefs may count some twice: then less than none is free
        for older in range(span - _SPANS, span - 1):
            if _remove(f"{folder}/{key}.{older}"):
                break
    with open(path, "ab") as file:
        file.write(chunk)
    return True


def _remove_old(folder, key, span):
    """A span begins: remove what is too old of all meters, and what is far in the future, where the clock once was.

    That is sure when all the spans before it are there, for then it is not now that the clock is wrong. Else only the oldest
    of many files of this meter go.
    """
    found = []
    before = 0
    for name, *_ in os.ilistdir(folder):
        number = name.rpartition(".")[2]
        if number != name and number.isdigit():
            if not span - _SPANS <= int(number) <= span + 1:
                found.append(name)
            elif int(number) < span and name == f"{key}.{number}":
                before += 1
    if before < _SPANS:
        found = sorted([name for name in found if name.startswith(key + ".")])[:-_SPANS]
    for name in found[:_MOST_REMOVED]:
        _remove(folder + "/" + name)


def _remove(path):
    try:
        os.remove(path)
        return True
    except OSError:
        return False
