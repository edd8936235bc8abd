"""Provisioning over the own access point: who has the session and for how long, in simulated time; the port phones ask at."""

import asyncio
import socket

from firmware.port import wlan_ap
from firmware.port.radio_fake import AccessPointFake
from firmware.services import provisioning_ap
from firmware.services.provisioning_ap import Transport
from host_tests.fakes.simulated_time import simulated

ENDPOINTS = ("prov-ctrl", "prov-scan", "prov-session", "prov-config", "proto-ver")


class Thing:
    pass


class Bench:
    """The gateway, as far as the transport sees it, and what answers the requests: with what was asked."""

    pop = "SECRET2345"

    def __init__(self, phones_port=None):
        self.platform = self.identity = self.router = self
        self.server = Thing()
        self.server.port = 8080
        self.phones_port = phones_port
        self.phones = None
        self.trial = Thing()
        self.trial.hold, self.trial.delay_ms = False, 0
        self.seen = []  # of the access point
        self.asked = []
        self.takes_s = 0
        self.transport = Transport(self, wlan_ap, ENDPOINTS, self.answer, self.gone)

    def access_point(self):
        return AccessPointFake(lambda *what: self.seen.append(what))

    async def answer(self, phone, endpoint, request):
        await asyncio.sleep(self.takes_s)
        if not phone.is_connected():
            return None
        self.asked.append((endpoint, request))
        return request if request != b"wrong" else None

    def gone(self):
        self.trial.hold = False

    def find(self, method, path):
        """As the gateway's router."""
        return self.phones and self.phones.find(method, path)

    async def __aenter__(self):
        self._task = asyncio.create_task(self.transport.run("PROV_00ABCD"))
        await asyncio.sleep_ms(0)
        return self

    async def __aexit__(self, *error):
        self._task.cancel()
        try:
            await self._task
        except asyncio.CancelledError:
            pass


class Request:
    method = "POST"

    def __init__(self, path, body, peer, headers):
        self.path, self._body, self.peer, self._headers = path, body, peer, headers
        self.content_length = len(body)

    def header(self, name):
        return self._headers.get(name)

    async def body(self):
        return memoryview(self._body)


class Response:
    finished = close = False
    type = cookie = body = None

    def add_header(self, name, value):
        assert name == "Set-Cookie"
        self.cookie = value

    def put(self, body):
        self.body = body


async def ask(bench, endpoint, body=b"ESP", peer="192.168.4.2", cookie=None):
    """(body, cookie) of an answer, None if there is none."""
    request, response = Request("/" + endpoint, body, peer, {"cookie": cookie} if cookie else {}), Response()
    serve = bench.find("POST", request.path)
    assert serve, "not found"
    await serve(request, response)
    if response.finished:
        assert response.close and response.body is None
        return None
    return response.body, response.cookie


@simulated(provisioning_ap)
async def test_up_and_down(time):
    bench = Bench()
    assert bench.find("POST", "/proto-ver") is None
    async with bench:
        assert bench.seen == [("PROV_00ABCD", "SECRET2345")]
        assert bench.trial.delay_ms == 1000, "an answer needs the radio"
        assert bench.find("GET", "/proto-ver") is None and bench.find("POST", "/proto") is None
        await ask(bench, "proto-ver")
        assert bench.transport.connection and bench.trial.hold
    assert bench.seen[1:] == [(None, None)]
    assert bench.phones is None and bench.transport.connection is None and not bench.trial.hold


@simulated(provisioning_ap)
async def test_a_phone_that_is_silent_for_two_minutes_is_forgotten(time):
    async with Bench() as bench:
        _, cookie = await ask(bench, "prov-session")
        for _ in range(3):
            await asyncio.sleep(115)  # somebody types
            assert await ask(bench, "prov-config", cookie=cookie)
        await asyncio.sleep(115)
        assert await ask(bench, "prov-session", peer="192.168.4.3") is None
        await asyncio.sleep(7)
        assert bench.transport.connection is None and not bench.trial.hold
        assert await ask(bench, "prov-config", cookie=cookie) is None
        answer = await ask(bench, "proto-ver", peer="192.168.4.3")
        assert answer and answer[1] != cookie
        assert await ask(bench, "prov-session", cookie=cookie) is None, "now the other one has it"


@simulated(provisioning_ap)
async def test_a_newcomer_who_is_refused_holds_up_nobody(time):
    async with Bench() as bench:
        assert await ask(bench, "prov-session", b"wrong", peer="192.168.4.9") is None
        assert bench.transport.connection is None and not bench.trial.hold
        _, cookie = await ask(bench, "prov-session")
        assert await ask(bench, "prov-session", b"wrong", cookie=cookie) is None
        assert await ask(bench, "prov-config", cookie=cookie), "a mistake later on ends nothing"


@simulated(provisioning_ap)
async def test_a_request_that_lasts(time):
    """Those of the same phone wait; when its program begins anew meanwhile, the old request has no answer."""
    async with Bench() as bench:
        _, cookie = await ask(bench, "prov-session")
        bench.takes_s = 20
        slow = asyncio.create_task(ask(bench, "prov-scan", b"1", cookie=cookie))
        next_one = asyncio.create_task(ask(bench, "prov-scan", b"2", cookie=cookie))
        await asyncio.sleep(1)
        assert await ask(bench, "prov-scan", b"3", peer="192.168.4.3") is None
        assert await slow and await next_one
        assert [each[1] for each in bench.asked] == [b"ESP", b"1", b"2"]
        slow = asyncio.create_task(ask(bench, "prov-scan", b"4", cookie=cookie))
        await asyncio.sleep(1)
        answer = await ask(bench, "prov-session", cookie="session=old")
        assert answer and answer[1] != cookie
        assert await slow is None and bench.asked[-1][1] == b"ESP"


@simulated(provisioning_ap)
async def test_what_comes_after_the_end(time):
    async with Bench() as bench:
        serve = bench.find("POST", "/proto-ver")
    response = Response()
    await serve(Request("/proto-ver", b"ESP", "192.168.4.2", {}), response)
    assert response.finished and not bench.asked and not bench.trial.hold


@simulated(provisioning_ap)
async def test_an_access_point_that_does_not_start_is_told(time):
    bench = Bench()
    bench.pop = "short"
    try:
        await bench.transport.run("PROV_00ABCD")
        raised = False
    except ValueError:
        raised = True
    assert raised and not bench.phones


async def test_a_server_of_its_own_where_the_phones_ask():
    """For a gateway whose own is at another port; here any that is free."""
    async with Bench(phones_port=0) as bench:
        port = bench.transport.server.port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /proto-ver HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nESP")
        await writer.drain()
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
    again = socket.socket()
    try:
        again.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
        is_there = True
    except OSError:
        is_there = False
    again.close()
    assert not is_there
