"""Keeps the clock right by SNTP, with DNS queries of its own: nothing here ever blocks the loop.

Up to three servers, each a name or an address with `:port` if need be, are tried in turn, the one that answered last first.
Of a few samples the one with the shortest way there and back counts. How a correction is applied is the clock's matter
(slewed below one second, stepped above); one that is smaller than the sample's own error is left alone.
"""

import asyncio
import errno
from os import urandom

from micropython import const

from lib.aio import udp
from lib.clock import dns, sntp
from lib.clock.errors import FrameError, PeerError

_FIRST_S = const(16)  # the pauses after failures double from here to _UNSET_S while the clock is not set
_UNSET_S = const(64)  # ... and from here to _SET_S once it is
_SET_S = const(3600)
_OFF_S = const(60)  # how often the settings are looked at while synchronising is switched off
_SAMPLES = const(3)
_LOSSES = const(2)  # samples without an answer before the next server is asked
_QUIET_FAILURES = const(2)  # rounds that may fail before there is an event: at start the network takes its time
_RATE_S = const(900)  # kiss-of-death RATE: not asked for so long, doubled each time ...
_DENY_S = const(86400)  # ... to no more than this, which DENY and RSTR mean at once
_ATTEMPTS = const(2)  # questions to a DNS server that does not answer
_MOST_KNOWN = const(8)  # host names remembered
_SHORTEST_TTL_S = const(60)
_LONGEST_TTL_S = const(86400)


class Resolver:
    """Addresses of host names: asks DNS servers, and remembers for as long as the records may live.

    `servers` returns the addresses ("ip" or "ip:port") to ask now; `uptime_s` returns seconds since the start.
    """

    timeout_ms = 2000

    def __init__(self, servers, uptime_s, exchange=udp.exchange):
        self._servers = servers
        self._uptime_s = uptime_s
        self._exchange = exchange
        self._known = {}  # host: (address, uptime_s until which it holds)

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
                        split_host(server, dns.PORT),
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


class SntpService:
    """The task that keeps `clock` right; see run().

    `settings.get(name)`: ntp_server1 to ntp_server3 (text, empty for none) and time_sync_src (0: off).
    `events.add(kind, text)`: set, stepped, no server answers, one answers again. `resolver` is a Resolver.
    """

    timeout_ms = 3000
    spacing_ms = 2000  # between two samples

    def __init__(self, clock, settings, events, resolver, exchange=udp.exchange):
        self._clock = clock
        self._settings = settings
        self._events = events
        self._resolver = resolver
        self._exchange = exchange
        self._packet = bytearray(sntp.SIZE)
        self._reply = memoryview(bytearray(sntp.SIZE))
        self._wake = False
        self._preferred = 0  # index of the server that answered last
        self._held = {}  # host: (uptime_s until which it is not asked, how long that was)
        self._down = False  # there was an event that no server answers
        self.failures = 0  # rounds without any answer, since the last one with
        self.server = ""  # the last that gave the time
        self.correction_ms = 0  # what it changed
        self.delay_ms = 0  # there and back
        self.synced_s = None  # uptime of that, None: never

    def wake(self):
        """Ask within a second: the network came up, or the settings changed."""
        self.failures = 0
        self._wake = True

    async def run(self):
        """Ask every 64 s until the clock is set, then every hour; after failures sooner at first, then less and less."""
        while True:
            self._wake = False
            pause_s = _OFF_S
            if self._settings.get("time_sync_src"):
                await self.sync()
                pause_s = self.pause_s()
            spread = urandom(1)[0]  # seven to nine eighths: many gateways do not ask in one moment
            for _ in range(pause_s - pause_s // 8 + pause_s * spread // 1024):
                if self._wake:
                    break
                await asyncio.sleep(1)  # a task with a deadline would cost half a kilobyte all the while

    def pause_s(self):
        """Return the seconds until the next round, before they are spread."""
        if not self._clock.is_set:
            return min(_FIRST_S << min(self.failures, 8), _UNSET_S)
        if self.failures:
            return min(_UNSET_S << min(self.failures - 1, 8), _SET_S)
        return _SET_S

    async def sync(self):
        """Ask the servers in turn until one gives the time, and apply it; return False if none does."""
        hosts = self._hosts()
        why = "none is set"
        for turn in range(len(hosts)):
            index = (self._preferred + turn) % len(hosts)
            host = hosts[index]
            if self._clock.uptime_s() < self._held.get(host, (0, 0))[0]:
                why = host + ": asked for a pause"
                continue
            try:
                ahead_ms, delay_ms = await self._measure(host)
            except (OSError, FrameError, PeerError, ValueError) as error:
                why = host + ": " + self._refused(host, error)
                continue
            self._preferred = index
            self._held.pop(host, None)
            self._apply(host, ahead_ms, delay_ms)
            return True
        self.failures += 1
        if self.failures > _QUIET_FAILURES and not self._down:
            self._down = True
            self._events.add("time", "no time server answers; " + why)
        return False

    def _hosts(self):
        found = []
        for name in ("ntp_server1", "ntp_server2", "ntp_server3"):
            host = (self._settings.get(name) or "").strip()
            if host and host not in found:
                found.append(host)
        return found

    async def _measure(self, host):
        """Return (Unix time less uptime in ms, delay in ms) of the best sample.

        Uptime and not the clock is measured against: nobody sets it meanwhile.
        """
        name, port = split_host(host, sntp.PORT)
        address = (await self._resolver.resolve(name), port)
        best = None
        losses = 0
        for sample in range(_SAMPLES):
            if sample:
                await asyncio.sleep_ms(self.spacing_ms)
            try:
                ahead_ms, delay_ms = await self._sample(address)
            except (OSError, FrameError):
                losses += 1
                if losses >= _LOSSES:
                    if best:
                        break
                    self._resolver.forget(name)
                    raise
                continue
            if best is None or delay_ms < best[1]:
                best = (ahead_ms, delay_ms)
        assert best  # else the last loss had raised
        return best

    async def _sample(self, address):
        cookie = urandom(sntp.COOKIE_SIZE)
        sntp.request(self._packet, cookie)
        sent_ms = self._clock.uptime_ms()
        length = await self._exchange(
            address, self._packet, self._reply, self.timeout_ms, lambda view: sntp.answers(view, cookie)
        )
        received_ms = self._clock.uptime_ms()
        reply = self._reply[:length]
        sntp.check(reply, cookie)
        return sntp.measure(reply, sent_ms, received_ms)

    def _apply(self, host, ahead_ms, delay_ms):
        clock = self._clock
        first = not clock.is_set
        unix_ms = clock.uptime_ms() + ahead_ms
        self.correction_ms = 0
        if first or abs(unix_ms - clock.utc_ms()) > delay_ms // 2:
            self.correction_ms = clock.set(unix_ms, host)
        self.server = host
        self.delay_ms = delay_ms
        self.synced_s = clock.uptime_s()
        self.failures = 0
        if first:
            self._events.add("time", "set by " + host)
        elif abs(self.correction_ms) >= 1000:
            self._events.add("time", f"step of {_seconds(self.correction_ms)} s by {host}")
        if self._down:
            self._down = False
            self._events.add("time", host + " answers again")

    def _refused(self, host, error):
        """Note who does not want to be asked; return the reason in words."""
        if isinstance(error, OSError):
            return "no answer" if error.errno == errno.ETIMEDOUT else f"network error {error.errno}"
        reason = str(error.args[0])
        hold_s = 0
        if reason in ("DENY", "RSTR"):
            hold_s = _DENY_S
        elif reason == "RATE":
            hold_s = min(self._held.get(host, (0, _RATE_S // 2))[1] * 2, _DENY_S)
        if hold_s:
            if len(self._held) >= _MOST_KNOWN:
                self._held.clear()
            self._held[host] = (self._clock.uptime_s() + hold_s, hold_s)
        return reason


def split_host(text, port):
    """Return (host, port) from "host" or "host:port", with the given port for the first. Raises ValueError."""
    host, colon, digits = text.partition(":")
    if colon:
        if not digits.isdigit() or not 0 < int(digits) < 65536:
            raise ValueError("port from 1 to 65535 expected")
        port = int(digits)
    return host, port


def _seconds(milliseconds):
    """Return milliseconds as seconds with sign and three decimals."""
    sign = "-" if milliseconds < 0 else "+"
    return f"{sign}{abs(milliseconds) // 1000}.{abs(milliseconds) % 1000:03d}"
