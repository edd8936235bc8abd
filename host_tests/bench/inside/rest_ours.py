"""Runs in MicroPython: our HTTP server and REST service with one filled meter, nothing else; prints its port.

Arguments: the JSON body that `/made` answers with as it is; the meter's registers, a list of (wire address, words).
`/mark` collects and lets no collection come until the next one; it and `/now` answer with the bytes in use on the heap.
"""

import asyncio
import gc
import json
import struct
import sys
from time import ticks_diff, ticks_ms

from firmware.meters.meter import Meter
from firmware.services import rest
from firmware.state.clock import Clock
from firmware.state.events import Events
from firmware.state.readings import Device, Readings
from lib.http.server import HttpServer

BODY, BLOCKS = json.loads(sys.stdin.readline())


async def ask(request):
    """A fake of the bus: the registers given, input and holding alike; the others are 0."""
    words = [0] * request.count
    for first, block in BLOCKS:
        for index, word in enumerate(block):
            if 0 <= first + index - request.address < request.count:
                words[first + index - request.address] = word
    return struct.pack(f">BB{request.count}H", request.function, 2 * request.count, *words)


class Counter:
    """A fake of the real-time counter: 01.01.2026 and on."""

    is_set = True

    def __init__(self):
        self._began = ticks_ms()

    def read_ms(self):
        return 1767225600000 + ticks_diff(ticks_ms(), self._began)


class Gateway:
    """What the service needs of it."""

    def __init__(self, readings, clock):
        self.readings = readings
        self.clock = clock


def _load(name):
    __import__(name)
    return sys.modules[name]


async def made(request, response):
    response.put(BODY)


async def mark(request, response):
    gc.collect()
    gc.disable()
    response.put_int(gc.mem_alloc())


async def now(request, response):
    response.put_int(gc.mem_alloc())


async def main():
    clock, readings = Clock(Counter()), Readings()
    device = Device(1, "rs485", 33)
    readings.devices = [device]
    meter = asyncio.create_task(Meter(device, ask, clock, readings, Events(clock), lambda: 60000, _load).run())
    while device.group("counters") is None:
        await asyncio.sleep_ms(1)
    meter.cancel()
    gateway = Gateway(readings, clock)
    ours = {"/made": made, "/mark": mark, "/now": now, "/get_command": lambda *exchange: rest.get(gateway, *exchange)}
    server = HttpServer(lambda method, path: ours.get(path), header_bytes=1536)
    server.listen("127.0.0.1", 0)
    print(server.port)
    await server.run()


asyncio.run(main())
