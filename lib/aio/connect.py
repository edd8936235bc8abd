"""Outgoing TCP connections, with TLS where asked for: no step holds the loop, each has a deadline, each failure a cause.

Sockets are tried again after a pause rather than awaited: cancelling one wait on a socket makes asyncio forget the other
direction, and a TLS socket among those awaited is asked every millisecond anyway. A pause costs no memory.
"""

import asyncio
import errno
import select
import socket
from time import ticks_diff, ticks_ms

from micropython import const

PAUSE_MS = const(10)

_NO_MEMORY = (errno.ENOMEM, errno.ENOBUFS, 23, 24, 105, 0x2880, 0x3F80, 0x4D80, 0x7F00)  # ENFILE, EMFILE; 0x...: of mbedTLS
_UNVERIFIED = const(0x2700)  # of mbedTLS: X509_CERT_VERIFY_FAILED, where it has no sentences
_TLS_END = const(0x7280)  # of mbedTLS: SSL_CONN_EOF
# What mbedTLS says of a certificate, one line for each thing that is wrong. What explains the others comes first: before the
# clock is set every certificate is from the future.
_VERDICTS = const(
    (
        ("in the future", "tls_not_yet_valid"),
        ("not correctly signed", "tls_authority"),
        ("has expired", "tls_expired"),
        ("not match with the expected", "tls_name"),
    )
)


class ConnectionFailed(Exception):
    """args[0] is the cause, a word for programs:

    dns                no address for the name, or no answer in time
    refused            the machine is there, nobody listens at the port
    unreachable        no way to the machine
    timeout            a step took too long
    closed             the other side, or we ourselves, ended the connection
    memory             no memory or no socket left here
    tls_not_yet_valid  the certificate is from the future, or our clock is not set
    tls_expired        it is no longer valid
    tls_name           it is for another name
    tls_authority      it is not signed by the authority we were given
    tls_handshake      no agreement: no TLS at the port, versions, ciphers, or our certificate is not accepted or missing: then
                       the other side may end the connection without a word, before it says anything else
    tls_files          our own authority, certificate or key cannot be used (lib/aio/tls_client.py)
    """


def cause_of(error, is_connected=True):
    """Return the cause that an OSError, ValueError or MemoryError of a socket amounts to."""
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, ValueError):
        text = str(error)
        for words, cause in _VERDICTS:
            if words in text:
                return cause
        return "tls_handshake"
    number = abs(error.errno)  # a TLS socket negates what it has from below
    if number in _NO_MEMORY:
        return "memory"
    if number == errno.ETIMEDOUT:
        return "timeout"
    if number == _UNVERIFIED:
        return "tls_authority"
    if number > 255 and number != _TLS_END:
        return "tls_handshake"
    if is_connected:
        return "closed"
    # lwIP reports a refusal as a reset.
    return "refused" if number == errno.ECONNREFUSED or number == errno.ECONNRESET else "unreachable"


async def connect(host, port, resolve, timeout_ms, context=None):
    """Return a Connection to a host name or address; no step of it, now or later, takes longer than `timeout_ms`.

    `await resolve(host)` returns an IPv4 address as text; whatever it raises is "dns". With `context`, a tls.SSLContext, the
    certificate has to be for `host`; the handshake takes place in the first send(). Raises ConnectionFailed.
    """
    try:
        ip = await asyncio.wait_for_ms(resolve(host), timeout_ms)
    except Exception as error:
        raise ConnectionFailed("memory" if isinstance(error, MemoryError) else "dns")
    connection = None
    try:
        connection = Connection(socket.socket(), timeout_ms)
        await connection.open(ip, port)
        if context:
            connection.secure(context, host)
        return connection
    except (OSError, ValueError, MemoryError) as error:
        raise ConnectionFailed(cause_of(error, False))
    finally:
        if connection and not connection.is_open:
            connection.close()


class Connection:
    """One task receives; others send, one after the other. `cause`: why it ended, "" while it lives."""

    def __init__(self, raw, timeout_ms):
        """`raw`: a new TCP socket."""
        self._raw = raw
        self._socket = raw  # or the TLS socket above it
        self._timeout_ms = timeout_ms
        self._is_unproved = False  # TLS, and nothing has come through it yet
        self.is_open = False
        self.cause = ""

    async def open(self, ip, port):
        """Connect; of use to connect() only. Raises OSError and ConnectionFailed."""
        raw = self._raw
        raw.setblocking(False)
        raw.setsockopt(getattr(socket, "IPPROTO_TCP", 6), getattr(socket, "TCP_NODELAY", 1), 1)
        try:
            raw.connect(socket.getaddrinfo(ip, port)[0][-1])
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                raise
        poller = select.poll()
        poller.register(raw, select.POLLOUT)
        since = ticks_ms()
        while True:
            events = poller.poll(0)
            if events:
                break
            if ticks_diff(ticks_ms(), since) > self._timeout_ms:
                raise OSError(errno.ETIMEDOUT)
            await asyncio.sleep_ms(PAUSE_MS)
        if events[0][1] & (select.POLLERR | select.POLLHUP):
            raw.recv(1)  # which raises what is wrong
            raise OSError(errno.ECONNREFUSED)
        self.is_open = True

    def secure(self, context, host):
        """Put TLS on top. Raises OSError, ValueError; then the connection is closed."""
        self.is_open = False
        self._is_unproved = True
        self._socket = context.wrap_socket(self._raw, server_hostname=host, do_handshake_on_connect=False)
        self.is_open = True

    async def send(self, data):
        """Send all of it, bytes or a view. Raises ConnectionFailed, and the connection is closed; so it is when cancelled."""
        view = memoryview(data)
        since = ticks_ms()
        try:
            while view:
                if self._socket is None:
                    raise ConnectionFailed(self.cause)
                count = self._socket.write(view)
                if count:
                    view = view[count:]  # TLS wants the rest at the same place again
                    since = ticks_ms()
                elif ticks_diff(ticks_ms(), since) > self._timeout_ms:
                    raise OSError(errno.ETIMEDOUT)
                else:
                    await asyncio.sleep_ms(PAUSE_MS)
        except (OSError, ValueError, MemoryError) as error:
            raise self._failed(error)
        finally:
            if len(view):
                self.close()
        await asyncio.sleep_ms(0)  # let others in between the pieces

    def receive(self, view):
        """Read what is there into the view; return the count, None if nothing is. Raises ConnectionFailed at the end."""
        if self._socket is None:
            raise ConnectionFailed(self.cause)
        try:
            count = self._socket.readinto(view)
        except (OSError, ValueError, MemoryError) as error:
            raise self._failed(error)
        if count == 0:
            raise self._failed(OSError(errno.ECONNRESET))
        if count:
            self._is_unproved = False
        return count

    def close(self, cause="closed"):
        """Close at once, once only. Who sends or receives then gets ConnectionFailed with the cause."""
        if self._raw is None:
            return
        self.cause = cause
        self.is_open = False
        self._socket.close()
        self._raw.close()  # closing a TLS socket after a failed handshake does not
        self._socket = self._raw = None

    def _failed(self, error):
        cause = cause_of(error)
        self.close("tls_handshake" if cause == "closed" and self._is_unproved else cause)
        return ConnectionFailed(self.cause)
