"""A UART as the wire of DLMS sessions: RS-485 at a fixed speed, or the optical port with its opening.

The contract of such a wire: await open(plan), await send(view), receive(view) and discard() that never wait, close(), and
lost(): somebody else had it. open() raises a DlmsError, all of them OSError.
"""

import asyncio

from micropython import const

_MOST_AT_ONCE = const(256)  # octets that a port takes in one piece
_SETTLE_MS = const(300)  # after the change of speed: 200 to 500 ms


class SerialWire:
    """`baud`: of HDLC, 8N1."""

    def __init__(self, uart, baud, beat=None):
        self._uart = uart
        self._baud = baud
        self._beat = beat
        self._is_set = False

    async def open(self, plan):
        """Set the line; of a meter that `opens`, change over to HDLC by mode E of IEC 62056-21.

        A meter that does not answer to that may have been in HDLC all the time: the port is at its speed then.
        """
        if plan.opens:
            from firmware.bus.dlms_opening import change_over  # noqa: PLC0415 - RAM that few need

            baud = await change_over(self._uart, plan, self._baud, self._beat)
            self._uart.configure(baud or self._baud, "N", 1)
            self._is_set = not baud or baud == self._baud
            if baud:
                await asyncio.sleep_ms(_SETTLE_MS)
            self._uart.discard()
        elif not self._is_set:
            self._uart.configure(self._baud, "N", 1)
            self._is_set = True

    def lost(self):
        """Somebody else had the port: it is to be set anew."""
        self._is_set = False

    async def send(self, view):
        """Send all of a view; return when its last octet is out."""
        for at in range(0, len(view), _MOST_AT_ONCE):
            await self._uart.send(view[at : at + _MOST_AT_ONCE])

    def receive(self, view):
        return self._uart.receive(view)

    def discard(self):
        return self._uart.discard()

    def close(self):
        """A UART stays."""
