"""The two slots that the firmware may lie in, in the rig's flash file.

The contract of a platform's `slots`, which firmware/port/slots_esp32.py keeps too. What ESP-IDF's functions do to the boot
loader's table is a fake here; the boot loader is tools/rig/boot_loader.py.
"""

import errno
import hashlib
import struct

from micropython import const

from lib.ota import otadata

_BLOCK = const(4096)
_PIECE = const(512)  # ESP-IDF takes no memory of MicroPython's for it
_MAGIC = const(b"\xd2\xcd\x31")  # of a ROMFS


class Slots:
    """`running` is "ota_0" or "ota_1". All that reads and writes goes to the other one.

    `places`: {label: (offset, size)} of the partition table. `size` of a slot in bytes; `is_on_trial`: this start is the first
    of a version that was not confirmed yet; `undone`: the other slot holds a version that was started and taken back, the boot
    loader's number of that start; else 0.
    """

    def __init__(self, flash, running, places):
        self._flash = flash
        self.running = running
        self._running = int(running[-1])
        self._other, self.size = places["ota_%d" % (1 - self._running)]
        self._table = places["otadata"][0]
        entries = self._entries()
        self.is_on_trial = otadata.is_on_trial(entries, self._running)
        self.undone = otadata.undone(entries, self._running)

    def read(self, offset, buffer):
        """Fill the buffer."""
        self._flash.read(self._other + offset, buffer)

    def erase(self, offset):
        """Erase the block of 4096 bytes at `offset`."""
        self._flash.erase(self._other + offset)

    def program(self, offset, view):
        """Write into what is erased."""
        self._flash.program(self._other + offset, view)

    def switch(self):
        """Have the other slot started next time, on trial. Raises OSError if the boot loader would not take it."""
        if not self._is_whole():
            raise OSError(errno.EINVAL)
        entries = self._entries()
        index = otadata.active(entries)
        number = 2 - self._running
        if index is None:
            return self._write(0, number, otadata.NEW)
        while number < entries[index][0]:
            number += 2
        return self._write(1 - index, number, otadata.NEW)

    def confirm(self):
        """The version that runs stays."""
        entries = self._entries()
        index = otadata.active(entries)
        if index is not None and entries[index][1] != otadata.VALID:
            self._write(index, entries[index][0], otadata.VALID)

    def _entries(self):
        raw = bytearray(otadata.SIZE)
        entries = []
        for block in (0, 1):
            self._flash.read(self._table + block * _BLOCK, raw)
            entries.append(otadata.parse(raw))
        return entries

    def _write(self, index, number, state):
        self._flash.erase(self._table + index * _BLOCK)
        entry = struct.pack("<I20sII", number, b"\xff" * 20, state, otadata.number_crc(number))
        self._flash.program(self._table + index * _BLOCK, entry)

    def _is_whole(self):
        """Whether the other slot holds a ROMFS (magic, length in pieces of 7 bits, content) and its SHA-256 behind it."""
        piece = bytearray(_PIECE)
        self.read(0, piece)
        length, at = 0, len(_MAGIC)
        while at < 8:
            length = length << 7 | piece[at] & 0x7F
            at += 1
            if not piece[at - 1] & 0x80:
                break
        end = at + length
        if piece[: len(_MAGIC)] != _MAGIC or end > self.size - 32:
            return False
        total = hashlib.sha256()
        for offset in range(0, end, _PIECE):
            self.read(offset, piece)
            total.update(memoryview(piece)[: min(_PIECE, end - offset)])
        told = bytearray(32)
        self.read(end, told)
        return total.digest() == told
