"""Writes build/<BOARD>/firmware.bin to an ESP32 by its serial port: `python -m tools.flash SG_W1 /dev/ttyUSB0`.

The file is one piece for 0x1000: boot loader, partition table, application in slot ota_0. Between them it has 0xFF, so that
no slot is chosen any more: the chip starts ota_0. The file system with settings and history lies behind and stays, but for
--erase. Uses Espressif's esptool, which `tools/setup flash` brings.
"""

import argparse
import shlex
import subprocess
import sys

from tools.image import TOP
from tools.make_firmware import BOARDS, check_application, check_merged
from tools.partitions import BOOT_LOADER, partition
from tools.release.errors import Refused

ESPTOOL = TOP / ".tools" / "flash" / "bin" / "esptool"
BAUD = "460800"  # which the common USB converters keep


def command(board, port, is_erased):
    """The words of esptool. Raises Refused if what would be written is not an image for such a board."""
    file = TOP / "build" / board / "firmware.bin"
    if not file.exists():
        raise Refused(f"there is no {file.relative_to(TOP)}: make firmware BOARD={board}, or put the one of a release there")
    merged = file.read_bytes()
    application = merged[partition(board, "ota_0").offset - BOOT_LOADER :]
    check_merged(board, merged, application)
    check_application(board, application)
    words = [ESPTOOL, "--chip", "esp32", "--port", port, "--baud", BAUD, "write-flash"]
    return [*words, *(["--erase-all"] if is_erased else []), f"{BOOT_LOADER:#x}", file]


def main(words=None):
    parser = argparse.ArgumentParser(prog="tools.flash", description=__doc__.splitlines()[0])
    parser.add_argument("board", choices=BOARDS)
    parser.add_argument("port")
    parser.add_argument("--erase", action="store_true", help="all of the flash: settings, history and certificates go too")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    options = parser.parse_args(words)
    try:
        made = [str(word) for word in command(options.board, options.port, options.erase)]
    except Refused as refusal:
        return f"flash: {refusal}"
    print(shlex.join(made), flush=True)
    return None if options.dry_run else subprocess.run(made, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
