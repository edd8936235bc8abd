"""Hears whoever searches the network for gateways (UDP 33333), or for this one by its NetBIOS name (UDP 137).

One task looks at both sockets some eight times a second. That takes half the RAM of two tasks that wait, and what must be
done anyway comes by itself: an answer is late by a random time, so that many gateways do not answer in one moment, and in a
storm of datagrams the loop is free in between while the network drops what nobody reads. What a datagram means and how it
is answered is in modules that are in RAM only meanwhile: discovery_answer.py, netbios_answer.py; the sockets are opened and
closed by discovery_sockets.py. No class, and what is long is not in the coroutine: both would cost RAM all the while.
"""

import asyncio
from time import ticks_us

from micropython import const

_LOOK_MS = const(64)  # from one look to the next, at least
_SPREAD_MS = const(0x7F)  # and at most so much later: a mask
_READS = const(8)  # datagrams of one socket in one look; what an ESP32 keeps is six
_LONGEST = const(64)  # bytes that are looked at; what is asked has 4 or 50
_LEFT = const(2)  # where in `sockets` the sums begin
_COST = const(2)  # of an answer; each look brings 1
_SAVED = const(8)  # at most: four answers at once, four in a second for long; of each socket
_RETRY_LOOKS = const(0x7F)  # a quarter of a minute from one try at a port to the next: a mask


async def run(gateway, sockets, poll):
    """Answer, for ever. Sockets that broke or could not be bound are tried again four times a minute.

    `gateway`: firmware/main.py; the others come from discovery_sockets.open(). `sockets` holds both sockets, False for one
    that is not open, and behind them what the answers of each may still cost.
    """
    looks = 0
    while True:
        await asyncio.sleep_ms(_LOOK_MS + (ticks_us() & _SPREAD_MS))  # pyright: ignore[reportOperatorIssue]
        looks = looks + 1 & _RETRY_LOOKS
        _look(gateway, sockets, poll, not looks)


def _look(gateway, sockets, poll, retry):
    """Read what is there, and answer what may be answered."""
    load = gateway.router.module
    if retry and not (sockets[0] and sockets[1]):
        load("firmware.services.discovery_sockets").bind(gateway, sockets, poll)
    for left in (_LEFT, _LEFT + 1):
        sockets[left] = min(sockets[left] + 1, _SAVED)
    for sock, _ in poll.ipoll(0):
        index = 0 if sock is sockets[0] else 1
        for _ in range(_READS):
            try:
                datagram, address = sock.recvfrom(_LONGEST)
            except OSError as error:
                import errno

                if error.errno == errno.EAGAIN:
                    break
                load("firmware.services.discovery_sockets").close(gateway, sockets, poll, index, error)
                return  # what is walked through has changed
            if index == 0:
                name = "firmware.services.discovery_answer"
                wanted = datagram[:4] == b"\x00\x00\x00\x1a"  # the word that searches
            else:
                name = "firmware.services.netbios_answer"
                wanted = datagram[13:17] in (b"FDEH", b"CKAA")  # what names begin with there: "SG", "*"
            if not wanted or sockets[_LEFT + index] < _COST:
                continue
            sockets[_LEFT + index] -= _COST
            try:
                answer = load(name).answer(gateway, datagram, address)
                if answer:
                    sock.sendto(answer, address)
            except (OSError, MemoryError):
                pass  # no way there, or no room now: who searches asks again
