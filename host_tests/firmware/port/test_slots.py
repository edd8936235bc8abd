"""The two slots as the service that upgrades sees them: on the ESP32, over a fake of esp32.Partition, and in the rig alike."""

import os
import struct
import sys
from time import ticks_ms

sys.path.insert(0, "host_tests/fakes")  # a fake esp32: see there
import esp32

from firmware.port import slots_esp32, slots_file
from firmware.port.flash_file import FlashFile
from lib.ota import otadata

CHIP_SIZE = 0x8000  # of a slot in this test's partition table
LABELS = ["otadata", "ota_0", "ota_1", "vfs"]
PLACES = {"otadata": (0xD000, 0x2000), "ota_0": (0x10000, 0x1B0000), "ota_1": (0x1C0000, 0x1B0000)}  # of a flash file


def table(*entries):
    """Two blocks with entries (number, state), erased where there is None."""
    content = bytearray(b"\xff" * 8192)
    for index, entry in enumerate(entries):
        if entry:
            number, state = entry
            struct.pack_into("<I20sII", content, index * 4096, number, b"", state, otadata.number_crc(number))
    return content


def on_chip(running, *entries):
    """(the slots, a function that reads the other one) of an ESP32."""
    esp32.Partition.labels = LABELS
    esp32.Partition.running = running
    esp32.Partition.journal.clear()
    other = "ota_1" if running == "ota_0" else "ota_0"
    esp32.Partition.others = {"otadata": table(*entries), other: bytearray(b"\xff" * CHIP_SIZE), running: b""}
    return slots_esp32.find(), lambda at, size: bytes(esp32.Partition.others[other][at : at + size])


def in_file(running, *entries):
    """The same of a flash file."""
    path = "/tmp/opensg-slots-%d" % ticks_ms()
    flash = FlashFile(path, 0x400000)
    os.remove(path)  # it goes with the last who has it open
    for index in (0, 1):
        flash.program(PLACES["otadata"][0] + index * 4096, table(*entries)[index * 4096 :][:32])
    other = PLACES["ota_1" if running == "ota_0" else "ota_0"][0]

    def look(at, size):
        found = bytearray(size)
        flash.read(other + at, found)
        return bytes(found)

    return slots_file.Slots(flash, running, PLACES), look


def test_all_goes_to_the_other_slot():
    for made, size in ((on_chip, CHIP_SIZE), (in_file, 0x1B0000)):
        for running in ("ota_0", "ota_1"):
            slots, look = made(running, (1, otadata.VALID), None)
            assert (slots.running, slots.size) == (running, size)
            slots.program(4096, memoryview(b"abc"))
            slots.program(4100, b"de")  # anywhere in a block that is erased
            slots.program(size - 4096, b"z" * 4096)
            assert look(4096, 6) == b"abc\xffde" and look(size - 2, 2) == b"zz"
            found = bytearray(3)
            slots.read(4099, found)
            assert found == b"\xffde"
            slots.erase(4096)
            assert look(4096, 6) == b"\xff" * 6 and look(size - 2, 2) == b"zz"


def test_what_the_boot_loader_did_is_seen():
    for made in (on_chip, in_file):
        slots, _ = made("ota_1", (1, otadata.VALID), (2, otadata.PENDING_VERIFY))
        assert slots.is_on_trial and not slots.undone
        slots, _ = made("ota_0", (1, otadata.VALID), (2, otadata.ABORTED))
        assert slots.undone and not slots.is_on_trial
        for entries in ((None, None), ((1, otadata.VALID), None)):
            slots, _ = made("ota_0", *entries)
            assert not slots.is_on_trial and not slots.undone


def test_switching_and_confirming_are_esp_idfs_on_the_chip():
    slots, _ = on_chip("ota_1", None, (2, otadata.PENDING_VERIFY))
    slots.confirm()
    slots.switch()
    assert esp32.Partition.journal == [("valid", "ota_1"), ("boot", "ota_0")]
    esp32.Partition.takes = False
    try:
        slots.switch()
        raise AssertionError("what ESP-IDF does not take is an error")
    except OSError:
        pass
    finally:
        esp32.Partition.takes = True


def test_a_partition_table_with_one_place_for_the_firmware_has_no_slots():
    for labels, running in ((["vfs"], "factory"), (["otadata", "ota_0", "vfs"], "ota_0"), (["ota_0", "ota_1"], "ota_0")):
        esp32.Partition.labels, esp32.Partition.running = labels, running
        assert slots_esp32.find() is None, labels
