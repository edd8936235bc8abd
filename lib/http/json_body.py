"""Reads the JSON object in a request's body, bounded in depth, in UTF-8 and nothing else (RFC 8259).

MicroPython's parser takes some memory for each level of nesting, lets text pass that is no UTF-8, and makes two characters,
neither of which exists, of an escape such as "\\ud83d\\udd0c", which is how JSON in ASCII writes one beyond U+FFFF.
"""

import json

from micropython import const

from lib.http.errors import HttpError
from lib.http.kernels import is_utf8, json_shape

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
    shape = json_shape(content, 0, size)
    if shape & 0xFF > _DEEPEST:
        raise HttpError(400, "the body is nested too deeply")
    try:
        body = json.loads(_joined(content) if shape & 0x100 else content)  # pyright: ignore[reportArgumentType]
    except (ValueError, UnicodeError):
        raise HttpError(400, "the body is not JSON")
    if not isinstance(body, dict):
        raise HttpError(400, "a JSON object is expected")
    return body


def _joined(content):
    """Return the text with UTF-8 in the place of each pair of surrogates; ValueError for one without its other half."""
    content = bytes(content)
    out = bytearray()
    start = 0
    at = content.find(b"\\")
    while at >= 0:
        if content[at + 1 : at + 2] != b"u":
            at = content.find(b"\\", at + 2)
            continue
        high = int(content[at + 2 : at + 6], 16)
        if 0xD800 <= high < 0xE000:
            low = int(content[at + 8 : at + 12], 16) if content[at + 6 : at + 8] == b"\\u" else 0
            if high >= 0xDC00 or not 0xDC00 <= low < 0xE000:
                raise ValueError
            out.extend(content[start:at])
            out.extend(chr(0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF)).encode())
            start = at + 12
            at += 6
        at = content.find(b"\\", at + 6)
    out.extend(content[start:])
    return out
