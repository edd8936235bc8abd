"""Builds the image of an ESP32 board: `python -m tools.make_firmware SG_W1`, with ESP-IDF in the environment.

Leaves in build/<BOARD>/: firmware.bin (boot loader, partition table and application, for 0x1000 of the flash), micropython.bin
(the application alone, which an upgrade takes) and manifest.json (for a first flashing out of a browser, by esp-web-tools).
MicroPython's source is fetched once into .tools/micropython, in the version that boards/common/versions names; MICROPY_DIR in
the environment names a checkout to take instead. `--variant NO_BLUETOOTH`: docs/boards.md.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools import web
from tools.image import TOP
from tools.partitions import BOOT_LOADER, TABLE, partition
from tools.release.errors import Refused
from tools.release.image import room
from tools.release.payload import check_esp32

BOARDS = sorted(path.parent.name for path in (TOP / "boards").glob("*/sdkconfig.board"))
VARIANTS = sorted(path.stem.partition("_")[2] for path in (TOP / "boards/common").glob("mpconfigvariant_*.cmake"))
SOURCE = "https://github.com/micropython/micropython"
HELP = """firmware: there is no ESP-IDF in this shell. How to get it (2 GB, half an hour, once), and then try again:
    git clone -b {ESP_IDF} --recursive https://github.com/espressif/esp-idf ~/esp-idf
    ~/esp-idf/install.sh esp32 && . ~/esp-idf/export.sh"""


def versions():
    """{"MICROPYTHON": tag, "ESP_IDF": tag}"""
    return dict(re.findall(r"^(\w+)=(\S+)$", (TOP / "boards/common/versions").read_text(), re.MULTILINE))


def run(*command):
    """Run a command with its output shown. Raises Refused if it fails."""
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    if subprocess.run([str(word) for word in command], env=environment, check=False).returncode:
        raise Refused(f"this failed: {' '.join(map(str, command))}")


def check_idf(wanted):
    """Say so if ESP-IDF is another one than MicroPython was released with. Raises Refused if there is none."""
    if not os.environ.get("IDF_PATH") or not shutil.which("idf.py"):
        raise Refused(HELP.format(**versions()))
    told = subprocess.run(["idf.py", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    if wanted not in told.split():
        print(f"firmware: this is {told or 'an unknown ESP-IDF'}; the one to build with is {wanted}", file=sys.stderr)


def micropython(tag):
    """Return the folder of MicroPython's source; fetch it if need be."""
    if os.environ.get("MICROPY_DIR"):
        return Path(os.environ["MICROPY_DIR"])
    folder = TOP / ".tools" / f"micropython-{tag}"
    if not folder.exists():
        part = folder.with_name(folder.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        run("git", "clone", "--quiet", "--depth", "1", "--branch", tag, SOURCE, part)
        part.rename(folder)
    return folder


def check_application(board, application):
    """Raises Refused unless it is an application of ESP-IDF that fits beside its signature."""
    check_esp32(application)
    left = room(board) - len(application)
    if left < 0:
        raise Refused(f"the application has {len(application)} bytes: {-left} more than a slot with its signature takes")
    return left


def check_merged(board, merged, application):
    """Raises Refused unless boot loader, table and application are where the chip looks for them."""
    table = merged[TABLE - BOOT_LOADER :]
    start = partition(board, "ota_0").offset - BOOT_LOADER
    if merged[:1] != b"\xe9" or table[:2] != b"\xaa\x50" or merged[start:] != application:
        raise Refused("firmware.bin is not boot loader, partition table and application")


def web_manifest(board):
    """What esp-web-tools reads. The paths in it are relative to itself."""
    version = re.search(r'^VERSION = "(.+)"', (TOP / "firmware/version.py").read_text(), re.MULTILINE)
    assert version, "firmware/version.py has no VERSION"
    parts = [{"path": "firmware.bin", "offset": BOOT_LOADER}]
    return {
        "name": "OpenSG " + board.replace("_", "-"),
        "version": version[1],
        "new_install_prompt_erase": True,  # else settings of an earlier installation stay
        "builds": [{"chipFamily": "ESP32", "parts": parts}],
    }


def build(board, variant=""):
    wanted = versions()
    check_idf(wanted["ESP_IDF"])
    port = micropython(wanted["MICROPYTHON"]) / "ports" / "esp32"
    web.build(board)  # the pages are a module that the manifest names
    target = TOP / "build" / board
    work = target / ("idf-" + variant if variant else "idf")
    arguments = ("make", "-C", port, f"BOARD_DIR={TOP / 'boards' / board}", f"BUILD={work}", f"BOARD_VARIANT={variant}")
    run(*arguments, "submodules")
    run(*arguments)
    application, merged = (work / "micropython.bin").read_bytes(), (work / "firmware.bin").read_bytes()
    left = check_application(board, application)
    check_merged(board, merged, application)
    for name, content in (("micropython.bin", application), ("firmware.bin", merged)):
        (target / name).write_bytes(content)
    (target / "manifest.json").write_text(json.dumps(web_manifest(board), indent=1) + "\n")
    print(f"{target.relative_to(TOP)}/micropython.bin: {len(application)} bytes, {left} left in the slot")
    print(
        f"{target.relative_to(TOP)}/firmware.bin: {len(merged)} bytes, for {BOOT_LOADER:#x}: make flash BOARD={board} PORT=..."
    )


def main(words=None):
    parser = argparse.ArgumentParser(prog="tools.make_firmware", description=__doc__.splitlines()[0])
    parser.add_argument("board", choices=BOARDS)
    parser.add_argument("--variant", default="", choices=["", *VARIANTS])
    options = parser.parse_args(words)
    try:
        build(options.board, options.variant)
    except Refused as refusal:
        return str(refusal)
    return None


if __name__ == "__main__":
    sys.exit(main())
