"""Start-up on the host: maps the application image outside the heap, where frozen code is on the device, and runs it.

Started by the rig with the descriptor of the link; the first line on it describes this start. The image is a ROMFS file;
where there is none, the application is frozen into this interpreter, and so is this module (tools/frozen).
"""

import json
import sys

link = open(int(sys.argv[1]), "r+b")  # noqa: SIM115
config = json.loads(link.readline())
config["link"] = link
sys.path[:] = [".frozen"]

if config["image"]:
    import os

    import ffi
    import uctypes
    import vfs

    libc = ffi.open("libc.so.6")
    size = os.stat(config["image"])[6]
    descriptor = libc.func("i", "open", "si")(config["image"], 0)
    address = libc.func("P", "mmap", "PLiiil")(0, size, 1, 2, descriptor, 0)  # PROT_READ, MAP_PRIVATE
    vfs.mount(vfs.VfsRom(uctypes.bytearray_at(address, size)), "/rom")
    sys.path.insert(0, "/rom")
    del libc, size, descriptor, address

from firmware import main  # noqa: E402

main.start(config)
