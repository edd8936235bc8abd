"""Runs in MicroPython: umqtt.simple or umqtt.robust, beside a ticker that stands for a bus to be polled.

Arguments: "simple" or "robust", and those of push_ours.py. It sleeps by asyncio, as can be done around umqtt.
"""

import asyncio
import gc
import json
import sys
from time import ticks_diff, ticks_ms

import tls

from host_tests.bench.inside.ticker import Ticker

KIND, PORT, AUTHORITY, QOS, COUNT, SECONDS = json.loads(sys.stdin.readline())
PAYLOAD = b"x" * 500


class ussl:  # noqa: N801 - what umqtt imports, and MicroPython has no more: with the checks that we make
    @staticmethod
    def wrap_socket(sock):
        context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        context.verify_mode = tls.CERT_REQUIRED
        context.load_verify_locations(bytes.fromhex(AUTHORITY))
        return context.wrap_socket(sock, server_hostname="127.0.0.1")


sys.modules["ussl"] = ussl
MQTTClient = __import__("umqtt." + KIND, None, None, ("*",)).MQTTClient


async def publish_each_second(client):
    began = ticks_ms()
    is_connected = False
    while ticks_diff(ticks_ms(), began) < 1000 * SECONDS:
        try:
            if not is_connected:
                client.connect()
                is_connected = True
            client.publish(b"bench/umqtt", PAYLOAD, qos=QOS)
        except (OSError, IndexError, TypeError):  # it takes an end of the connection for data
            is_connected = False
        await asyncio.sleep(1)


async def main():
    ticker = Ticker()
    ticking = asyncio.create_task(ticker.run())
    await asyncio.sleep_ms(200)
    gc.collect()
    before = gc.mem_alloc()
    client = MQTTClient(b"umqtt", "127.0.0.1", PORT, ssl=bool(AUTHORITY))
    ticker.restart()
    told = {}
    if COUNT:
        client.connect()
        told["connect_ms"] = ticker.gap_ms()
        await asyncio.sleep_ms(100)
        gc.collect()
        told["heap"] = gc.mem_alloc() - before
        began = ticks_ms()
        for _ in range(COUNT):
            client.publish(b"bench/umqtt", PAYLOAD, qos=QOS)
        told["rate"] = COUNT * 1000 / ticks_diff(ticks_ms(), began)
    else:
        await publish_each_second(client)
    told["gap_ms"] = ticker.gap_ms()
    ticking.cancel()
    print(json.dumps(told))


asyncio.run(main())
