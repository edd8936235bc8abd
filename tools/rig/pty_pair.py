"""A pseudo-terminal whose slave end goes by a name that stays the same when the terminal is made anew."""

import os
import termios
import tty
from pathlib import Path

_SPEEDS = {getattr(termios, f"B{baud}"): baud for baud in (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)}
_CODES = {baud: code for code, baud in _SPEEDS.items()}


class PtyPair:
    """The simulated line's end is `master`, a file descriptor that does not block; the gateway opens `path`."""

    def __init__(self, path, baud):
        self.path = Path(path)
        self._baud = baud
        self.master = self._slave = -1
        self.open()

    def open(self):
        """Make a new terminal in raw mode and point the path to it."""
        # The slave end stays open here too: otherwise reading fails whenever the gateway is between two starts.
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        attributes = termios.tcgetattr(self._slave)
        attributes[4] = attributes[5] = _CODES[self._baud]
        termios.tcsetattr(self._slave, termios.TCSANOW, attributes)
        os.set_blocking(self.master, False)
        fresh = self.path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._slave))
        fresh.replace(self.path)

    def close(self):
        """Hang up: whoever has the path open reads an error from now on."""
        if self.master >= 0:
            os.close(self.master)
            os.close(self._slave)
            self.master = self._slave = -1

    def baud(self):
        """The speed to which whoever opened the path has set it, None when it is no usual one."""
        return _SPEEDS.get(termios.tcgetattr(self.master)[5])

    def flush(self):
        termios.tcflush(self._slave, termios.TCIOFLUSH)

    def read(self):
        """What arrived; b"" when there is nothing."""
        try:
            return os.read(self.master, 4096)
        except OSError:
            return b""

    def write(self, data):
        """Write what fits; a gateway that does not read loses the rest, as with a UART. Return how many bytes fitted."""
        try:
            return os.write(self.master, data)
        except OSError:
            return 0
