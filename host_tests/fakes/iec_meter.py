"""A meter of IEC 62056-21, mode C, at the end of a pseudo-terminal: sign-on, change of speed, read-out. For CPython.

It hears and is heard only while the terminal has the speed that the meter has at that moment; a thread of its own plays it.
"""

import os
import select
import termios
import threading
import time
import tty

_SPEEDS = {termios.B300: 300, termios.B9600: 9600, termios.B115200: 115200}
READOUT = {"1.8.0": "000123.456*kWh", "0.0.0": "12345678", "32.7.0": "230.1*V"}


class IecMeter:
    """`path` is what the gateway opens. `fixed`: its one speed; None: 300 baud for the sign-on, then 9600 baud.

    `heard` is all that it understood, `speeds` those that the terminal had when something came.
    """

    def __init__(self, address="12345678", fixed=None):
        self._ours, self._theirs = os.openpty()
        for end in (self._ours, self._theirs):
            tty.setraw(end)
        self.path = os.ttyname(self._theirs)
        self.heard = b""
        self.speeds = []
        self._fixed = fixed
        self._requests = (b"/?!\r\n", b"/?%s!\r\n" % address.encode())
        self._ended = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._ended = True
        self._thread.join()
        os.close(self._ours)
        os.close(self._theirs)

    def speed(self):
        return _SPEEDS.get(termios.tcgetattr(self._theirs)[5])

    def say(self, data):
        """Send whatever it is."""
        os.write(self._ours, data)

    def _run(self):
        pending = b""
        while not self._ended:
            if not select.select([self._ours], [], [], 0.02)[0]:
                continue
            data = os.read(self._ours, 1024)
            speed = self.speed()
            self.speeds.append(speed)
            if speed != (self._fixed or 300):
                continue
            self.heard += data
            pending = (pending + data)[-64:]
            if pending.endswith(self._requests):
                pending = b""
                self.say(b"/OSG5Stand-in\r\n")
            elif pending.endswith(b"\x06050\r\n"):
                pending = b""
                if self._wait_for(self._fixed or 9600):
                    self.say(_message())

    def _wait_for(self, speed):
        """Whether the reader changes to that speed in time (IEC 62056-21, 6.3.1: within 1.5 s)."""
        end = time.monotonic() + 1.5
        while self.speed() != speed and time.monotonic() < end:
            time.sleep(0.01)
        return self.speed() == speed


def _message():
    block = "".join(f"{code}({value})\r\n" for code, value in READOUT.items()).encode() + b"!\r\n\x03"
    check = 0
    for byte in block:
        check ^= byte
    return b"\x02" + block + bytes((check,))
