"""A fake of ESP-IDF's boot loader, with its rules for an application that is on trial (CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE).

Which slot starts, two entries say (esp_ota_select_entry_t): sequence number, label, state, CRC-32 of the number. The highest
number counts whose state is not INVALID or ABORTED. A NEW one becomes PENDING_VERIFY when it is started; one that is found
PENDING_VERIFY was not confirmed, and becomes ABORTED. An image whose SHA-256 is wrong is not started: the other one is. Shares
no code with lib/ota. Source: bootloader_utility.c, bootloader_common.c, bootloader_common_loader.c of ESP-IDF 5.
"""

import hashlib
import struct
import zlib
from typing import NamedTuple

from tools.rig.flash import BLOCK

NEW, PENDING_VERIFY, VALID, INVALID, ABORTED = range(5)
UNDEFINED = ERASED = 0xFFFFFFFF
_LAYOUT = struct.Struct("<I20sII")
_ROMFS = b"\xd2\xcd\x31"


class Start(NamedTuple):
    """What the boot loader starts."""

    slot: str
    is_on_trial: bool


class Entry(NamedTuple):
    number: int
    label: bytes
    state: int
    crc: int

    @property
    def is_refused(self):
        """Not to be started: bootloader_common_ota_select_invalid()."""
        return self.number == ERASED or self.state in (INVALID, ABORTED)

    @property
    def is_sound(self):
        return self.number != ERASED and self.crc == crc(self.number)

    @property
    def slot(self):
        return (self.number - 1) % 2


def crc(number):
    """esp_rom_crc32_le(UINT32_MAX, &number, 4)."""
    return zlib.crc32(number.to_bytes(4, "little"), 0xFFFFFFFF)


def entries(flash):
    return [Entry(*_LAYOUT.unpack(flash.read(flash.layout.table + BLOCK * index, _LAYOUT.size))) for index in (0, 1)]


def write(flash, index, number, state, label=b"\xff" * 20):
    """Write an entry: the block is erased first."""
    place = flash.layout.table + BLOCK * index
    flash.erase(place)
    flash.program(place, _LAYOUT.pack(number, label, state, crc(number)))


def was_upgraded(flash):
    """Whether another slot than the first was ever chosen."""
    return any(entry.is_sound and entry.number > 1 for entry in entries(flash))


def start(flash):
    """Return the Start, after writing what is to be remembered of it; None if neither slot holds a whole image."""
    table = entries(flash)
    for index, entry in enumerate(table):
        if entry.state == PENDING_VERIFY:
            write(flash, index, entry.number, ABORTED, entry.label)
            table[index] = entry._replace(state=ABORTED)
    chosen, is_blank, is_new = 0, False, False
    if all(entry.is_refused for entry in table):
        is_blank = not any(entry.is_sound for entry in table)
    else:
        able = [index for index, entry in enumerate(table) if entry.is_sound and not entry.is_refused]
        if able:
            index = max(able, key=lambda index: (table[index].number, -index))
            entry = table[index]
            chosen = entry.slot
            is_new = entry.state == NEW
            if is_new:
                write(flash, index, entry.number, PENDING_VERIFY, entry.label)
    for slot in (chosen, 1 - chosen):
        name = f"ota_{slot}"
        if is_whole(flash.read(flash.layout.slots[name], flash.layout.slot_size)):
            if is_blank:
                write(flash, 0, slot + 1, VALID)
            return Start(name, is_new and slot == chosen)
    return None


def is_whole(content):
    """Whether a slot's content begins with a ROMFS (magic, length in pieces of 7 bits, records) and its SHA-256."""
    length, end = 0, len(_ROMFS)
    while True:
        byte = content[end]
        length = length << 7 | byte & 0x7F
        end += 1
        if not byte & 0x80 or end == 8:
            break
    end += length
    view = memoryview(content)
    return content.startswith(_ROMFS) and hashlib.sha256(view[:end]).digest() == content[end : end + 32]
