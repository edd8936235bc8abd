"""Opens and closes the sockets of firmware/services/discovery.py: in RAM only meanwhile."""

import select
import socket

from micropython import const

from lib.aio.binding import bound

_NAMES = const(("discovery", "NetBIOS name"))


def open(gateway):
    """Return (both ports as bind() does, sockets, poll): the latter two are what discovery.run() takes."""
    sockets, poll = [None, None, 8, 8], select.poll()
    return bind(gateway, sockets, poll), sockets, poll


def bind(gateway, sockets, poll):
    """Bind what of `sockets` is not bound, and have `poll` look at it. Return both ports, None for one that cannot be had.

    Of `sockets`, None is one that was not tried yet, False one that there was an event about. A port that stays out of
    reach makes one event, and one more when it can be had.
    """
    ports = [gateway.platform.discovery_port, gateway.platform.netbios_port]
    for index in (0, 1):
        if sockets[index]:
            continue
        had_failed = sockets[index] is False
        try:
            sockets[index], ports[index] = bound(socket.SOCK_DGRAM, "0.0.0.0", ports[index])
            poll.register(sockets[index], select.POLLIN)
            if had_failed:
                gateway.events.add("network", f"{_NAMES[index]}: answers again")
        except OSError as error:
            _failed(gateway, sockets, index, f"port {ports[index]} cannot be had: {error!r}")
            ports[index] = None
    return ports


def close(gateway, sockets, poll, index, error):
    """Close a socket that broke."""
    poll.unregister(sockets[index])
    sockets[index].close()
    sockets[index] = None
    _failed(gateway, sockets, index, repr(error))


def _failed(gateway, sockets, index, why):
    if sockets[index] is None:
        gateway.events.add("network", f"{_NAMES[index]} answers nobody: {why}")
    sockets[index] = False
