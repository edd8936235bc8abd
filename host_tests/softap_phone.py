"""A phone on the gateway's own access point: HTTP as the stock programs do it, the transport of provisioning_client.py.

    with SoftApPhone(rig.ready["http"]) as phone:
        client = Client(phone, pop=rig.ready["pop"])

Cookies are kept and sent as they do. The fake access point has no network: a phone's address is one of 127.0.0.0/8.

Source: ESP-IDF v5.5.5, esp_prov transport_http.py; transports of the programs for Android and iOS.
"""

import http.client

HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/plain"}
_PATIENCE_S = 60


class Refused(Exception):
    """The connection was closed without an answer."""


class Status(Exception):
    """An answer that is not 200; args[0] is its number."""


class SoftApPhone:
    """`address`: its own. `keeps_alive`: all requests over one connection, as long as that lasts."""

    def __init__(self, gateway, address="127.0.0.1", keeps_alive=True):
        self._gateway = gateway.removeprefix("http://")
        self._address = address
        self._keeps_alive = keeps_alive
        self._connection = None
        self.cookies = {}

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.leave()

    def leave(self):
        """It is out of reach, and its program has ended."""
        self.close()
        self.cookies = {}

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def write(self, endpoint, request, method="POST", **headers):
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._gateway, timeout=_PATIENCE_S, source_address=(self._address, 0))
        if self.cookies:
            headers["Cookie"] = ";".join(f"{name}={value}" for name, value in self.cookies.items())
        self._connection.request(method, "/" + endpoint, request, {**HEADERS, **headers})

    def read(self, endpoint):
        try:
            answer = self._connection.getresponse()
            body = answer.read()
        except (http.client.RemoteDisconnected, ConnectionResetError):
            self.close()
            raise Refused from None
        for line in answer.msg.get_all("Set-Cookie") or ():
            name, value = line.split(";")[0].split("=", 1)
            self.cookies[name] = value
        if answer.will_close or not self._keeps_alive:
            self.close()
        if answer.status != 200:
            raise Status(answer.status)
        return body

    def post(self, endpoint, request, method="POST", **headers):
        """One exchange."""
        self.write(endpoint, request, method, **headers)
        return self.read(endpoint)
