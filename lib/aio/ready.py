"""Waits until a socket can be used, as asyncio's own streams do: generators, to be awaited."""

import asyncio

# pyright: reportAttributeAccessIssue=false


def readable(sock):
    """Wait until the socket has something to read, its end or an error included."""
    yield asyncio.core._io_queue.queue_read(sock)


def writable(sock):
    """Wait until the socket takes something."""
    yield asyncio.core._io_queue.queue_write(sock)
