"""Takes an upgrade image as it comes, and says what of it belongs where in the slot; no I/O but reading the slot.

Nothing is written before the header's signature is right, and no chunk of the payload before its hash is. Header and list of
hashes lie in the last blocks of the slot, so that the payload starts where the boot loader looks for it, and all that
is needed to go on after a restart, or to check the slot as a whole, is in the slot.
"""

from hashlib import sha256

from lib.ota.header import CHUNK, HASH, SIZE, Header, Refused, check_magic


class Receiver:
    """One for an image. `position` is where in the file the next byte belongs; `header` is None until it was checked.

    The generators yield None where others may run, or (offset in the slot, view): to be written, after the block of 4096
    bytes there was erased, before the generator goes on; the view is valid until then. They raise Refused. After that, or
    when one was not driven to its end, only resume() and verify() are of use, with one exception: after "chunk" the damaged
    one may be given again.
    """

    def __init__(self, read, device):
        """read(offset, buffer) fills the buffer from the slot. device: lib.ota.header.Device."""
        self._read = read
        self._tail = device.tail
        self._device = device
        self._hash = bytearray(HASH)
        self._restart()

    def _restart(self):
        self.header = None
        self._buffer = memoryview(bytearray(SIZE))  # one of a chunk would lie about while Ed25519 needs memory
        self._start = 0  # where in the file the buffer's first byte belongs
        self._used = 0  # bytes in the buffer
        self._want = SIZE  # bytes that make it complete

    @property
    def position(self):
        return self._start + self._used

    @property
    def is_complete(self):
        return self.header is not None and self._start == self.header.file_size

    def room(self):
        """Return where the next bytes of the file belong: a view of 1 to 4096 bytes, valid until filled()."""
        return self._buffer[self._used : self._want]

    def filled(self, count):
        """So many bytes were put into room(); a generator."""
        if count and self.is_complete:
            raise Refused("long", "the image does not end where it should")
        self._used += count
        if self.header is None:
            check_magic(self._buffer, self._used)
        if self._used < self._want:
            return
        if self.header is None:
            yield from self._take_header()
        elif self._start < self.header.list_end:
            yield self._tail + self._start, self._buffer[: self._used]
            if self.position == self.header.list_end:
                yield from self._check_list()
            self._advance()
        else:
            self._check_chunk()
            yield self._start - self.header.list_end, self._buffer[: self._used]
            self._advance()

    def feed(self, data):
        """For those who have bytes already: the same as room() and filled(), for data of any length; a generator."""
        data = memoryview(data)
        at = 0
        while at < len(data):
            part = data[at : at + self._want - self._used]
            self._buffer[self._used : self._used + len(part)] = part
            at += len(part)
            yield from self.filled(len(part))

    def ended(self):
        """The file has ended. Raises Refused unless it did so where it should."""
        if not self.is_complete:
            raise Refused("short", f"the image ends too early, after {self.position} bytes")

    def resume(self):
        """Find out what of an image is in the slot, as after a restart; a generator. `position` says where its file goes on.

        Raises Refused if there is nothing that can be gone on with: the image has to be taken from its start.
        """
        self._restart()
        self._read(self._tail, self.room())
        self._used = SIZE
        try:
            yield from self._take_header()
            yield from self._check_list()
        except Refused:
            self._restart()
            raise
        self._start = self.header.list_end
        self._want_next()
        total = sha256()
        while not self.is_complete:
            self._read(self._start - self.header.list_end, self.room())
            self._used = self._want
            try:
                self._check_chunk()
            except Refused:
                return
            yield
            total.update(self._buffer[: self._used])
            self._advance()
            yield
        if total.digest() != self.header.total:
            raise Refused("total", "the image's parts are right, their sum is not")

    def verify(self):
        """Check all that is in the slot, from the signature on; a generator. Raises Refused unless a whole image is there."""
        yield from self.resume()
        if not self.is_complete:
            number = (self._start - self.header.list_end) // CHUNK
            raise Refused("chunk", f"chunk {number} of the image is damaged in flash")

    def _take_header(self):
        header = Header(self._buffer)
        yield from header.check(self._device)
        whole = memoryview(bytearray(CHUNK))
        whole[:SIZE] = self._buffer
        self._buffer = whole
        self.header = header
        self._want = min(CHUNK, header.list_end)

    def _check_list(self):
        """As it stands in the slot now: from there the hashes are taken later."""
        at, end = SIZE, self.header.list_end
        total = sha256()
        while at < end:
            part = self._buffer[: min(CHUNK, end - at)]
            self._read(self._tail + at, part)
            total.update(part)
            at += len(part)
            yield
        if total.digest() != self.header.list_hash:
            raise Refused("list", "the image's list of hashes is damaged")

    def _check_chunk(self):
        number = (self._start - self.header.list_end) // CHUNK
        self._read(self._tail + SIZE + HASH * number, self._hash)
        if sha256(self._buffer[: self._used]).digest() != self._hash:
            self._used = 0
            raise Refused("chunk", f"chunk {number} of the image is damaged")

    def _advance(self):
        self._start += self._used
        self._want_next()

    def _want_next(self):
        """The buffer is empty: of header and list, and of the payload, comes a block each time, or what is left of them."""
        header = self.header
        end = header.list_end if self._start < header.list_end else header.file_size
        self._used = 0
        self._want = min(CHUNK, end - self._start) or 1
