"""Builds the application image of a board: `python -m tools.image HOST --bits 32`.

For HOST the image is a ROMFS with bytecode for the host's instruction set, and its SHA-256 behind it. The host board maps
it out of its slot into memory outside the heap, as frozen code is on the device, so that heap figures mean something. An
ESP32 board's image comes out of ESP-IDF (docs/boards.md); what this tool can do for it is compile every module for its
instruction set and add up the sizes.
"""

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
TOOLS = TOP / ".tools" / "venv" / "bin"
ARCHITECTURES = {64: "x64", 32: "x86"}
DEVICE = "xtensawin"
ROOMS = ("lib", "firmware")
DEVICE_LIBRARIES = TOP / ".tools" / "device"  # what the device's manifest requires
WEB = "web_assets.py"  # the pages: mostly compressed data


def sources(board, is_bundled=False):
    """Yield (source, path inside the image) of every module of a board's application, board.py included.

    is_bundled: as the modules are frozen, with those that belong together in one (tools/bundle.py).
    """
    from tools import bundle, lean, parts, web  # which need TOP

    has = parts.chooser(board)
    yield from bundle.build(board) if is_bundled else ((source, path) for source, path in lean.build(board) if has(path))
    for source in sorted(DEVICE_LIBRARIES.rglob("*.py")):
        yield source, source.relative_to(DEVICE_LIBRARIES)
    yield parts.board_file(board), Path("board.py")
    yield web.build(board), Path(WEB)


def compile_module(source, path, folder, march, level=3):
    """Compile one module into the folder and return its file; level 3 as the frozen build does, 2 keeps line numbers.

    Tracebacks call it `path`. Raises SystemExit with the compiler's own words.
    """
    target = folder / path.with_suffix(".mpy")
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(f"{path} {march} {level}\n".encode() + source.read_bytes()).hexdigest()
    kept = TOP / "build" / "compiled" / digest  # most modules are the same on all boards
    if not kept.exists():
        command = [TOOLS / "mpy-cross", f"-march={march}", f"-O{level}", "-s", str(path), "-o", target, source]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{path} does not compile for {march}:\n{done.stderr.strip()}")
        kept.parent.mkdir(parents=True, exist_ok=True)
        new = kept.with_suffix(f".{os.getpid()}")
        shutil.copyfile(target, new)
        new.replace(kept)
    shutil.copyfile(kept, target)
    return target


def build(board="HOST", bits=64, overlay=None, out=None):
    """Build the HOST image for a width unless it is there, newer than every source; return its path. `board`: HOST, or
    HOST-SG_W1 for a host with what SG_W1 has.

    `overlay` {path inside the image: source text} replaces modules, or adds some; then the image is the new file `out`.
    """
    from tools import lean  # which needs TOP

    image = TOP / "build" / f"{board}-{bits}.bin"
    image.parent.mkdir(exist_ok=True)
    with open(image.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several rigs may build at once
        tree = image.with_suffix("")
        changed = _compile_tree(board, bits, tree)
        if changed or not image.exists():
            _pack(tree, image)
        if overlay is None or out is None:
            return image
        with tempfile.TemporaryDirectory(dir=image.parent) as folder:
            other = Path(folder) / "tree"
            shutil.copytree(tree, other)
            for path, text in lean.overlay(overlay):
                source = Path(folder) / "source.py"
                source.write_text(text)
                compile_module(source, path, other, ARCHITECTURES[bits], level=2)
            _pack(other, out)
    return out


def _compile_tree(board, bits, tree):
    """Bring the folder of compiled modules up to date; return whether anything changed."""
    wanted = {(tree / path).with_suffix(".mpy"): (source, path) for source, path in sources(board)}
    tool = Path(__file__).stat().st_mtime
    changed = False
    for left in [path for path in tree.rglob("*.mpy") if path not in wanted]:
        left.unlink()
        changed = True
    for target, (source, path) in wanted.items():
        if not target.exists() or target.stat().st_mtime <= max(source.stat().st_mtime, tool):
            compile_module(source, path, tree, ARCHITECTURES[bits], level=2)
            changed = True
    return changed


def _pack(tree, image):
    """Write the ROMFS of a folder, and its SHA-256 behind it: as an application of ESP-IDF has one."""
    with tempfile.TemporaryDirectory(dir=TOP / "build") as folder:
        made = Path(folder) / "image"
        command = [TOOLS / "mpremote", "romfs", "-o", made, "--no-mpy", "build", tree]
        subprocess.run(command, check=True, capture_output=True)
        content = made.read_bytes()
        made.write_bytes(content + hashlib.sha256(content).digest())
        shutil.move(made, image)  # whole or not at all


def frozen_sizes(board):
    """Compile everything for the device; return {path: bytes of .mpy}."""
    sizes = {}
    with tempfile.TemporaryDirectory() as folder:
        for source, path in sources(board, True):
            sizes[str(path)] = compile_module(source, path, Path(folder), DEVICE).stat().st_size
    return sizes


def main():
    parser = argparse.ArgumentParser(prog="tools.image", description=__doc__.splitlines()[0])
    boards = sorted(path.parent.name for path in (TOP / "boards").glob("*/board.py"))
    parser.add_argument("board", nargs="?", default="HOST", choices=boards)
    parser.add_argument("--bits", type=int, choices=sorted(ARCHITECTURES), default=64)
    options = parser.parse_args()
    if options.board == "HOST":
        image = build(options.board, options.bits)
        print(f"{image.relative_to(TOP)}: {image.stat().st_size} bytes")
        return
    sizes = frozen_sizes(options.board)
    for path, size in sizes.items():
        print(f"{size:8} {path}")
    print(f"{sum(sizes.values()):8} in all, compiled for {DEVICE} with -O3; ESP-IDF makes the image: docs/boards.md")


if __name__ == "__main__":
    sys.exit(main())
