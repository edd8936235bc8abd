"""One round of asking for the time: what firmware/services/clock.py starts now and then. Nothing here ever blocks the loop.

Up to three servers, each a name or an address with `:port` if need be, are tried in turn, the one that answered last first.
Of a few samples the one with the shortest way there and back counts. How a correction is applied is the clock's matter
(slewed below one second, stepped above); one that is smaller than the sample's own error is left alone.

`service` is the SntpService, which keeps what lasts from one round to the next.
"""

import asyncio
import errno
from os import urandom

from micropython import const

from firmware.services.resolver import Resolver
from lib.aio import udp
from lib.clock import dns, sntp
from lib.clock.errors import FrameError, PeerError

_SAMPLES = const(3)
_LOSSES = const(2)  # samples without an answer before the next server is asked
_QUIET_FAILURES = const(2)  # rounds that may fail before there is an event: at start the network takes its time
_RATE_S = const(900)  # kiss-of-death RATE: not asked for so long, doubled each time ...
_DENY_S = const(86400)  # ... to no more than this, which DENY and RSTR mean at once
_MOST_HELD = const(8)


async def sync(service):
    """Ask the servers in turn until one gives the time, and apply it; return False if none does."""
    hosts = _hosts(service)
    why = "none is set"
    for turn in range(len(hosts)):
        index = (service.preferred + turn) % len(hosts)
        host = hosts[index]
        if service.clock.uptime_s() < service.held.get(host, (0, 0))[0]:
            why = host + ": asked for a pause"
            continue
        try:
            ahead_ms, delay_ms = await _measure(service, host)
        except (OSError, FrameError, PeerError, ValueError) as error:
            why = host + ": " + _refused(service, host, error)
            continue
        service.preferred = index
        service.held.pop(host, None)
        _apply(service, host, ahead_ms, delay_ms)
        return True
    service.failures += 1
    if service.failures > _QUIET_FAILURES and not service.is_down:
        service.is_down = True
        service.events.add("time", "no time server answers; " + why)
    return False


def _hosts(service):
    found = []
    for name in ("ntp_server1", "ntp_server2", "ntp_server3"):
        host = (service.settings.get(name) or "").strip()
        if host and host not in found:
            found.append(host)
    return found


async def _measure(service, host):
    """Return (Unix time less uptime in ms, delay in ms) of the best sample.

    Uptime and not the clock is measured against: nobody sets it meanwhile.
    """
    resolver = Resolver(service.dns_servers, service.clock.uptime_s, service.known)
    resolver.timeout_ms = service.dns_timeout_ms
    name, port = dns.split_host(host, sntp.PORT)
    address = (await resolver.resolve(name), port)
    best = None
    losses = 0
    for sample in range(_SAMPLES):
        if sample:
            await asyncio.sleep_ms(service.spacing_ms)
        try:
            ahead_ms, delay_ms = await _sample(service, address)
        except (OSError, FrameError):
            losses += 1
            if losses >= _LOSSES:
                if best:
                    break
                resolver.forget(name)
                raise
            continue
        if best is None or delay_ms < best[1]:
            best = (ahead_ms, delay_ms)
    assert best  # else the last loss had raised
    return best


async def _sample(service, address):
    packet = bytearray(sntp.SIZE)
    answer = memoryview(bytearray(sntp.SIZE))
    cookie = urandom(sntp.COOKIE_SIZE)
    sntp.request(packet, cookie)
    sent_ms = service.clock.uptime_ms()
    length = await udp.exchange(address, packet, answer, service.timeout_ms, lambda view: sntp.answers(view, cookie))
    received_ms = service.clock.uptime_ms()
    reply = answer[:length]
    sntp.check(reply, cookie)
    return sntp.measure(reply, sent_ms, received_ms)


def _apply(service, host, ahead_ms, delay_ms):
    clock = service.clock
    first = not clock.is_set
    unix_ms = clock.uptime_ms() + ahead_ms
    service.correction_ms = 0
    if first or abs(unix_ms - clock.utc_ms()) > delay_ms // 2:
        service.correction_ms = clock.set(unix_ms, host)
    service.server = host
    service.delay_ms = delay_ms
    service.synced_s = clock.uptime_s()
    service.failures = 0
    if first:
        service.events.add("time", "set by " + host)
    elif abs(service.correction_ms) >= 1000:
        service.events.add("time", f"step of {_seconds(service.correction_ms)} s by {host}")
    if service.is_down:
        service.is_down = False
        service.events.add("time", host + " answers again")


def _refused(service, host, error):
    """Note who does not want to be asked; return the reason in words."""
    if isinstance(error, OSError):
        return "no answer" if error.errno == errno.ETIMEDOUT else f"network error {error.errno}"
    reason = str(error.args[0])
    hold_s = 0
    if reason in ("DENY", "RSTR"):
        hold_s = _DENY_S
    elif reason == "RATE":
        hold_s = min(service.held.get(host, (0, _RATE_S // 2))[1] * 2, _DENY_S)
    if hold_s:
        if len(service.held) >= _MOST_HELD:
            service.held.clear()
        service.held[host] = (service.clock.uptime_s() + hold_s, hold_s)
    return reason


def _seconds(milliseconds):
    """Return milliseconds as seconds with sign and three decimals."""
    sign = "-" if milliseconds < 0 else "+"
    return f"{sign}{abs(milliseconds) // 1000}.{abs(milliseconds) % 1000:03d}"
