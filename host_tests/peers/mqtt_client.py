"""A program on lib/mqtt, run by MicroPython: commands as JSON lines in, what happens as JSON lines out. See mqtt_process.py.

The first line is an object: port, host (for names: 127.0.0.1; "mute.test": nobody answers; "unknown.test": no address),
ca, cert, key (hex of DER), id, user, password, will, subscriptions, keepalive_s, timeout_ms, clock.
"""

import asyncio
import gc
import json
import sys
from time import ticks_ms

from lib.aio.connect import ConnectionFailed, connect
from lib.mqtt.client import Client

given = json.loads(sys.stdin.readline())
host = given.get("host", "127.0.0.1")
timeout_ms = given.get("timeout_ms", 10000)


def tell(event, **what):
    what["event"] = event
    print(json.dumps(what))


def text(name):
    return given[name].encode() if name in given else None


async def resolve(name):
    if name == "mute.test":
        await asyncio.sleep(3600)
    if name == "unknown.test":
        raise ValueError("NXDOMAIN")
    return name if name[0].isdigit() else "127.0.0.1"


def on_message(topic, payload, is_retained):
    if payload is None:
        tell("message", topic=topic, payload=None, retained=is_retained)
        return
    try:
        text = str(payload, "utf-8")
    except UnicodeError:
        text = ""
    tell("message", topic=topic, payload=text[:100], retained=is_retained, size=len(payload))


def make_context():
    if "ca" not in given:
        return None
    from lib.aio import tls_client

    der = [bytes.fromhex(given[name]) if name in given else None for name in ("ca", "cert", "key")]
    return tls_client.context(*der)


async def connected():
    """Connect as the client wants it. The context is made each time, so that a fault of it is a cause too."""
    tell("connecting")
    return await connect(host, given["port"], resolve, timeout_ms, make_context())


async def pieces(put, size, step):
    for at in range(0, size, step):
        await put((b"%07d " % at * (step // 8 + 1))[: min(step, size - at)])


async def publish(client, command):
    payload, length = command.get("payload", "").encode(), None
    if "size" in command:
        length = command["size"]
        written = length + command.get("excess", 0)

        async def payload(put):
            await pieces(put, written, command.get("step", 512))

    try:
        await client.publish(
            command["topic"].encode(),
            payload,
            command.get("qos", 0),
            command.get("retain", False),
            command.get("token"),
            length,
        )
        tell("published", token=command.get("token"))
    except ConnectionFailed as error:
        tell("failed", token=command.get("token"), cause=error.args[0])
    except ValueError as error:
        tell("failed", token=command.get("token"), cause="ValueError " + str(error))


async def watch(client):
    """Tell each change of the state."""
    before = None
    while True:
        now = (client.state, client.cause)
        if now != before:
            before = now
            tell("state", state=client.state, cause=client.cause, refused=[str(topic, "utf-8") for topic in client.refused])
        await asyncio.sleep_ms(5)


async def main():
    will = given.get("will")
    client = Client(
        given.get("id", "sg").encode(),
        on_message,
        lambda token, is_acknowledged: tell("settled", token=token, ok=is_acknowledged),
        ticks_ms,
        text("user"),
        text("password"),
        will and (will[0].encode(), will[1].encode(), True, 1),
        given.get("keepalive_s", 60),
    )
    client.timeout_ms = timeout_ms
    client.subscriptions = [(topic.encode(), qos) for topic, qos in given.get("subscriptions", ())]
    watching = asyncio.create_task(watch(client))
    running = asyncio.create_task(client.run(connected))
    reader = asyncio.StreamReader(sys.stdin.buffer)
    while True:
        line = await reader.readline()
        if not line:
            break
        command = json.loads(line)
        op = command["op"]
        if op == "publish":
            asyncio.create_task(publish(client, command))
        elif op == "disconnect":
            await client.disconnect()
        elif op == "cancel":
            running.cancel()
            await asyncio.sleep_ms(50)
            tell("cancelled", state=client.state)
        elif op == "run":
            running = asyncio.create_task(client.run(connected))
        elif op == "memory":
            gc.collect()
            tell("memory", used=gc.mem_alloc(), dropped=client.dropped)
    watching.cancel()
    running.cancel()


asyncio.run(main())
