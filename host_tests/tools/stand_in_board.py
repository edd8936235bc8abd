"""A stand-in for a board with a stock MicroPython, run by MicroPython: raw prompt on stdin and stdout, littlefs in RAM at /.

What the unix port lacks, and what mpremote asks a board for: the raw mode (Ctrl-A: code up to Ctrl-D, then "OK", what it
printed, Ctrl-D, what it raised, Ctrl-D), and `machine.reset`.
"""

import io
import sys

import vfs

CODE = bytearray()
names = {"__name__": "__main__"}
sys.path[:] = ["", ".frozen"]


class Flash:
    """A block device in RAM."""

    def __init__(self, blocks):
        self._content = bytearray(blocks * 4096)

    def readblocks(self, block, buffer, offset=0):
        start = block * 4096 + offset
        buffer[:] = self._content[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        start = block * 4096 + offset
        self._content[start : start + len(buffer)] = buffer

    def ioctl(self, operation, _):
        return {4: len(self._content) // 4096, 5: 4096}.get(operation, 0)


class Machine:
    """machine.reset() ends the stand-in."""

    def reset(self):
        raise SystemExit


sys.modules["machine"] = Machine()
flash = Flash(96)
vfs.umount("/")
vfs.VfsLfs2.mkfs(flash)
vfs.mount(vfs.VfsLfs2(flash), "/")


def put(data):
    sys.stdout.write(data)


def execute(code):
    put("OK")
    raised = ""
    try:
        exec(code, names)
    except SystemExit:
        put("\x04\x04>")
        raise
    except BaseException as error:
        text = io.StringIO()
        sys.print_exception(error, text)
        raised = text.getvalue()
    put("\x04" + raised + "\x04>")


is_raw = False
while True:
    byte = sys.stdin.buffer.read(1)
    if not byte:
        break
    if byte == b"\x01":
        is_raw, CODE = True, bytearray()
        put("raw REPL; CTRL-B to exit\r\n>")
    elif byte == b"\x02":
        is_raw = False
        put("\r\n>>> ")
    elif byte == b"\x03":
        CODE = bytearray()
    elif byte == b"\x04":
        if not is_raw:
            continue
        if CODE:
            code, CODE = bytes(CODE), bytearray()
            execute(code)
        else:  # a soft reset: the same prompt again
            put("OK\r\nMPY: soft reboot\r\nraw REPL; CTRL-B to exit\r\n>")
    elif byte == b"\x05" and is_raw and not CODE:
        sys.stdin.buffer.read(2)  # "A", Ctrl-A: the faster way of sending, which not every board knows
        put("R\x00")
    elif is_raw:
        CODE += byte
