"""Tells what the archive on a flash file holds: `micropython archive_on_flash.py FILE SIZE OFFSET LENGTH`.

The last two: of the file system on it. Standard input: a JSON line [id, kind] for each that is wanted. Answers are JSON lines
[id, kind, columns, rows]: columns [class, logical name in hex, attribute, index, exponent, unit], rows [UTC, status, values];
of kind 5 [id, 5, null, events], each [UTC, log, code].
"""

import json
import os
import sys

import vfs

from firmware.port.flash_file import FlashFile, PartitionFile
from lib.store.archive import Archive

_EVENTS = 5
_EVER = 0xFFFFFFFF


def main(path, size, offset, length):
    vfs.mount(vfs.VfsLfs2(PartitionFile(FlashFile(path, size), "vfs", offset, length)), "/flash")
    system = os.statvfs("/flash")
    archive = Archive("/flash/archive", system[0] * system[2] // 2)
    for line in sys.stdin:
        meter, kind = json.loads(line)
        columns, rows = None, []
        if kind == _EVENTS:
            rows = [event[:3] for event in archive.logged(meter, 0, _EVER) if event]
        else:
            for row in archive.rows(meter, kind, 0, _EVER):
                if row:
                    found = [[one[0], one[1].hex()] + list(one[2:]) for one in archive.columns(row[2])]
                    columns = found if columns in (None, found) else "several"
                    rows.append([row[0], row[1], list(row[3])])
        print(json.dumps([meter, kind, columns, rows]))
    for trouble in archive.troubles():
        print(json.dumps([0, 0, trouble, []]))


main(sys.argv[1], *[int(number) for number in sys.argv[2:]])
