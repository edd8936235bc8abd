"""Start-up on the host: maps the application image outside the heap, where frozen code is on the device, and runs it.

Started by the rig with the descriptor of the link; the first line on it describes this start: among other things the place in
the flash file of the image, a ROMFS, that the boot loader chose. Where there is none, the application is frozen into this
interpreter, and so is this module (tools/frozen). What boards/common/main.py does on a device is done here too.
"""

import json
import sys

_RESET_STATUS = 3

link = open(int(sys.argv[1]), "r+b")  # noqa: SIM115
config = json.loads(link.readline())
config["link"] = link
link.write(json.dumps({"event": "starts", "failed": config.get("failed_starts", 0) + 1}) + "\n")
sys.path[:] = [".frozen"]

if config.get("place"):
    import ffi
    import uctypes
    import vfs

    libc = ffi.open("libc.so.6")
    offset, size = config["place"]
    descriptor = libc.func("i", "open", "si")(config["flash"], 0)
    address = libc.func("P", "mmap", "PLiiil")(0, size, 1, 2, descriptor, offset)  # PROT_READ, MAP_PRIVATE
    vfs.mount(vfs.VfsRom(uctypes.bytearray_at(address, size)), "/rom")
    sys.path.insert(0, "/rom")
    del libc, offset, size, descriptor, address

try:
    from firmware import main

    main.start(config)
except Exception as error:
    sys.print_exception(error)
sys.exit(_RESET_STATUS)
