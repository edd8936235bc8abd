"""Bodies taken in parts: any length, from any place in the stream, no faster than they are wanted; those that stop."""

import asyncio

from host_tests.lib.http.site import Site, clients, close_all
from lib.http.errors import HttpError

DATA = bytes(range(251)) * 2000  # half a megabyte


class Taking(Site):
    """POST /parts takes its body in parts of `step` bytes, all or the first `most` of them, waiting for `go` if it `waits`."""

    def __init__(self, step=1000, most=None, waits=False, **limits):
        super().__init__(**limits)
        self.handlers["POST", "/parts"] = self.parts
        self.step, self.most, self.waits = step, most, waits
        self.taken = bytearray()
        self.failure = None

    async def parts(self, request, response):
        view = memoryview(bytearray(self.step))
        while self.most is None or len(self.taken) < self.most:
            if self.waits:
                await self.go.wait()
            try:
                count = await request.body_into(view)
            except HttpError as error:
                self.failure = error.status
                raise
            if not count:
                break
            self.taken.extend(view[:count])
        response.put_int(len(self.taken))


def head(size, more=b""):
    return b"POST /parts HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n%s\r\n" % (size, more)


async def test_bodies_of_any_length_and_what_follows_them():
    for size in (1, 999, 1000, 1001, 2048, 4097, len(DATA)):
        for step in (1000, 4096):
            async with Taking(step) as site:
                (client,) = await clients(site, 1)
                await client.send(head(size) + DATA[:size] + b"GET /hello?name=next HTTP/1.1\r\nHost: a\r\n\r\n")
                assert (await client.answer())[2] == str(size).encode()
                assert bytes(site.taken) == DATA[:size]
                assert (await client.answer())[2] == b'"next"'
                assert (await client.get("/hello?name=last"))[2] == b'"last"'
                await close_all([client])
                assert not site.errors


async def pour(client, times):
    await client.send(head(times * len(DATA)))
    for _ in range(times):
        await client.send(DATA)


async def test_nothing_is_received_that_is_not_wanted():
    async with Taking(waits=True) as site:
        (client,) = await clients(site, 1)
        sending = asyncio.create_task(pour(client, 40))  # more than the sockets hold
        other = (await clients(site, 1))[0]
        for _ in range(20):
            assert (await other.get("/hello?name=x"))[2] == b'"x"'
        assert not sending.done() and not site.taken
        sending.cancel()
        await close_all([client, other])


async def test_a_client_that_waits_for_leave():
    async with Taking() as site:
        (client,) = await clients(site, 1)
        await client.send(head(5000, b"Expect: 100-continue\r\n"))
        assert (await client.answer(True))[0] == 100
        await client.send(DATA[:5000])
        assert (await client.answer())[2] == b"5000"
        await close_all([client])


async def test_an_answer_before_the_end_of_the_body_closes():
    async with Taking(most=2000) as site:
        (client,) = await clients(site, 1)
        await client.send(head(100000) + DATA[:100000])
        status, headers, _ = await client.answer()
        assert status == 200 and headers["Connection"] == "close"
        assert await client.answer() is None
        await close_all([client])


async def test_bodies_that_stop():
    for stop, status in ((lambda client: client.close(), 400), (lambda client: asyncio.sleep_ms(0), 408)):
        async with Taking(body_ms=300) as site:
            (client,) = await clients(site, 1)
            await client.send(head(5000) + DATA[:3000])
            await stop(client)
            while site.failure is None:
                await asyncio.sleep_ms(10)
            assert site.failure == status and bytes(site.taken) == DATA[:3000] and not site.errors
