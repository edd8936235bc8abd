"""Records by number, in files of at most half a block each: a change writes a block, and the names of the files are the index.

A page has the records of the numbers from its first one, which its name tells, up to where the next page begins, and never
beyond the next multiple of `span`. A new page is written beside the old one and takes its name, which littlefs does at once:
after a power cut a page is old or new. A file, low byte first:

     0  u16  magic; another one if nothing counts that stands in pages before this one
     2  u16  the highest number there ever was
     4       records, numbers ascending: number (u16), size of the content (u16), content
    -4  u32  CRC-32 of all that, begun with the page's first number (u16)

A page that becomes too long is cut: the new page behind it is written first, and what the old one still has of its numbers
does not count from then on.
"""

import errno
import os
from binascii import crc32
from struct import pack

from micropython import const

BLOCK = const(2048)  # the longest page: half a block of littlefs, for a page of each list is in RAM
_MAGIC = const(0x4750)
_FIRST = const(0x4650)  # of a page before which nothing counts
_HEAD = const(4)  # of the page, and of a record
_CRC = const(4)
_MOST = const(BLOCK - _HEAD - _CRC)  # bytes of records
_CUT = const(1150)  # of them in each part of a page that is cut, but for the last page, which grows at its end
_NEW = const("/new")  # a page that is being written
_TRIES = const(3)  # to read what seems damaged


class Block:
    """Room for one page, that several Pages may share. Nobody waits for anything while he uses it."""

    def __init__(self):
        self.bytes = bytearray(BLOCK)
        self.view = memoryview(self.bytes)
        self.pages = None  # whose page is in it, None for nobody's
        self.start = 0
        self.size = 0  # of the page without its CRC


class Pages:
    """`starts`: first number of each page, ascending. `highest`: number there ever was, 0 for none. `damaged`: starts of pages
    that cannot be read; what is written for their numbers replaces them."""

    def __init__(self, path, span, block):
        """path: what the names of the files begin with, its folder must exist. span: a power of two."""
        self._path = path
        self._span = span
        self._block = block
        self.starts = []
        self.damaged = []
        self.highest = 0

    def load(self, take):
        """Find the pages, and hand all records to take(number, view); to be gone through first, yields after each page."""
        folder, _, begin = self._path.rpartition("/")
        for entry in os.ilistdir(folder):
            if entry[0].startswith(begin):
                self.starts.append(int(entry[0][len(begin) :], 16))
        self.starts.sort()
        for start in reversed(list(self.starts)):
            if self._read(start):
                self.highest = max(self.highest, _u16(self._block.bytes, 2))
                is_first = _u16(self._block.bytes, 0) == _FIRST
                for number, view in self.records(start):
                    self.highest = max(self.highest, number)
                    take(number, view)
                while is_first and self.starts[0] < start:  # left of a removal that a power cut ended
                    self._remove(self.starts[0])
                    yield
            elif start in self.starts:
                self.damaged.append(start)
                self.highest = max(self.highest, self.end(start) - 1)  # any of its numbers may have been there
            yield

    def find(self, number):
        """Return a view of a record, valid until anything else is asked of who shares the block; None: there is none.

        OSError: its page was there, and cannot be read.
        """
        for found, view in self.records(self.read(number)):
            if found == number:
                return view
        return None

    def read(self, number):
        """Read the page that has a number into the block; return its start, -1 if there is none, or a damaged one.

        OSError: it was there, and cannot be read.
        """
        start = self._start(number)
        if start < 0 or start in self.damaged:
            return -1
        if not self._read(start):
            raise OSError(errno.EIO)
        return start

    def records(self, start):
        """Yield (number, view) of the page in the block. Views may be changed in place before a put() to the same page."""
        block, at = self._block, _HEAD
        content, size = block.bytes, block.size
        end = self.end(start) if start >= 0 else 0
        while at < size:
            number = _u16(content, at)
            if number >= end:
                return
            first = at + _HEAD
            at = first + _u16(content, at + 2)
            yield number, block.view[first:at]

    def end(self, start):
        """Return the number behind the last one that may be in a page."""
        end = (start | self._span - 1) + 1
        for other in self.starts:
            if start < other < end:
                return other
        return end

    def put(self, changes):
        """Write records: {number: bytes, None to remove it}, each page of them as a whole.

        OSError: the flash did not take it, or does not give what was there. Each page is then as it was, or new.
        """
        numbers = sorted(changes)
        while numbers:
            start = self._start(numbers[0])
            if start < 0:
                start = numbers[0] & ~(self._span - 1)
            end = self.end(start)
            mine = [number for number in numbers if number < end]
            self._put(start, end, mine, changes)
            numbers = numbers[len(mine) :]

    def clear(self):
        """Remove all records, for good when the first step is done; yields between the steps. Numbers are not used again."""
        start = self.highest + 1
        self._block.pages = None
        self._write(start, start, (), _FIRST)
        yield
        while self.starts[0] < start:
            self._remove(self.starts[0])
            yield

    def _start(self, number):
        """Return where the page begins that a number belongs to, -1 if there is none."""
        found = -1
        for start in self.starts:
            if start <= number:
                found = start
        return found if found >= 0 and number < self.end(found) else -1

    def _read(self, start):
        """Have a page in the block; return whether it is sound."""
        block = self._block
        if block.pages is self and block.start == start:
            return True
        block.pages = None
        for _ in range(_TRIES):
            try:
                with open(self._name(start), "rb") as file:
                    size = (file.readinto(block.bytes) or 0) - _CRC
            except OSError:
                continue
            if size >= _HEAD and _u16(block.bytes, 0) in (_MAGIC, _FIRST):
                crc = crc32(block.view[:size], crc32(pack("<H", start)))
                if block.view[size : size + _CRC] == pack("<I", crc):
                    block.pages, block.start, block.size = self, start, size
                    return True
        return False

    def _put(self, start, end, numbers, changes):
        block, magic = self._block, _MAGIC
        if start not in self.starts or start in self.damaged:
            block.pages, block.size = None, 0
        else:
            self.read(start)
            magic = _u16(block.bytes, 0)
        is_last = not self.starts or start >= self.starts[-1]
        try:
            total = 0
            for _, content in self._merged(start, end, numbers, changes):
                total += _HEAD + len(content)
            if not total and not is_last:
                self._drop(start)
                return
            cuts, most, size = [start], _MOST if is_last or total <= _MOST else _CUT, 0
            for number, content in self._merged(start, end, numbers, changes):
                size += _HEAD + len(content)
                if size > most:
                    cuts.append(number)
                    size = _HEAD + len(content)
            self.highest = max([self.highest] + numbers)
            while cuts:  # the last is written first
                cut = cuts.pop()
                records = self._merged(start, end, numbers, changes)
                self._write(cut, end, records, magic if cut == start else _MAGIC)
                end = cut
        finally:
            block.pages = None  # what is in it is no longer what is on flash

    def _merged(self, start, end, numbers, changes):
        """Yield (number, content) of the page in the block as the changes leave it, up to a number."""
        at = 0
        for number, view in self.records(start):
            while at < len(numbers) and numbers[at] <= number:
                at += 1
                if changes[numbers[at - 1]] is not None:
                    yield numbers[at - 1], changes[numbers[at - 1]]
            if number not in changes and number < end:
                yield number, view
        for other in numbers[at:]:
            if changes[other] is not None:
                yield other, changes[other]

    def _write(self, start, end, records, magic):
        """Write the page of those records that are from `start` on, before `end`."""
        new = self._path.rpartition("/")[0] + _NEW
        try:
            with open(new, "wb") as file:
                _fill(file, start, end, records, pack("<HH", magic, self.highest))
        except OSError:
            try:
                os.remove(new)  # its block is wanted
            except OSError:
                pass
            raise
        os.rename(new, self._name(start))
        if start not in self.starts:
            self.starts.append(start)
            self.starts.sort()
        elif start in self.damaged:
            self.damaged.remove(start)

    def _drop(self, start):
        """Remove a page that has no record left."""
        before = self.read(start - 1) if start else -1
        if before >= 0 and self._span > start - before:  # what a cut left there must not count again
            self._put(before, start, [], {})
        self._remove(start)

    def _remove(self, start):
        os.remove(self._name(start))
        self.starts.remove(start)
        if start in self.damaged:
            self.damaged.remove(start)
        self._block.pages = None

    def _name(self, start):
        return f"{self._path}{start:04x}"


def _fill(file, start, end, records, head):
    crc = crc32(head, crc32(pack("<H", start)))
    file.write(head)
    for number, content in records:
        if start <= number < end:
            head = pack("<HH", number, len(content))
            crc = crc32(content, crc32(head, crc))
            file.write(head)
            file.write(content)
    file.write(pack("<I", crc))


def _u16(content, at):
    return content[at] | content[at + 1] << 8
