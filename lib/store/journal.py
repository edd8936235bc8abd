"""Keeps records on flash until both links that want them have acknowledged them; docs/journal.md says what is guaranteed.

A record is bytes that mean nothing here. It lies in a tail in RAM first, and goes to flash with flush() if a link it is for has
not acknowledged it by then. On flash there is a ring of segments, files with as many whole records as fit into a few blocks of
littlefs, the oldest removed first. A file is valid or not there: littlefs lets a new content appear when the file is closed.

A record has a sequence number (u32), and for each link a number (30 bits): how many records for that link there were so far,
itself included. What is missing between two numbers was dropped; how many wait is a difference; no list of them is needed.
lib/store/journal_record.py has the bytes. The file `cursors` says where the links are.

Calls that write do one step: one file written or removed. They raise nothing: `failure` tells.
"""

import errno
import os
from array import array
from binascii import crc32
from struct import pack, pack_into, unpack_from

from micropython import const

from lib.store.journal_record import CURSORS, HEAD, MAGIC, MOST, ROOM, look, number_of, whole_of
from lib.store.journal_start import cursors_in, end_of, segments_in

WINDOW = 8  # records of a link that may be given out and not be acknowledged
AGAIN = const(1)  # call again: others may run in between

_LINKS = const((0, 1))
_HEAD = const(16)  # bytes
_CRC = const(4)
_WINDOW = const(8)
_MASK = const(1)  # place in a record
_U32 = const(0xFFFFFFFF)
_U30 = const(0x3FFFFFFF)  # numbers of links: the most that needs no heap
_HALF = const(0x20000000)
_AHEAD = const(4096)  # sequence numbers that are taken from flash at once
_LEAP = const(0x1000000)  # and how many are left out when it is not known which were used
_UNSAVED = const(24)  # acknowledgements of records on flash that a power cut may forget
_AT_ONCE = const(12)  # records looked at before others run
_FEWEST = const(4)  # segments that are kept however full the flash is
_FREE = const(6)  # beyond them the ring gives way when less than a sixth of the blocks is free
_UNKNOWN = const(-1)


class _Link:
    """Where a link is: all numbers are its own, modulo 2**30."""

    def __init__(self):
        self.number = 0  # of the last record acknowledged, or given up
        self.given = 0  # of the last one given out
        self.total = 0  # of the last one there is
        self.stored = 0  # no record on flash has a higher one
        self.dropped = 0
        self.segment = 0  # where read() goes on
        self.offset = _UNKNOWN
        self.flying = 0  # given out and not acknowledged: so many, and which
        self.sequences = array("I", [0] * _WINDOW)
        self.numbers = array("I", [0] * _WINDOW)


class Journal:
    """`folder` is made when it is not there. At most `segments` files of `segment` bytes, which should fill whole blocks.

    `failure`: what the last writing raised, OSError or MemoryError, None after one that was good. `trouble`: in words what was
    found damaged last, "" if nothing; whoever reports it may clear it. Starting reads the newest segment. A link gets nothing
    until want() says so.
    """

    def __init__(self, folder, segments=24, segment=16368, tail=1920):
        self.failure = None
        self.trouble = ""
        self._folder = folder
        self._most = segments
        self._full = segment
        self._tail = bytearray(tail)
        self._used = 0  # bytes in the tail
        self._links = (_Link(), _Link())
        self._wanted = 0  # mask
        self._next = self._reserved = 1  # sequence numbers: the next one, the first that is not ours yet
        self._is_dirty = True  # the cursors on flash are old
        self._unsaved = 0
        self._firsts = array("I")  # of each segment, the oldest first: sequence number of its first record,
        self._before = array("I")  # and both numbers before that one
        self._size = 0  # bytes of the newest segment
        self._has_room = None  # for a new one: not known before it is needed
        self._load()

    def want(self, link, is_wanted):
        """Whether a link is on; to be said after each start. One that is off holds nothing, and gets nothing of what was.

        Writes to flash when something is forgotten.
        """
        state = self._links[link]
        self._wanted &= ~(1 << link)
        if is_wanted:
            self._wanted |= 1 << link
        elif state.number != state.total:
            state.number = state.given = state.total
            state.flying = 0
            state.offset = _UNKNOWN
            self._is_dirty = True
            self._save()

    def append(self, record, links=3):
        """Put a record into the tail, for the links in the mask that are wanted; return its sequence number, None if none is.

        With no room in the tail the oldest in it is dropped: flush() was not called in time, or failed. Writes to flash
        every 4096th time and the first time after a start. Raises ValueError for more than MOST bytes.
        """
        size = len(record)
        if size > MOST:
            raise ValueError("record too long")
        links &= self._wanted
        if not links:
            return None
        if not 0 < self._reserved - self._next & _U32 <= _AHEAD:
            self._save()  # else a number could be used twice after a power cut
        whole = _HEAD + size + _CRC
        tail = self._tail
        if self._used + whole > len(tail):
            self._squeeze()
            while self._used + whole > len(tail):
                self._drop_first()
        sequence = self._next
        self._next = sequence + 1 & _U32
        for link in _LINKS:
            if links >> link & 1:
                self._links[link].total = self._links[link].total + 1 & _U30
        at = self._used
        pack_into(HEAD, tail, at, MAGIC, links, size, sequence, self._links[0].total, self._links[1].total)
        view = memoryview(tail)[at : at + whole]
        view[_HEAD : _HEAD + size] = record
        pack_into("<I", tail, at + whole - _CRC, crc32(view[:-_CRC]))
        self._used = at + whole
        return sequence

    def read(self, link, buffer):
        """Return (sequence number, view of the record) of the next one for a link; None if there is none now; or AGAIN.

        None, too, while WINDOW records given out are not acknowledged. `buffer` is a bytearray of ROOM bytes, which the view
        is part of. Raises MemoryError when littlefs finds none to open a file: call again later.
        """
        state = self._links[link]
        if state.flying == _WINDOW or state.given == state.total:
            return None
        if _ahead(state.stored, state.given):
            found = self._read_segment(link, state, buffer)
            if found is not None:
                return found
        tail = self._tail
        at = 0
        while at < self._used:
            whole = whole_of(tail, at)
            if tail[at + _MASK] >> link & 1 and _ahead(number_of(tail, at, link), state.given):
                buffer[:whole] = memoryview(tail)[at : at + whole]
                return self._give(link, state, buffer)
            at += whole
        return None

    def rewind(self, link):
        """The connection is a new one: what was not acknowledged is given out again."""
        state = self._links[link]
        if state.flying:
            state.given = state.number
            state.flying = 0
            state.offset = _UNKNOWN

    def acknowledge(self, link, sequence):
        """The record given out with this number has arrived, and all that were before it; False if it is not one of them.

        Writes to flash when a power cut would make more than WINDOW and 24 records be sent again.
        """
        state = self._links[link]
        for index in range(state.flying):
            if state.sequences[index] == sequence:
                break
        else:
            return False
        number = state.numbers[index]
        index += 1
        if _ahead(number, state.stored):
            state.stored = number
        else:
            self._unsaved += index
        state.dropped += (number - state.number & _U30) - index  # what was missing between them
        state.number = number
        self._landed(state, index)
        if not state.flying:
            self._give_up(state, state.given)
        if self._unsaved >= _UNSAVED:
            self._save()
        return True

    def backlog(self, link):
        """Return how many records wait for a link's acknowledgement."""
        state = self._links[link]
        return state.total - state.number & _U30

    def dropped(self, link):
        """Return how many records a link never got, since ever: for the ring was full, or damaged."""
        return self._links[link].dropped

    def flush(self):
        """Do one step of bringing to flash what is in the tail and not acknowledged; True: call again, there is more to do."""
        self._squeeze()
        if not self._used:
            return False
        if self._is_dirty:
            return self._save()  # or what is left out for it was acknowledged would look as if it were missing
        size = self._fitting(self._full - self._size) if self._firsts else 0
        if size:
            return self._write(size, False)
        has_room, self._has_room = self._has_room, None
        if has_room is None:  # looking takes littlefs some time
            self._has_room = len(self._firsts) < self._most and self._is_roomy()
            return True
        return self._write(self._fitting(self._full), True) if has_room else self._remove()

    def tidy(self):
        """Do one step of what is due; True: call again. To be called until it is False between two appends.

        Due is: to flush a tail that has no room for one more record, to remove a segment that both links have acknowledged.
        """
        if self._used + ROOM > len(self._tail):
            self._squeeze()
            if self._used + ROOM > len(self._tail):
                return self.flush()
        if not self._firsts:
            return False
        for link in _LINKS:
            state = self._links[link]
            end = self._before[2 + link] if len(self._firsts) > 1 else state.stored
            if _ahead(end, state.number):
                return False
        return self._save() if self._is_dirty else self._remove()

    def _give(self, link, state, buffer):
        """Note that the record in the buffer is given out."""
        _, _, size, sequence, *numbers = unpack_from(HEAD, buffer)
        found = sequence, memoryview(buffer)[_HEAD : _HEAD + size]  # first: there may be no memory
        state.given = state.numbers[state.flying] = numbers[link]
        state.sequences[state.flying] = sequence
        state.flying += 1
        return found

    def _read_segment(self, link, state, buffer):
        """Go on in a segment: as read(); None when there is nothing more in the newest."""
        if state.offset == _UNKNOWN:
            state.segment = state.offset = 0
            for index in range(1, len(self._firsts)):
                if not _ahead(self._before[2 * index + link], state.given):
                    state.segment = index
        try:
            with open(self._path(state.segment), "rb") as file:
                for _ in range(_AT_ONCE):
                    whole = look(file, state.offset, buffer)
                    if not whole:
                        break
                    found = None
                    if whole < 0:
                        self._damaged(state.segment)
                    elif buffer[_MASK] >> link & 1 and _ahead(number_of(buffer, 0, link), state.given):
                        found = self._give(link, state, buffer)
                    state.offset += abs(whole)
                    if found:
                        return found
                else:
                    return AGAIN
        except OSError:
            self._damaged(state.segment)
        if state.segment < len(self._firsts) - 1:
            state.segment += 1
            state.offset = 0
            return AGAIN
        state.given = state.stored
        if not state.flying:
            self._give_up(state, state.given)
        return None

    def _damaged(self, index):
        self.trouble = self._path(index) + ": damaged, what else is in it serves"

    def _landed(self, state, count):
        """The first so many that were given out are no longer waited for."""
        state.flying -= count
        for index in range(state.flying):
            state.sequences[index] = state.sequences[index + count]
            state.numbers[index] = state.numbers[index + count]
        self._is_dirty = True

    def _give_up(self, state, number):
        """A link will not get what it has not acknowledged up to a number."""
        lost = _ahead(number, state.number)
        if lost:
            state.dropped += lost
            state.number = number
            if _ahead(number, state.given):
                state.given = number
            count = 0
            while count < state.flying and not _ahead(state.numbers[count], number):
                count += 1
            self._landed(state, count)

    def _squeeze(self):
        """Take out of the tail what was acknowledged."""
        tail = memoryview(self._tail)
        at = used = 0
        while at < self._used:
            whole = whole_of(tail, at)
            for link in _LINKS:
                if tail[at + _MASK] >> link & 1 and _ahead(number_of(tail, at, link), self._links[link].number):
                    tail[used : used + whole] = tail[at : at + whole]
                    used += whole
                    break
            at += whole
        self._used = used

    def _drop_first(self):
        tail = self._tail
        for link in _LINKS:
            state = self._links[link]
            # With older ones on flash, the link finds that this one is missing when it gets here.
            if tail[_MASK] >> link & 1 and not _ahead(state.stored, state.number):
                self._give_up(state, number_of(tail, 0, link))
        self._cut(whole_of(tail, 0))

    def _cut(self, size):
        """Take the first bytes out of the tail."""
        tail = memoryview(self._tail)
        tail[: self._used - size] = tail[size : self._used]
        self._used -= size

    def _fitting(self, room):
        """Return how many bytes of the tail are whole records that fit into a room."""
        at = 0
        while at < self._used:
            whole = whole_of(self._tail, at)
            if at + whole > room:
                break
            at += whole
        return at

    def _is_roomy(self):
        """Whether the flash has room for one more segment and for all else."""
        if len(self._firsts) < _FEWEST:
            return True
        _, _, blocks, free, *_ = os.statvfs(self._folder)
        return blocks // _FREE <= free <= blocks  # littlefs may count some twice: then less than none is free

    def _path(self, index):
        """Return the path of a segment."""
        before = self._before
        return f"{self._folder}/{self._firsts[index]:08x}{before[2 * index]:08x}{before[2 * index + 1]:08x}"

    def _write(self, size, is_new):
        """Move the first bytes of the tail to the newest segment, or to a new one."""
        tail = memoryview(self._tail)
        if is_new:
            self._firsts.append(unpack_from(HEAD, tail)[3])
            for link in _LINKS:
                self._before.append(number_of(tail, 0, link) - (tail[_MASK] >> link & 1) & _U30)
        path = self._path(len(self._firsts) - 1)
        try:
            with open(path, "wb" if is_new else "ab") as file:
                file.write(tail[:size])
        except (OSError, MemoryError) as error:
            self.failure = error
            if is_new:
                self._firsts, self._before = self._firsts[:-1], self._before[:-2]
                try:
                    os.remove(path)  # an empty file
                except OSError:
                    pass
            return False
        self.failure = None
        self._size = size if is_new else self._size + size
        at = last = 0
        while at < size:
            last = at
            at += whole_of(tail, at)
        for link in _LINKS:
            self._links[link].stored = number_of(tail, last, link)
        self._cut(size)
        return self._used > 0

    def _remove(self):
        """Remove the oldest segment."""
        try:
            os.remove(self._path(0))
        except (OSError, MemoryError) as error:
            if not isinstance(error, OSError) or error.errno != errno.ENOENT:
                self.failure = error
                return False
        self.failure = None
        self._firsts, self._before = self._firsts[1:], self._before[2:]
        for link in _LINKS:
            state = self._links[link]
            state.offset = _UNKNOWN
            self._give_up(state, self._before[link] if self._firsts else state.stored)
        return True

    def _save(self):
        reserved = self._next + _AHEAD & _U32
        one, two = self._links
        content = pack(CURSORS, MAGIC, reserved, one.number, two.number, one.dropped & _U32, two.dropped & _U32)
        try:
            with open(self._folder + "/cursors", "wb") as file:
                file.write(content + pack("<I", crc32(content)))
        except (OSError, MemoryError) as error:
            self.failure = error
            self._unsaved = 0  # the next try is as many acknowledgements away
            return False
        self.failure = None
        self._reserved = reserved
        self._is_dirty = False
        self._unsaved = 0
        return True

    def _load(self):
        try:
            os.mkdir(self._folder)
        except OSError:
            pass  # it is there
        segments = segments_in(self._folder)
        cursors, self.trouble = cursors_in(self._folder)
        if cursors:
            self._next = self._reserved = cursors[1]
            self._is_dirty = False
        elif segments:
            self._next = segments[0][0]
        # Sequence numbers may have wrapped: the oldest is farthest behind the next one.
        segments.sort(key=lambda segment: segment[0] - self._next - 0x80000000 & _U32)
        for first, *before in segments:
            self._firsts.append(first)
            self._before.extend(array("I", before))
        stored = [0, 0]
        if segments:
            newest = len(segments) - 1
            sequence, *stored, self._size, is_sound = end_of(self._path(newest), segments[newest])
            if not is_sound:
                self._damaged(newest)
                self._size = self._full  # nothing is added to it
            if sequence - self._next & _U32 < 0x80000000:
                self._next = sequence + 1 & _U32  # that was not foreseen in the cursors
        if not cursors and (segments or self.trouble):
            self.trouble = self.trouble or self._folder + "/cursors: missing"
            self._next = self._next + _LEAP & _U32
        for link in _LINKS:
            state = self._links[link]
            if cursors:
                state.number, state.dropped = cursors[2 + link], cursors[4 + link]
            elif segments:
                state.number = segments[0][1 + link]
            state.given = state.number
            state.stored = stored[link] if segments else state.number
            if segments:
                self._give_up(state, segments[0][1 + link])
            state.total = state.stored if _ahead(state.stored, state.number) else state.number


def _ahead(number, other):
    """Return how far a number is ahead of another one modulo 2**30, 0 if it is not."""
    ahead = number - other & _U30
    return ahead if ahead < _HALF else 0
