"""Connections of the links: where to, with which certificates, and in words why not."""

from lib.aio.connect import ConnectionFailed, connect

# What a person can do about it. The words: lib/aio/connect.py, lib/mqtt/client.py.
SENTENCES = {
    "dns": "the server's name was not found: check it, and the DNS servers",
    "refused": "the machine is there, but nothing listens at this port",
    "unreachable": "no way to the server: check its address, network mask and gateway",
    "timeout": "no answer in time: check address and port; or a firewall",
    "closed": "the server closed the connection: restarted, or a port for TLS",
    "memory": "no memory for another connection now",
    "tls_not_yet_valid": "the server's certificate is not valid yet: is the gateway's clock set?",
    "tls_expired": "the server's certificate has expired",
    "tls_name": "the server's certificate is for another name than the one asked for",
    "tls_authority": "the server's certificate is not from the authority that was chosen",
    "tls_handshake": "no agreement on TLS: not a TLS port, or the server wants another client certificate",
    "tls_files": "a certificate or key that was chosen is missing, or does not fit",
    "protocol": "the broker does not speak MQTT 3.1.1",
    "client_id": "the broker refuses the client's name",
    "server_unavailable": "the broker is out of service",
    "password": "wrong user name or password",
    "not_authorized": "the broker does not let this user in: check user name and password",
    "malformed": "what answers there does not speak MQTT: check the port",
    "status": "the server did not take what was sent: check path, user and password",
    "answer": "the server did not answer as it should: check port and path",
}


async def open_link(gateway, number, on_address=None):
    """Return a connection to the server of a link (lib/aio/connect.py). Raises ConnectionFailed.

    on_address() is called when the server's address is known.
    """
    settings = gateway.settings
    host = settings.get(f"mqtt{number}_server")
    load = gateway.router.module  # what is needed for connections only is in RAM then
    try:
        resolver = load("firmware.services.resolver").Resolver(
            lambda: gateway.platform.network.dns_servers, gateway.clock.uptime_s
        )
        context = prepare(gateway, number)
    except MemoryError:
        raise ConnectionFailed("memory")
    timeout_ms = 1000 * settings.get(f"push{number}_resp_time")

    async def resolve(name):
        address = await resolver.resolve(name)
        if on_address:
            on_address()
        return address

    return await connect(host, settings.get(f"mqtt{number}_port"), resolve, timeout_ms, context)


def prepare(gateway, number):
    """Return what TLS on a link takes, None for plain TCP; made once: 2 KB in one piece. Raises ConnectionFailed."""
    link = gateway.push.links[number - 1]
    link.context = link.context or _context(gateway, number)
    return link.context


def _context(gateway, number):
    """Return the tls.SSLContext that the settings of a link mean, None for plain TCP."""
    settings = gateway.settings
    kind = settings.get(f"mqtt{number}_tls")
    if not kind:
        return None
    store = gateway.router.module("firmware.state.certificates").Certificates(gateway.platform.root)
    names = [f"mqtt{number}_cert_file"] + ([f"mqtt{number}_cli_cert", f"mqtt{number}_key_file"] if kind == 2 else [])
    try:
        files = [store.load(settings.get(name)) for name in names]
        return __import__("lib.aio.tls_client", None, None, ("*",)).context(*files)
    except KeyError:
        raise ConnectionFailed("tls_files")
