"""The chip in a file behaves as a chip does, and littlefs lives on it. (Losing power: host_tests/faults.)"""

import os

import vfs

from firmware.port.flash_file import BLOCK, FlashFile, PartitionFile

PATH = "/tmp/opensg-flash-" + "".join(["%02x" % byte for byte in os.urandom(6)])
SIZE = 64 * BLOCK


def chip(size=SIZE):
    return FlashFile(PATH, size)


def fresh():
    remove()
    return chip()


def remove():
    try:
        os.remove(PATH)
    except OSError:
        pass


def read(flash, address, count):
    buffer = bytearray(count)
    flash.read(address, buffer)
    return bytes(buffer)


def test_a_new_chip_is_erased():
    flash = fresh()
    assert os.stat(PATH)[6] == SIZE
    for block in range(0, SIZE, BLOCK):
        assert read(flash, block, BLOCK) == b"\xff" * BLOCK
    assert flash.operations == 0


def test_programming_only_clears_bits():
    flash = fresh()
    flash.program(100, b"\xf0\x0f\xff\x00")
    assert read(flash, 99, 6) == b"\xff\xf0\x0f\xff\x00\xff"
    flash.program(100, b"\xcc\xcc\xcc\xcc")
    assert read(flash, 99, 6) == b"\xff\xc0\x0c\xcc\x00\xff"
    assert flash.operations == 2
    for size in (1, 2, 127, 128, 129, BLOCK):  # the same for every size
        flash.erase(BLOCK)
        flash.program(BLOCK, b"\x5a" * size)
        flash.program(BLOCK, b"\x33" * size)
        assert read(flash, BLOCK, BLOCK) == b"\x12" * size + b"\xff" * (BLOCK - size), size


def test_erasing_sets_one_block():
    flash = fresh()
    for block in range(3):
        flash.program(block * BLOCK, b"\0" * BLOCK)
    before = flash.operations
    flash.erase(BLOCK)
    assert flash.operations == before + 1
    for block, byte in ((0, b"\0"), (1, b"\xff"), (2, b"\0"), (3, b"\xff")):
        assert read(flash, block * BLOCK, BLOCK) == byte * BLOCK, block


def test_content_is_kept():
    flash = fresh()
    flash.program(5000, b"kept")
    del flash
    again = chip()
    assert read(again, 5000, 4) == b"kept" and again.operations == 0


def test_a_partition_stays_within_itself():
    flash = fresh()
    first = PartitionFile(flash, "first", 0, 4 * BLOCK)
    second = PartitionFile(flash, "second", 4 * BLOCK, 8 * BLOCK)
    assert [(part.ioctl(4, 0), part.ioctl(5, 0)) for part in (first, second)] == [(4, BLOCK), (8, BLOCK)]
    first.writeblocks(3, b"\x11" * BLOCK)
    second.writeblocks(0, b"\x22" * BLOCK)
    second.writeblocks(1, b"\x33\x44", 10)
    assert read(flash, 3 * BLOCK, 2 * BLOCK) == b"\x11" * BLOCK + b"\x22" * BLOCK
    assert read(flash, 5 * BLOCK + 9, 4) == b"\xff\x33\x44\xff"
    second.ioctl(6, 0)
    assert read(flash, 3 * BLOCK, 2 * BLOCK) == b"\x11" * BLOCK + b"\xff" * BLOCK
    buffer = bytearray(2)
    second.readblocks(1, buffer, 10)
    assert buffer == b"\x33\x44"


def test_writing_whole_blocks_erases_them_first():
    """As esp32.Partition: without an offset the old content does not matter, with one it does."""
    part = PartitionFile(fresh(), "part", 0, 8 * BLOCK)
    part.writeblocks(2, b"\x0f" * (2 * BLOCK))
    part.writeblocks(2, b"\xf0" * (2 * BLOCK))
    buffer = bytearray(2 * BLOCK)
    part.readblocks(2, buffer)
    assert buffer == b"\xf0" * (2 * BLOCK)
    part.writeblocks(2, b"\x3c", 0)
    part.readblocks(2, buffer)
    assert buffer[:2] == b"\x30\xf0"


def test_littlefs_on_it():
    part = PartitionFile(fresh(), "vfs", 8 * BLOCK, 32 * BLOCK)
    vfs.VfsLfs2.mkfs(part)
    vfs.mount(vfs.VfsLfs2(part), "/chip")
    for number in range(40):
        with open("/chip/settings.new", "w") as file:
            file.write(f"{number} " * 500)
        os.rename("/chip/settings.new", "/chip/settings")
    os.mkdir("/chip/folder")
    vfs.umount("/chip")
    again = chip()
    vfs.mount(vfs.VfsLfs2(PartitionFile(again, "vfs", 8 * BLOCK, 32 * BLOCK)), "/chip")
    with open("/chip/settings") as file:
        assert file.read() == "39 " * 500
    assert sorted(os.listdir("/chip")) == ["folder", "settings"]
    vfs.umount("/chip")
    for outside in (0, 7, 40, 63):
        assert read(again, outside * BLOCK, BLOCK) == b"\xff" * BLOCK, outside
    remove()
