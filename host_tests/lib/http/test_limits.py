"""The server's limits in number and time: slow, silent, deaf and too many clients; nobody else suffers for long."""

import asyncio
import io
import json

from host_tests.lib.http.site import HOST, Client, Site, clients, close_all, until


async def test_a_slow_head_gets_408():
    async with Site(header_ms=300, exchanges=1) as site:
        slow, other = await clients(site, 2)
        await slow.send(b"GET /hello HTTP/1.1\r\n")
        answer = asyncio.create_task(slow.answer())
        drips = 0
        while not answer.done() and drips < 1000:  # a byte now and then does not help
            await slow.send(b"X")
            drips += 1
            await asyncio.sleep_ms(20)
        status, headers, _ = await answer
        assert (status, headers["Connection"]) == (408, "close")
        assert (await other.get("/hello"))[0] == 200
        await close_all((slow, other))


async def test_a_slow_body_gets_408():
    async with Site(body_ms=300, exchanges=1, header_bytes=512) as site:
        for size in (10, 1000):  # behind its head, and in a buffer of its own
            (client,) = await clients(site, 1)
            await client.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n12345" % size)
            assert (await client.answer())[0] == 408
            await client.close()
        (client,) = await clients(site, 1)
        await client.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000)
        assert (await client.answer())[2] == b"x" * 1000  # buffers came back
        await client.close()
        assert not site.errors


async def test_idle_connections_end_without_a_word():
    async with Site(idle_ms=300) as site:
        silent, served = await clients(site, 2)
        assert (await served.get("/hello"))[0] == 200
        assert await silent.ended() and await served.ended()
        await until(lambda: site.server.open == 0)
        await close_all((silent, served))


async def test_a_client_that_never_reads_is_dropped():
    async with Site(write_ms=300, exchanges=1) as site:
        deaf, other = await clients(site, 2)
        await deaf.send(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await other.get("/hello"))[0] == 200  # waited for the exchange
        await until(lambda: site.server.open == 1)
        await close_all((deaf, other))
        assert not site.errors


async def test_a_client_that_vanishes_leaves_nothing_behind():
    async with Site(exchanges=1) as site:
        for wire in (
            b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /hello HT",
            b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\nabc",
            b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n" * 10,
        ):
            (client,) = await clients(site, 1)
            await client.send(wire)
            if wire.startswith(b"GET /endless"):
                await client.stream.readexactly(5000)
            await client.close()
        (client,) = await clients(site, 1)
        assert (await client.get("/hello"))[0] == 200
        await client.close()
        await until(lambda: site.server.open == 0)
        assert not site.errors


async def test_requests_wait_for_an_exchange():
    async with Site(exchanges=2) as site:
        those = await clients(site, 4)
        for client in those:
            await client.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        await site.waiting(2)
        site.go.set()
        for client in those:
            assert (await client.answer())[2] == b"went"
        await close_all(those)


async def test_a_request_that_waits_too_long_gets_503():
    async with Site(exchanges=1, header_ms=300) as site:
        first, second = await clients(site, 2)
        await first.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        await site.waiting(1)
        status, headers, body = await second.get("/hello")
        assert (status, headers["Connection"]) == (503, "close") and headers["Retry-After"]
        assert json.loads(body)["error"] and site.server.refused == 1
        site.go.set()
        assert (await first.answer())[2] == b"went"
        await close_all((first, second))


async def test_the_oldest_idle_connection_makes_room():
    async with Site(connections=2) as site:
        old, young, new = await clients(site, 3)
        assert (await old.get("/hello"))[0] == 200
        assert (await young.get("/hello"))[0] == 200
        assert (await new.get("/hello"))[0] == 200
        assert await old.ended()
        assert (await young.get("/hello"))[0] == 200
        assert (site.server.open, site.server.refused) == (2, 0)
        await close_all((old, young, new))


async def test_connections_that_say_nothing_or_half_a_request_make_room():
    async with Site(connections=2) as site:
        silent, half, new = await clients(site, 3)
        await half.send(b"GET /hello HT")
        assert (await new.get("/hello"))[0] == 200
        newer = await Client().open(site)
        assert (await newer.get("/hello"))[0] == 200
        assert site.server.refused == 0
        await close_all((silent, half, new, newer))


async def test_a_newcomer_waits_for_busy_connections_and_gets_503_in_the_end():
    async with Site(connections=2) as site:
        those = await clients(site, 2)
        for client in those:
            await client.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        await site.waiting(2)
        late = await Client().open(site)
        status, headers, _ = await late.get("/hello")
        assert (status, headers["Connection"]) == (503, "close") and headers["Retry-After"]
        assert site.server.refused == 1
        site.go.set()
        for client in those:
            assert (await client.answer())[2] == b"went"
        again = await Client().open(site)
        assert (await again.get("/hello"))[0] == 200
        await close_all(those + [late, again])


class Exhausted(io.IOBase):
    """A listening socket that always has somebody waiting and never a socket left for them."""

    calls = 0

    def __init__(self, error):
        self._error = error

    def ioctl(self, request, argument):
        return argument if request == 3 else 0  # poll: ready

    def readinto(self, buffer):
        return 0

    def accept(self):
        self.calls += 1
        raise OSError(self._error)

    def close(self):
        pass


async def test_no_sockets_left_is_waited_out_and_told_once():
    site = Site()
    site.server.listen(HOST, 0)
    site.server._listener.close()
    site.server._listener._socket = listener = Exhausted(23)
    task = asyncio.create_task(site.server.run())
    await until(lambda: listener.calls >= 2)
    before = listener.calls
    for _ in range(100):
        await asyncio.sleep_ms(0)
    assert listener.calls <= before + 1
    assert [kind for kind, _ in site.errors] == [OSError]
    task.cancel()
