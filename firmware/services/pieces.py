"""Text put together in a small buffer, for messages that are never built whole.

A renderer is a generator render(out): it puts a part, at most PART bytes, and yields. It is run twice, because a message tells
its length first: once to be counted, once to be sent; both times it must put the same, so it holds what it tells of from the
start. An HTTP response can be `out` too.
"""

import asyncio
from json import dumps

from micropython import const

PART = const(480)
_BUFFER = const(640)
_AT_ONCE = const(4)  # parts before others run: some 3 ms on the device


class Pieces:
    """What a renderer writes into: the buffer's first `used` bytes. Raises ValueError for a part that does not fit."""

    def __init__(self, size=_BUFFER):
        self._buffer = bytearray(size)
        self.used = 0

    def put(self, data):
        """Append bytes, or str as UTF-8."""
        if isinstance(data, str):
            data = data.encode()
        end = self.used + len(data)
        if end > len(self._buffer):
            raise ValueError("a part of a message is longer than its buffer")
        self._buffer[self.used : end] = data
        self.used = end

    def put_json(self, text):
        """Append a str as a JSON string with its quotes."""
        self.put(dumps(text))

    def put_int(self, number, width=1):
        """Append an integer of any size in decimal, padded with zeros to `width` digits."""
        self.put("%0*d" % (width, number))

    def view(self):
        """Return what was put as a view, which is valid until the next put."""
        return memoryview(self._buffer)[: self.used]


async def length(render, out=None):
    """Return how many bytes a renderer puts. `out`: the Pieces to use; who has many messages has them made once."""
    out = out or Pieces()
    out.used = 0
    total = count = 0
    for _ in render(out):
        total += out.used
        out.used = 0
        count += 1
        if not count % _AT_ONCE:
            await asyncio.sleep_ms(0)
    return total + out.used


async def send(render, write, out=None):
    """Hand what a renderer puts to `await write(view)` in pieces of some hundred bytes, views valid during the call."""
    out = out or Pieces()
    out.used = 0
    count = 0
    for _ in render(out):
        count += 1
        if out.used > _BUFFER - PART:
            await write(out.view())
            out.used = 0
        elif not count % _AT_ONCE:
            await asyncio.sleep_ms(0)
    if out.used:
        await write(out.view())
