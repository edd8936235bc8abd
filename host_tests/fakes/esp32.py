"""A fake of the module `esp32`: one data partition in memory, or none."""

BLOCK = 4096


class Partition:
    TYPE_DATA = 1
    flash = bytearray(b"\xff" * (BLOCK * 16))
    labels = ["vfs"]

    @staticmethod
    def find(kind, label):
        return [Partition()] if kind == Partition.TYPE_DATA and label in Partition.labels else []

    def readblocks(self, number, buffer, offset=0):
        start = number * BLOCK + offset
        buffer[:] = self.flash[start : start + len(buffer)]

    def writeblocks(self, number, buffer, offset=None):
        start = number * BLOCK + (offset or 0)
        if offset is None:
            self.flash[start : start + len(buffer)] = b"\xff" * len(buffer)
        for at in range(len(buffer)):
            self.flash[start + at] &= buffer[at]

    def ioctl(self, op, argument):
        if op == 4:
            return len(self.flash) // BLOCK
        if op == 5:
            return BLOCK
        if op == 6:
            self.flash[argument * BLOCK : (argument + 1) * BLOCK] = b"\xff" * BLOCK
        return 0
