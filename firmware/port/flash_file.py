"""The flash chip as a file: a stand-in for esp32.Partition, on which littlefs runs as it does on the device.

It behaves as the chip does: erasing sets a block to FF, programming only clears bits. It can lose power half-way through the
N-th programming or erasing since power-on: the process ends there with status 42.
"""

import os
import struct

import ffi
from micropython import const

BLOCK = const(4096)
_PIECE = const(128)  # the chip has no RAM of ours to spare
POWER_CUT_STATUS = const(42)


class FlashFile:
    """A chip of `size` bytes in the file `path`, made erased if it is missing. `power_cut`: None, or the fatal operation.

    `counter` is a file of four bytes, low one first, in which the operations are counted over resets; None: they begin at 0.
    `log`: None, or a file that gets each operation: address and length (u32, low byte first; length 0: a block was
    erased), and so many bytes: those bits of the chip that are 0 there were cleared.
    """

    def __init__(self, path, size, power_cut=None, counter=None, log=None):
        self._fatal = power_cut
        self._log = open(log, "ab") if log else None  # noqa: SIM115
        self._counter = open(counter, "r+b") if counter else None  # noqa: SIM115
        self.operations = int.from_bytes(self._counter.read(4), "little") if self._counter else 0  # since power-on
        self._erased = b"\xff" * _PIECE
        try:
            present = os.stat(path)[6]
        except OSError:
            present = 0
        if present not in (0, size):
            raise ValueError(f"{path} has {present} bytes: no flash chip of {size}")
        if not present:
            with open(path, "wb") as file:
                for _ in range(size // _PIECE):
                    file.write(self._erased)
        self._file = open(path, "r+b")  # noqa: SIM115

    def read(self, address, buffer):
        self._file.seek(address)
        self._file.readinto(buffer)

    def erase(self, address):
        """Erase the block at `address`."""
        self._begin(address)
        for piece in range(BLOCK // _PIECE):
            if piece == BLOCK // _PIECE // 2:
                self._power()
            self._file.write(self._erased)
        self._note(address, b"")

    def program(self, address, data):
        """Clear those bits that are 0 in `data`. Bits that are 0 already stay 0, whatever `data` says."""
        half = len(data) // 2
        self._begin(address)
        self._put(address, memoryview(data)[:half])
        self._power()
        self._put(address + half, memoryview(data)[half:])
        self._note(address, data)

    def _put(self, address, data):
        for at in range(0, len(data), _PIECE):  # the heap may have no room for a block
            piece = data[at : at + _PIECE]
            self._file.seek(address + at)
            present = self._file.read(len(piece))
            if present != self._erased[: len(piece)]:
                piece = bytes([new & old for new, old in zip(piece, present)])
            self._file.seek(address + at)
            self._file.write(piece)

    def _begin(self, address):
        self.operations += 1
        if self._counter:
            self._counter.seek(0)
            self._counter.write(self.operations.to_bytes(4, "little"))
        self._file.seek(address)

    def _note(self, address, data):
        if self._log:
            self._log.write(struct.pack("<II", address, len(data)))
            self._log.write(data)

    def _power(self):
        """Half of an operation is done: power fails here if it is the fatal one."""
        if self.operations == self._fatal:
            ffi.open("libc.so.6").func("v", "_exit", "i")(POWER_CUT_STATUS)


class PartitionFile:
    """One partition of the chip, with the block device interface of esp32.Partition."""

    def __init__(self, flash, label, offset, size):
        self._flash = flash
        self.label = label
        self._offset = offset
        self._size = size

    def readblocks(self, number, buffer, offset=0):
        self._flash.read(self._offset + number * BLOCK + offset, buffer)

    def writeblocks(self, number, buffer, offset=None):
        """Without an offset whole blocks are erased first; with one the bytes are only programmed."""
        address = self._offset + number * BLOCK
        if offset is None:
            for start in range(0, len(buffer), BLOCK):
                self._flash.erase(address + start)
            offset = 0
        self._flash.program(address + offset, buffer)

    def ioctl(self, op, argument):
        if op == 4:
            return self._size // BLOCK
        if op == 5:
            return BLOCK
        if op == 6:
            self._flash.erase(self._offset + argument * BLOCK)
        return 0
