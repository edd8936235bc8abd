"""What is in the slot: taken up after cuts at every write, checked as a whole before it is started, in small slices."""

import gc
import sys
from hashlib import sha256

import lib.ota.receiver as receiver_module
from host_tests.lib.ota.ota_vectors import (
    BLOCK,
    TAIL,
    PowerCut,
    Slot,
    cause_of,
    device,
    drive,
    give,
    image,
    payload,
    receiver,
    rows,
)
from lib.ota.header import Refused
from lib.ota.receiver import Receiver

SMALL = rows("")[0]
START = 256 + 5 * 32  # of the payload in its file


def filled():
    slot = Slot()
    assert give(receiver(slot), image(SMALL), slot)[1] is None
    return slot


def resumed(slot):
    """A receiver that has taken up what is in the slot, or begins; as after a restart."""
    taking = receiver(slot)
    try:
        drive(taking.resume(), slot)
    except Refused:
        assert taking.position == 0 and taking.header is None
    return taking


def test_power_is_cut_in_every_write():
    file = image(SMALL)
    writes = 6  # header and list, five chunks
    for cut in range(1, writes + 1):
        slot = Slot(cut)
        try:
            give(receiver(slot), file, slot)
            raise AssertionError(cut)
        except PowerCut:
            pass
        taking = resumed(slot)
        # A header that was written whole in half a block is one, but its list is not.
        assert taking.position == (START + BLOCK * (cut - 2) if cut > 1 else 0), cut
        assert give(taking, file[taking.position :], slot)[1] is None
        taking.ended()
        drive(taking.verify(), slot)
        assert slot.holds(SMALL["size"])


def test_a_cut_in_every_block_of_a_longer_list():
    row = [row for row in rows("") if row["what"] == "header and list need another block"][0]
    file = image(row)
    start = 256 + 121 * 32
    for cut, position in (
        (1, 0),
        (2, 0),
        (3, start),
        (4, start + BLOCK),
        (122, start + 119 * BLOCK),
        (123, start + 120 * BLOCK),
    ):
        slot = Slot(cut)
        try:
            give(receiver(slot), file, slot)
            raise AssertionError(cut)
        except PowerCut:
            pass
        taking = resumed(slot)
        assert taking.position == position, cut
        assert give(taking, memoryview(file)[position:], slot)[1] is None
        drive(taking.verify(), slot)


def test_goes_on_after_every_chunk():
    file = image(SMALL)
    for end in [START] + list(range(START + 100, len(file), BLOCK)) + list(range(START + BLOCK, len(file), BLOCK)):
        slot = Slot()
        assert give(receiver(slot), file[:end], slot)[1] is None
        taking = resumed(slot)
        assert taking.position == START + (end - START) // BLOCK * BLOCK
        assert give(taking, file[taking.position :], slot, 999)[1] is None
        taking.ended()
        drive(taking.verify(), slot)


def test_a_whole_image_is_there_already():
    slot = filled()
    taking = resumed(slot)
    assert taking.is_complete and taking.position == len(image(SMALL))
    assert give(taking, b"\0", slot)[1].cause == "long"


def test_nothing_is_there():
    slot = Slot()
    assert cause_of(receiver(slot).resume) == cause_of(receiver(slot).verify) == "not an image"
    assert resumed(slot).position == 0


def test_the_rest_of_another_image():
    slot = Slot()
    assert give(receiver(slot), image(SMALL)[: START + BLOCK], slot)[1] is None
    taking = resumed(slot)
    assert give(taking, payload(2 * BLOCK), slot)[1].cause == "chunk"


def test_every_region_of_the_slot_is_checked():
    for at in (TAIL, TAIL + 9, TAIL + 20, TAIL + 40, TAIL + 70, TAIL + 110, TAIL + 150, TAIL + 200, TAIL + 255):
        slot = filled()
        slot.flip(at)
        assert cause_of(receiver(slot).verify) in ("not an image", "key", "board", "signature"), at - TAIL
    for at in range(TAIL + 256, TAIL + START, 32):
        slot = filled()
        slot.flip(at)
        assert cause_of(receiver(slot).verify) == "list", at - TAIL
    for number in range(5):
        for at in (BLOCK * number, min(BLOCK * (number + 1), SMALL["size"]) - 1):
            slot = filled()
            slot.flip(at)
            assert cause_of(receiver(slot).verify) == "chunk", at
            taking = resumed(slot)  # and can be mended from there on
            assert taking.position == START + BLOCK * number
            assert give(taking, image(SMALL)[taking.position :], slot)[1] is None
            drive(taking.verify(), slot)


def test_what_lies_behind_the_image_does_not_matter():
    slot = filled()
    slot.flip(SMALL["size"])
    slot.flip(TAIL + START)
    drive(receiver(slot).verify(), slot)


def test_a_slot_of_another_device_is_not_taken():
    for cause in ("board", "counter", "version", "signature", "key", "size"):
        slot = filled()
        slot.blocks[TAIL // BLOCK] = rows(cause)[0]["header"] + slot.blocks[TAIL // BLOCK][256:]
        assert cause_of(receiver(slot).verify) == cause_of(receiver(slot).resume) == cause


def test_a_list_that_the_flash_did_not_keep():
    """What was written is read back before any of it is believed."""
    slot = Slot()
    taking = receiver(slot)
    refused = None
    try:
        for region in taking.feed(image(SMALL)):
            if region is not None:
                slot.write(*region)
                slot.flip(TAIL + 300)
    except Refused as error:
        refused = error
    assert refused.cause == "list"


def test_a_generator_that_was_given_up():
    """Whoever goes on all the same, against the rules, does not get past a check."""
    file = image(SMALL)
    file[300] ^= 1  # in the list
    for left in range(1, 110):
        slot = Slot()
        taking = receiver(slot)
        working = taking.feed(file[:START])
        for _ in range(left):
            try:
                region = next(working)
            except (StopIteration, Refused):
                break
            if region is not None:
                slot.write(*region)
        working.close()
        try:
            drive(taking.feed(file[taking.position :]), slot)
            raise AssertionError(left)
        except Refused as refused:
            assert refused.cause == "list", left
        assert 0 not in slot.blocks


class CountingSha256:
    """hashlib's, which tells how many bytes it was given since somebody set that to 0."""

    given = 0

    def __init__(self, data=b""):
        self._hash = sha256()
        self.update(data)

    def update(self, data):
        CountingSha256.given += len(data)
        self._hash.update(data)

    def digest(self):
        return self._hash.digest()


def test_no_slice_reads_or_hashes_more_than_a_chunk():
    slot = Slot()
    taking = receiver(slot)
    receiver_module.sha256 = CountingSha256
    try:
        for generator in (taking.feed(image(SMALL)), taking.verify()):
            slot.reads = CountingSha256.given = 0
            total = 0
            for region in generator:
                assert slot.reads <= BLOCK + 32 and CountingSha256.given <= BLOCK
                total += CountingSha256.given
                slot.reads = CountingSha256.given = 0
                if region is not None:
                    slot.write(*region)
            assert total >= SMALL["size"]
    finally:
        receiver_module.sha256 = sha256


def test_memory():
    """Of what a receiver keeps, and of what Ed25519 needs before that, while the signature is checked."""
    slot = Slot()
    thing = device()
    gc.collect()
    before = gc.mem_alloc()
    taking = Receiver(slot.read, thing)
    most = 0
    for number, _ in enumerate(taking.feed(SMALL["header"])):
        if number % 8 == 0:
            gc.collect()
            most = max(most, gc.mem_alloc() - before)
    gc.collect()
    kept = gc.mem_alloc() - before
    assert kept <= 6 * 1024 and most <= (8 if sys.maxsize > 1 << 32 else 6) * 1024, (kept, most)
