"""An SD card with littlefs on it: what is written there survives a power cut, as on the flash. FAT would not.

Only its beginning is used, as if it were a flash of that size: littlefs looks for free blocks in all of them. Nothing is ever
formatted but a card whose beginning is blank.
"""

import errno

import vfs
from micropython import const

import board

_SECTOR = const(512)
_BLOCK = const(4096)
_BLOCKS = const(16384)  # 64 MB
_LOOKAHEAD = const(2048)  # bytes, a bit per block: looking for free ones takes seconds, so it looks at all at once
_COUNT, _SIZE = const(4), const(5)
_TRIES = const(3)
_BEGINNING = const(32)  # sectors: two blocks of littlefs, boot sectors, partition tables, superblocks of other file systems


class Card:
    """littlefs' blocks on a card of sectors, which needs no erasing; littlefs reads and writes whole sectors of it.

    A card that does not answer is not asked again until the next start: it was pulled out, and each question takes a second.
    """

    def __init__(self, card):
        self._card = card
        self._is_gone = False
        self.blocks = min(max(card.ioctl(_COUNT, 0), 0) * _SECTOR // _BLOCK, _BLOCKS)
        if not self.blocks:
            raise OSError(errno.ENODEV)

    def readblocks(self, number, buffer, offset=0):
        return self._do(self._card.readblocks, (number * _BLOCK + offset) // _SECTOR, buffer)

    def writeblocks(self, number, buffer, offset=0):
        return self._do(self._card.writeblocks, (number * _BLOCK + offset) // _SECTOR, buffer)

    def ioctl(self, op, argument):
        if op == _COUNT:
            return self.blocks
        if op == _SIZE:
            return _BLOCK
        return 0

    def _do(self, what, sector, buffer):
        for _ in range(0 if self._is_gone else _TRIES):
            try:
                if what(sector, buffer) is True:
                    return 0
            except OSError:
                pass  # tried again
        self._is_gone = True
        return -errno.EIO


def open_spi():
    """Return the card at the board's pins. Raises OSError."""
    import machine  # only a device has it

    pins = board.SD  # pyright: ignore[reportAttributeAccessIssue] - other boards have none
    slot = 4 - pins["spi"]  # as machine.SDCard numbers them: 2 is VSPI, 3 HSPI
    return machine.SDCard(slot=slot, sck=pins["clk"], mosi=pins["mosi"], miso=pins["miso"], cs=pins["cs"])


def mount(sectors, folder):
    """Mount a card, what machine.SDCard is; return how many bytes of it are used.

    OSError: there is none, or it does not answer. ValueError, with a sentence: it has something else on it, or is damaged.
    """
    card = Card(sectors)
    try:
        files = _files(card)
    except OSError:
        if not _is_blank(card):
            raise ValueError("the SD card has other data: erase it to use it")
        vfs.VfsLfs2.mkfs(card, readsize=_SECTOR, progsize=_SECTOR)  # pyright: ignore[reportArgumentType]
        files = _files(card)
    vfs.mount(files, folder)
    return card.blocks * _BLOCK


def _files(card):
    return vfs.VfsLfs2(card, readsize=_SECTOR, progsize=_SECTOR, lookahead=_LOOKAHEAD, mtime=False)


def _is_blank(card):
    """Whether nobody has anything on the card: its beginning is erased, or power failed when we formatted it."""
    sector = bytearray(_SECTOR)
    names = 0
    for number in range(_BEGINNING):
        block, offset = divmod(number * _SECTOR, _BLOCK)
        if card.readblocks(block, sector, offset):
            raise OSError(errno.EIO)
        if not offset and block < 2 and sector[8:16] == b"littlefs":
            names += 1
        elif sector not in (b"\0" * _SECTOR, b"\xff" * _SECTOR):
            return False
    return names < 2  # with both it is one of ours, and damaged
