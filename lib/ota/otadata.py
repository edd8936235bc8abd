"""The boot loader's memory of the two slots (ESP-IDF's esp_ota_select_entry_t), read.

Two entries of 32 bytes, each at the beginning of an erased block of 4096, numbers with the low byte first: sequence number
(u32), label (20 bytes, unused), state (u32), CRC-32 of the sequence number alone (u32). The entry with the highest number
whose state is not INVALID or ABORTED says what starts: slot (number - 1) modulo 2.
Source: esp_flash_partitions.h, bootloader_common.c and bootloader_utility.c of ESP-IDF 5.
"""

import struct
from binascii import crc32

from micropython import const

SIZE = const(32)
BLOCK = const(4096)

NEW = const(0)  # to be started for the first time
PENDING_VERIFY = const(1)  # started, and not confirmed yet
VALID = const(2)
INVALID = const(3)
ABORTED = const(4)  # started, and not confirmed before the next start
_LAYOUT = const("<I20xII")
_ALL_ONES = const(0xFFFFFFFF)


def number_crc(number):
    return crc32(struct.pack("<I", number), _ALL_ONES)


def parse(raw):
    """Return (number, state) of an entry, None if there is none: erased, or half written."""
    number, state, crc = struct.unpack(_LAYOUT, raw)
    return (number, state) if number != _ALL_ONES and crc == number_crc(number) else None


def active(entries):
    """Return the index of the entry that says what starts, None if none does. `entries` are two of parse()."""
    best = None
    for index, entry in enumerate(entries):
        if entry and entry[1] not in (INVALID, ABORTED) and (best is None or entry[0] > entries[best][0]):
            best = index
    return best


def slot(number):
    """Return which slot a sequence number stands for: 0 or 1."""
    return (number - 1) & 1


def is_on_trial(entries, running):
    """Return whether the slot that runs was started for the first time, and is not confirmed yet."""
    index = active(entries)
    return index is not None and entries[index][1] == PENDING_VERIFY and slot(entries[index][0]) == running


def undone(entries, running):
    """Return the sequence number with which the other slot was started and taken back; 0: it was not."""
    return max([entry[0] for entry in entries if entry and entry[1] in (INVALID, ABORTED) and slot(entry[0]) != running] or [0])
