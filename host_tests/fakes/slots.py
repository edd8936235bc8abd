"""The other slot in memory: a platform's `slots` (firmware/port/host.py), which fails when told."""

import errno

BLOCK = 4096
_ERASED = b"\xff" * BLOCK


class Slots:
    """`operations` so far; number `fails_at` of them, and all after it, raise OSError. `starved`: number of one MemoryError."""

    size = 0x1B0000
    running = "ota_0"
    is_on_trial = False
    undone = 0

    def __init__(self):
        self.blocks = {}  # only what was written takes memory
        self.operations = 0
        self.fails_at = self.starved = 0
        self.is_switched = False

    def read(self, offset, buffer):
        at = 0
        while at < len(buffer):
            block = self.blocks.get((offset + at) // BLOCK, _ERASED)
            part = block[(offset + at) % BLOCK :][: len(buffer) - at]
            buffer[at : at + len(part)] = part
            at += len(part)

    def erase(self, offset):
        assert offset % BLOCK == 0 and 0 <= offset < self.size
        self._count()
        self.blocks[offset // BLOCK] = bytearray(b"\xff" * BLOCK)

    def program(self, offset, view):
        self._count()
        block = self.blocks[offset // BLOCK]
        assert offset % BLOCK == 0 and block == _ERASED
        block[: len(view)] = view

    def switch(self):
        self._count()
        self.is_switched = True

    def _count(self):
        self.operations += 1
        if self.fails_at and self.operations >= self.fails_at:
            raise OSError(errno.EIO)
        if self.operations == self.starved:
            raise MemoryError
