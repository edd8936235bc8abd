"""A stand-in for ESP-IDF and MicroPython's ESP32 port: takes the same commands, compiles nothing, leaves well-formed images.

`install(folder)` makes both; the images have valid headers and sums, so that Espressif's own tool takes them.
"""

import hashlib
import re
import struct
import sys
from pathlib import Path

from tools.partitions import partitions

TYPES = {"app": 0, "data": 1}
SUBTYPES = {"ota_0": 0x10, "ota_1": 0x11, "ota": 0, "phy": 1, "nvs": 2, "fat": 0x81}

# As the port's own: `make submodules` and `make` end in these calls, makeimg.py joins the three files.
MAKEFILE = """
PYTHON ?= python3
FLAGS = -D MICROPY_BOARD=$(notdir $(BOARD_DIR)) -D MICROPY_BOARD_DIR="$(BOARD_DIR)"
ifneq ($(BOARD_VARIANT),)
FLAGS += -D MICROPY_BOARD_VARIANT=$(BOARD_VARIANT)
endif
all:
\tidf.py $(FLAGS) -B $(BUILD) build
submodules:
\tidf.py $(FLAGS) -B $(BUILD)/submodules -D UPDATE_SUBMODULES=1 reconfigure
"""


def image(payload, address=0x3F400020):
    """An image for the ESP32: header, one segment at that address, check byte, SHA-256 (esp_image_header_t of ESP-IDF)."""
    payload += bytes(-len(payload) % 4)
    head = struct.pack("<4BI4BHBHH4xB", 0xE9, 1, 2, 0x20, 0x40080000, 0xEE, 0, 0, 0, 0, 0, 0, 399, 1)
    body = head + struct.pack("<2I", address, len(payload)) + payload
    check = 0xEF
    for byte in payload:
        check ^= byte
    body += bytes(15 - len(body) % 16) + bytes((check,))
    return body + hashlib.sha256(body).digest()


def table(board):
    """The partitions of a board in the form that the chip reads: 32 bytes each, then the MD5 of all, then 0xFF."""
    rows = b""
    for label, kind, subtype, offset, size in partitions(board):
        rows += struct.pack("<2s2B2I16sI", b"\xaa\x50", TYPES[kind], SUBTYPES[subtype], offset, size, label.encode(), 0)
    rows += b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(rows).digest()
    return rows.ljust(0xC00, b"\xff")


def install(folder, application_bytes=1000000):
    """Make `folder`/bin/idf.py and `folder`/micropython; return what the environment needs for it."""
    (folder / "bin").mkdir(parents=True)
    program = folder / "bin" / "idf.py"
    top = Path(__file__).resolve().parents[2]
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(top)!r})\n"
        f"from host_tests.tools import stand_in_idf\nstand_in_idf.main({str(folder)!r}, {application_bytes})\n"
    )
    program.chmod(0o755)
    port = folder / "micropython" / "ports" / "esp32"
    port.mkdir(parents=True)
    (port / "Makefile").write_text(MAKEFILE)
    return {"IDF_PATH": str(folder), "MICROPY_DIR": str(folder / "micropython")}


def main(folder, application_bytes):
    """What idf.py is asked for; each call is kept in `folder`/calls."""
    words = sys.argv[1:]
    with open(Path(folder) / "calls", "a") as file:
        file.write(" ".join(words) + "\n")
    if words == ["--version"]:
        print("ESP-IDF v5.5.1")
        return
    board = re.search(r"MICROPY_BOARD_DIR=(\S+)", " ".join(words))
    if not board or not (Path(board[1]) / "mpconfigboard.cmake").exists():
        raise SystemExit("idf.py: no such board")
    where = Path(words[words.index("-B") + 1])
    where.mkdir(parents=True, exist_ok=True)
    if words[-1] == "build":
        files = {
            "bootloader/bootloader.bin": image(bytes(range(256)) * 80, 0x3FFF0018),
            "partition_table/partition-table.bin": table(Path(board[1]).name),
            "micropython.bin": image(bytes(application_bytes)),
        }
        for name, content in files.items():
            (where / name).parent.mkdir(exist_ok=True)
            (where / name).write_bytes(content)
        (where / "sdkconfig").write_text('CONFIG_IDF_TARGET="esp32"\n')
        boot, rows, application = files.values()
        merged = boot.ljust(0x7000, b"\xff") + rows
        (where / "firmware.bin").write_bytes(merged.ljust(0xF000, b"\xff") + application)
