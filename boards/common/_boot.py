"""The first code that runs on the device, frozen: mounts the file system, closes the door to code in files.

Made anew is the file system only where there is none: the flash is erased, or power failed during the first formatting. One
that is damaged is left alone and not mounted; the application finds that out and reports it. Nothing here loops or waits.
"""

import sys

import vfs
from esp32 import Partition

sys.path[:] = [".frozen"]  # who writes files must not run code

_PLACES = Partition.find(Partition.TYPE_DATA, label="vfs")


def _has_superblock(partition):
    """Whether littlefs left its name in both blocks that a file system begins with.

    It is in one alone when power failed while that was written for the first time: nothing is lost yet.
    """
    start = bytearray(16)
    for block in (0, 1):
        partition.readblocks(block, start, 0)
        if start[8:16] != b"littlefs":
            return False
    return True


def _mount(partition):
    try:
        vfs.mount(vfs.VfsLfs2(partition), "/")
    except OSError:
        if not _has_superblock(partition):
            vfs.VfsLfs2.mkfs(partition)
            vfs.mount(vfs.VfsLfs2(partition), "/")


try:
    _mount(_PLACES[0])
except (OSError, IndexError):
    pass  # the flash does not take it, or the partition table lacks it: firmware/port/esp32.py says so
