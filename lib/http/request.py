"""One HTTP/1.1 request, read without I/O and without a clock: bytes in, request out.

The connection reads its socket into room(), reports the byte count to filled(), then asks complete(). The object and
its buffer are used again for the next request: whatever a handler wants to keep it must copy.
Source: RFC 9112 (HTTP/1.1), RFC 9110 (semantics).
"""

from lib.http.errors import HttpError
from lib.http.kernels import is_utf8, line_end, same, token_end
from lib.http.percent import decode, lookup, normalise

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")  # all others: 501


class Request:
    """The buffer of one request and what was found in it.

    method, path: str; the path is percent-decoded, normalised and without its query ("*" only with OPTIONS).
    minor: 0 for HTTP/1.0, 1 for HTTP/1.1 and later. keep_alive: the client wants the connection kept.
    content_length: bytes of the body, 0 without one. expects: the client waits for "100 Continue".
    """

    def __init__(self, header_bytes):
        """header_bytes: the longest head; the request line may take half of it."""
        self._buffer = bytearray(header_bytes)
        self._view = memoryview(self._buffer)
        self._line_max = header_bytes // 2
        self._used = 0  # bytes received; those behind this request belong to the next one
        self.connection = None  # who reads the body: has receive_body(request) and .peer
        self.clear()

    def clear(self):
        """Forget everything, bytes received included."""
        self._used = 0
        self._forget()

    def _forget(self):
        self.method = self.path = ""
        self.minor = 1
        self.keep_alive = False
        self.content_length = 0
        self.expects = False
        self.head_end = 0  # offset behind the head, 0 while it is incomplete
        self.body_buffer = None  # bytearray that holds the whole body, from body_start on; None while it was not asked for
        self.body_start = 0
        self.body_apart = False  # body_buffer is not this request's own
        self.body_taken = 0  # bytes that body_into() gave away
        self._line = 0  # where the line being read starts
        self._seen = 0  # no line end before this offset
        self._fields = 0  # where the first header line starts, 0 while the request line is incomplete
        self._query = self._query_end = 0
        self._has_length = self._has_host = self._has_coding = False

    # Filling

    def room(self):
        """Return the free part of the buffer as a view (the connection's to fill, valid until next())."""
        return self._view[self._used :]

    def filled(self, count):
        """Take note of count bytes written to room()."""
        self._used += count

    @property
    def started(self):
        """Bytes of this request are there."""
        return self._used > self._line or self._fields > 0

    @property
    def blank(self):
        """Nothing but empty lines is there."""
        return self._used > 0 and not self.started

    def body_here(self):
        """Return how many bytes of the body the buffer holds already."""
        return min(self._used - self.head_end, self.content_length)

    def body_fits(self):
        """The rest of the body has room behind the head."""
        return self.head_end + self.content_length <= len(self._buffer)

    def body_known(self):
        """The end of this request is in the buffer or was read: the next one may follow."""
        return self.body_buffer is not None or max(self.body_taken, self.body_here()) == self.content_length

    def next(self):
        """Move on to the next request; True if bytes of it are here already. Only after body_known()."""
        end = self.head_end + self.body_here()
        rest = self._used - end
        if rest:
            self._view[:rest] = self._view[end : self._used]
        self._used = rest
        self._forget()
        return rest > 0

    # Reading the head

    def complete(self):
        """Return True when the head is whole, False while bytes are missing.

        Lines may end in CR LF or in LF alone. Raises HttpError for a head that cannot be served, as soon as that is
        known; what follows it in the buffer has no meaning then.
        """
        buffer = self._buffer
        while not self.head_end:
            if not self._fields and self._used > self._line and token_end(buffer, self._line, self._line + 1) == self._line:
                if buffer[self._line] not in b"\r\n":
                    raise HttpError(400, "this is no HTTP request")
            end = line_end(buffer, self._seen, self._used)
            if end == -1:
                self._seen = max(self._line, self._used - 1)  # a CR at the end is looked at again
                self._check_room()
                return False
            if end == -2:
                raise HttpError(400, "a control character in the head of the request")
            stop = end - 1 if end > self._line and buffer[end - 1] == 13 else end
            if not self._fields:
                if stop > self._line:  # empty lines before a request are ignored (RFC 9112 2.2)
                    if stop - self._line > self._line_max:
                        raise HttpError(414, "the address is too long")
                    self._read_request_line(self._line, stop)
                    self._fields = end + 1
            elif stop > self._line:
                self._read_field(self._line, stop)
            else:
                self._check()
                self.head_end = end + 1
            self._line = self._seen = end + 1
        return True

    def _check_room(self):
        if not self._fields:
            if self._used - self._line > self._line_max or self._used == len(self._buffer):
                blank = token_end(self._buffer, self._line, self._used)
                if blank - self._line > 16 or self._buffer.find(b" ", blank, blank + 1) < 0:
                    raise HttpError(400, "this is no HTTP request")
                raise HttpError(414, "the address is too long")
        elif self._used == len(self._buffer):
            raise HttpError(431, "the head of the request is too large")

    def _read_request_line(self, start, end):
        """method SP target SP version (RFC 9112 3)."""
        buffer = self._buffer
        first = token_end(buffer, start, end)
        second = buffer.find(b" ", first + 1, end)
        if second < 0 or buffer.find(b" ", second + 1, end) >= 0 or buffer[first] != 0x20 or first - start > 16:
            raise HttpError(400, "the request line is not 'METHOD /path HTTP/1.1'")
        if end - second != 9 or not same(buffer, second, " HTTP/", 6, 0) or buffer[end - 2] != 0x2E:
            raise HttpError(400, "the request line does not end in an HTTP version")
        minor = buffer[end - 1] - 48
        major = buffer[end - 3] - 48
        if not (0 <= minor <= 9 and 0 <= major <= 9):
            raise HttpError(400, "the request line does not end in an HTTP version")
        if major != 1:
            raise HttpError(505, "only HTTP/1.0 and HTTP/1.1 are spoken here")
        self.minor = 1 if minor else 0
        self.keep_alive = minor > 0
        self.method = self._method(start, first - start)
        self._read_target(first + 1, second)

    def _method(self, start, count):
        for method in METHODS:
            if len(method) == count and same(self._buffer, start, method, count, 0):
                return method
        return str(self._view[start : start + count], "utf-8")

    def _read_target(self, start, end):
        """origin-form, absolute-form, or "*" with OPTIONS (RFC 9112 3.2)."""
        buffer = self._buffer
        if buffer.find(b"#", start, end) >= 0 or start == end:
            raise HttpError(400, "the address in the request line is malformed")
        question = buffer.find(b"?", start, end)
        if question < 0:
            question = end
        if buffer[start] != 0x2F:
            if self.method == "OPTIONS" and end - start == 1 and buffer[start] == 0x2A:
                self.path = "*"
                return
            start = self._skip_authority(start, question)
        self.path = normalise(decode(buffer, start, question, False)) if start < question else "/"
        if question < end:
            self._query = question + 1
            self._query_end = end
            decode(buffer, self._query, end, True)  # nonsense is refused even if no handler asks for it

    def _skip_authority(self, start, end):
        """Return where the path of http://host/path starts."""
        for scheme in ("http://", "https://"):
            if end - start > len(scheme) and same(self._buffer, start, scheme, len(scheme), 1):
                start += len(scheme)
                slash = self._buffer.find(b"/", start, end)
                if slash < 0:
                    slash = end
                if slash > start:
                    return slash
        raise HttpError(400, "the address in the request line is malformed")

    def _read_field(self, start, end):
        """name ":" value (RFC 9112 5). Names that change how the message is read are looked at here."""
        buffer = self._buffer
        colon = token_end(buffer, start, end)
        if colon == start or colon == end or buffer[colon] != 0x3A:
            raise HttpError(400, "a header line is not 'Name: value'")  # folded lines and blanks before ':' included
        count = colon - start
        if count == 4 and same(buffer, start, "host", 4, 1):
            if self._has_host:
                raise HttpError(400, "more than one Host")
            self._has_host = True
        elif count == 14 and same(buffer, start, "content-length", 14, 1):
            if self._has_length:
                raise HttpError(400, "more than one Content-Length")
            self._has_length = True
            self.content_length = self._length(self._value(colon + 1, end))
        elif count == 17 and same(buffer, start, "transfer-encoding", 17, 1):
            self._has_coding = True
        elif count == 10 and same(buffer, start, "connection", 10, 1):
            value = self._value(colon + 1, end).lower()
            if "close" in value:
                self.keep_alive = False
            elif self.minor == 0 and "keep-alive" in value:
                self.keep_alive = True
        elif count == 6 and same(buffer, start, "expect", 6, 1):
            if self._value(colon + 1, end).lower() != "100-continue":
                raise HttpError(417, "only '100-continue' can be expected here")
            self.expects = True

    def _length(self, text):
        for character in text:
            if character not in "0123456789":
                text = ""
        if not text:
            raise HttpError(400, "Content-Length is not a number")
        if len(text) > 9:
            raise HttpError(413, "the body is too large")
        return int(text)

    def _check(self):
        """What can only be judged when all header lines are known."""
        if self._has_coding:
            if self._has_length:
                raise HttpError(400, "both Content-Length and Transfer-Encoding")
            raise HttpError(501, "a body needs a Content-Length, transfer codings are not understood")
        if not self._has_host and self.minor:
            raise HttpError(400, "HTTP/1.1 needs a Host")
        if self.minor == 0 or not self.content_length:
            self.expects = False

    def _value(self, start, end):
        """Return the text of a header's value without blanks around it."""
        if not is_utf8(self._buffer, start, end):
            raise HttpError(400, "a header that is not UTF-8")
        return str(self._view[start:end], "utf-8").strip()

    # What handlers ask for

    def header(self, name):
        """Return the value of the first header of that name (ASCII, any case), None if it is not there."""
        count = len(name)
        start = self._fields
        while True:
            end = self._buffer.find(b"\n", start, self.head_end)
            if end < 0:
                return None
            if end - start > count and self._buffer[start + count] == 0x3A and same(self._buffer, start, name, count, 1):
                return self._value(start + count + 1, end)
            start = end + 1

    def query(self, name):
        """Return the decoded value of the first parameter of that name (ASCII), "" without '=', None if not there."""
        return lookup(self._buffer, self._query, self._query_end, name)

    @property
    def peer(self):
        """Address of the client as text, "" if it cannot be told."""
        return self.connection.peer if self.connection else ""

    async def body(self):
        """Return the whole body as a view, valid until the answer is finished; empty without one.

        Raises HttpError: 413 longer than the server allows, 408 too slow, 400 cut short, 503 no buffer free.
        """
        if self.body_buffer is None:
            await self.connection.receive_body(self)  # pyright: ignore[reportAttributeAccessIssue]
        view = memoryview(self.body_buffer)  # pyright: ignore[reportArgumentType]
        return view[self.body_start : self.body_start + self.content_length]

    async def body_into(self, view):
        """Put the next bytes of the body into a view (not empty), and return the count, 0 at its end.

        Instead of body(), for one of any length: no more is received than is asked for. Each wait ends by HttpError 408 at the
        latest; 400 cut short; OSError when the client is gone.
        """
        here = self.body_here() - self.body_taken
        if here > 0:
            at = self.head_end + self.body_taken
            count = min(here, len(view))
            view[:count] = self._view[at : at + count]
        else:
            view = view[: self.content_length - self.body_taken]
            count = len(view) and await self.connection.receive_part(self, view)  # pyright: ignore[reportAttributeAccessIssue]
        self.body_taken += count
        return count

    async def form_value(self, name):
        """Return the value of that name (ASCII) in an application/x-www-form-urlencoded body, None if not there.

        A body without a Content-Type is taken for a form; any other type raises HttpError(415). Errors as of body().
        """
        kind = self.header("content-type")
        if kind is not None and not kind.lower().startswith("application/x-www-form-urlencoded"):
            raise HttpError(415, "the body must be application/x-www-form-urlencoded")
        await self.body()
        return lookup(self.body_buffer, self.body_start, self.body_start + self.content_length, name)

    # Who waits for the body reads it into the buffer itself, or takes what is here and reads the rest elsewhere.

    def keep_body_here(self):
        """The whole body is behind the head."""
        self.body_buffer = self._buffer
        self.body_start = self.head_end

    def keep_body_apart(self, buffer):
        """The whole body is at the start of another buffer (bytearray)."""
        self.body_buffer = buffer
        self.body_start = 0
        self.body_apart = True

    def move_body(self, target):
        """Copy what is here of the body to target (bytearray) and return the count; the connection reads the rest."""
        here = self.body_here()
        target[:here] = self._view[self.head_end : self.head_end + here]
        self._used = self.head_end
        return here
