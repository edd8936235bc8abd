"""Fills a new flash file with load profiles as a gateway keeps them: `micropython profiles_on_flash.py FILE FIRST LAST`.

FIRST and LAST are UTC; KEY has eight channels of registers every 15 minutes without some hours, OTHER the demand every hour.
"""

import sys

import vfs

from firmware.port.flash_file import FlashFile, PartitionFile
from lib.store.profile import Profiles

KEY = "MSY80099921"
OTHER = "AEL12345678"
VFS = ("vfs", 0x370000, 0x90000)  # boards/partitions.csv
CODES = ("1.8.0", "2.8.0", "3.8.0", "4.8.0", "5.8.0", "6.8.0", "7.8.0", "8.8.0")


def main(path, first, last):
    partition = PartitionFile(FlashFile(path, 0x400000), *VFS)
    vfs.VfsLfs2.mkfs(partition)
    vfs.mount(vfs.VfsLfs2(partition), "/flash")
    profiles = Profiles("/flash/profiles")
    profiles.describe(KEY, 15, CODES, ("kWh", "kWh") + ("kvarh",) * 6)
    registers = [1000 * (number + 1) for number in range(8)]
    for number in range((last - first) // 900 + 1):
        time = first + 900 * number
        quarter = time // 900 % 96
        for channel in (0, 2, 4):
            registers[channel] += (200 + 1500 * (30 < quarter < 75) + number * 7919 % 211) // (channel + 1)
        if not 380 <= number % 480 < 392:
            profiles.append(KEY, time, 0x80 if number % 480 == 392 else 0, [(value, -3) for value in registers])
    profiles.describe(OTHER, 60, ("1.5.0", "32.7.0"), ("kW", "V"))
    for number in range((last - first) // 3600 + 1):
        profiles.append(OTHER, first + 3600 * number, 0, [(number * 37 % 90, -1), (2290 + number % 24, -1)])
    profiles.log(KEY, [(first + 60, "96.77.0*1", "26-07-01,00:01;26-07-01,00:09"), (first + 600, "96.20.0", "cover opened")])
    profiles.settle()
    vfs.umount("/flash")


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
