"""One HTTP/1.1 answer: a fixed buffer that handlers write into, and the framing around what they wrote.

The buffer, 2048 bytes in all; one send takes head and body together:

    0            extra headers, collected as they are added; at the first send the whole head moves up against the body
    _BODY - 6    "05DC" CR LF: the size of a chunk, if chunks are sent
    _BODY        what handlers put, at most BODY_BYTES
    _LIMIT       CR LF "0" CR LF CR LF: end of the last chunk

Source: RFC 9112 6 and 7.1 (framing), RFC 9110 15 (status codes).
"""

from micropython import const

from lib.http.errors import LocalError
from lib.http.kernels import line_end, put_bytes, put_digits, put_escaped

_BODY = const(505)
_LIMIT = const(2041)
_BUFFER = const(2048)
_PIECE = const(1460)  # bytes given to the socket at once from memory that is not ours: one TCP segment

BODY_BYTES = const(1536)

# Text is the smallest form of a table in flash. What is answered most is found first.
_REASONS = const("""
200 OK
204 No Content
400 Bad Request
404 Not Found
201 Created
202 Accepted
301 Moved Permanently
302 Found
303 See Other
304 Not Modified
307 Temporary Redirect
308 Permanent Redirect
401 Unauthorized
403 Forbidden
405 Method Not Allowed
406 Not Acceptable
408 Request Timeout
409 Conflict
411 Length Required
412 Precondition Failed
413 Content Too Large
414 URI Too Long
415 Unsupported Media Type
417 Expectation Failed
422 Unprocessable Content
429 Too Many Requests
431 Request Header Fields Too Large
500 Internal Server Error
501 Not Implemented
502 Bad Gateway
503 Service Unavailable
504 Gateway Timeout
505 HTTP Version Not Supported
507 Insufficient Storage
""")


def reason(status):
    """Return the words that go with a status code, "" for one that is not in the table."""
    at = _REASONS.find(f"\n{status} ")
    return _REASONS[at + 5 : _REASONS.find("\n", at + 5)] if at >= 0 else ""


class Response:
    """What a handler answers with. Without flush() it goes out at once, with its Content-Length.

    status: 200 unless set. type: Content-Type, None for none. cache: Cache-Control, None for none.
    length: set before the first flush() if the body's size is known; otherwise chunks are sent then (to HTTP/1.0:
    everything until the connection closes). close: set to have the connection closed behind this answer.
    """

    def __init__(self):
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._request = None
        self.connection = None  # who sends: has send(view)
        self.clear(None)

    def clear(self, request):
        """Forget everything and answer this request (None: one that was not understood)."""
        self._request = request
        self.status = 200
        self.type = "application/json"
        self.cache = "no-store"
        self.length = None
        self.close = False
        self.started = False  # the head was sent
        self.finished = False
        self._chunked = False
        self._count = 0  # bytes of body before those in the buffer
        self._extra = 0  # bytes of extra headers at the start of the buffer
        self._end = _BODY

    # What handlers write

    @property
    def room(self):
        """Bytes that may be put before the next flush()."""
        return _LIMIT - self._end

    def put(self, data):
        """Append bytes, str (as UTF-8) or a memoryview of bytes. Raises LocalError, nothing written, if it has no room."""
        self._advance(put_bytes(self._buffer, self._end, _LIMIT, data, len(data), isinstance(data, str)))

    def put_json(self, text):
        """Append text (str, or UTF-8 bytes) as a JSON string with its quotes. Raises LocalError if it has no room."""
        end = put_bytes(self._buffer, self._end, _LIMIT, '"', 1, 1)
        if end >= 0:
            end = put_escaped(self._buffer, end, _LIMIT, text, len(text), isinstance(text, str))
            if end >= 0:
                end = put_bytes(self._buffer, end, _LIMIT, '"', 1, 1)
        self._advance(end)

    def put_int(self, number, width=0):
        """Append an integer of any size in decimal, padded with zeros to `width` digits (a sign comes before them)."""
        if number < 0:
            self.put("-")
            number = -number
        if number >= 1000000000:  # beyond what every small int holds
            high = number // 1000000000
            self.put_int(high, width - 9)
            number -= high * 1000000000
            width = 9
        self._advance(put_digits(self._buffer, self._end, _LIMIT, number, width))

    def free(self):
        """Return the free part of the buffer as a view, to be filled in place and reported to filled()."""
        return self._view[self._end : _LIMIT]

    def filled(self, count):
        """Take note of count bytes written to free()."""
        self._end += count

    def _advance(self, end):
        if end < 0:
            raise LocalError("the answer's buffer is full: flush() before room is used up")
        self._end = end

    def add_header(self, name, value):
        """Add a header line (value: str). Raises LocalError: no room, control characters, head sent already."""
        if self.started:
            raise LocalError("a header behind the head")
        at = self._extra
        for part in (name, ": ", value, "\r\n"):
            if at >= 0:
                at = put_bytes(self._buffer, at, _BODY, part, len(part), 1)
        if at < 0:
            raise LocalError("too many headers")
        if line_end(self._buffer, self._extra, at) != at - 1 or self._buffer.find(b"\r", self._extra, at) != at - 2:
            raise LocalError("a control character in a header")
        self._extra = at

    # Sending

    async def flush(self):
        """Send what is buffered and go on with an empty buffer. Raises OSError: the client is gone or too slow."""
        if self._end > _BODY or not self.started:
            await self._send(False)

    async def finish(self):
        """Send what is left; nothing can be put afterwards. The server calls it when the handler returns."""
        if not self.finished:
            self.finished = True
            await self._send(True)

    async def send(self, data):
        """Send long data (bytes or a view) from where it is, without copying; its size must be part of `length`."""
        if self.length is None:
            raise LocalError("length must be set before send()")
        await self.flush()
        self._count += len(data)
        self._check_length(False)
        if not self._bodiless():
            data = memoryview(data)
            for at in range(0, len(data), _PIECE):
                await self.connection.send(data[at : at + _PIECE])  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def is_head(self):
        """The answer has no body because HEAD was asked: its bytes are only counted."""
        return self._request is not None and self._request.method == "HEAD"

    def _bodiless(self):
        return self.status == 204 or self.status == 304 or self.is_head

    def _check_length(self, last):
        """Raise LocalError if more was put than `length` promised, or in the end less."""
        if self.length is not None and (self._count > self.length or last and self._count < self.length):
            if not (last and self._bodiless()):
                self.close = True
                raise LocalError("the answer's length is not what was promised")

    async def _send(self, last):
        """Frame the buffer's contents and send them."""
        start, end = _BODY, self._end
        self._count += end - start
        self._end = _BODY
        self._check_length(last)
        if not self.started:
            if last and self.length is None:
                self.length = self._count
            elif not last and self.length is None:
                if self.is_head:
                    return  # its Content-Length is known in the end
                if not self._bodiless():
                    self._chunked = self._request is not None and self._request.minor > 0
                    self.close = self.close or not self._chunked
        if self._bodiless():
            end = start
        elif self._chunked:
            if end > start:
                end = put_bytes(self._buffer, end, _BUFFER, "\r\n", 2, 1)
                start -= 6
                self._put_hex(start, end - _BODY - 2)
            if last:
                end = put_bytes(self._buffer, end, _BUFFER, "0\r\n\r\n", 5, 1)
        if not self.started:
            start = self._put_head(start)
            self.started = True
        if end > start:
            await self.connection.send(self._view[start:end])  # pyright: ignore[reportAttributeAccessIssue]

    def _put_hex(self, at, size):
        """Write the chunk size as four hexadecimal digits and CR LF."""
        for shift in (12, 8, 4, 0):
            digit = size >> shift & 15
            self._buffer[at] = digit + (48 if digit < 10 else 55)
            at += 1
        put_bytes(self._buffer, at, _BODY, "\r\n", 2, 1)

    def _put_head(self, body):
        """Write the head so that it ends at offset `body`; return where it starts."""
        buffer, view, extra = self._buffer, self._view, self._extra
        top = body - 2 - extra
        view[top : top + extra] = view[:extra]
        put_bytes(buffer, body - 2, body, "\r\n", 2, 1)
        at = put_bytes(buffer, 0, top, "HTTP/1.1 ", 9, 1)
        if at >= 0:
            at = put_digits(buffer, at, top, self.status, 3)
        at = self._put_line(at, top, " ", reason(self.status))
        if self.type is not None and self.status != 204 and self.status != 304:
            at = self._put_line(at, top, "Content-Type: ", self.type)
            at = self._put_line(at, top, "X-Content-Type-Options: ", "nosniff")
        if self.cache is not None:
            at = self._put_line(at, top, "Cache-Control: ", self.cache)
        if self._chunked:
            at = self._put_line(at, top, "Transfer-Encoding: ", "chunked")
        elif self.length is not None and self.status != 204 and self.status != 304 and at >= 0:
            at = put_bytes(buffer, at, top, "Content-Length: ", 16, 1)
            if at >= 0:
                at = put_digits(buffer, at, top, self.length, 1)
            at = self._put_line(at, top, "", "")
        request = self._request
        if request is None or not request.keep_alive or not request.body_known():
            self.close = True
        if self.close:
            at = self._put_line(at, top, "Connection: ", "close")
        elif request.minor == 0:
            at = self._put_line(at, top, "Connection: ", "keep-alive")
        if at < 0:
            raise LocalError("too many headers")
        view[top - at : top] = view[:at]
        return top - at

    def _put_line(self, at, top, name, value):
        if at >= 0:
            at = put_bytes(self._buffer, at, top, name, len(name), 1)
        if at >= 0:
            at = put_bytes(self._buffer, at, top, value, len(value), 1)
        if at >= 0:
            at = put_bytes(self._buffer, at, top, "\r\n", 2, 1)
        return at

    # Errors

    def put_error(self, error):
        """Answer with an HttpError instead of what was put so far; only while nothing was sent."""
        self.clear(self._request)
        self.status = error.status
        if error.name is not None:
            self.add_header(error.name, error.value)
        self.put('{"error":')
        self.put_json(error.message[:200])
        self.put("}")
