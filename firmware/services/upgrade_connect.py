"""Connections for upgrades, and in words why something failed."""

from firmware.services import push_connect
from lib.aio import connect as connections
from lib.aio.connect import ConnectionFailed
from lib.http.client import Failed
from lib.http.errors import HttpError

TIMEOUT_MS = 15000  # for each step


def connector(gateway, certificate):
    """Return connect(host, port, is_secure) for lib/http/client.py. Raises ConnectionFailed.

    Servers have to show what `certificate` signed, a name of firmware/state/certificates.py; "" for those without TLS.
    """
    load = gateway.router.module
    context = None
    if certificate:
        store = load("firmware.state.certificates").Certificates(gateway.platform.root)
        try:
            context = __import__("lib.aio.tls_client", None, None, ("*",)).context(store.load(certificate))
        except KeyError:
            raise ConnectionFailed("tls_files")

    async def connect(host, port, is_secure):
        if is_secure and not context:
            raise Failed("certificate", "https needs a certificate: choose that of the server's authority")
        resolver = load("firmware.services.resolver").Resolver(
            lambda: gateway.platform.network.dns_servers, gateway.clock.uptime_s
        )
        return await connections.connect(host, port, resolver.resolve, TIMEOUT_MS, context if is_secure else None)

    return connect


def told(error):
    """Return (cause, sentence) of what an upgrade, or a look at latest.json, ended with."""
    cause = getattr(error, "cause", None)
    if cause:
        return cause, str(error)
    if isinstance(error, HttpError):
        return "closed", error.message  # of an upload
    if isinstance(error, ConnectionFailed):
        cause = error.args[0]
        return cause, push_connect.SENTENCES.get(cause, cause)
    if isinstance(error, MemoryError):
        return "memory", "no memory for an upgrade now"
    if isinstance(error, OSError):
        return "flash", f"the flash does not take it: {error!r}"
    return "internal", f"internal error: {error!r}"
