"""The two slots that the firmware may lie in, on the ESP32: partitions ota_0 and ota_1.

MicroPython writes the boot loader's table by ESP-IDF's functions, but tells nothing of it: that is read here. In RAM only
while it is used.
"""

from esp32 import Partition
from micropython import const

from lib.ota import otadata

_BLOCK = const(4096)
_ERASE = const(6)


def find():
    """Return the Slots, or None if the partition table has no second one."""
    running = Partition(Partition.RUNNING).info()[4]  # pyright: ignore[reportArgumentType]
    other = {"ota_0": "ota_1", "ota_1": "ota_0"}.get(running)
    places = other and Partition.find(Partition.TYPE_APP, label=other)
    tables = Partition.find(Partition.TYPE_DATA, label="otadata")
    return Slots(running, places[0], tables[0]) if places and tables else None


class Slots:
    """See firmware/port/slots_file.py. Erasing stops both cores for 30 to 50 ms, or longer on an old chip."""

    def __init__(self, running, other, table):
        self.running = running
        self.size = other.info()[3]
        self._other = other
        entries = []
        raw = bytearray(otadata.SIZE)
        for block in (0, 1):
            table.readblocks(block, raw, 0)
            entries.append(otadata.parse(raw))
        index = int(running[-1])
        self.is_on_trial = otadata.is_on_trial(entries, index)
        self.undone = otadata.undone(entries, index)

    def read(self, offset, buffer):
        self._other.readblocks(offset // _BLOCK, buffer, offset % _BLOCK)

    def erase(self, offset):
        self._other.ioctl(_ERASE, offset // _BLOCK)

    def program(self, offset, view):
        self._other.writeblocks(offset // _BLOCK, view, offset % _BLOCK)

    def switch(self):
        """Checks the whole image first, by ESP-IDF, which takes a second or so."""
        self._other.set_boot()

    def confirm(self):
        Partition.mark_app_valid_cancel_rollback()
