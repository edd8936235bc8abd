"""The files of the archive of meters: segments, to whose end parts are put; found by meter and time; the oldest out first.

A segment has a number: kind, level (how often what is in it was merged), and which one it is of these; its file is named so
in seven hexadecimal digits. Its parts (lib/store/archive_part.py) are read from the end. So that nobody looks at each, behind
every 64 of them there is an index, a part of meter 0 whose times are those of the whole segment so far:

    size of all parts that it tells of (u32), meter of each (u16), size of each (u16), in their order

and one behind all once a segment is complete. littlefs lets a file's new content appear when it is closed, as a whole. A file
is open for moments, never while others run; a segment that went meanwhile raises OSError for who looks for it.

What takes long is a generator: it yields when others may run, those who read at least, and returns what it found.
"""

import os
from array import array
from struct import pack_into

from micropython import const

from lib.store.archive_file import (
    OLD_SIZE,
    SIZE,
    TAIL_SIZE,
    before,
    ends_in,
    foot_at,
    index_at,
    meters_in,
    read,
    resume,
    seal,
)

KINDS = const(6)
LEVELS = const(3)
EVENTS = const(5)

_PARTS = const(32)  # into which the whole is shared out
_SHARES = bytes((16, 6, 2, 2, 4, 2))  # of each kind
_SMALL_SHARES = bytes((14, 7, 3, 3, 3, 2))  # four segments and the one that they are merged into have room
_SMALL = const(512)  # blocks
_INDEXED = const(64)  # parts that an index tells of
_INDEX_SIZE = const(281)  # of the largest index
_BLOCK = const(4096)
_FILLED = const(4080)  # bytes of a block of littlefs that hold content: it has pointers in some
_MOST_BLOCKS = const(64)  # of a segment
_LEAST = const(16)  # segments of a kind, if the share has so many blocks
_AT_ONCE = const(16)  # parts looked at before others run
_INDEX_AT_ONCE = const(8)
_LOADED = const(8)  # parts read at once
_MOST_TOLD = const(8)  # damaged segments: each is told once
_UNKNOWN = const(255)
_NEVER = const(0xFFFFFFFF)
_KIND_SHIFT = const(24)
_LEVEL_SHIFT = const(22)


def kind_of(segment):
    return segment >> _KIND_SHIFT


class Segments:
    """`numbers` of all segments, sorted. `trouble`: in words what was damaged, "" if nothing.

    `buffer`: room for one part, taken once and shared by all who read and write. Who puts something there calls next_turn();
    when others ran, it is still there if `turn` is the same.
    """

    def __init__(self, folder, most_bytes):
        self._folder = folder
        self.trouble = ""
        self._told = []  # what was damaged
        self.buffer = bytearray(SIZE)
        self.turn = 0
        self.numbers = array("I")
        self._sizes = array("I")  # of each, in bytes
        self._firsts = array("I")  # UTC of its oldest record; more than that of the newest: not known yet
        self._lasts = array("I")
        self._loose = bytearray(_UNKNOWN for _ in range(KINDS * LEVELS))  # parts in the newest that no index tells of
        blocks = max(most_bytes // _BLOCK, 2 * KINDS)
        self._most = array("H", [max(2, blocks * share // _PARTS) for share in (_SMALL_SHARES if blocks < _SMALL else _SHARES)])
        try:
            os.mkdir(folder)
        except OSError:
            pass  # it is there
        for entry in os.ilistdir(folder):
            try:
                number = int(entry[0], 16) if len(entry[0]) == 7 else -1
            except ValueError:
                continue  # not one of ours
            if 0 <= number >> _KIND_SHIFT < KINDS and not entry[3]:  # pyright: ignore[reportGeneralTypeIssues]
                os.remove(folder + "/" + entry[0])  # power failed when it had just been made
            elif 0 <= number >> _KIND_SHIFT < KINDS:
                self._insert(number, entry[3])  # pyright: ignore[reportGeneralTypeIssues] - littlefs tells the size

    # What there is

    def of(self, kind, level=-1):
        """Return the numbers of the segments of a kind, and of one level, the oldest first."""
        return [number for number in self.numbers if number >> _KIND_SHIFT == kind and level in (-1, _level(number))]

    def has(self, segment):
        return any([number == segment for number in self.numbers])

    def blocks(self, kind):
        """Return how many blocks of flash a kind takes, and may take."""
        used = 0
        for place, number in enumerate(self.numbers):
            if number >> _KIND_SHIFT == kind:
                used += self._sizes[place] // _BLOCK + 1
        return used, self._most[kind]

    def span(self, segment):
        """Return UTC of the oldest and of the newest record of a segment, None: not known yet."""
        place = self._place(segment)
        first, last = self._firsts[place], self._lasts[place]
        return None if first > last else (first, last)

    def learn(self, segment):
        """Look for what span() returns, and return that."""
        yield from self._tail(segment)
        return self.span(segment)

    def is_complete(self, segment):
        """Whether an index is behind all parts of the newest segment of its kind and level."""
        return not (yield from self._loose_in(segment))

    def size(self, segment):
        return self._sizes[self._place(segment)]

    # Reading

    def next_turn(self):
        """Return the number of a use of the buffer that begins."""
        self.turn += 1
        return self.turn

    def find(self, segment, meter, first, last, take):
        """Call take(first time, last time, segment, end in the file, layout) for each part of a meter with a time from first to
        last, of all meters with 0. The newest comes first. Yields None now and then.
        """
        end, ends = -1, []
        while end:
            end = self._look(segment, end, meter, ends, None)
            yield
            while ends:
                with open(self._name(segment), "rb") as file:
                    for _ in range(min(_AT_ONCE, len(ends))):
                        there = foot_at(file, ends[0])
                        if there and meter in (0, there[2]) and there[5] <= last and there[6] >= first:
                            take(there[5], there[6], segment, ends[0], there[3])
                        ends.pop(0)
                yield

    def meters(self, segment, take):
        """Call take(meter) for each part of a segment; yields None now and then."""
        end = -1
        while end:
            end = self._look(segment, end, -1, None, take)
            yield

    def load(self, segment, ends, buffer):
        """Read some of the parts that end there into a buffer, one behind the other; return their sizes, 0: there is none.

        Of a first one that the buffer has no room for only the size is returned, which may be OLD_SIZE.
        """
        sizes, left = [], memoryview(buffer)
        with open(self._name(segment), "rb") as file:
            for end in ends:
                there = foot_at(file, end)
                size = there[1] if there and there[1] <= OLD_SIZE else 0
                if sizes and (len(sizes) == _LOADED or size > len(left)):
                    break
                if size > len(left):
                    return [size]
                if size and not read(file, end - size, left, size):
                    size = 0
                sizes.append(size)
                left = left[size:]
        return sizes

    def damaged(self, segment):
        if segment not in self._told and len(self._told) < _MOST_TOLD:
            self._told.append(segment)
            self.trouble = f"archive {self._folder}/{segment:07x}: damaged, what else there is serves"

    def _look(self, segment, end, meter, ends, take):
        """Look at some parts that end at `end` or before: put the ends of those of a meter, 0: of all, into `ends`.

        With `take`: take(meter) of all. Return where to go on, 0 at the beginning.
        """
        with open(self._name(segment), "rb") as file:
            if end < 0:
                end = file.seek(0, 2)
                if not end:
                    return 0  # the power failed before its first part was there
            indexes = 0
            for _ in range(_AT_ONCE):
                there = foot_at(file, end)
                if there is None:
                    self.damaged(segment)
                    return resume(file, end)
                start = end - there[1]
                if not there[2]:
                    index = index_at(file, start, there[1])
                    if index is None:
                        self.damaged(segment)
                    elif meter:  # of all meters each part is looked at anyway
                        if take:
                            meters_in(index, take)
                        else:
                            ends_in(index, start, meter, ends)
                        start -= before(index)
                    indexes += 1
                elif take:
                    take(there[2])
                elif meter in (0, there[2]):
                    ends.append(end)
                end = start
                if end <= TAIL_SIZE or indexes == (1 if take else _INDEX_AT_ONCE) or ends and len(ends) >= _INDEXED:
                    break
        return end if end > TAIL_SIZE else 0

    # Writing

    def append(self, kind, level, part):
        """Put a part to the end of the newest segment of its kind and level, or to a new one.

        It has `size`, `first` and `last` time, and is in the buffer since `turn`; fill(buffer) puts it there again.

        Raises OSError: nothing was changed but for what is old and went to make room.
        """
        while True:
            try:
                yield from self._append(kind, level, part)
                return
            except OSError:
                is_room = yield from self._make_room(kind, True)  # it is full, perhaps
                if not is_room:
                    raise

    def complete(self, kind, level):
        """Put an index behind all parts of the newest segment of a kind and level, and begin another one next time."""
        segment = self.of(kind, level)[-1]
        index = yield from self._index(segment)
        if index:
            self._put(segment, index, None)
        self._loose[_counter(segment)] = 0

    def remove(self, segment):
        os.remove(self._name(segment))
        self._forget(segment)

    def _append(self, kind, level, part):
        there = self.of(kind, level)
        segment = there[-1] if there else kind << _KIND_SHIFT | level << _LEVEL_SHIFT
        index = b""
        loose = (yield from self._loose_in(segment)) if there else 0
        if loose and not level and self.size(segment) + part.size + _INDEX_SIZE > self._segment_size(kind):
            yield from self.complete(kind, level)
            loose = 0
        elif loose >= _INDEXED:
            index = yield from self._index(segment)
        if not loose:
            while (yield from self._make_room(kind, False)):
                yield
            segment += 1
        self._put(segment, index, part)
        counter = _counter(segment)
        self._loose[counter] = 1 if index or segment not in there else self._loose[counter] + 1

    def _loose_in(self, segment):
        """Return how many parts of the newest segment of its kind and level no index tells of; 0: it is complete."""
        counter = _counter(segment)
        if self._loose[counter] == _UNKNOWN:
            self._loose[counter] = len((yield from self._tail(segment))[0])
        return self._loose[counter]

    def _put(self, segment, index, part):
        is_new = not self.has(segment)
        try:
            with open(self._name(segment), "ab") as file:
                if index:
                    file.write(index)
                if part:
                    if self.turn != part.turn:
                        part.turn = self.next_turn()
                        part.fill(self.buffer)
                    file.write(memoryview(self.buffer)[: part.size])
                size = file.tell()
        except OSError:
            if is_new:
                try:
                    os.remove(self._name(segment))  # an empty file
                except OSError:
                    pass
            raise
        if is_new:
            self._insert(segment, size)
        place = self._place(segment)
        self._sizes[place] = size
        if part and (is_new or self._firsts[place] <= self._lasts[place]):
            self._firsts[place] = min(self._firsts[place], part.first)
            self._lasts[place] = max(self._lasts[place], part.last)

    def _index(self, segment):
        """Return the index of the parts of a segment that none tells of yet, b"" if there are no such parts."""
        meters, sizes = yield from self._tail(segment)
        if not meters:
            return b""
        count = len(meters)
        buffer = bytearray(4 + 4 * count + TAIL_SIZE)
        pack_into("<I", buffer, 0, sum(sizes))
        for place in range(count):
            pack_into("<H", buffer, 4 + 2 * (count - 1 - place), meters[place])
            pack_into("<H", buffer, 4 + 2 * (2 * count - 1 - place), sizes[place])
        seal(buffer, 4 + 4 * count, count, 0, 0, 0, *(self.span(segment) or (0, 0)))
        return buffer

    def _tail(self, segment):
        """Return meters and sizes of the parts that no index tells of, the newest first; note what times the segment has."""
        meters, sizes = array("H"), array("H")
        first, last = _NEVER, 0
        end = whole = self.size(segment)
        while end > TAIL_SIZE:
            with open(self._name(segment), "rb") as file:
                for _ in range(_AT_ONCE):
                    there = foot_at(file, end)
                    if there is None:
                        self.damaged(segment)
                        meter, size = 0, end - resume(file, end)
                    else:
                        _, size, meter, _, _, oldest, newest = there
                        first, last = min(first, oldest), max(last, newest)
                    if there and not meter:
                        end = 0
                    elif len(meters) < _INDEXED and size < 65536:
                        meters.append(meter)
                        sizes.append(size)
                    end -= size
                    if end <= TAIL_SIZE:
                        break
            yield
        if self.size(segment) != whole:
            return (yield from self._tail(segment))  # somebody has put a part to it meanwhile
        place = self._place(segment)
        self._firsts[place], self._lasts[place] = min(first, last), last
        return meters, sizes

    # Room

    def _segment_size(self, kind):
        return _FILLED * max(1, min(_MOST_BLOCKS, self._most[kind] // _LEAST))

    def _make_room(self, kind, is_full):
        """Remove the oldest segment of a kind without room for another one; `is_full`: of the kind that has most of its share.

        Those that parts are put to stay. Return whether one went.
        """
        if is_full:
            ranks = []
            for other in range(KINDS):
                used, most = self.blocks(other)
                if (yield from self._oldest(other)) >= 0:
                    ranks.append((used / most, other))
            if not ranks:
                return False
            kind = max(ranks)[1]
        else:
            used, most = self.blocks(kind)
            if used + self._segment_size(kind) // _FILLED <= most:
                return False
        segment = yield from self._oldest(kind)
        if segment >= 0:
            self.remove(segment)
        return segment >= 0

    def _oldest(self, kind):
        """Return the segment whose newest record is the oldest, but none that parts are put to; -1: there is none."""
        found, when = -1, _NEVER
        for level in range(LEVELS):
            there = self.of(kind, level)
            if there and self._loose[_counter(there[-1])] not in ((0, _UNKNOWN) if level else (0,)):
                there.pop()
            for segment in there:
                last = (self.span(segment) or (yield from self.learn(segment)))[1]
                if last < when:
                    found, when = segment, last
        return found

    def _place(self, segment):
        for place, number in enumerate(self.numbers):
            if number == segment:
                return place
        raise OSError(2)  # it went

    def _insert(self, number, size):
        place = len([other for other in self.numbers if other < number])
        for there, value in zip(self._tables(), (number, size, _NEVER, 0)):
            there[place:place] = array("I", (value,))  # in place: a longer one may be had in small pieces of memory only

    def _forget(self, segment):
        place = self._place(segment)
        for there in self._tables():
            there[place : place + 1] = array("I")

    def _tables(self):
        return self.numbers, self._sizes, self._firsts, self._lasts

    def _name(self, segment):
        return f"{self._folder}/{segment:07x}"


def _level(segment):
    return segment >> _LEVEL_SHIFT & 3


def _counter(segment):
    return kind_of(segment) * LEVELS + _level(segment)
