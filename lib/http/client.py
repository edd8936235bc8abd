"""GET over HTTP/1.1: answers of any length into the memory of the caller. No step holds the loop, each has a deadline.

Not `requests` of micropython-lib: it blocks the loop while it looks up names, connects and reads, lets any certificate pass,
and reads an answer as a whole. Source: RFC 9112 (messages), RFC 9110 14 (ranges) and 15.4 (redirects).
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from lib.aio.connect import PAUSE_MS, ConnectionFailed

_LINE = const(1536)  # bytes of a line of a head that is looked at: redirects to signed addresses take a kilobyte
_BEGIN = const(32)  # of a longer one these are kept
_HEAD = const(16384)
_REDIRECTS = const(5)


class Failed(Exception):
    """There is no answer that can be used. `cause` is a word for programs, str() a sentence for people.

    Causes: "address" (no URL), "redirect", "status" (`status` says which), "answer" (not understood), "range" (not the bytes
    that were asked for: the file is another one by now, or the server lies).
    """

    def __init__(self, cause, sentence, status=0):
        super().__init__(sentence)
        self.cause = cause
        self.status = status


def split(url):
    """Return (what stands before the path, whether it is https, host, port, path with query). Raises Failed."""
    scheme, _, rest = url.partition("#")[0].partition("://")
    at = 0
    while at < len(rest) and rest[at] not in "/?":
        at += 1
    place, path = rest[:at], rest[at:]
    is_secure = scheme.lower() == "https"
    host, _, port = place.partition(":")
    port = port or ("443" if is_secure else "80")
    is_good = is_secure or scheme.lower() == "http"
    if not is_good or not host or "@" in place or not port.isdigit() or not 0 < int(port[:6]) < 65536 or not _is_plain(url):
        raise Failed("address", "an address such as https://example.org/folder/file is expected")
    return scheme + "://" + place, is_secure, host, int(port), path if path[:1] == "/" else "/" + path


def join(base, where):
    """Return the address that `where`, absolute or relative, means in a document at the address `base`."""
    if "://" in where.partition("?")[0]:
        return where
    place, _, _, _, path = split(base)
    if where[:2] == "//":
        return place.partition("/")[0] + where
    if where[:1] == "/":
        return place + where
    path = path.partition("?")[0]
    if where[:1] == "?":
        return place + path + where
    folder = path[: path.rfind("/") + 1]
    while where[:2] == "./" or where[:3] == "../":
        if where[:2] == "..":
            folder = folder[: folder.rfind("/", 0, len(folder) - 1) + 1] or "/"
        where = where[where.find("/") + 1 :]
    return place + folder + where


async def get(url, connect, timeout_ms, start=0):
    """Ask for a file from byte `start` on, and return the Answer; the server may start at 0 all the same.

    `await connect(host, port, is_secure)` returns a connection of lib/aio/connect.py. Redirects are followed, from https to
    https only. timeout_ms: for a head, and for each fill(). Raises Failed and ConnectionFailed.
    """
    for _ in range(_REDIRECTS + 1):
        _, is_secure, host, port, path = split(url)
        answer = Answer(await connect(host, port, is_secure), url, timeout_ms)
        is_wanted = False
        try:
            await answer.ask(host if port == (443 if is_secure else 80) else f"{host}:{port}", path, start)
            where = await answer.head(start)
            is_wanted = where is None
        finally:
            if not is_wanted:
                answer.close()
        if is_wanted:
            return answer
        url = join(url, where)
        if is_secure and not split(url)[1]:
            raise Failed("redirect", "the server leads from https to an address without encryption")
    raise Failed("redirect", "the server leads on and on, perhaps in a circle")


class Answer:
    """`url`: where it was found. `start`: where in the file its body begins. `size`: bytes of the file, None if nobody said."""

    def __init__(self, connection, url, timeout_ms):
        self.url = url
        self.start = 0
        self.size = None
        self._left = None  # bytes of the body; None: until the connection closes
        self._connection = connection
        self._timeout_ms = timeout_ms
        self._buffer = bytearray(_LINE)
        self._view = memoryview(self._buffer)
        self._at = self._end = 0  # of what was received and not used
        self._since = 0  # when that began which has a deadline

    def close(self):
        self._connection.close()

    async def fill(self, view):
        """Fill a view; return the count, less than its length at the end of the body only. Raises ConnectionFailed."""
        self._since = ticks_ms()
        if self._left is not None:
            view = view[: self._left]
        used = 0
        while used < len(view):
            count = min(self._end - self._at, len(view) - used)
            if count:
                view[used : used + count] = self._view[self._at : self._at + count]
                self._at += count
            else:
                try:
                    count = await self._receive(view[used:])
                except ConnectionFailed as failure:
                    if self._left is None and failure.args[0] == "closed":
                        break
                    raise
            used += count
            await asyncio.sleep_ms(0)  # bytes may come as fast as they are taken
        if self._left is not None:
            self._left -= used
        return used

    async def ask(self, host, path, start):
        """Send the request; of use to get() only, as is head()."""
        part = f"Range: bytes={start}-\r\n" if start else ""
        # Some servers answer nobody who does not say who he is.
        more = f"\r\nUser-Agent: MicroPython\r\nAccept-Encoding: identity\r\n{part}Connection: close\r\n\r\n"
        await self._connection.send(f"GET {path} HTTP/1.1\r\nHost: {host}{more}".encode())

    async def head(self, start):
        """Read the head; return where it redirects to, None if the body follows."""
        self._since = ticks_ms()
        self._budget = _HEAD
        status = 0
        while status < 200:  # others announce
            line = await self._line()
            if line[:7] != b"HTTP/1." or not line[9:12].isdigit():
                raise Failed("answer", "what answers there does not speak HTTP: check address and port")
            status = int(line[9:12])
            length = where = part = None
            while line:
                line = await self._line()
                name, _, value = line.partition(b":")
                name, value = name.lower(), value.strip()
                if name == b"content-length":
                    if not value.isdigit() or len(value) > 9 or length not in (None, int(value)):
                        raise Failed("answer", "the server does not say clearly how long the file is")
                    length = int(value)
                elif name == b"location":
                    where = "".join([chr(byte) for byte in value])
                elif name == b"content-range":
                    part = value
                elif (
                    name in (b"transfer-encoding", b"content-encoding") and value.lower() != b"identity" and 199 < status < 300
                ):
                    raise Failed("answer", "the server sends the file in chunks or compressed, which is not understood here")
        if status in (301, 302, 303, 307, 308):
            if not where:
                raise Failed("redirect", "the server redirects, but does not say where to")
            return where
        if status == 206 and start:
            self.size = _size(part, start, length)
            self.start = start
            self._left = self.size - start
        elif status == 200:
            self.size = self._left = length
        elif status == 416 and start:
            raise Failed("range", "the file at the server is shorter by now")
        else:
            raise Failed(
                "status", f"the server answers {status}" + (": there is no such file" if status == 404 else ""), status
            )
        return None

    async def _line(self):
        """Return the next line of the head without its end. One that is too long is none that matters here."""
        view = self._view
        while True:
            at = self._buffer.find(b"\n", self._at, self._end)
            if at >= 0:
                line = bytes(view[self._at : at])
                self._at = at + 1
                return line.rstrip(b"\r")
            rest = self._end - self._at
            if self._at:
                view[:rest] = view[self._at : self._end]
            elif rest == _LINE:
                rest = _BEGIN
                view[0] = 63
            self._at, self._end = 0, rest
            count = await self._receive(view[rest:])
            self._end += count
            self._budget -= count
            if self._budget < 0:
                raise Failed("answer", "the head of the server's answer does not end")

    async def _receive(self, view):
        """Wait for bytes, and return how many came."""
        while True:
            count = self._connection.receive(view)
            if ticks_diff(ticks_ms(), self._since) > self._timeout_ms:
                raise ConnectionFailed("timeout")
            if count:
                return count
            await asyncio.sleep_ms(PAUSE_MS)


def _is_plain(url):
    return all(["!" <= sign <= "~" for sign in url])


def _size(part, start, length):
    """Return the file's size from "bytes 100-199/200", which has to be from `start` to its end, and `length` bytes."""
    try:
        unit, _, rest = str(part, "utf-8").partition(" ")
        span, _, size = rest.partition("/")
        first, _, last = span.partition("-")
        if unit == "bytes" and int(first) == start and int(last) + 1 == int(size) and length in (None, int(size) - start):
            return int(size)
    except (TypeError, ValueError):
        pass
    raise Failed("range", "the server sends other bytes of the file than were asked for")
