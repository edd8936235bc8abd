"""An SD card on SPI: mounted with littlefs, formatted if it is blank, left alone if it is not; gone when it does not answer."""

import os
import sys

sys.path.insert(0, "host_tests/fakes")

import machine  # noqa: E402
import vfs  # noqa: E402

import board  # noqa: E402
from firmware.port import sd_spi  # noqa: E402

PINS = {"spi": 1, "clk": 12, "mosi": 4, "miso": 36, "cs": 5}
SECTOR = 512
SIZE = 256 * 1024


class SDCard:
    """A card of 256 KB; `content` None: there is none. `asked`: how often."""

    content = None
    pins = None
    asked = 0
    fails = 0

    def __init__(self, **pins):
        SDCard.pins = pins

    def readblocks(self, number, buffer):
        return self._do(number, buffer, False)

    def writeblocks(self, number, buffer):
        return self._do(number, buffer, True)

    def _do(self, number, buffer, is_write):
        assert len(buffer) % SECTOR == 0
        SDCard.asked += 1
        if SDCard.content is None or SDCard.fails:
            SDCard.fails = max(0, SDCard.fails - 1)
            return False
        place = memoryview(SDCard.content)[number * SECTOR : number * SECTOR + len(buffer)]
        if is_write:
            place[:] = buffer
        else:
            buffer[:] = place
        return True

    def ioctl(self, op, argument):
        if SDCard.content is None:
            return -1
        return len(SDCard.content) // SECTOR if op == 4 else 0


def mount():
    machine.SDCard, board.SD = SDCard, PINS
    return sd_spi.mount(sd_spi.open_spi(), "/card")


def refused():
    """Return why a card is not mounted; nothing on it may have changed."""
    before = bytes(SDCard.content)
    try:
        mount()
    except ValueError as error:
        assert SDCard.content == before
        return error.args[0]
    raise AssertionError("it was mounted")


def test_a_blank_card_is_formatted_once_and_keeps_its_files():
    SDCard.content = None
    try:
        mount()
        raise AssertionError("there is no card")
    except OSError:
        pass
    for blank in (b"\0", b"\xff"):
        SDCard.content = bytearray(blank * SIZE)
        assert mount() == SIZE
        assert SDCard.pins == {"slot": 3, "sck": 12, "mosi": 4, "miso": 36, "cs": 5}
        with open("/card/file", "wb") as file:
            file.write(bytes(range(256)) * 80)
        vfs.umount("/card")
        assert mount() == SIZE and os.listdir("/card") == ["file"]
        with open("/card/file", "rb") as file:
            assert file.read() == bytes(range(256)) * 80
        vfs.umount("/card")


def test_a_card_with_something_else_is_left_alone():
    for at in (3, 510, 1024 + 56, SECTOR, 4096 + 8):  # FAT, a partition table, ext4, a GPT, what nobody knows
        SDCard.content = bytearray(SIZE)
        SDCard.content[at] = 0x55
        assert refused() == "the SD card has other data: erase it to use it"
    SDCard.content = bytearray(SIZE)
    mount()
    vfs.umount("/card")
    for block in (0, 4096):  # ours, but damaged
        SDCard.content[block + 16 : block + 4096] = b"\x5a" * 4080
    refused()


def test_formatting_that_lost_power_is_done_anew():
    SDCard.content = bytearray(SIZE)
    mount()
    vfs.umount("/card")
    first = SDCard.content[:4096]
    SDCard.content = bytearray(SIZE)
    SDCard.content[0:SECTOR] = first[:32] + bytes(SECTOR - 32)
    assert mount() == SIZE
    vfs.umount("/card")


def test_a_card_that_was_pulled_out_is_asked_no_more():
    SDCard.content = bytearray(SIZE)
    mount()
    SDCard.fails = 2  # for a moment only
    with open("/card/file", "wb") as file:
        file.write(b"kept" * 5000)
    there, SDCard.content = SDCard.content, None
    for _ in range(3):
        try:
            with open("/card/file", "rb") as file:
                file.read()
            raise AssertionError("it answered")
        except OSError:
            pass
    SDCard.content, SDCard.asked = there, 0
    try:
        with open("/card/file", "rb") as file:
            file.read()
        raise AssertionError("nobody initialised it")
    except OSError:
        assert not SDCard.asked
    vfs.umount("/card")
    mount()
    with open("/card/file", "rb") as file:
        assert file.read() == b"kept" * 5000
    vfs.umount("/card")
