"""Files from littlefs: types, the gzip form, revalidation, lengths; paths that lead elsewhere find nothing."""

import os

import vfs

from lib.http.accept import accepts_gzip
from lib.http.errors import HttpError
from lib.http.files import content_type, send_file
from lib.http.request import Request
from lib.http.response import Response

_BLOCK = 512
_PAGE = b"<html>" + b"page " * 1000
_SECRET = b"secret"


class RamDisk:
    """A block device in memory."""

    def __init__(self, blocks):
        self._bytes = bytearray(blocks * _BLOCK)

    def readblocks(self, block, buffer, offset=0):
        start = block * _BLOCK + offset
        buffer[:] = self._bytes[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        start = block * _BLOCK + offset
        self._bytes[start : start + len(buffer)] = buffer

    def ioctl(self, op, _):
        return {4: len(self._bytes) // _BLOCK, 5: _BLOCK}.get(op, 0)


class Wire:
    def __init__(self):
        self.sent = b""

    async def send(self, view):
        assert len(view) <= 2048  # pieces of the response's own buffer
        self.sent += bytes(view)


def mount():
    disk = RamDisk(100)
    vfs.VfsLfs2.mkfs(disk)
    vfs.mount(disk, "/files")
    os.mkdir("/files/web")
    os.mkdir("/files/web/folder")
    for name, content in (
        ("web/page.html", _PAGE),
        ("web/page.html.gz", b"packed page"),
        ("web/plain.txt", b"plain"),
        ("web/empty.txt", b""),
        ("web/only.js.gz", b"packed script"),
        ("secret", _SECRET),
    ):
        with open("/files/" + name, "wb") as file:
            file.write(content)


async def get(path, headers=b"", method=b"GET"):
    """(status, headers, body) of what a handler for the folder /files/web answers, (error's status, ...) if it raises."""
    request, response, wire = Request(1024), Response(), Wire()
    head = method + b" " + path + b" HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n"
    request.room()[: len(head)] = head
    request.filled(len(head))
    response.connection = wire
    try:
        assert request.complete()
        response.clear(request)
        await send_file(request, response, "/files/web" + request.path)
    except HttpError as error:
        assert not wire.sent
        return error.status, {}, b""
    await response.finish()
    head, _, body = wire.sent.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    return int(lines[0].split(" ")[1]), dict(line.split(": ", 1) for line in lines[1:]), body


async def test_files():
    gzip = b"Accept-Encoding: br, gzip\r\n"
    mount()
    try:
        status, headers, body = await get(b"/page.html")
        assert (status, body) == (200, _PAGE)
        assert headers["Content-Type"] == "text/html; charset=utf-8" and headers["Content-Length"] == str(len(_PAGE))
        assert headers["Vary"] == "Accept-Encoding" and "Content-Encoding" not in headers
        assert headers["Cache-Control"] == "no-cache"
        plain_tag = headers["ETag"]

        status, headers, body = await get(b"/page.html", gzip)
        assert (status, body) == (200, b"packed page")
        assert headers["Content-Encoding"] == "gzip" and headers["Content-Type"] == "text/html; charset=utf-8"
        assert headers["ETag"] != plain_tag

        for tag, expected in ((plain_tag, 304), ('"x", ' + plain_tag, 304), ("*", 304), ('"x"', 200)):
            status, headers, body = await get(b"/page.html", b"If-None-Match: %s\r\n" % tag.encode())
            assert status == expected, tag
            assert (body == b"") == (status == 304) and headers["ETag"] == plain_tag

        status, headers, body = await get(b"/page.html", method=b"HEAD")
        assert (status, body, headers["Content-Length"]) == (200, b"", str(len(_PAGE)))

        status, headers, body = await get(b"/only.js", gzip)
        assert (status, body) == (200, b"packed script")
        assert (await get(b"/only.js"))[0] == 406

        status, headers, body = await get(b"/plain.txt", gzip)
        assert (status, body) == (200, b"plain") and "Vary" not in headers
        status, headers, body = await get(b"/empty.txt")
        assert (status, body, headers["Content-Length"]) == (200, b"", "0")

        for path, expected in (
            (b"/", 404),
            (b"/folder", 404),
            (b"/nothing", 404),
            (b"/secret", 404),
            (b"/../secret", 400),
            (b"/..%2fsecret", 400),
            (b"/%2e%2e/secret", 400),
            (b"/%2e%2e%2fsecret", 400),
            (b"/folder/../../secret", 400),
            (b"/..%5csecret", 400),
            (b"/..\\secret", 400),
            (b"/plain.txt%00", 400),
            (b"/%252e%252e/secret", 404),
            (b"//secret", 404),
            (b"//files/secret", 404),
            (b"//etc/passwd", 404),
            (b"http://a/../secret", 400),
        ):
            status, _, body = await get(path, gzip)
            assert (status, body) == (expected, b""), path
        assert (await get(b"//plain.txt"))[0] == 200
    finally:
        vfs.umount("/files")


def test_types_by_ending():
    assert content_type("/a/b.css") == "text/css; charset=utf-8"
    assert content_type("/a.css/b") == "application/octet-stream"


def test_gzip_is_taken_only_when_offered():
    for value, expected in (
        (None, False),
        ("", False),
        ("gzip", True),
        ("GZIP;q=0.5, br", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=0.001", True),
        ("identity", False),
        ("*", True),
        ("*;q=0", False),
        ("*, gzip;q=0", False),
        ("gzip, *;q=0", True),
        ("x-gzip-not", False),
    ):

        class Asked:
            def header(self, _, value=value):
                return value

        assert accepts_gzip(Asked()) == expected, value
