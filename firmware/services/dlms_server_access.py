"""/api/dlms_server: how the DLMS server and its link to the central server do; POST has it look for that at once."""

from lib.aio.connect import ConnectionFailed
from lib.http.errors import HttpError
from lib.http.json_text import put_items


async def get(gateway, request, response):
    server = gateway.dlms_server
    response.put(b"{")
    await put_items(response, _items(server))
    response.put(b"}")


def _items(server):
    yield "port", server.port if server else 0
    if server is None:
        yield "connections", 0
        yield "link", "Disabled"
        return
    yield "connections", len(server.sessions)
    yield "served", server.served
    yield "refused", server.refused
    yield "passed", server.passed
    uplink = server.uplink
    if uplink is None:
        yield "link", "Disabled"
        return
    link = uplink.link
    yield "link", link.state
    yield "cause", link.cause
    yield "since", link.since
    yield "on_reserve", link.is_reserve
    yield "beats", uplink.beats


async def post(gateway, request, response, body):
    """Connect to the central server now; while the reserve serves: return to the main one if it is there. Takes {}."""
    server = gateway.dlms_server
    if server is None or server.uplink is None:
        raise HttpError(409, "there is no central server")
    server.uplink.again()
    try:
        await server.uplink.look()
    except ConnectionFailed as error:
        raise HttpError(504, "the main server: " + error.args[0])
    await get(gateway, request, response)
