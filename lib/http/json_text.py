"""Puts objects of simple values into an answer as JSON, sent in pieces where they are long."""

import asyncio

from micropython import const

_AT_ONCE = const(8)  # items put before others run
ROOM = 300  # flush when less is left: more than one item takes, unless its text is long


async def room(response, needed=ROOM):
    """Make room for `needed` bytes."""
    if response.room < needed:
        await response.flush()


def put_value(response, value):
    """A str, an int, a bool or None. Raises LocalError for a text longer than the room."""
    if isinstance(value, str):
        response.put_json(value)
    elif value is None:
        response.put(b"null")
    elif value is True or value is False:
        response.put(b"true" if value else b"false")
    else:
        response.put_int(value)


async def put_items(response, items, first=True):
    """Put (key, value) pairs, commas between them, and before them unless they are the first of their object; no braces."""
    count = 0
    for key, value in items:
        count += 1
        if not count % _AT_ONCE:
            await asyncio.sleep_ms(0)
        await room(response)
        if not first:
            response.put(b",")
        response.put_json(key)
        response.put(b":")
        put_value(response, value)
        first = False


async def put_errors(response, errors):
    """Answer 422 with a sentence for each field that is wrong: `errors` is a dict. Nothing else may have been put."""
    response.status = 422
    response.put(b'{"errors":{')
    first = True
    for name, text in errors.items():
        await room(response, 2 * ROOM)
        await put_items(response, ((str(name)[:40], text),), first)
        first = False
    response.put(b"}}")
