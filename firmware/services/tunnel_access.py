"""/api/tunnel: who uses the transparent port; an administrator lets anybody use it for some minutes."""

from micropython import const

from lib.http.errors import HttpError
from lib.http.json_text import put_items

_MOST_MINUTES = const(60)


async def get(gateway, request, response):
    tunnel = gateway.tunnel
    response.put(b"{")
    if tunnel is None:
        await put_items(response, (("port", ""), ("left_s", 0), ("raw", 0), ("rfc2217", 0), ("client", "")))
    else:
        session = tunnel.session
        facts = [
            ("port", tunnel.port),
            ("left_s", tunnel.left_s()),
            ("raw", tunnel.raw),
            ("rfc2217", tunnel.rfc2217),
            ("served", tunnel.served),
            ("refused", tunnel.refused),
            ("client", session.address if session else ""),
        ]
        if session and session.wire:
            facts.append(("seconds", session.seconds))
            facts.append(("sent", session.wire.sent))
            facts.append(("received", session.wire.received))
        await put_items(response, facts)
    response.put(b"}")


async def post(gateway, request, response, body):
    """Take {"minutes": 10}: 1 to 60, from now on; 0 ends it and disconnects whoever uses the port."""
    minutes = body.get("minutes")
    if not isinstance(minutes, int) or isinstance(minutes, bool) or not 0 <= minutes <= _MOST_MINUTES:
        raise HttpError(400, f"minutes may be 0 to {_MOST_MINUTES}")
    tunnel = gateway.tunnel
    if tunnel is None or not tunnel.port:
        raise HttpError(409, "no serial port is chosen for it")
    if minutes or tunnel.left_s():
        tunnel.tell(f"open to everybody for {minutes} minutes" if minutes else "no longer open to everybody")
    tunnel.open(minutes)
    await get(gateway, request, response)
