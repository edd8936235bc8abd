"""What the journal (lib/store/journal.py) finds on flash when it starts."""

import errno
import os
from binascii import crc32
from struct import pack, unpack, unpack_from

from micropython import const

from lib.store.journal_record import CURSORS, HEAD, ROOM, look

_NAME = const(24)  # characters
_CURSORS = const(25)  # bytes, with the CRC
_CRC = const(4)


def segments_in(folder):
    """Return (sequence number of the first record, both numbers before it) of all segments, in no order."""
    segments = []
    try:
        for name, *_ in os.ilistdir(folder):
            if len(name) == _NAME:
                try:
                    segments.append((int(name[:8], 16), int(name[8:16], 16), int(name[16:], 16)))
                except ValueError:
                    pass  # not one of ours
    except OSError:
        pass  # no folder: the first writing will tell
    return segments


def cursors_in(folder):
    """Return what the file of the cursors holds, None if it is not there or damaged; and what is wrong, "" if nothing."""
    path = folder + "/cursors"
    try:
        with open(path, "rb") as file:
            content = file.read(_CURSORS + 1)
    except OSError as error:
        return None, "" if error.errno == errno.ENOENT else path + ": " + str(error)
    if not content:
        return None, ""  # power failed when it had just been made
    if len(content) == _CURSORS and content[-_CRC:] == pack("<I", crc32(content[:-_CRC])):
        return unpack(CURSORS, content[:-_CRC]), ""
    return None, path + ": damaged, what is on flash is sent again"


def end_of(path, segment):
    """Return the last sequence number in a segment, both numbers there, where it ends, and whether all of it is sound.

    `segment`: what segments_in() said of it.
    """
    buffer = bytearray(ROOM)
    first, *numbers = segment
    sequence = first - 1
    end = 0
    is_sound = True
    try:
        with open(path, "rb") as file:
            while True:
                whole = look(file, end, buffer)
                if not whole:
                    break
                end += abs(whole)
                if whole > 0:
                    _, _, _, sequence, *numbers = unpack_from(HEAD, buffer)
                else:
                    is_sound = False
    except OSError:
        is_sound = False
    return sequence, numbers[0], numbers[1], end, is_sound
