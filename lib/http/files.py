"""Sends files: the precompressed form if the client takes it, 304 if it has the file, otherwise in small pieces.

Not frozen on a device, whose pages are no files.
"""

import os

from micropython import const

from lib.http.accept import accepts_gzip
from lib.http.errors import HttpError

_TYPES = const(
    (
        (".html", "text/html; charset=utf-8"),
        (".css", "text/css; charset=utf-8"),
        (".js", "text/javascript; charset=utf-8"),
        (".json", "application/json"),
        (".svg", "image/svg+xml"),
        (".png", "image/png"),
        (".ico", "image/x-icon"),
        (".webmanifest", "application/manifest+json"),
        (".txt", "text/plain; charset=utf-8"),
        (".pem", "application/x-pem-file"),
    )
)


def content_type(path):
    """Return the Content-Type that goes with the end of a file's name."""
    for ending, kind in _TYPES:
        if path.endswith(ending):
            return kind
    return "application/octet-stream"


def _find(path):
    """Return (size, time of change) of a file, None if there is no file of that name."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return None if status[0] & 0x4000 else (status[6], status[8])


async def send_file(request, response, path, kind=None, cache="no-cache", etag=None):
    """Send the file at path, or path + ".gz" if it is there and the client takes gzip.

    path: name in the file system; whoever builds it from request.path puts a root before it, the rest cannot leave it.
    kind: Content-Type, by the name's ending if None. cache: Cache-Control, None for none. etag: quoted text that
    changes with the content, from size and time of change if None. Raises HttpError(404), (406) if there is only a gzip
    form the client does not take; OSError if the file cannot be read. Streams through the response's buffer.
    """
    plain, packed = _find(path), _find(path + ".gz")
    if plain is None and packed is None:
        raise HttpError(404, "not found")
    response.type = kind or content_type(path)
    response.cache = cache
    if packed is not None:
        response.add_header("Vary", "Accept-Encoding")
        if accepts_gzip(request):
            path, plain = path + ".gz", packed
            response.add_header("Content-Encoding", "gzip")
        elif plain is None:
            raise HttpError(406, "this file is only available with Content-Encoding: gzip")
    if etag is None:
        etag = '"%x-%x%s"' % (plain[0], plain[1], "z" if plain is packed else "")
    response.add_header("ETag", etag)
    known = request.header("if-none-match")
    if known is not None and (etag in known or known == "*"):
        response.status = 304
        return
    response.length = plain[0]
    if response.is_head:
        return
    left = plain[0]
    with open(path, "rb") as file:
        while left:  # a file that grew meanwhile is cut, one that shrank ends the connection
            if not response.room:
                await response.flush()
            count = file.readinto(response.free()[:left])
            if not count:
                return
            response.filled(count)
            left -= count
