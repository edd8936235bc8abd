"""One question and its answer over UDP, under one deadline, without holding the loop."""

import asyncio
import errno
import socket

from lib.aio.ready import readable


async def exchange(address, packet, buffer, timeout_ms, wanted=None):
    """Send `packet` to `address`, (ip, port), and return the length of the answer, which is in `buffer` from its start.

    Only datagrams from that very ip and port are seen (the socket is connected), and of these only such as `wanted(view)`
    says yes to, if it is given; the others are dropped and the wait goes on. A datagram longer than the buffer is cut.
    Raises OSError: ETIMEDOUT when `timeout_ms` have passed, ECONNREFUSED and the like as the network reports them, and
    ValueError for an ip that is not numeric: looking up a name would block. The socket is closed in every case.
    """
    ip, port = address
    for character in ip:
        if character not in "0123456789.":
            raise ValueError("numeric address expected")
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.connect(socket.getaddrinfo(ip, port)[0][-1])
        sock.send(packet)
        return await asyncio.wait_for_ms(_answer(sock, memoryview(buffer), wanted), timeout_ms)
    except asyncio.TimeoutError:  # noqa: UP041 - no builtin here
        raise OSError(errno.ETIMEDOUT) from None
    finally:
        sock.close()


async def _answer(sock, view, wanted):
    while True:
        await readable(sock)  # pyright: ignore[reportGeneralTypeIssues]
        try:
            # Not readinto: as a stream's method it goes on until the buffer is full, and joins datagrams to one.
            datagram = sock.recv(len(view))
        except OSError as error:
            if error.errno != errno.EAGAIN:  # woken for nothing
                raise
            continue
        view[: len(datagram)] = datagram
        if wanted is None or wanted(view[: len(datagram)]):
            return len(datagram)
