"""Text put together in a small buffer, for messages that are never built whole.

A renderer is a generator render(out): it puts a part, at most PART bytes, and yields. It is run twice, because a message tells
its length first: once to be counted, once to be sent; both times it must put the same, so it holds what it tells of from the
start. An HTTP response can be `out` too.
"""

import asyncio

from micropython import const

from lib.http.kernels import put_bytes, put_digits, put_escaped

PART = const(480)
_BUFFER = const(1024)
_AT_ONCE = const(4)  # parts before others run: some 3 ms on the device


class Pieces:
    """What a renderer writes into: the buffer's first `used` bytes. Raises ValueError for a part that does not fit."""

    def __init__(self):
        self._buffer = bytearray(_BUFFER)
        self.used = 0

    def put(self, data):
        """Append bytes, or str as UTF-8."""
        self._advance(put_bytes(self._buffer, self.used, _BUFFER, data, len(data), isinstance(data, str)))

    def put_json(self, text):
        """Append a str as a JSON string with its quotes."""
        self.put(b'"')
        self._advance(put_escaped(self._buffer, self.used, _BUFFER, text, len(text), True))
        self.put(b'"')

    def put_int(self, number, width=0):
        """Append an integer of any size in decimal, padded with zeros to `width` digits."""
        if number < 0:
            self.put(b"-")
            number = -number
        if number >= 1000000000:  # beyond what every small int holds
            high = number // 1000000000
            self.put_int(high, width - 9)
            number -= high * 1000000000
            width = 9
        self._advance(put_digits(self._buffer, self.used, _BUFFER, number, width))

    def view(self):
        """Return what was put as a view, which is valid until the next put."""
        return memoryview(self._buffer)[: self.used]

    def _advance(self, end):
        if end < 0:
            raise ValueError("a part of a message is longer than its buffer")
        self.used = end


async def length(render):
    """Return how many bytes a renderer puts."""
    out = Pieces()
    total = count = 0
    for _ in render(out):
        total += out.used
        out.used = 0
        count += 1
        if not count % _AT_ONCE:
            await asyncio.sleep_ms(0)
    return total + out.used


async def send(render, write):
    """Hand what a renderer puts to `await write(view)` in pieces of up to a kilobyte; a view is valid during the call only."""
    out = Pieces()
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
