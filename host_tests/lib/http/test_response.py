"""Answers as they stand on the wire: framing by length, by chunks, by closing; what must not go out is refused."""

import json

import micropython

from lib.http.errors import HttpError, LocalError
from lib.http.request import Request
from lib.http.response import BODY_BYTES, Response


class Wire:
    """Stands in for the connection: keeps what was sent, each send by itself."""

    def __init__(self):
        self.pieces = []

    async def send(self, view):
        assert len(view), "nothing to send"
        self.pieces.append(bytes(view))


def answer(head=b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"):
    """A response to this request, and its wire."""
    request = Request(1024)
    request.room()[: len(head)] = head
    request.filled(len(head))
    assert request.complete()
    response = Response()
    response.connection = Wire()
    response.clear(request)
    return response, response.connection


def parts(wire):
    """(status line, {name: value}, body) of what was sent."""
    head, _, body = b"".join(wire.pieces).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    return lines[0], dict(line.split(": ", 1) for line in lines[1:]), body


def dechunked(body):
    out = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        size = int(size, 16)
        out += body[:size]
        assert body[size : size + 2] == b"\r\n"
        body = body[size + 2 :]
        if not size:
            assert not body
            return out


async def test_a_short_answer_is_one_piece_with_its_length():
    response, wire = answer()
    response.put('{"a":')
    response.put_json('č"\\\n')
    response.put(b",")
    response.put(memoryview(b"xyz")[1:2])
    response.put("}")
    response.add_header("X-One", "1")
    response.add_header("X-Two", "zwei")
    await response.finish()
    assert len(wire.pieces) == 1
    status, headers, body = parts(wire)
    assert status == "HTTP/1.1 200 OK"
    assert headers == {
        "Content-Type": "application/json",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Content-Length": str(len(body)),
        "X-One": "1",
        "X-Two": "zwei",
    }
    assert body == '{"a":"č\\"\\\\\\u000a",y}'.encode()
    assert not response.close


async def test_a_full_buffer_still_goes_out_as_one_piece():
    response, wire = answer()
    assert response.room == BODY_BYTES == 1536
    response.put(b"x" * BODY_BYTES)
    assert response.room == 0
    await response.finish()
    assert len(wire.pieces) == 1 and parts(wire)[2] == b"x" * BODY_BYTES


async def test_integers_of_any_size():
    for number, width, text in (
        (0, 0, "0"),
        (7, 3, "007"),
        (-7, 3, "-007"),
        (999999999, 0, "999999999"),
        (1000000000, 0, "1000000000"),
        (2**30 - 1, 12, "001073741823"),
        (2**31, 0, "2147483648"),
        (-(2**30), 0, "-1073741824"),
        (123456789012345678901234567890, 0, "123456789012345678901234567890"),
        (5 * 10**18, 20, "05000000000000000000"),
        (1000000001, 3, "1000000001"),
    ):
        response, wire = answer()
        response.put_int(number, width)
        await response.finish()
        assert parts(wire)[2] == text.encode(), number


async def test_long_answers_come_in_chunks():
    for count in (1, 700, 1536, 1537, 5000):
        response, wire = answer()
        sent = b""
        for index in range(count):
            if response.room < 12:
                await response.flush()
            response.put_int(index, 5)
            sent += b"%05d" % index
        await response.flush()
        await response.flush()  # with nothing in it: no chunk, or it would end the answer
        await response.finish()
        _, headers, body = parts(wire)
        assert headers["Transfer-Encoding"] == "chunked" and "Content-Length" not in headers
        assert dechunked(body) == sent, count
        assert not response.close


async def test_a_flush_before_anything_was_put_sends_the_head():
    response, wire = answer()
    await response.flush()
    assert wire.pieces[0].endswith(b"\r\n\r\n")
    response.put("x")
    await response.finish()
    assert dechunked(parts(wire)[2]) == b"x"


async def test_http_1_0_gets_long_answers_until_the_connection_closes():
    response, wire = answer(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    response.put("one ")
    await response.flush()
    response.put("two")
    await response.finish()
    _, headers, body = parts(wire)
    assert body == b"one two"
    assert headers["Connection"] == "close" and response.close
    assert "Transfer-Encoding" not in headers and "Content-Length" not in headers


async def test_connection_header_only_when_needed():
    for head, expected in (
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", None),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "close"),
        (b"GET / HTTP/1.0\r\n\r\n", "close"),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "keep-alive"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345", None),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n1234", "close"),  # nobody waited for the body
    ):
        response, wire = answer(head)
        await response.finish()
        assert parts(wire)[1].get("Connection") == expected, head
        assert response.close == (expected == "close"), head


async def test_a_known_length_is_streamed_without_chunks_and_kept_to():
    response, wire = answer()
    response.length = 3000
    response.put(b"a" * 1500)
    await response.flush()
    response.put(b"b" * 1500)
    await response.finish()
    _, headers, body = parts(wire)
    assert headers["Content-Length"] == "3000" and body == b"a" * 1500 + b"b" * 1500

    for length, puts in ((10, 11), (10, 9)):
        response, wire = answer()
        response.length = length
        response.put(b"x" * puts)
        try:
            await response.finish()
        except LocalError:
            assert response.close and not wire.pieces
        else:
            raise AssertionError("a wrong length went out")


async def test_long_data_goes_out_from_where_it_is():
    asset = b"0123456789" * 500
    response, wire = answer()
    response.length = len(asset)
    await response.send(asset)
    await response.finish()
    assert parts(wire)[2] == asset
    response, wire = answer()
    try:
        await response.send(asset)
    except LocalError:
        assert not wire.pieces
    else:
        raise AssertionError("data without a length went out")


async def test_head_gets_the_head_of_get_and_no_body():
    for flushes, length in ((0, "6"), (1, "6"), (3, "18")):
        response, wire = answer(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        response.put("abcdef")
        for _ in range(flushes):
            await response.flush()
            if flushes > 1 and _:
                response.put("abcdef")
        await response.finish()
        _, headers, body = parts(wire)
        assert headers["Content-Length"] == length and body == b"", flushes


async def test_204_and_304_have_neither_body_nor_length():
    for status in (204, 304):
        response, wire = answer()
        response.status = status
        response.put("lost")
        await response.finish()
        _, headers, body = parts(wire)
        assert body == b"" and "Content-Length" not in headers and "Content-Type" not in headers, status


async def test_what_does_not_fit_is_refused_whole():
    response, wire = answer()
    response.put(b"x" * 1530)
    for call, argument in (
        (response.put, b"y" * 7),
        (response.put, "č" * 4),
        (response.put_json, "yyyyy"),
        (response.put_json, "\n"),
        (response.put_int, 1234567),
    ):
        try:
            call(argument)
        except LocalError:
            assert response.room == 6, argument
        else:
            raise AssertionError(argument)
    response.put_json("yyyy")
    await response.finish()
    assert parts(wire)[2] == b"x" * 1530 + b'"yyyy"'


async def test_headers_cannot_be_split_and_are_bounded():
    for name, value in (("X", "a\r\nY: b"), ("X", "a\nb"), ("X", "a\0"), ("X\r", "b"), ("X", "a\r"), ("X", "z" * 600)):
        response, wire = answer()
        response.put("x")
        try:
            response.add_header(name, value)
        except LocalError:
            pass
        else:
            raise AssertionError(value)
        await response.finish()
        assert parts(wire)[2] == b"x" and "X" not in parts(wire)[1]

    response, wire = answer()
    response.add_header("X", "z" * 480)  # fits, but leaves no room for the rest of the head
    try:
        await response.finish()
    except LocalError:
        assert not wire.pieces
    else:
        raise AssertionError("a head that has no room went out")
    response.put_error(HttpError(500, "internal error"))
    await response.finish()
    assert parts(wire)[0] == "HTTP/1.1 500 Internal Server Error"


async def test_an_error_replaces_what_was_put():
    response, wire = answer()
    response.put("half an ans")
    response.add_header("Set-Cookie", "a=b")
    response.put_error(HttpError(405, 'not "here"' + "!" * 400, "Allow", "GET"))
    await response.finish()
    status, headers, body = parts(wire)
    assert status == "HTTP/1.1 405 Method Not Allowed"
    assert headers["Allow"] == "GET" and "Set-Cookie" not in headers
    assert json.loads(body)["error"].startswith('not "here"!!')


def test_putting_takes_no_memory():
    response, _ = answer()
    text, data, view = "name č", b"value", memoryview(b"0123")
    micropython.heap_lock()
    try:
        response.put(text)
        response.put(data)
        response.put(view)
        response.put_json(text)
        response.put_int(123456789, 12)
        room = response.room
    finally:
        micropython.heap_unlock()
    assert room == BODY_BYTES - 7 - 5 - 4 - 9 - 12
