"""The flash chip as the rig itself sees it: what the boot loader writes, and a counter that the gateway goes on with."""

import os
import struct
from pathlib import Path

from tools.partitions import partitions
from tools.rig.errors import RigError

BLOCK = 4096


class Layout:
    """Where what is on the chip of a board, None for the host's own: boards/partitions.csv, or the board's.

    `size` of the chip; `slots`: {"ota_0": place, "ota_1": place}; `slot_size`; `table`: the place of the boot loader's own.
    """

    def __init__(self, board=None):
        self.places = {row.label: (row.offset, row.size) for row in partitions(board or "HOST")}
        self.size = sum(list(self.places.values())[-1])
        self.slots = {name: self.places[name][0] for name in ("ota_0", "ota_1")}
        self.slot_size = self.places["ota_0"][1]
        self.table = self.places["otadata"][0]


OURS = Layout()


class PowerCut(Exception):
    """Power failed at the operation that was asked for."""


class Flash:
    """The chip in the file `path`, which is there, laid out as `layout`. Erasing sets a block to FF, programming only clears
    bits.

    `counter` is a file: the number of operations since power-on, four bytes, low one first; the gateway's own flash file
    (firmware/port/flash_file.py) counts there too. `power_cut`: None, or the operation in which power fails half-way. `log`:
    None, or a file for all operations, in the form that is told there.
    """

    def __init__(self, path, counter, power_cut=None, log=None, layout=OURS):
        self.layout = layout
        self._path, self._counter, self._fatal, self._log = Path(path), Path(counter), power_cut, log

    def power_on(self):
        """Begin to count."""
        self._counter.write_bytes(bytes(4))

    def operations(self):
        return int.from_bytes(self._counter.read_bytes(), "little")

    def read(self, address, size):
        with open(self._path, "rb") as file:
            return os.pread(file.fileno(), size, address)

    def erase(self, address):
        self._operate(address, b"\xff" * BLOCK)
        self._note(address, b"")

    def program(self, address, data):
        self._operate(address, bytes(new & old for new, old in zip(data, self.read(address, len(data)), strict=True)))
        self._note(address, data)

    def _operate(self, address, data):
        number = self.operations() + 1
        self._counter.write_bytes(number.to_bytes(4, "little"))
        with open(self._path, "r+b") as file:
            if number == self._fatal:
                os.pwrite(file.fileno(), data[: len(data) // 2], address)
                raise PowerCut
            os.pwrite(file.fileno(), data, address)

    def _note(self, address, data):
        if self._log:
            with open(self._log, "ab") as log:
                log.write(struct.pack("<II", address, len(data)) + data)


def operations(log):
    """Yield (address, data) of each operation in a log's content; None for data: the block was erased."""
    at = 0
    while at < len(log):
        address, size = struct.unpack_from("<II", log, at)
        yield address, log[at + 8 : at + 8 + size] if size else None
        at += 8 + size


def operate(chip, address, data, is_half=False):
    """Do an operation of a log to a chip's content, a bytearray; half of it, where power failed."""
    new = b"\xff" * BLOCK if data is None else data
    new = new[: len(new) // 2] if is_half else new
    old = chip[address : address + len(new)]
    if data is not None and old != b"\xff" * len(new):
        new = bytes(left & right for left, right in zip(new, old, strict=True))
    chip[address : address + len(new)] = new


def prepare(path, layout=OURS):
    """Make an erased chip unless there is one."""
    path = Path(path)
    present = path.stat().st_size if path.exists() else 0
    if present not in (0, layout.size):
        raise RigError(f"{path} has {present} bytes: no flash chip of {layout.size}")
    if not present:
        path.write_bytes(b"\xff" * layout.size)


def write_image(path, image, slot="ota_0", layout=OURS):
    """Write an image into a slot as a serial flasher does: nobody counts that."""
    content = Path(image).read_bytes()
    if len(content) > layout.slot_size:
        raise RigError(f"{image} has {len(content)} bytes: a slot has {layout.slot_size}")
    with open(path, "r+b") as file:
        os.pwrite(file.fileno(), content, layout.slots[slot])
