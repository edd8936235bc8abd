"""Reads the JSON object in a request's body (RFC 8259), bounded in depth and in the length of its numbers.

MicroPython's parser takes memory for each level of nesting and much time for a long number, lets text pass that is no UTF-8,
and makes two characters, neither of which exists, of an escape such as "\\ud83d\\udd0c", which is how JSON in ASCII writes one
beyond U+FFFF. What else it takes for JSON is harmless: a comma too many, a colon too few.
"""

import json

from micropython import const

from lib.http.errors import HttpError
from lib.http.kernels import is_utf8, json_shape, surrogate

_DEEPEST = const(8)  # more than any body has that is understood here


async def read(request):
    """Return the object, {} for an empty body. Raises HttpError 400, 413, 415."""
    kind = request.header("content-type")
    if kind is not None and request.content_length and kind.lower().partition(";")[0].strip() != "application/json":
        raise HttpError(415, "the body must be application/json")
    content = await request.body()
    if not content:
        return {}
    return parse(content)


def parse(content):
    """Return the object in a text (a buffer). Raises HttpError 400."""
    size = len(content)
    if not is_utf8(content, 0, size):
        raise HttpError(400, "the body is not UTF-8")
    depth = json_shape(content, 0, size)
    if depth < 0:
        raise HttpError(400, "the body is not JSON, or has a number of more than 40 digits")
    if depth > _DEEPEST:
        raise HttpError(400, "the body is nested too deeply")
    try:
        body = json.loads(content if surrogate(content, 0, size) < 0 else _joined(content))  # pyright: ignore[reportArgumentType]
    except (ValueError, UnicodeError):
        raise HttpError(400, "the body is not JSON")
    if not isinstance(body, dict):
        raise HttpError(400, "a JSON object is expected")
    return body


def _joined(content):
    """Return the text with UTF-8 in the place of each pair of surrogates; ValueError for one without its other half."""
    size = len(content)
    out = bytearray()
    start = 0
    at = surrogate(content, 0, size)
    while at >= 0:
        high, low = int(bytes(content[at + 2 : at + 6]), 16), 0
        if bytes(content[at + 6 : at + 8]) == b"\\u":
            low = int(bytes(content[at + 8 : at + 12]), 16)
        if high >= 0xDC00 or not 0xDC00 <= low < 0xE000:
            raise ValueError
        out.extend(content[start:at])
        out.extend(chr(0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF)).encode())
        start = at + 12
        at = surrogate(content, start, size)
    out.extend(content[start:])
    return out
