"""A fake of the module `esp32`: partitions in memory, and what ESP-IDF knows of the slots."""

import errno

BLOCK = 4096


class Partition:
    TYPE_APP = 0
    TYPE_DATA = 1
    RUNNING = 1
    labels = ["vfs"]  # which the partition table has
    flash = bytearray(b"\xff" * (BLOCK * 16))  # of "vfs"
    others = {}  # content by label, of the partitions beside it
    running = "ota_0"
    takes = True  # whether ESP-IDF finds a whole image in the other slot
    journal = []  # what it was told

    def __init__(self, which, label=None):
        self.label = label or self.running
        self.content = Partition.flash if self.label == "vfs" else self.others.get(self.label, b"")

    @staticmethod
    def find(kind, label):
        is_app = label[:4] == "ota_"
        return [Partition(None, label)] if label in Partition.labels and (kind == Partition.TYPE_APP) == is_app else []

    def info(self):
        return 0, 0, 0, len(self.content), self.label, False

    def set_boot(self):
        if not self.takes:
            raise OSError(errno.EINVAL)
        self.journal.append(("boot", self.label))

    @classmethod
    def mark_app_valid_cancel_rollback(cls):
        cls.journal.append(("valid", cls.running))

    def readblocks(self, number, buffer, offset=0):
        start = number * BLOCK + offset
        buffer[:] = self.content[start : start + len(buffer)]

    def writeblocks(self, number, buffer, offset=None):
        start = number * BLOCK + (offset or 0)
        if offset is None:
            self.content[start : start + len(buffer)] = b"\xff" * len(buffer)
        for at in range(len(buffer)):
            self.content[start + at] &= buffer[at]

    def ioctl(self, op, argument):
        if op == 4:
            return len(self.content) // BLOCK
        if op == 5:
            return BLOCK
        if op == 6:
            self.content[argument * BLOCK : (argument + 1) * BLOCK] = b"\xff" * BLOCK
        return 0
