"""Upgrade images as they come over a line: whole ones, and everything that must not get into the slot or stay there."""

from host_tests.lib.ota.ota_vectors import (
    BLOCK,
    TAIL,
    Slot,
    cause_of,
    device,
    drive,
    give,
    hashes,
    image,
    payload,
    receiver,
    rows,
)
from lib.ota.header import Header, Refused

HEADER = 256
SMALL = rows("")[0]
# Regions of a header, and which refusal it is when a bit of them is another one
REGIONS = (
    ("magic", 0, 8, "not an image"),
    ("form", 8, 9, "format"),
    ("key id", 9, 10, "key"),
    ("chunk size", 10, 12, "format"),
    ("counter", 12, 16, "counter signature"),
    ("payload size", 16, 20, "size signature"),
    ("board", 20, 36, "board"),
    ("version", 36, 52, "signature"),
    ("minimum version", 52, 68, "format signature version"),
    ("hash of the list", 68, 100, "signature"),
    ("hash of all", 100, 132, "signature"),
    ("not used", 132, 192, "signature"),
    ("R of the signature", 192, 224, "signature"),
    ("S of the signature", 224, 256, "signature"),
)


def taken(file, step=BLOCK):
    """A slot with a file in it, and its receiver."""
    slot = Slot()
    taking = receiver(slot)
    count, refused = give(taking, file, slot, step)
    assert refused is None and count == len(file), refused
    taking.ended()
    return slot, taking


def test_images_of_every_length_in_pieces_of_every_length():
    for row in rows(""):
        if row["size"] > 200 * BLOCK:
            continue
        file = image(row)
        for step in (7, 1000, BLOCK, len(file)) if row["size"] < 6 * BLOCK else (BLOCK + 1,):
            slot, taking = taken(file, step)
            assert taking.is_complete and taking.position == len(file) == taking.header.file_size, row["what"]
            assert slot.holds(row["size"]), (row["what"], step)
            drive(taking.verify(), slot)
            drive(receiver(slot).verify(), slot)


def test_byte_by_byte():
    file = image(rows("")[4])
    slot, _ = taken(file, 1)
    assert slot.holds(4097)


def test_the_largest_image():
    row = [row for row in rows("") if row["what"] == "the largest"][0]
    slot = Slot()
    taking = receiver(slot)
    assert give(taking, row["header"], slot)[1] is None
    for again in (False, True):
        for at in range(0, row["size"], BLOCK):
            chunk = payload(at + BLOCK, at)
            assert give(taking, chunk if again else hashes(chunk), slot)[1] is None
    taking.ended()
    drive(taking.verify(), slot)
    assert slot.holds(row["size"])


def test_into_the_receivers_own_room():
    file = image(SMALL)
    slot = Slot()
    taking = receiver(slot)
    while not taking.is_complete:
        room = taking.room()
        count = min(len(room), 1460)
        room[:count] = file[taking.position : taking.position + count]
        drive(taking.filled(count), slot)
    assert slot.holds(SMALL["size"])


def test_what_the_header_says():
    header = Header(SMALL["header"])
    for _ in header.check(device()):
        pass
    assert (header.board, header.version, header.minimum, header.counter) == ("SG_W1", "0.10", "0.9.2", 3)
    assert header.size == SMALL["size"] and header.file_size == len(image(SMALL))


def test_headers_that_are_refused():
    for row in rows():
        if not row["cause"] or row["cause"] in ("list", "total"):
            continue
        for step in (HEADER, 1):
            slot = Slot()
            count, refused = give(receiver(slot), row["header"] + bytes(100), slot, step)
            assert refused and refused.cause == row["cause"], row["what"]
            assert count <= HEADER and not slot.blocks, row["what"]
            assert all([" " <= letter <= "~" for letter in str(refused)])  # it goes into events and onto pages


def test_a_signed_list_that_is_another_one():
    row = rows("list")[0]
    slot = Slot()
    count, refused = give(receiver(slot), image(row), slot, 1)
    assert refused.cause == "list" and count == HEADER + 5 * 32


def test_a_signed_sum_that_is_another_one():
    row = rows("total")[0]
    slot, taking = taken(image(row))
    assert cause_of(taking.verify) == "total"


def test_changed_bits_in_every_region_of_the_header():
    for what, start, end, causes in REGIONS:
        for at in (start, (start + end) // 2, end - 1):
            for bit in (0, 7):
                raw = bytearray(SMALL["header"])
                raw[at] ^= 1 << bit
                slot = Slot()
                count, refused = give(receiver(slot), raw, slot)
                assert refused, (what, at, bit)
                assert causes == refused.cause or refused.cause in causes.split(" "), (what, at, bit, refused.cause)
                assert not slot.blocks


def test_a_changed_bit_in_every_hash_of_the_list():
    for at in range(HEADER, HEADER + 5 * 32, 31):
        file = bytearray(image(SMALL))
        file[at] ^= 1
        slot = Slot()
        count, refused = give(receiver(slot), file, slot, 32)
        assert refused.cause == "list" and count <= HEADER + 5 * 32, at
        assert not [block for block in slot.blocks if block < TAIL // BLOCK], "nothing of the payload was written"


def test_a_changed_bit_in_every_chunk_stops_there():
    start = HEADER + 5 * 32
    for number in range(5):
        last = min(start + BLOCK * (number + 1), len(image(SMALL))) - 1
        for at in (start + BLOCK * number, last):
            file = bytearray(image(SMALL))
            file[at] ^= 0x80
            slot = Slot()
            taking = receiver(slot)
            count, refused = give(taking, file, slot, 100)
            assert refused.cause == "chunk" and f"chunk {number} " in str(refused)
            assert count < start + BLOCK * (number + 1) + 100, "no later than with its last byte"
            assert number not in slot.blocks and len(slot.blocks) == number + 1
            assert taking.position == start + BLOCK * number
            # The same once more, and it goes on.
            assert give(taking, image(SMALL)[taking.position :], slot)[1] is None
            drive(taking.verify(), slot)


def test_cut_off_at_every_border():
    file = image(SMALL)
    start = HEADER + 5 * 32
    ends = [0, 1, 8, HEADER - 1, HEADER, HEADER + 1, HEADER + 32, start - 1]
    for border in range(start, len(file), BLOCK):
        ends += [border, border + 1, border - 1]
    ends.append(len(file) - 1)
    for end in ends:
        slot = Slot()
        taking = receiver(slot)
        assert give(taking, file[:end], slot)[1] is None, end
        assert cause_of(taking.ended) == "short" and not taking.is_complete, end
        assert taking.position == end
        assert give(taking, file[end:], slot)[1] is None  # the connection came back
        taking.ended()


def test_bytes_behind_the_end():
    file = image(SMALL)
    for tail in (b"\0", bytes(BLOCK)):
        slot = Slot()
        count, refused = give(receiver(slot), file + tail, slot, len(file))
        assert refused.cause == "long" and slot.holds(SMALL["size"])
    slot, taking = taken(file)
    many = memoryview(bytes(65536))
    count, refused = give(taking, many, slot, 1)  # of 10 MB, one byte is looked at
    assert refused.cause == "long" and count == 1


def test_padding_between_list_and_payload():
    file = image(SMALL)
    start = HEADER + 5 * 32
    slot = Slot()
    assert give(receiver(slot), file[:start] + b"\0" + file[start:], slot)[1].cause == "chunk"


def test_what_is_no_image_is_refused_at_its_first_byte_that_differs():
    others = (
        (b"<!DOCTYPE html><html>", 1),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", 1),
        (b"\xe9\x06\x02\x20" + bytes(300), 1),  # an application of ESP-IDF without header
        (b"\xd2\xcd\x31" + bytes(300), 1),  # ROMFS
        (b"\x1f\x8b\x08" + bytes(300), 1),
        (bytes(5000), 1),
        (b"\xff" * 5000, 1),
        (SMALL["header"].replace(b"\r\n", b"\n"), 7),
        (SMALL["header"][1:], 1),
        (payload(10000), 1),
    )
    for data, first in others:
        slot = Slot()
        count, refused = give(receiver(slot), data, slot, 1)
        assert refused.cause == "not an image" and count == first, data[:10]
        assert give(receiver(slot), data, slot)[1].cause == "not an image"
    assert not slot.blocks


def test_two_images_do_not_mix():
    one, other = image(rows("")[0]), image(rows("")[4])
    slot = Slot()
    taking = receiver(slot)
    assert give(taking, one[: HEADER + 5 * 32], slot)[1] is None
    assert give(taking, other[HEADER + 2 * 32 + 1 :], slot)[1].cause == "chunk"


def test_refusals_can_be_shown():
    refused = give(receiver(Slot()), rows("board")[0]["header"], Slot())[1]
    assert isinstance(refused, Refused) and str(refused) == "the image is for SG_E1, this is SG_W1"
