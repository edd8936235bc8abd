"""A listening TCP socket that gets over a shortage of sockets and over clients that leave before they are accepted."""

import asyncio
import errno
import socket

from micropython import const

from lib.aio.binding import bound
from lib.aio.ready import readable

_BACK_OFF_MS = const(100)  # after a failed accept, doubled up to 3.2 s
_MOST_FAILURES = const(8)  # in a row: then the socket is given up
# Shortage of sockets or memory, or a client that went before it was accepted: passes by itself.
# By number what errno does not name: ENFILE, EMFILE, ECONNABORTED of Linux (103) and lwIP (113), ENOBUFS of lwIP (105).
_PASSING = (23, 24, 103, 113, 105, errno.ENOMEM, errno.ENOBUFS, errno.ECONNABORTED)


class Listener:
    """`port`: where it listens. `failures`: accepts that failed in a row."""

    def __init__(self, host, port, backlog):
        """Listen at a numeric host address and a port, 0 for any. Raises OSError."""
        self._socket, self.port = bound(socket.SOCK_STREAM, host, port)
        self._socket.listen(backlog)
        self.failures = 0

    def waiting(self):
        """To be awaited: until somebody waits to be accepted."""
        return readable(self._socket)

    def take(self):
        """Return (non-blocking socket, address) of a client, None if there was none.

        Raises OSError when it failed: the caller may free sockets of its own, then awaits passed(error).
        """
        try:
            sock, address = self._socket.accept()
        except OSError as error:
            if error.errno == errno.EAGAIN:
                return None
            self.failures += 1
            raise
        self.failures = 0
        try:
            sock.setblocking(False)
            sock.setsockopt(getattr(socket, "IPPROTO_TCP", 6), getattr(socket, "TCP_NODELAY", 1), 1)
        except OSError:
            pass  # without it answers in several pieces come late
        return sock, address

    async def passed(self, error):
        """Wait until accepting is worth another try; raise the error if it never will be."""
        if self.failures > _MOST_FAILURES and error.errno not in _PASSING:
            raise error
        await asyncio.sleep_ms(_BACK_OFF_MS << min(self.failures, 6) - 1)

    def close(self):
        self._socket.close()


def peer(address):
    """Return an address, as accept() or recvfrom() gave it, as text without the port; "" if it cannot be told."""
    if isinstance(address, tuple):
        return address[0]
    if hasattr(socket, "sockaddr"):  # host builds give packed addresses
        family, packed = socket.sockaddr(address)[:2]  # pyright: ignore[reportAttributeAccessIssue]
        return socket.inet_ntop(family, packed)  # pyright: ignore[reportAttributeAccessIssue]
    return ""
