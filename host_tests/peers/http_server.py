"""A small site on lib/http, run by MicroPython: prints its port and serves until its end. Started by test_http.py.

Arguments: root folder of its files, limits as name=number.
"""

import asyncio
import gc
import sys

from lib.http.errors import HttpError
from lib.http.files import send_file
from lib.http.server import HttpServer

root = sys.argv[1]
limits = {}
for argument in sys.argv[2:]:
    name, value = argument.split("=")
    limits[name] = int(value)


async def hello(request, response):
    response.put('{"hello":')
    response.put_json(request.query("name") or "nobody")
    response.put("}")


async def command(request, response):
    if await request.form_value("command") != "ON":
        raise HttpError(400, "unknown command")
    response.status = 204


async def echo(request, response):
    body = await request.body()
    response.type = "application/octet-stream"
    response.length = len(body)
    await response.send(body)


async def long(request, response):
    response.type = "text/plain"
    for number in range(20000):
        if response.room < 8:
            await response.flush()
        response.put_int(number, 7)


async def crash(request, response):
    raise ValueError("a bug")


async def memory(request, response):
    """Bytes allocated, and what is left of them after a collection if ?collect is given."""
    if request.query("collect") is not None:
        gc.collect()
    response.put_int(gc.mem_alloc())


async def counters(request, response):
    for number in (server.requests, server.open, server.refused):
        response.put_int(number)
        response.put(" ")


async def file(request, response):
    await send_file(request, response, root + request.path[6:])


handlers = {
    ("GET", "/hello"): hello,
    ("POST", "/post_command"): command,
    ("POST", "/echo"): echo,
    ("GET", "/long"): long,
    ("GET", "/crash"): crash,
    ("GET", "/memory"): memory,
    ("GET", "/counters"): counters,
}


def find(method, path):
    if method == "GET" and path.startswith("/files/"):
        return file
    return handlers.get((method, path))


def on_error(error, request):
    print("ERROR", repr(error), request.path if request else "")


server = HttpServer(find, on_error=on_error, **limits)
server.listen("127.0.0.1", 0)
print(server.port)
asyncio.run(server.run())
