"""An SD card as a file: a stand-in for machine.SDCard. A file that goes is a card that was pulled out."""

import os

from micropython import const

_SECTOR = const(512)
_SIZE = const(64 << 20)  # of a new one, which takes no room until it is written to


class SdFile:
    """The card in the file `path`, made if it is missing."""

    def __init__(self, path):
        self._path = path
        try:
            self._count = os.stat(path)[6] // _SECTOR
        except OSError:
            with open(path, "wb") as file:
                file.seek(_SIZE - 1)
                file.write(b"\0")
            self._count = _SIZE // _SECTOR

    def readblocks(self, number, buffer):
        with open(self._path, "rb") as file:
            file.seek(number * _SECTOR)
            return file.readinto(buffer) == len(buffer)

    def writeblocks(self, number, buffer):
        with open(self._path, "r+b") as file:
            file.seek(number * _SECTOR)
            return file.write(buffer) == len(buffer)

    def ioctl(self, op, argument):
        return self._count if op == 4 else 0
