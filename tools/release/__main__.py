"""Makes what is published: keys, signed images, `latest.json`; and checks them. Formats and use: docs/upgrade.md.

    python -m tools.release key 1            a key pair: the private half into ~/.opensg, the public one into the firmware
    python -m tools.release retire 1         the firmware no longer trusts key 1
    python -m tools.release image HOST       a signed image in build/release; an ESP32 board needs --app micropython.bin
    python -m tools.release latest           build/release/latest.json of the newest image of each board there
    python -m tools.release check FILE...    whether a gateway with the keys of this source would take images and latest.json

It shares no code with the gateway's own check (lib/ota): signatures are those of PyPI's `cryptography`.
"""

import argparse
import sys
from pathlib import Path

from tools.image import ARCHITECTURES
from tools.release import image, keys, latest
from tools.release.errors import Refused
from tools.release.payload import read

VERSION = keys.TOP / "firmware" / "version.py"
OUT = keys.TOP / "build" / "release"


def make_image(options):
    """Write the signed image of a board; return its path."""
    trusted = keys.public_keys()
    if not trusted:
        raise Refused("the firmware has no key yet: python -m tools.release key 1")
    number = options.key or max(trusted)
    payload, board = read(options.board, options.bits, options.app)
    about = keys.literals(VERSION)
    version = about["VERSION"]
    private = keys.private_key(options.keys, number)
    made = image.sign(payload, board, version, about["SECURITY_COUNTER"], about["MINIMUM_VERSION"], number, private)
    image.check(made, trusted)  # by the public key: a private one that does not belong to it is noticed here
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"opensg-{board}-{version}.img"
    path.write_bytes(made)
    return path


def describe(header):
    words = "{board} {version}: {size} bytes, counter {counter}, from version {minimum} on, key {key_id}"
    return words.format(**header)


def main(arguments=None):
    boards = sorted(path.parent.name for path in (keys.TOP / "boards").glob("*/board.py"))
    parser = argparse.ArgumentParser(
        prog="tools.release", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keys", type=Path, default=Path.home() / ".opensg", help="folder of the private keys (~/.opensg)")
    parser.add_argument("--out", type=Path, default=OUT, help="folder of images and latest.json (build/release)")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("key", "retire"):
        commands.add_parser(name).add_argument("number", type=int)
    made = commands.add_parser("image")
    made.add_argument("board", choices=boards)
    made.add_argument("--bits", type=int, choices=sorted(ARCHITECTURES), default=64, help="of HOST")
    made.add_argument("--app", help="the application, where this tool cannot build it")
    made.add_argument("--key", type=int, help="who signs: the newest key, unless given")
    commands.add_parser("latest").add_argument("--url", default="", help="what stands before the images' names, with a /")
    commands.add_parser("check").add_argument("file", nargs="+", type=Path)
    options = parser.parse_args(arguments)
    try:
        for line in run(options):
            print(line)
    except Refused as refused:
        return f"release: {refused}"
    return 0


def run(options):
    """Do what was asked for; yield lines that tell of it."""
    where = f"firmware/{keys.KEYS.name}"
    if options.command == "key":
        path = keys.add(options.number, options.keys)
        yield f"key {options.number}: private half in {path}, public half in {where}"
    elif options.command == "retire":
        keys.retire(options.number)
        yield f"key {options.number} is no longer in {where}"
    elif options.command == "image":
        yield from told([make_image(options)])
    elif options.command == "latest":
        yield from told([latest.make(options.out, options.url, keys.public_keys())])
    else:
        yield from told(options.file)


def told(paths):
    """Check files; yield a line for each image in them."""
    trusted = keys.public_keys()
    for path in paths:
        try:
            headers = latest.check_file(path, trusted) if path.suffix == ".json" else [image.check(path.read_bytes(), trusted)]
        except Refused as refused:
            raise Refused(f"{path}: {refused}")
        yield from [f"{path}: {describe(header)}" for header in headers]


if __name__ == "__main__":
    sys.exit(main())
