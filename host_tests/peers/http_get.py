"""Our HTTP client, for the tests of peers: runs in MicroPython, answers each line of JSON with one.

{"url", "start", "timeout_ms", "authority": DER as hex or "", "step"} -> {"cause", "words"} or {"sha256",
"bytes", "start", "size", "url"}, and always "longest_ms", for which the loop was held at most.
"""

import asyncio
import json
import sys
from hashlib import sha256
from time import ticks_diff, ticks_ms

from lib.aio import connect as connections
from lib.aio import tls_client
from lib.aio.connect import ConnectionFailed
from lib.http.client import Failed, get


async def fetch(order):
    context = tls_client.context(bytes.fromhex(order["authority"])) if order["authority"] else None

    async def resolve(name):
        if name[0] not in "123456789":
            raise OSError(2)
        return name

    async def connect(host, port, is_secure):
        return await connections.connect(host, port, resolve, order["timeout_ms"], context if is_secure else None)

    try:
        answer = await get(order["url"], connect, order["timeout_ms"], order["start"])
        try:
            total, count, view = sha256(), 0, memoryview(bytearray(order["step"]))
            while True:
                used = await answer.fill(view)
                total.update(view[:used])
                count += used
                if used < len(view):
                    break
        finally:
            answer.close()
    except ConnectionFailed as failure:
        return {"cause": failure.args[0], "words": ""}
    except Failed as failure:
        return {"cause": failure.cause, "words": str(failure)}
    return {"sha256": total.digest().hex(), "bytes": count, "start": answer.start, "size": answer.size, "url": answer.url}


async def main(order):
    longest = [0]

    async def watch():
        last = ticks_ms()
        while True:
            await asyncio.sleep_ms(0)
            now = ticks_ms()
            longest[0] = max(longest[0], ticks_diff(now, last))
            last = now

    watcher = asyncio.create_task(watch())
    answer = await asyncio.wait_for(fetch(order), 20)
    watcher.cancel()
    answer["longest_ms"] = longest[0]
    return answer


while True:
    line = sys.stdin.readline()
    if not line:
        break
    print(json.dumps(asyncio.run(main(json.loads(line)))))
