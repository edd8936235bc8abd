"""The boot loader's table, read: entries as ESP-IDF writes them, and what they say of the slot that runs."""

import struct

from lib.ota import otadata

# (number, the CRC-32 that ESP-IDF writes): what `otatool.py` and gen_ota images show
FIRST = bytes.fromhex("01000000" + "ff" * 20 + "02000000" + "9a984347")
BLANK = b"\xff" * 32


def entry(number, state):
    return otadata.parse(struct.pack("<I20sII", number, b"", state, otadata.number_crc(number)))


def test_an_entry_of_the_boot_loader_is_read():
    assert otadata.parse(FIRST) == (1, otadata.VALID)


def test_what_is_no_entry():
    for at in range(4):
        for bit in range(8):
            wrong = bytearray(FIRST)
            wrong[at] ^= 1 << bit
            assert otadata.parse(wrong) is None, (at, bit)
    assert otadata.parse(BLANK) is None
    assert otadata.parse(FIRST[:16] + BLANK[16:]) is None  # power failed while it was written


def test_what_the_table_says():
    new, pending, valid, invalid, aborted = range(5)
    for what, entries, running, index, on_trial, undone in (
        ("erased", (None, None), 0, None, False, False),
        ("never upgraded", (entry(1, valid), None), 0, 0, False, False),
        ("switched", (entry(1, valid), entry(2, new)), 0, 1, False, False),
        ("on trial", (entry(1, valid), entry(2, pending)), 1, 1, True, False),
        ("confirmed", (entry(1, valid), entry(2, valid)), 1, 1, False, False),
        ("taken back", (entry(1, valid), entry(2, aborted)), 0, 0, False, 2),
        ("declared bad", (entry(1, valid), entry(2, invalid)), 0, 0, False, 2),
        ("a second upgrade on trial", (entry(3, pending), entry(2, valid)), 0, 0, True, False),
        ("a second one taken back", (entry(3, aborted), entry(2, valid)), 1, 1, False, 3),
        (
            "the image of the new one was bad: the boot loader skipped it",
            (entry(1, valid), entry(2, pending)),
            0,
            1,
            False,
            False,
        ),
        ("the other entry was lost", (None, entry(2, aborted)), 0, None, False, 2),
        ("the one that runs was taken back, there is no other", (None, entry(1, aborted)), 0, None, False, False),
        ("numbers beyond a small int", (entry(0x80000001, valid), entry(0x80000002, pending)), 1, 1, True, False),
    ):
        assert otadata.active(entries) == index, what
        assert otadata.is_on_trial(entries, running) == on_trial, what
        assert otadata.undone(entries, running) == undone, what
