"""latest.json: the signed header of the newest image of each board, and where that image is."""

import base64
import json

from tools.release.errors import Refused
from tools.release.image import HEADER_SIZE, check, numbers, read_header

LATEST = "latest.json"


def make(folder, base, keys):
    """Write latest.json of the newest image of each board in the folder; return its path."""
    newest = {}
    for path in sorted(folder.glob("*.img")):
        image = path.read_bytes()
        try:
            header = check(image, keys)
        except Refused as refused:
            raise Refused(f"{path}: {refused}")
        row = (numbers(header["version"]), path, image[:HEADER_SIZE], header)
        if header["board"] not in newest or newest[header["board"]][0] < row[0]:
            newest[header["board"]] = row
    if not newest:
        raise Refused(f"there is no image in {folder}")
    images = {
        board: {
            "version": header["version"],
            "url": base + path.name,
            "header": base64.b64encode(raw).decode(),
        }
        for board, (_, path, raw, header) in sorted(newest.items())
    }
    target = folder / LATEST
    target.write_text(json.dumps({"format": 1, "images": images}, indent=1) + "\n")
    return target


def check_file(path, keys):
    """Return the headers of a latest.json. Raises Refused unless each is signed, and is that of its image if that is near."""
    headers = []
    for board, entry in json.loads(path.read_text())["images"].items():
        raw = base64.b64decode(entry["header"])
        header = read_header(raw, keys)
        if (header["board"], header["version"]) != (board, entry["version"]):
            raise Refused(f"{board}: says {entry['version']}, the header is of {header['board']} {header['version']}")
        image = path.parent / entry["url"].rsplit("/", 1)[-1]
        if image.exists() and image.read_bytes()[:HEADER_SIZE] != raw:
            raise Refused(f"{board}: the header is not that of {image.name}")
        headers.append(header)
    return headers
