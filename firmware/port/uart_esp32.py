"""A serial port of the ESP32. The contract is that of firmware/port/uart_pty.py; one task owns a port.

How the driver is used, and why (MicroPython 1.28):
- One machine.UART per number for ever; only its speed, parity and stop bits change. Naming a buffer size in init() would
  make the driver anew.
- timeout and timeout_char stay 0: a read never waits. timeout_char would also set how long the line must be idle before
  characters come up at all; then the first one of a frame would show only with its last, and what the bus learns of a unit's
  response time would depend on how long the answer is.
- So there is an interrupt per character (11,500 a second at 115200), but not a wake-up: the bus looks when it expects
  something.
- No UART.irq: it costs a FreeRTOS task of 2 KB each, and with CONFIG_FREERTOS_HZ=1000 the loop looks every millisecond.
- A frame fits the transmit buffer, so that write() does not hold the loop. flush() would; txdone() only looks.
"""

import asyncio
import errno
from time import sleep_us, ticks_add, ticks_diff, ticks_us

from machine import UART, Pin
from micropython import const

_TX_BYTES = const(512)  # the driver's own administration takes up to a quarter of it
_RX_BYTES = const(1024)  # 90 ms at 115200: an erase of flash, a collection
_LONGEST_FRAME = const(384)
_GRANULE_US = const(1000)  # a sleep ends so much late
_SPIN_US = const(3000)  # longest busy wait at the end of a frame
_OVERDUE_US = const(100000)  # a frame that is not out so long after its time never will be
_MOST_WASTE = const(4096)
_PARITIES = {"N": None, "E": 0, "O": 1}


class UartEsp32:
    """UART `number` on the GPIOs `tx` and `rx`; `enable`: GPIO of the RS-485 driver, high while sending, or None.

    `inverted` names the lines whose level is turned round: "", "tx", "rx" or "tx rx". `rx_bytes`: what may come unread.
    `stream`: the driver itself, for PPP.
    """

    def __init__(self, number, tx, rx, enable=None, inverted="", rx_bytes=_RX_BYTES):
        buffers = {"txbuf": _TX_BYTES, "rxbuf": rx_bytes}
        invert = (UART.INV_TX if "tx" in inverted else 0) | (UART.INV_RX if "rx" in inverted else 0)
        self._enable = None if enable is None else Pin(enable, Pin.OUT, value=0)
        self.stream = UART(number, 19200, tx=tx, rx=rx, timeout=0, timeout_char=0, invert=invert, **buffers)
        self._waste = bytearray(128)
        self.char_us = 520

    def configure(self, baud, parity, stop, bits=8):
        """Set speed, parity "N", "E" or "O", stop bits 1 or 2, data bits 7 or 8. What is being sent goes out before."""
        self.stream.init(baudrate=baud, bits=bits, parity=_PARITIES[parity], stop=stop)
        self.char_us = (1 + bits + (parity != "N") + stop) * 1000000 // baud

    async def send(self, frame):
        """Send all of `frame`; return when its last character is out and the port listens again.

        Raises OSError if it does not go out, ValueError if it is longer than 384 bytes. Cancelled, it leaves the line at once:
        on RS-485 that cuts the frame off.
        """
        length = len(frame)
        if length > _LONGEST_FRAME:
            raise ValueError("frame too long for the port")
        uart, enable = self.stream, self._enable
        if enable:
            enable.on()
        try:
            end_us = ticks_add(ticks_us(), length * self.char_us)
            if uart.write(frame) != length:
                raise OSError(errno.EIO)
            rest_ms = (length * self.char_us - _GRANULE_US) // 1000
            if rest_ms > 0:
                await asyncio.sleep_ms(rest_ms)
            while True:
                late_us = ticks_diff(ticks_us(), end_us)
                if late_us >= 0 and uart.txdone():
                    break
                if late_us > _OVERDUE_US:
                    raise OSError(errno.ETIMEDOUT)
                if enable and late_us < _SPIN_US:
                    sleep_us(20)  # a slave may answer as soon as 1.75 ms after our last character
                else:
                    await asyncio.sleep_ms(1)
        finally:
            if enable:
                enable.off()

    def receive(self, view):
        """Put what was received into the view; return how many characters that were, 0 if none. Never waits."""
        return self.stream.readinto(view) or 0 if self.stream.any() else 0

    def discard(self):
        """Throw away what was received; return how many characters that were. Never waits."""
        uart, thrown = self.stream, 0
        while thrown < _MOST_WASTE and uart.any():
            thrown += uart.readinto(self._waste) or 0
        return thrown
