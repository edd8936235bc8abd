"""What an image is made of: an application of ESP-IDF, or a ROMFS for the host; behind both lies their SHA-256."""

import hashlib
import struct
from pathlib import Path

from tools import image as builder
from tools.release.errors import Refused

_ROMFS_MAGIC = b"\xd2\xcd\x31"
_ESP32_MAGIC = 0xE9
_ESP32_CHIP_ID = 0
_ESP32_HEADER = struct.Struct("<4BI4BHBHH4xB")  # esp_image_header_t of ESP-IDF


def read(board, bits, app):
    """Return (payload, name of the board in the image). Builds what it can build, if `app` names no file."""
    if board == "HOST":
        payload = Path(app or builder.build(board, bits)).read_bytes()
        if not payload.startswith(_ROMFS_MAGIC):
            raise Refused("no ROMFS image")
        if not _has_sum(payload):
            raise Refused("a ROMFS image without its SHA-256 behind it, or a damaged one")
        return payload, f"HOST_{bits}"  # bytecode for one width crashes on the other
    if not app:
        raise Refused(f"an image for {board} needs --app micropython.bin, which ESP-IDF makes: docs/boards.md")
    payload = Path(app).read_bytes()
    check_esp32(payload)
    return payload, board


def check_esp32(payload):
    """Raises Refused unless this is a whole application for the ESP32, as ESP-IDF makes it."""
    if len(payload) < _ESP32_HEADER.size + 32 or payload[0] != _ESP32_MAGIC:
        raise Refused("no application image of ESP-IDF")
    values = _ESP32_HEADER.unpack_from(payload)
    if values[9] != _ESP32_CHIP_ID:
        raise Refused(f"an application for another chip ({values[9]})")
    if values[-1] != 1 or not _has_sum(payload):
        raise Refused("no application image of ESP-IDF alone: an upgrade takes micropython.bin, not firmware.bin")


def _has_sum(payload):
    return hashlib.sha256(payload[:-32]).digest() == payload[-32:]
