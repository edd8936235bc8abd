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


async def open_next(gateway, link):
    """Return a connection for who serves the link, to the server whose turn it is. Raises ConnectionFailed."""
    if link.reserve:
        link.reserve.choose()
    return await open_link(gateway, link.number, link.is_reserve)


def tell(gateway, link, state, cause):
    """Note how a link does. An event is what people should know of: a connection, and a server that fails for something new."""
    is_new = link.tell(state, cause, gateway.clock.utc())
    if cause:
        text = link.is_news(cause) and ("reserve server: " if link.is_reserve else "") + SENTENCES.get(cause, cause)
    else:
        text = state == "Connected" and link.greeting(is_new)
    if text:
        gateway.events.add("push", f"link {link.number}: {text}")


def server(settings, number, is_reserve):
    """Return (host, port) of a link's main server, or of the reserve, whose port is the main one's if none is set."""
    port = settings.get(f"mqtt{number}_port")
    if is_reserve:
        return settings.get(f"mqtt{number}_reserve_server"), settings.get(f"mqtt{number}_reserve_port") or port
    return settings.get(f"mqtt{number}_server"), port


async def open_link(gateway, number, is_reserve=False, on_address=None, has_tls=True):
    """Return a connection to a server of a link (lib/aio/connect.py). Raises ConnectionFailed.

    on_address() is called when the server's address is known. `has_tls`: if the settings say so.
    """
    settings = gateway.settings
    host, port = server(settings, number, is_reserve)
    load = gateway.router.module  # what is needed for connections only is in RAM then
    try:
        resolver = load("firmware.services.resolver").Resolver(
            lambda: gateway.platform.network.dns_servers, gateway.clock.uptime_s
        )
        context = prepare(gateway, number) if has_tls else None
    except MemoryError:
        raise ConnectionFailed("memory")
    timeout_ms = 1000 * settings.get(f"push{number}_resp_time")

    async def resolve(name):
        address = await resolver.resolve(name)
        if on_address:
            on_address()
        return address

    return await connect(host, port, resolve, timeout_ms, context)


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
