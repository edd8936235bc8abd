"""The server over real sockets: requests in order, methods, bodies, errors, clean ends."""

import asyncio
import errno
import gc
import json

from host_tests.lib.http.site import HOST, Site, clients, close_all, until
from lib.http.server import HttpServer


async def test_one_connection_serves_many_requests():
    async with Site() as site:
        (client,) = await clients(site, 1)
        for name in ("a", "b", "c"):
            assert (await client.get("/hello?name=" + name))[2] == b'"%s"' % name.encode()
        assert (await client.get("/hello"))[2] == b'"127.0.0.1"'
        status, headers, body = await client.get("/hello?name=abc", "HEAD")
        assert (status, headers["Content-Length"], body) == (200, "5", b"")
        long = await client.get("/long")
        assert len(long[2]) == 4000 and long[2].endswith(b"09980999")
        assert (await client.get("/nowhere"))[0] == 404
        assert (await client.get("/hello"))[0] == 200
        assert (site.server.requests, site.server.open, site.server.refused) == (8, 1, 0)
        await client.close()
        await until(lambda: site.server.open == 0)


async def test_pipelined_requests_are_answered_in_order():
    async with Site() as site:
        (client,) = await clients(site, 1)
        wire = b""
        for number in range(20):
            wire += b"GET /hello?name=%d HTTP/1.1\r\nHost: a\r\n\r\n" % number
            wire += b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n%02d" % number
        await client.send(wire)
        for number in range(20):
            assert (await client.answer())[2] == b'"%d"' % number
            assert (await client.answer())[2] == b"%02d" % number
        assert (await client.get("/hello"))[0] == 200
        await client.close()


async def test_empty_lines_between_requests_hold_nothing():
    async with Site(exchanges=1, header_ms=300) as site:
        first, second = await clients(site, 2)
        await first.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab\r\n")
        assert (await first.answer())[2] == b"ab"
        assert (await second.get("/hello"))[0] == 200  # the only exchange is free
        assert (await first.get("/hello"))[0] == 200
        await close_all((first, second))


async def test_the_connection_ends_when_asked():
    async with Site() as site:
        for head in (b"HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", b"HTTP/1.0\r\n\r\n"):
            (client,) = await clients(site, 1)
            await client.send(b"GET /hello " + head)
            assert (await client.answer())[1]["Connection"] == "close"
            assert await client.ended()
            await client.close()
        (client,) = await clients(site, 1)
        await client.send(b"GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert (await client.answer())[1]["Connection"] == "keep-alive"
        await client.send(b"GET /long HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert len((await client.answer())[2]) == 4000  # ends with the connection
        await client.close()


async def test_methods():
    async with Site() as site:
        (client,) = await clients(site, 1)
        status, headers, _ = await client.get("/echo")
        assert (status, headers["Allow"]) == (405, "OPTIONS, POST")
        status, headers, _ = await client.get("/hello", "DELETE")
        assert (status, headers["Allow"]) == (405, "OPTIONS, GET, HEAD")
        status, headers, _ = await client.get("/hello", "OPTIONS")
        assert (status, headers["Allow"]) == (204, "OPTIONS, GET, HEAD")
        status, headers, _ = await client.get("*", "OPTIONS")
        assert status == 204 and "POST" in headers["Allow"]
        assert (await client.get("/nowhere", "OPTIONS"))[0] == 404
        assert (await client.get("/hello", "BREW"))[0] == 501
        status, headers, body = await client.get("/teapot")
        assert (status, headers["WWW-Authenticate"]) == (401, 'Basic realm="gateway"')
        assert json.loads(body) == {"error": "not you"}
        assert (await client.get("/hello"))[0] == 200  # all on one connection
        await client.close()


async def test_bodies():
    async with Site(header_bytes=512, body_bytes=2000) as site:
        (client,) = await clients(site, 1)
        for size in (0, 1, 300, 512, 1999, 2000):
            body = b"0123456789" * 200
            await client.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
            await client.send(body[:size])
            assert (await client.answer())[2] == body[:size], size
        await client.send(b"POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\ncommand=ON")
        assert (await client.answer())[2] == b'"ON"'
        await client.send(
            b"POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
            b"Content-Length: 21\r\n\r\nx=1&command=%22a+b%22"
        )
        assert (await client.answer())[2] == b'"\\"a b\\""'
        for wire, expected in (
            (b"POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\ncommand=%z", 400),
            (b"POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nContent-Length: 1\r\n\r\nx", 415),
            (b"GET /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345", 200),  # nobody wants it
        ):
            await client.send(wire)
            assert (await client.answer())[0] == expected, wire
        assert (await client.get("/hello"))[0] == 200
        await client.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2001\r\n\r\n")
        status, headers, _ = await client.answer()
        assert (status, headers["Connection"]) == (413, "close")
        await client.close()


async def test_large_bodies_wait_for_the_one_buffer():
    async with Site(header_bytes=512, body_bytes=2000) as site:
        those = await clients(site, 2)
        for client in those:
            await client.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1500\r\n\r\n")
        await those[0].send(b"a" * 1500)
        assert (await those[0].answer())[2] == b"a" * 1500
        await those[1].send(b"b" * 1500)
        assert (await those[1].answer())[2] == b"b" * 1500
        await close_all(those)


async def test_expect_continue():
    async with Site() as site:
        (client,) = await clients(site, 1)
        head = b"POST %s HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
        await client.send(head % (b"/echo", 3))
        assert (await client.answer())[0] == 100
        await client.send(b"abc")
        assert (await client.answer())[2] == b"abc"
        await client.send(head % (b"/echo", 3) + b"abc")  # did not wait: nothing to say
        assert (await client.answer())[2] == b"abc"
        await client.send(head % (b"/echo", 9999))
        status, headers, _ = await client.answer()
        assert (status, headers["Connection"]) == (413, "close")
        await client.close()


async def test_malformed_requests_get_an_answer_and_the_end():
    async with Site(header_bytes=512) as site:
        for wire, expected in (
            (b"\x16\x03\x01\x02\x00", 400),
            (b"nonsense\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\n\r\n", 400),
            (b"GET /" + b"a" * 600, 414),
            (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 100000, 431),
            (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
        ):
            (client,) = await clients(site, 1)
            await client.send(wire)
            status, headers, body = await client.answer()
            assert (status, headers["Connection"]) == (expected, "close"), wire[:40]
            assert json.loads(body)["error"]
            if expected == 414:
                assert await client.ended()
            await client.close()
        assert site.server.requests == 0 and not site.errors


async def test_a_crashing_handler_costs_its_connection_only():
    async with Site(exchanges=1) as site:
        for path in ("/crash", "/overflow"):
            (client,) = await clients(site, 1)
            status, headers, body = await client.get(path)
            assert (status, headers["Connection"]) == (500, "close")
            assert json.loads(body) == {"error": "internal error"}
            assert await client.ended()
            await client.close()
        (client,) = await clients(site, 1)
        await client.send(b"GET /late-crash HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.stream.read(-1)).endswith(b"0004\r\nhalf\r\n")  # no last chunk: it shows that it was cut
        await client.close()
        (client,) = await clients(site, 1)
        assert (await client.get("/hello"))[0] == 200
        await client.close()
        assert [path for _, path in site.errors] == ["/crash", "/overflow", "/late-crash"]


async def test_cancelling_closes_everything_and_the_server_can_run_again():
    site = Site()
    for _ in range(2):
        async with site:
            idle, waiting = await clients(site, 2)
            assert (await idle.get("/hello"))[0] == 200
            await waiting.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
            await site.waiting(1)
        assert await idle.ended() and await waiting.ended()
        await until(lambda: site.server.open == 0 and site.inside == 0)
        await close_all((idle, waiting))
    task = asyncio.create_task(site.server.run())  # without listen(): at the same port
    await asyncio.sleep_ms(0)
    (client,) = await clients(site, 1)
    assert (await client.get("/hello"))[0] == 200
    await client.close()
    task.cancel()
    assert not site.errors


async def test_an_address_in_use_is_an_error():
    async with Site() as site:
        other = HttpServer(site.find)
        try:
            other.listen(HOST, site.server.port)
        except OSError as error:
            assert error.errno == errno.EADDRINUSE
        else:
            raise AssertionError("two servers at one port")


async def test_nothing_stays_of_requests_answered():
    async with Site() as site:
        (client,) = await clients(site, 1)
        await client.get("/hello")
        gc.collect()
        for _ in range(200):
            assert (await client.get("/hello"))[0] == 200
        gc.collect()
        before = gc.mem_alloc()
        for _ in range(200):
            assert (await client.get("/hello"))[0] == 200
        gc.collect()
        assert gc.mem_alloc() - before < 200  # nothing stays
        await client.close()
