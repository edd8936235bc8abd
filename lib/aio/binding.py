"""Binds a socket to a port, or to any that is free."""

import errno
import os
import socket

from micropython import const

_TRIES = const(50)  # ports tried when any will do


def bound(kind, host, port):
    """Return (socket, port): of SOCK_STREAM or SOCK_DGRAM, non-blocking, bound to a numeric host; port 0 is any.

    Raises OSError, EADDRINUSE if somebody else has the port. Nothing tells which port the system would choose for 0, so
    ports of the dynamic range are tried.
    """
    for attempt in range(_TRIES):
        wanted = port or 49152 + (int.from_bytes(os.urandom(2), "big") & 0x3FFF)
        sock = socket.socket(socket.AF_INET, kind)
        try:
            if kind == socket.SOCK_STREAM:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that ended a minute ago do not matter
            sock.bind(socket.getaddrinfo(host, wanted)[0][-1])
            sock.setblocking(False)
        except OSError as error:
            sock.close()
            if port or error.errno != errno.EADDRINUSE or attempt == _TRIES - 1:
                raise
        else:
            return sock, wanted
    raise OSError(errno.EADDRINUSE)
