"""The web pages: files packed into the firmware by tools/web.py, sent as they are."""

import web_assets
from micropython import const

from lib.http.accept import accepts_gzip
from lib.http.errors import HttpError

# No script, style or connection but the device's own; no page may show ours in a frame.
_POLICY = const(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_NOTHING = const(("", "", "", b""))  # never sent: who asks was told that the file exists


def exists(path):
    return _file(path) is not None


def _file(path):
    """Return the row of a file, None if there is none."""
    for file in web_assets.FILES:
        if file[0] == path:
            return file
    return None


async def get(gateway, request, response):
    _, kind, tag, packed = _file(request.path) or _NOTHING
    response.type = kind
    response.cache = "no-cache"
    if kind.startswith("text/html"):
        response.add_header("Content-Security-Policy", _POLICY)
        response.add_header("Referrer-Policy", "no-referrer")
    response.add_header("ETag", tag)
    if request.header("if-none-match") == tag:
        response.status = 304
        return
    if not accepts_gzip(request):
        raise HttpError(406, "the pages are only available with Content-Encoding: gzip")
    response.add_header("Content-Encoding", "gzip")
    response.length = len(packed)
    await response.send(packed)
