"""Host names to addresses, by DNS queries of our own: getaddrinfo would block the loop."""

import errno
from os import urandom

from micropython import const

from lib.aio import udp
from lib.clock import dns
from lib.clock.errors import FrameError, PeerError

_ATTEMPTS = const(2)  # questions to a DNS server that does not answer
_MOST_KNOWN = const(8)  # host names remembered
_SHORTEST_TTL_S = const(60)
_LONGEST_TTL_S = const(86400)


class Resolver:
    """Addresses of host names: asks DNS servers, and remembers for as long as the records may live.

    `servers` returns the addresses ("ip" or "ip:port") to ask now; `uptime_s` returns seconds since the start. `known` is kept
    by whoever makes a resolver again and again: host: (address, uptime_s until which it holds).
    """

    timeout_ms = 2000

    def __init__(self, servers, uptime_s, known=None, exchange=udp.exchange):
        self._servers = servers
        self._uptime_s = uptime_s
        self._exchange = exchange
        self._known = {} if known is None else known

    async def resolve(self, host):
        """Return the IPv4 address of a host as text, of an address itself.

        If no server answers, an address known from before serves on. Raises OSError (ETIMEDOUT, or no DNS server:
        EHOSTUNREACH), PeerError ("NXDOMAIN", ...), FrameError, and ValueError for what can be no host name.
        """
        if dns.is_address(host):
            return host
        known = self._known.get(host)
        if known and self._uptime_s() < known[1]:
            return known[0]
        try:
            address, ttl_s = await self._ask(host)
        except (OSError, FrameError, PeerError):
            if known:
                return known[0]
            raise
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[host] = (address, self._uptime_s() + min(max(ttl_s, _SHORTEST_TTL_S), _LONGEST_TTL_S))
        return address

    def forget(self, host):
        """Ask again next time: the address did not answer."""
        self._known.pop(host, None)

    async def _ask(self, host):
        packet = bytearray(dns.SIZE)
        noise = urandom(2)
        question = memoryview(packet)[: dns.query(packet, host, noise[0] << 8 | noise[1])]
        reply = memoryview(bytearray(dns.SIZE))
        error = OSError(errno.EHOSTUNREACH)
        servers = self._servers()
        for _ in range(_ATTEMPTS):
            silent = []
            for server in servers:
                try:
                    length = await self._exchange(
                        dns.split_host(server, dns.PORT),
                        question,
                        reply,
                        self.timeout_ms,
                        lambda view: dns.answers(view, question),
                    )
                    return dns.address(reply[:length], question)
                except PeerError as refusal:  # a private server may still know the name
                    error = refusal
                except (OSError, FrameError, ValueError) as failure:
                    silent.append(server)
                    if not isinstance(error, PeerError):
                        error = failure
            servers = silent
        raise error
