"""A fake of the device's `machine`, as much of it as micropython-modbus takes: a UART on a terminal or in memory.

A terminal takes a frame at once, and a reply in memory is always there: only flush() waits, if UART.paced says so, as long as
the characters take on a wire. All other waiting is that of the code that uses it.
"""

import select
from time import sleep_us, ticks_add, ticks_diff, ticks_us

import ffi

_F_SETFL = 4
_O_RDWR_NONBLOCK = 0o4002


class Pin:
    """Never made: the bench drives no transceiver."""


class UART:
    """`uart_id` is the path of a terminal, or the bytes that every read() returns."""

    paced = False

    def __init__(self, uart_id, baudrate, **line):
        self._char_us = 10000000 // baudrate  # 8N1
        self._out_us = ticks_us()  # when the last character is out
        self._reply = None if isinstance(uart_id, str) else uart_id
        if self._reply is None:
            self._file = open(uart_id, "r+b")  # noqa: SIM115
            # Reading loops until the buffer is full or there is no more: only a non-blocking file says "no more".
            ffi.open("libc.so.6").func("i", "fcntl", "iii")(self._file.fileno(), _F_SETFL, _O_RDWR_NONBLOCK)
            self._poll = select.poll()
            self._poll.register(self._file, select.POLLIN)
            self._buffer = bytearray(256)

    def any(self):
        if self._reply is not None:
            return len(self._reply)
        return 1 if self._poll.poll(0) else 0

    def read(self):
        if self._reply is not None:
            return self._reply
        if not self._poll.poll(0):
            return None
        return self._buffer[: self._file.readinto(self._buffer) or 0]

    def write(self, data):
        self._out_us = ticks_add(ticks_us(), len(data) * self._char_us)
        return len(data) if self._reply is not None else self._file.write(data)

    def flush(self):
        """Return when all is out."""
        if self.paced:
            sleep_us(max(0, ticks_diff(self._out_us, ticks_us())))
