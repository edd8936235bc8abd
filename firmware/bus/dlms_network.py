"""A TCP connection as the wire of DLMS sessions, made for each: the contract is that of firmware/bus/dlms_serial.py.

Source: IEC 62056-47 (port 4059).
"""

from micropython import const

from lib.aio.connect import ConnectionFailed, connect
from lib.dlms.errors import FrameError

PORT = const(4059)
_TIMEOUT_MS = const(10000)


class NetworkWire:
    """`await resolve(host)` returns the IPv4 address of a name."""

    def __init__(self, resolve):
        self._resolve = resolve
        self._connection = None

    async def open(self, plan):
        """Connect to the host of a plan, "name" or "name:port". FrameError: "connection " and the cause."""
        host, _, port = plan.host.partition(":")
        self.close()
        try:
            self._connection = await connect(host, int(port or PORT), self._resolve, _TIMEOUT_MS)
        except ConnectionFailed as error:
            raise _failed(error)
        except ValueError:
            raise FrameError("connection host")

    async def send(self, view):
        try:
            await self._connection.send(view)
        except ConnectionFailed as error:
            raise _failed(error)

    def receive(self, view):
        try:
            return self._connection.receive(view) or 0
        except ConnectionFailed as error:
            raise _failed(error)

    def discard(self):
        """What one connection brought never reaches the next."""
        return 0

    def lost(self):
        self.close()

    def close(self):
        if self._connection:
            self._connection.close()
            self._connection = None


def _failed(error):
    return FrameError("connection " + error.args[0])
