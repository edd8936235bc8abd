"""Puts boards/STOCK/reader.py and what it needs onto a board with a stock MicroPython: `python -m tools.deploy /dev/ttyUSB0`.

The gateway as files does not fit a stock board's heap (docs/boards.md); this reads meters on one RS-485 wire and prints what
they say. Compiled here, copied by mpremote; what is equal already is not copied again.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from tools.image import DEVICE, TOOLS, TOP, compile_module
from tools.imports import application, needed
from tools.parts import part_of

STOCK = TOP / "boards" / "STOCK"
TARGET = TOP / "build" / "STOCK"
START = "import reader\n\nreader.run()\n"
_OTHERS = ("iec62056", "dlms")  # protocols that the reader does not speak
AIOBLE = ("aioble-peripheral", "aioble-server")


def build(march=DEVICE):
    """Compile into build/STOCK, which becomes what the board has; return the compiled modules there."""
    shutil.rmtree(TARGET, ignore_errors=True)
    # A Modbus meter loads modules by name, which could be any
    modules = {name: source for name, source in application().items() if part_of(str(source.relative_to(TOP))) not in _OTHERS}
    own = sorted(STOCK.glob("*.py"))
    pairs = [(source, Path(source.name)) for source in own]
    pairs += [(modules[name], modules[name].relative_to(TOP)) for name in sorted(needed(own, modules))]
    made = []
    for source, path in pairs:
        made.append(compile_module(source, path, TARGET, march))
    (TARGET / "main.py").write_text(START)  # the only one that a board starts by itself, and it has to be text
    return made


def commands(port, is_aioble):
    """The words of each call of mpremote."""
    places = sorted(str(path) for path in TARGET.iterdir())
    connect = [TOOLS / "mpremote", "connect", port]
    yield [*connect, "fs", "cp", "-r", *places, ":"]
    if is_aioble:
        yield [*connect, "mip", "install", *AIOBLE]
    yield [*connect, "reset"]


def main(words=None):
    parser = argparse.ArgumentParser(prog="tools.deploy", description=__doc__.splitlines()[0])
    parser.add_argument("port")
    parser.add_argument("--march", default=DEVICE, help="instruction set: xtensawin (ESP32, S2, S3), rv32imc (C3, C6)")
    parser.add_argument("--aioble", action="store_true", help="install aioble too, from the Internet, to try Bluetooth by hand")
    options = parser.parse_args(words)
    made = build(options.march)
    print(f"{len(made)} modules, {sum(path.stat().st_size for path in made)} bytes", flush=True)
    for command in commands(options.port, options.aioble):
        if subprocess.run(command, check=False).returncode:
            return "deploy: mpremote failed; does another program have the port, and does the board show MicroPython's prompt?"
    return None


if __name__ == "__main__":
    sys.exit(main())
