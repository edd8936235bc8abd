"""A serial port of the host: a terminal device, simulated (a pseudo-terminal of the rig) or real.

The contract of every UART port: `configure()`, `char_us`, `await send(frame)`, `receive(view)`, `discard()`.
One task owns it. A terminal takes any amount at once, so this port itself waits as long as the characters take on a wire.
"""

import asyncio
import termios
from time import ticks_add, ticks_diff, ticks_us

import ffi
from micropython import const

# Linux: baud rate codes, which C libraries since glibc 2.42 take no more but the rates themselves; flags of c_cflag
_SPEEDS = {300: 7, 600: 8, 1200: 9, 2400: 11, 4800: 12, 9600: 13, 19200: 14, 38400: 15, 57600: 4097, 115200: 4098}
_CSIZE = const(0o60)
_CS7 = const(0o40)
_CS8 = const(0o60)
_CSTOPB = const(0o100)
_PARENB = const(0o400)
_PARODD = const(0o1000)
_EIO = const(5)
_EINVAL = const(22)
_F_SETFL = const(4)
_O_RDWR_NONBLOCK = const(0o4002)
_MOST_WASTE = const(4096)
_waste = bytearray(64)  # nobody reads it


class UartPty:
    """`path` of the terminal; `link`: the rig, which hears of each configuration of `name`; `paced` False: no wire timing.

    `stream`: the file itself while the terminal is open, for what plays PPP.
    """

    def __init__(self, path, name="", link=None, paced=True):
        self._path = path
        self._name = name
        self._link = link
        self._paced = paced
        self.stream = None
        self.char_us = 1000
        self._line = (19200, "N", 1, 8)

    def configure(self, baud, parity, stop, bits=8):
        """Set speed, parity "N", "E" or "O", stop bits 1 or 2, data bits 7 or 8. Takes effect with the next character."""
        self._line = (baud, parity, stop, bits)
        self.char_us = (1 + bits + (parity != "N") + stop) * 1000000 // baud
        if self._link:
            self._link.send(event="line", port=self._name, baud=baud, parity=parity, stop=stop, bits=bits)
        if self.stream:
            self._set_line()

    async def send(self, frame):
        """Send all of `frame`; return when its last character is out and the port listens again. Raises OSError."""
        if self.stream is None:
            self._open()
        end_us = ticks_add(ticks_us(), len(frame) * self.char_us)
        try:
            self.stream.write(frame)
        except OSError:
            self._close()
            raise
        if not self._paced:
            return
        left_us = ticks_diff(end_us, ticks_us())
        while left_us > 0:
            await asyncio.sleep_ms((left_us + 999) // 1000)
            left_us = ticks_diff(end_us, ticks_us())

    def receive(self, view):
        """Put what was received into the view; return how many characters that were, 0 if none. Never waits.

        Raises OSError when the line is gone.
        """
        if self.stream is None:
            self._open()
        try:
            count = self.stream.readinto(view)
        except OSError:
            self._close()
            raise
        if count == 0:
            self._close()
            raise OSError(_EIO)
        return count or 0

    def discard(self):
        """Throw away what was received; return how many characters that were. Never waits."""
        thrown = 0
        while self.stream and thrown < _MOST_WASTE:
            try:
                count = self.receive(_waste)
            except OSError:
                break
            if not count:
                break
            thrown += count
        return thrown

    def _open(self):
        self.stream = open(self._path, "r+b")  # noqa: SIM115
        # Reading loops until the buffer is full or there is no more: only a non-blocking file says "no more".
        ffi.open("libc.so.6").func("i", "fcntl", "iii")(self.stream.fileno(), _F_SETFL, _O_RDWR_NONBLOCK)
        termios.setraw(self.stream.fileno())
        self._set_line()

    def _set_line(self):
        baud, parity, stop, bits = self._line
        attributes = termios.tcgetattr(self.stream.fileno())
        flags = attributes[2] & ~(_CSTOPB | _PARENB | _PARODD | _CSIZE) | (_CS7 if bits == 7 else _CS8)
        attributes[2] = flags | (stop == 2 and _CSTOPB) | (parity != "N" and _PARENB) | (parity == "O" and _PARODD)
        attributes[4] = attributes[5] = _SPEEDS[baud] if _SPEEDS[9600] == termios.B9600 else baud
        try:
            termios.tcsetattr(self.stream.fileno(), termios.TCSANOW, attributes)
        except OSError as error:
            # A pseudo-terminal takes no parity and no 7 bits: some C libraries say so after they have set all the rest.
            if error.errno != _EINVAL or (parity == "N" and bits == 8):
                raise

    def _close(self):
        """The line is gone; the next use opens it anew."""
        if self.stream:
            self.stream.close()
            self.stream = None
