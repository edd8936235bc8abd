"""The rig's fake of ESP-IDF's boot loader: its rules, and power that fails at each write to its table."""

import hashlib
import os
import subprocess

import pytest

from host_tests.conftest import TOP, interpreter
from tools.rig import boot_loader, flash
from tools.rig.boot_loader import ABORTED, INVALID, NEW, PENDING_VERIFY, UNDEFINED, VALID, Start

PACKED = b"\xd2\xcd\x31" + b"\x81\x48" + bytes(range(200))  # a ROMFS of 200 bytes
IMAGE = PACKED + hashlib.sha256(PACKED).digest()
FIRST, SECOND = Start("ota_0", False), Start("ota_1", False)


class Chip:
    """A flash chip with an image in some slots and a table of entries (number, state), None where a block is erased."""

    def __init__(self, folder, table=(None, None), good=(0, 1)):
        self.path, self.counter = folder / "flash", folder / "counter"
        self.path.unlink(missing_ok=True)
        flash.prepare(self.path)
        (folder / "image").write_bytes(IMAGE)
        for slot in good:
            flash.write_image(self.path, folder / "image", f"ota_{slot}")
        self.power(None)
        for index, entry in enumerate(table):
            if entry:
                boot_loader.write(self.flash, index, *entry)

    def power(self, cut):
        self.flash = flash.Flash(self.path, self.counter, cut)
        self.flash.power_on()

    def table(self):
        return tuple((entry.number, entry.state) if entry.is_sound else None for entry in boot_loader.entries(self.flash))

    def put(self, address, data):
        with open(self.path, "r+b") as file:
            os.pwrite(file.fileno(), data, address)


# what, the table before, slots with a whole image, what starts, the table afterwards
RULES = (
    ("erased: the first slot, and that is written down", (None, None), (0, 1), FIRST, ((1, VALID), None)),
    ("erased, and only the second is whole", (None, None), (1,), SECOND, ((2, VALID), None)),
    ("the highest number counts", ((1, VALID), (2, VALID)), (0, 1), SECOND, ((1, VALID), (2, VALID))),
    ("in whichever block it lies", ((3, VALID), (2, VALID)), (0, 1), FIRST, ((3, VALID), (2, VALID))),
    ("a new one is on trial", ((1, VALID), (2, NEW)), (0, 1), Start("ota_1", True), ((1, VALID), (2, PENDING_VERIFY))),
    ("once", ((1, VALID), (2, PENDING_VERIFY)), (0, 1), FIRST, ((1, VALID), (2, ABORTED))),
    ("what was taken back is not started", ((1, VALID), (2, ABORTED)), (0, 1), FIRST, ((1, VALID), (2, ABORTED))),
    ("nor what is invalid", ((3, INVALID), (2, VALID)), (0, 1), SECOND, ((3, INVALID), (2, VALID))),
    ("one of unknown state is", ((1, VALID), (2, UNDEFINED)), (0, 1), SECOND, ((1, VALID), (2, UNDEFINED))),
    ("a damaged image is skipped", ((1, VALID), (2, VALID)), (0,), FIRST, ((1, VALID), (2, VALID))),
    ("a new one too", ((1, VALID), (2, NEW)), (0,), FIRST, ((1, VALID), (2, PENDING_VERIFY))),
    ("and forwards", ((3, VALID), (2, VALID)), (1,), SECOND, ((3, VALID), (2, VALID))),
    ("both refused: the first", ((None), (2, ABORTED)), (0, 1), FIRST, (None, (2, ABORTED))),
    ("no whole image at all", ((1, VALID), (2, VALID)), (), None, ((1, VALID), (2, VALID))),
    (
        "numbers of 32 bits",
        ((0x80000001, VALID), (0x7FFFFFFE, VALID)),
        (0, 1),
        FIRST,
        ((0x80000001, VALID), (0x7FFFFFFE, VALID)),
    ),
)


@pytest.mark.parametrize("rule", RULES, ids=[rule[0] for rule in RULES])
def test_rules(tmp_path, rule):
    _, table, good, expected, afterwards = rule
    chip = Chip(tmp_path, table, good)
    assert boot_loader.start(chip.flash) == expected
    assert chip.table() == afterwards


def test_an_entry_whose_sum_is_wrong_does_not_count(tmp_path):
    chip = Chip(tmp_path, ((1, VALID), (2, VALID)))
    chip.put(flash.OURS.table + flash.BLOCK + 28, b"\0\0\0\0")
    assert boot_loader.start(chip.flash) == FIRST


def test_any_changed_byte_of_an_image_is_noticed(tmp_path):
    chip = Chip(tmp_path, ((1, VALID), (2, VALID)))
    for at in range(len(IMAGE)):
        chip.put(flash.OURS.slots["ota_1"] + at, bytes([IMAGE[at] ^ 0x40]))
        assert boot_loader.start(chip.flash) == FIRST, at
        chip.put(flash.OURS.slots["ota_1"] + at, IMAGE[at : at + 1])
    assert boot_loader.start(chip.flash) == SECOND


GATEWAY = """
import sys
sys.path.insert(0, {top!r})
from firmware.port.flash_file import FlashFile
from firmware.port.slots_file import Slots
slots = Slots(FlashFile({path!r}, 0x400000, {cut!r}, {counter!r}), {slot!r}, {places!r})
print(slots.is_on_trial, bool(slots.undone))
{do}
"""


def gateway(chip, bits, started, do, cut=None):
    """Do something in the gateway that was started; return (what it printed, whether it lived)."""
    source = GATEWAY.format(
        top=str(TOP),
        path=str(chip.path),
        cut=cut,
        counter=str(chip.counter),
        slot=started.slot,
        places=flash.OURS.places,
        do=do,
    )
    environment = dict(os.environ, MICROPYPATH=f"{TOP}:{TOP / 'boards' / 'HOST'}:.frozen")
    done = subprocess.run([interpreter(bits), "-c", source], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 42), done.stderr
    return done.stdout.split(), done.returncode == 0


@pytest.mark.parametrize("bits", (64, 32))
def test_power_that_fails_anywhere_between_two_versions(tmp_path, bits):
    """An upgrade there and one back again: switch, trial, confirmation, with power failing at each flash operation in turn.

    A whole image starts every time; what was confirmed stays; what was not comes back to the one before.
    """
    for first, target in ((FIRST, "ota_1"), (SECOND, "ota_0")):
        before = (1, VALID) if first == FIRST else (2, VALID)
        cuts = 0
        for number in range(1, 20):
            chip = Chip(tmp_path, (before, None))
            assert boot_loader.start(chip.flash) == first
            chip.power(number)
            began, confirmed = first, False
            try:
                _, lived = gateway(chip, bits, first, "slots.switch()", number)
                if lived:
                    began = boot_loader.start(chip.flash)
                    assert began == Start(target, True)
                    flags, lived = gateway(chip, bits, began, "slots.confirm()", number)
                    assert flags == ["True", "False"]
                    confirmed = lived
            except flash.PowerCut:
                lived = False
            cuts += not lived
            chip.power(None)
            after = boot_loader.start(chip.flash)
            if confirmed:
                assert after == Start(target, False), number
            else:
                assert after in (first, Start(target, True), Start(target, False)), number
                if after.is_on_trial:  # the switch was complete: it is not confirmed, so that it does not stay
                    assert boot_loader.start(chip.flash) == first, number
                    flags, _ = gateway(chip, bits, first, "")
                    assert flags == ["False", "True"]
            if lived:
                break
        assert cuts == 6, "erase and program, three times"


def test_the_gateway_refuses_to_switch_to_what_would_not_start(tmp_path):
    chip = Chip(tmp_path, ((1, VALID), None), good=(0,))
    for at in (0, 5, 100, len(IMAGE) - 1):
        wrong = bytearray(IMAGE)
        wrong[at] ^= 1
        chip.put(flash.OURS.slots["ota_1"], wrong)
        said, _ = gateway(chip, 64, FIRST, "try:\n    slots.switch()\nexcept OSError as e:\n    print('refused', e.errno)")
        assert said[2:] == ["refused", "22"], at
    assert chip.table() == ((1, VALID), None)
