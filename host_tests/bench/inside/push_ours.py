"""Runs in MicroPython: a client of lib/mqtt, beside a ticker that stands for a bus to be polled.

Arguments: port, authority (DER in hex, "" for no TLS), QoS, messages (0: one each second), seconds. Prints the ticker's longest
gap, that until the first connection, messages a second, and the heap that client and connection take.
"""

import asyncio
import gc
import json
import sys
from time import ticks_diff, ticks_ms

from host_tests.bench.inside.ticker import Ticker
from lib.aio import tls_client
from lib.aio.connect import ConnectionFailed, connect
from lib.mqtt.client import Client

PORT, AUTHORITY, QOS, COUNT, SECONDS = json.loads(sys.stdin.readline())
PAYLOAD = b"x" * 500
settled = []


async def resolve(host):
    return host


async def link():
    context = tls_client.context(bytes.fromhex(AUTHORITY)) if AUTHORITY else None
    return await connect("127.0.0.1", PORT, resolve, 5000, context)


async def publish(client):
    settled.clear()
    began = ticks_ms()
    for _ in range(COUNT):
        await client.publish(b"bench/ours", PAYLOAD, QOS, token=1)
    while QOS and len(settled) < COUNT:
        await asyncio.sleep_ms(1)
    return COUNT * 1000 / ticks_diff(ticks_ms(), began)


async def publish_each_second(client):
    began = ticks_ms()
    while ticks_diff(ticks_ms(), began) < 1000 * SECONDS:
        try:
            await client.publish(b"bench/ours", PAYLOAD, QOS)
        except ConnectionFailed:
            pass
        await asyncio.sleep(1)


async def main():
    ticker = Ticker()
    ticking = asyncio.create_task(ticker.run())
    await asyncio.sleep_ms(200)
    gc.collect()
    before = gc.mem_alloc()
    client = Client(b"ours", lambda *_: None, lambda *told: settled.append(told), ticks_ms)
    client.timeout_ms = 5000
    ticker.restart()
    running = asyncio.create_task(client.run(link))
    told = {}
    if COUNT:
        await client.connected.wait()
        told["connect_ms"] = ticker.gap_ms()
        await asyncio.sleep_ms(100)
        gc.collect()
        told["heap"] = gc.mem_alloc() - before
        told["rate"] = await publish(client)
    else:
        await publish_each_second(client)
    told["gap_ms"] = ticker.gap_ms()
    running.cancel()
    ticking.cancel()
    print(json.dumps(told))


asyncio.run(main())
