"""Events of a meter on flash, as it told them: a file that is bounded, in the order in which they came, each once.

A record, numbers with the low byte first: magic, size of the whole, UTC (u32), code, a zero, text (both UTF-8), CRC-32. When
the file would be larger than a block of flash, its older half goes; littlefs lets the new content appear as a whole.
"""

import os
from binascii import crc32
from struct import pack, unpack_from

from micropython import const

_MAGIC = const(0xA6)
_HEAD = const("<BBI")
_HEAD_SIZE = const(6)
_CRC_SIZE = const(4)
_MOST = const(4080)  # bytes of a file
_KEPT = const(2000)  # of them, when it is full
_BUFFER = const(512)
_MOST_CODE = const(24)  # bytes
_MOST_TEXT = const(120)


def record(time, code, text):
    """Return the bytes of an event; a code or text that is too long is cut."""
    content = code.encode()[:_MOST_CODE] + b"\0" + text.encode()[:_MOST_TEXT]
    content = pack(_HEAD, _MAGIC, _HEAD_SIZE + len(content) + _CRC_SIZE, time) + content
    return content + pack("<I", crc32(content))


def add(path, events):
    """Add (UTC, code, text) events that are not there yet; return how many. Writes once; OSError: all stays as it was."""
    fresh = []
    for event in events:
        content = record(*event)
        if content not in fresh:
            fresh.append(content)
    for view in views(path):
        if view in fresh:
            fresh.remove(bytes(view))
    count = len(fresh)
    if not count:
        return 0
    size = sum([len(content) for content in fresh])
    try:
        there = os.stat(path)[6]
    except OSError:
        there = 0
    if there + size > _MOST:
        skip = max(there - _KEPT, there + size - _MOST)  # the older ones
        while size > _MOST:
            size -= len(fresh.pop(0))
        kept = bytearray()
        at = 0
        for view in views(path):
            at += len(view)
            if at > skip:
                kept.extend(view)
        with open(path, "wb") as file:
            file.write(kept)
            for content in fresh:
                file.write(content)
        return count
    with open(path, "ab") as file:
        for content in fresh:
            file.write(content)
    return count


def views(path):
    """Yield a view of each record that is sound, valid until the next one. The file is open for moments only."""
    buffer = bytearray(_BUFFER)
    whole = memoryview(buffer)
    place = 0
    while True:
        try:
            with open(path, "rb") as file:
                file.seek(place)
                there = file.readinto(buffer) or 0
        except OSError:
            return
        at = 0
        while there - at > _HEAD_SIZE:
            size = buffer[at + 1]
            if buffer[at] == _MAGIC and size > _HEAD_SIZE + _CRC_SIZE and at + size > there and at:
                break  # it goes on in the next buffer
            view = whole[at : at + size]
            if (
                buffer[at] == _MAGIC
                and len(view) == size > _HEAD_SIZE + _CRC_SIZE
                and unpack_from("<I", view, size - _CRC_SIZE)[0] == crc32(view[:-_CRC_SIZE])
            ):
                yield view
                at += size
            else:
                at += 1
        if there < _BUFFER and there - at <= _HEAD_SIZE or not at:
            return
        place += at


def read(path):
    """Yield (UTC, code, text) of all events, in the order in which they came."""
    for view in views(path):
        code, _, text = bytes(view[_HEAD_SIZE:-_CRC_SIZE]).partition(b"\0")
        yield unpack_from("<I", view, 2)[0], _text(code), _text(text)


def _text(content):
    try:
        return content.decode()
    except UnicodeError:
        return "".join([chr(byte) for byte in content])  # it was cut within a character
