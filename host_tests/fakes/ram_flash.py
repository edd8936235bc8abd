"""A flash chip in memory with littlefs on it: counts what is done to it, and loses power when told."""

import os

import vfs

BLOCK = 4096
FOLDER = "/ram"  # where it is mounted


class PowerCut(BaseException):
    """The power failed. No code of ours catches it."""


class RamFlash:
    """`writes` and `erases` so far. With `cut_at` N the N-th of these from now on is done half, and nothing after it."""

    def __init__(self, blocks=16, content=None):
        self.content = bytearray(content or b"\xff" * (blocks * BLOCK))
        self.writes = self.erases = 0
        self.cut_at = None

    def readblocks(self, number, buffer, offset=0):
        start = number * BLOCK + offset
        buffer[:] = memoryview(self.content)[start : start + len(buffer)]

    def writeblocks(self, number, buffer, offset=0):
        self.writes += 1
        self._put(number * BLOCK + offset, buffer)

    def ioctl(self, op, argument):
        if op == 4:
            return len(self.content) // BLOCK
        if op == 5:
            return BLOCK
        if op == 6:
            self.erases += 1
            self._put(argument * BLOCK, b"\xff" * BLOCK)
        return 0

    def _put(self, start, data):
        if self.cut_at is not None:
            self.cut_at -= 1
            if self.cut_at == 0:
                half = len(data) // 2
                self.content[start : start + half] = memoryview(data)[:half]
            if self.cut_at <= 0:
                raise PowerCut()
        self.content[start : start + len(data)] = data


def mounted(flash=None):
    """Mount a chip in place of the one that was there, a new one without an argument; return it."""
    unmount()
    if flash is None:
        flash = RamFlash()
        vfs.VfsLfs2.mkfs(flash)
    vfs.mount(vfs.VfsLfs2(flash), FOLDER)
    return flash


def unmount():
    try:
        vfs.umount(FOLDER)
    except OSError:
        pass  # nothing was there


def fill():
    """Use up all blocks; return the folder of the files that did it."""
    folder = FOLDER + "/filler"
    os.mkdir(folder)
    number = 0
    try:
        while True:
            with open(f"{folder}/{number}", "wb") as file:
                file.write(bytes(BLOCK))
            number += 1
    except OSError:
        return folder


def empty(folder):
    """Give back what fill() took."""
    for name in os.listdir(folder):
        os.remove(folder + "/" + name)
    os.rmdir(folder)
