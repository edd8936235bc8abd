"""Runs in MicroPython: microdot with one route; prints its port, when it listens.

Arguments: the JSON body that it shall answer with; the port, for microdot takes no free one by itself.
`/made` answers with the body as it came, `/built` builds it from a dict each time. `/mark` and `/now` as in rest_ours.py.
"""

import asyncio
import gc
import json
import sys

from microdot import Microdot

BODY, PORT = json.loads(sys.stdin.readline())
OBJECT = json.loads(BODY)
app = Microdot()


@app.route("/made")
async def made(request):
    return BODY, {"Content-Type": "application/json"}


@app.route("/built")
async def built(request):
    return OBJECT


@app.route("/mark")
async def mark(request):
    gc.collect()
    gc.disable()
    return str(gc.mem_alloc())


@app.route("/now")
async def now(request):
    return str(gc.mem_alloc())


async def main():
    task = asyncio.create_task(app.start_server("127.0.0.1", PORT))
    while not app.server and not task.done():
        await asyncio.sleep_ms(1)
    print(PORT)
    await task


asyncio.run(main())
