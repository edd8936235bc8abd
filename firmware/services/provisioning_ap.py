"""Provisioning over an access point of the gateway's own: requests come as the bodies of POST, one path for each endpoint.

What firmware/port/ble_aioble.py is for Bluetooth; the gateway's own web server takes the requests, firmware/routes.py finds
this while it runs.

Who asks is known by a cookie, as with the stock device, or else by the address. The first phone has the session until it has
not been heard of for two minutes - somebody may be typing a long password -; requests of another one change nothing. A stock
device gives way to any newcomer.

A request that fails gets no answer: the connection is closed, as a stock device does. The phones' programs need it so: that of
iOS overlooks the status, takes what comes with it for an answer, and an empty one for "connected".

Source: ESP-IDF v5.5.5 protocomm, protocomm_httpd.c; esp_http_server, httpd_uri.c; the SoftAP transports of both programs.
"""

import asyncio
from binascii import hexlify
from os import urandom
from time import ticks_diff, ticks_ms

from micropython import const

from lib.http.server import HttpServer

_MOST_BYTES = const(512)
_HEADER_BYTES = const(960)
_AWAY_MS = const(120000)
_APPLY_MS = const(1000)  # the answer has to get out before the radio moves to another channel
_LOOK_MS = const(1000)
_FIRST = const(("proto-ver", "prov-session"))  # what a newcomer may begin with


class _Phone:
    def __init__(self, transport, peer):
        self._transport = transport
        self.peer = peer
        self.cookie = str(hexlify(urandom(8)), "ascii")
        self.is_new = True  # nothing was answered yet

    def is_connected(self):
        return self._transport.connection is self


class Transport:
    """`connection`: the phone that is served, None while there is none; it has is_connected()."""

    connection = None

    def __init__(self, gateway, port, endpoints, answer, gone):
        """`port`: the module firmware/port/wlan_ap.py; all else as of firmware/port/ble_aioble.py."""
        self._gateway = gateway
        self._port = port
        self._endpoints = endpoints
        self._answer = answer
        self._gone = gone
        self._turn = asyncio.Lock()
        self._heard_ms = 0
        self.server = None  # of our own, where the gateway's is at another port than the phones' programs ask

    async def run(self, name):
        """Have the access point of this name and serve one phone after the other, until cancelled; then it is down."""
        gateway, platform = self._gateway, self._gateway.platform
        ap = platform.access_point()
        serving = None
        try:
            self._port.start(ap, name, gateway.identity.pop)
            if platform.phones_port not in (None, gateway.server.port):
                server = self.server = HttpServer(gateway.router.find, 2, 15000, _HEADER_BYTES, _MOST_BYTES, 1)
                server.listen("0.0.0.0", platform.phones_port)
                serving = asyncio.create_task(server.run())
            gateway.trial.delay_ms = _APPLY_MS
            gateway.phones = self
            while True:
                await asyncio.sleep_ms(_LOOK_MS)
                if self.connection and ticks_diff(ticks_ms(), self._heard_ms) > _AWAY_MS:
                    self._end()
        finally:
            gateway.phones = None
            self._end()
            if serving:
                serving.cancel()
            self._port.stop(ap)

    def find(self, method, path):
        """Return what answers a request, None if it is none of ours: see lib/http/server.py."""
        return self._serve if method == "POST" and path[1:] in self._endpoints else None

    async def _serve(self, request, response):
        answer = None
        if 0 < request.content_length <= _MOST_BYTES and request.header("origin") is None:  # no page's of a browser
            content = bytes(await request.body())
            endpoint = request.path[1:]
            phone = self._phone(request, endpoint)
            if phone:
                async with self._turn:
                    if phone.is_connected():
                        answer = await self._answer(phone, endpoint, content)
                if phone.is_connected():
                    self._heard_ms = ticks_ms()
                    if phone.is_new and answer is None:
                        self._end()  # it was none
                phone.is_new = False
        if answer is None:
            response.finished = response.close = True
            return
        response.type = "application/octet-stream"
        response.add_header("Set-Cookie", "session=" + phone.cookie)
        response.put(answer)

    def _phone(self, request, endpoint):
        """Return who asks, None for somebody who may not."""
        phone, cookie = self.connection, _cookie(request)
        if phone:
            is_near = request.peer == phone.peer
            if cookie == phone.cookie or (cookie is None and is_near):
                self._heard_ms = ticks_ms()
                return phone
            if not is_near:
                return None
        if endpoint not in _FIRST or self._gateway.phones is not self:
            return None
        self._end()
        phone = self.connection = _Phone(self, request.peer)
        self._heard_ms = ticks_ms()
        self._gateway.trial.hold = True  # the stored networks must wait: the radio would leave the phone
        return phone

    def _end(self):
        self.connection = None
        self._gone()


def _cookie(request):
    """Return the number of the session that a request says it belongs to, None if it says nothing."""
    for part in (request.header("cookie") or "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == "session":
            return value
    return None
