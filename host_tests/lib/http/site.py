"""A small site on the HTTP server and a client for it, both in one loop over real sockets: for the server's tests."""

import asyncio

from lib.http.errors import HttpError
from lib.http.server import HttpServer

HOST = "127.0.0.1"


class Site:
    """A server with a few handlers, running while the block lasts; counts what goes wrong inside."""

    def __init__(self, **limits):
        self.errors = []
        self.go = asyncio.Event()  # lets waiting handlers answer
        self.inside = 0  # handlers that wait
        self.entered = asyncio.Event()
        self.server = HttpServer(self.find, on_error=self.on_error, **limits)
        self.handlers = {
            ("GET", "/hello"): self.hello,
            ("POST", "/echo"): self.echo,
            ("POST", "/form"): self.form,
            ("GET", "/long"): self.long,
            ("GET", "/endless"): self.endless,
            ("GET", "/wait"): self.wait,
            ("GET", "/crash"): self.crash,
            ("GET", "/late-crash"): self.late_crash,
            ("GET", "/overflow"): self.overflow,
            ("GET", "/teapot"): self.refuse,
        }

    async def __aenter__(self):
        self.server.listen(HOST, 0)
        self.task = asyncio.create_task(self.server.run())
        return self

    async def __aexit__(self, *_):
        self.task.cancel()
        try:
            await self.task
        except asyncio.CancelledError:
            pass

    def find(self, method, path):
        return self.handlers.get((method, path))

    def on_error(self, error, request):
        self.errors.append((type(error), request.path if request else None))

    async def hello(self, request, response):
        response.put_json(request.query("name") or request.peer)

    async def echo(self, request, response):
        body = await request.body()
        response.type = "text/plain"
        for at in range(0, len(body), 500):
            await response.flush()
            response.put(body[at : at + 500])

    async def form(self, request, response):
        response.put_json(await request.form_value("command") or "none")

    async def long(self, request, response):
        for number in range(1000):
            if response.room < 20:
                await response.flush()
            response.put_int(number, 4)

    async def endless(self, request, response):
        while True:
            response.put(b"x" * response.room)
            await response.flush()

    async def wait(self, request, response):
        self.inside += 1
        self.entered.set()
        try:
            await self.go.wait()
        finally:
            self.inside -= 1
        response.put("went")

    async def crash(self, request, response):
        response.put("half")
        raise ValueError("a bug")

    async def late_crash(self, request, response):
        response.put("half")
        await response.flush()
        raise ValueError("a bug")

    async def overflow(self, request, response):
        while True:
            response.put("more and more")

    async def refuse(self, request, response):
        raise HttpError(401, "not you", "WWW-Authenticate", 'Basic realm="gateway"')

    async def waiting(self, count):
        """Return when so many handlers wait."""
        while self.inside < count:
            self.entered.clear()
            await self.entered.wait()


class Client:
    """One connection to the site."""

    async def open(self, site):
        self.stream, _ = await asyncio.open_connection(HOST, site.server.port)
        return self

    async def send(self, data):
        self.stream.write(data)
        await self.stream.drain()

    async def get(self, path, method="GET"):
        await self.send(b"%s %s HTTP/1.1\r\nHost: a\r\n\r\n" % (method.encode(), path.encode()))
        return await self.answer(method == "HEAD")

    async def answer(self, is_head=False):
        """(status, headers, body) of the next answer; None if the connection ends instead."""
        line = await self.stream.readline()
        if not line:
            return None
        status = int(line.split(b" ")[1])
        headers = {}
        while True:
            line = (await self.stream.readline()).decode().strip()
            if not line:
                break
            name, value = line.split(": ", 1)
            headers[name] = value
        body = b""
        if is_head or status in (100, 204, 304):
            pass
        elif "Content-Length" in headers:
            if headers["Content-Length"] != "0":
                body = await self.stream.readexactly(int(headers["Content-Length"]))
        elif "Transfer-Encoding" in headers:
            while True:
                size = int(await self.stream.readline(), 16)
                body += (await self.stream.readexactly(size + 2))[:-2]
                if not size:
                    break
        else:
            body = await self.stream.read(-1)
        return status, headers, body

    async def ended(self):
        """True when the server closes without another byte."""
        try:
            return await self.stream.read(1) == b""
        except OSError:
            return True

    async def close(self):
        await self.stream.wait_closed()


async def clients(site, count):
    those = []
    for _ in range(count):
        those.append(await Client().open(site))
    return those


async def close_all(those):
    for client in those:
        await client.close()


async def until(condition):
    """Wait for something no event tells of."""
    while not condition():
        await asyncio.sleep_ms(5)
