"""SNTP client packets, read and written: no I/O, no clock.

Source: RFC 4330 (SNTPv4), 4 (format), 5 (client), 8 (kiss-of-death); RFC 5905, 6 and 7.3. All fields are big-endian.

    0   LI(2) VN(3) mode(3)    1 stratum    2 poll    3 precision
    4   root delay (16.16 s)   8 root dispersion (16.16 s)   12 reference id
    16  reference time   24 originate time   32 receive time   40 transmit time   (each 32.32 s since 1900)

The transmit time of a request is a random cookie: the server returns it untouched, so that only who has seen the request
can answer it; when we sent is for us alone to remember.
"""

import struct

from micropython import const

from lib.clock.errors import FrameError, PeerError

PORT = const(123)
SIZE = const(48)
COOKIE_SIZE = const(8)

_CLIENT = const(0x23)  # leap 0, version 4, mode 3
_SERVER_MODE = const(4)
_UNSYNCHRONISED = const(3)  # leap indicator
_LAST_STRATUM = const(15)
_LONGEST_ROOT = const(16 << 16)  # 16 s (MAXDISP): root delay or dispersion of a server nobody should follow
_UNIX_IN_NTP = const(2208988800)  # 01.01.1970, in seconds since 1900
_ERA_S = const(4294967296)
_TOLERANCE_MS = const(5)  # all four times are rounded down, and the caller's clock may be catching up
_EARLIEST_S = const(1483228800)  # 01.01.2017: an older time is that of a server whose own clock was never set


def request(packet, cookie):
    """Write a request into `packet` (SIZE bytes); `cookie` is COOKIE_SIZE random bytes, not all zero."""
    for i in range(SIZE):
        packet[i] = 0
    packet[0] = _CLIENT
    packet[40:48] = cookie


def answers(reply, cookie):
    """Tell whether a datagram is a server's answer to the request with this cookie, good or bad."""
    return len(reply) >= SIZE and reply[0] & 7 == _SERVER_MODE and bytes(reply[24:32]) == bytes(cookie)


def check(reply, cookie):
    """Return quietly if the reply gives a time that may be used.

    Raises FrameError("length", "mode", "version", "originate", "transmit", "times"): not a proper answer to this request;
    PeerError with the kiss-of-death code ("RATE", "DENY", "RSTR", ...), "unsynchronised" or "clock not set".
    """
    if len(reply) < SIZE:
        raise FrameError("length")
    if reply[0] & 7 != _SERVER_MODE:
        raise FrameError("mode")
    if not 1 <= reply[0] >> 3 & 7 <= 4:
        raise FrameError("version")
    if bytes(reply[24:32]) != bytes(cookie):
        raise FrameError("originate")
    stratum = reply[1]
    if stratum == 0:
        raise PeerError(_code(reply))
    if reply[0] >> 6 == _UNSYNCHRONISED or stratum > _LAST_STRATUM:
        raise PeerError("unsynchronised")
    root_delay, root_dispersion = struct.unpack_from(">II", reply, 4)
    # The delay is signed (RFC 5905, A.1): a small negative one is odd, but no reason to refuse.
    if root_dispersion >= _LONGEST_ROOT or _LONGEST_ROOT <= root_delay < 0x80000000:
        raise PeerError("unsynchronised")
    if bytes(reply[40:48]) == bytes(8):
        raise FrameError("transmit")
    received_ms = _unix_ms(reply, 32)
    sent_ms = _unix_ms(reply, 40)
    if sent_ms < received_ms:
        raise FrameError("times")
    if received_ms < _EARLIEST_S * 1000:
        raise PeerError("clock not set")


def measure(reply, sent_ms, received_ms):
    """Return (offset_ms, delay_ms) from a checked reply.

    `sent_ms` and `received_ms` are the moments of request and reply on the caller's own clock (Unix milliseconds);
    offset_ms is what to add to that clock, delay_ms the way there and back: half of it is the largest error.
    Raises FrameError("delay") if the server held the request for longer than the whole exchange took.
    """
    there = _unix_ms(reply, 32) - sent_ms
    back = _unix_ms(reply, 40) - received_ms
    delay_ms = there - back
    if delay_ms < -_TOLERANCE_MS:
        raise FrameError("delay")
    return (there + back) // 2, max(delay_ms, 0)


def _unix_ms(reply, at):
    """Return a timestamp as Unix milliseconds; seconds below 2**31 belong to the era that begins in 2036 (RFC 4330, 3)."""
    seconds, fraction = struct.unpack_from(">II", reply, at)
    if seconds < 0x80000000:
        seconds += _ERA_S
    return (seconds - _UNIX_IN_NTP) * 1000 + (fraction * 1000 >> 32)


def _code(reply):
    """Return the kiss code, four ASCII letters; anything else is shown as "kiss"."""
    for i in range(12, 16):
        if not 65 <= reply[i] <= 90:
            return "kiss"
    return bytes(reply[12:16]).decode()
