"""What the reader of DLMS meters needs of the device: an archive on its SD card or its flash, random octets."""

import os

from micropython import const

from lib.store.archive import Archive

_FOLDER = const("/archive")
_FREE = const(5)  # one part in so many of the flash stays free: with less than a sixth histories give up what is old
_KEPT = const(144 * 1024)  # bytes for all else
_LEAST = const(2)  # but the archive has one part in so many at least
_CARD = const(8)  # and so many eighths but one of a card

random = os.urandom


def on_card(folder, size, load):
    """Return the archive of all DLMS meters (lib/store/archive.py) on an SD card of so many bytes; load(name) returns a module
    that may be dropped."""
    return _made(folder, size // _CARD * (_CARD - 1), load)


def on_flash(root, load):
    """Return the archive that the flash's file system at `root` has room for."""
    system = os.statvfs(root)
    size = system[0] * system[2]
    return _made(root, max(size // _LEAST, size - size // _FREE - _KEPT), load)


def _made(root, most_bytes, load):
    folder = root + _FOLDER
    try:
        os.mkdir(folder)
    except OSError:
        pass  # it is there
    return Archive(folder, most_bytes, load)
