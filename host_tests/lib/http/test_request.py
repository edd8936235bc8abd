"""The request parser: vectors whole, byte by byte and with a tail; garbage gives declared errors only."""

import random

from lib.http.errors import HttpError
from lib.http.request import Request

_SIZE = 1024  # of the head; the request line may take half

REQUESTS = (
    # what, wire, (method, path, minor, keep_alive, content_length, expects) or the error's status
    ("plain", b"GET / HTTP/1.1\r\nHost: sg\r\n\r\n", ("GET", "/", 1, True, 0, False)),
    ("bare LF", b"GET /a HTTP/1.1\nHost: sg\n\n", ("GET", "/a", 1, True, 0, False)),
    ("mixed line ends", b"GET /a HTTP/1.1\r\nHost: sg\n\r\n", ("GET", "/a", 1, True, 0, False)),
    ("HTTP/1.0 needs no Host", b"GET /a?b HTTP/1.0\r\n\r\n", ("GET", "/a", 0, False, 0, False)),
    ("HTTP/1.0 kept", b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", ("GET", "/", 0, True, 0, False)),
    ("HTTP/1.2 is served as 1.1", b"GET / HTTP/1.2\r\nHost: sg\r\n\r\n", ("GET", "/", 1, True, 0, False)),
    ("close", b"GET / HTTP/1.1\r\nHost: a\r\nconnection: x, Close\r\n\r\n", ("GET", "/", 1, False, 0, False)),
    ("empty lines before", b"\r\n\r\nGET / HTTP/1.1\r\nHost: sg\r\n\r\n", ("GET", "/", 1, True, 0, False)),
    ("empty Host", b"GET / HTTP/1.1\r\nHost:\r\n\r\n", ("GET", "/", 1, True, 0, False)),
    ("body", b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n", ("POST", "/p", 1, True, 10, False)),
    (
        "expectation",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:3\r\nExpect: 100-Continue\r\n\r\n",
        ("POST", "/", 1, True, 3, True),
    ),
    (
        "an expectation of HTTP/1.0 is ignored",
        b"POST / HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
        ("POST", "/", 0, False, 3, False),
    ),
    ("absolute form", b"GET HTTP://sg:80/a/b?c=1 HTTP/1.1\r\nHost: sg\r\n\r\n", ("GET", "/a/b", 1, True, 0, False)),
    ("absolute form, no path", b"GET http://sg?c=1 HTTP/1.1\r\nHost: sg\r\n\r\n", ("GET", "/", 1, True, 0, False)),
    ("OPTIONS *", b"OPTIONS * HTTP/1.1\r\nHost: sg\r\n\r\n", ("OPTIONS", "*", 1, True, 0, False)),
    ("a method nobody knows", b"BREW /pot HTTP/1.1\r\nHost: sg\r\n\r\n", ("BREW", "/pot", 1, True, 0, False)),
    ("methods have a case", b"get / HTTP/1.1\r\nHost: sg\r\n\r\n", ("get", "/", 1, True, 0, False)),
    ("encoded path", b"GET /a%20%c4%8d HTTP/1.1\r\nHost: sg\r\n\r\n", ("GET", "/a č", 1, True, 0, False)),
    ("dots inside", b"GET /a/%2e%2e/b HTTP/1.1\r\nHost: sg\r\n\r\n", ("GET", "/b", 1, True, 0, False)),
    # refused
    ("no Host", b"GET / HTTP/1.1\r\n\r\n", 400),
    ("two Hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    ("HTTP/0.9", b"GET /\r\n\r\n", 400),
    ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("no version", b"GET / HTTP\r\n\r\n", 400),
    ("odd version", b"GET / HTTP/1.x\r\n\r\n", 400),
    ("long version", b"GET / HTTP/1.10\r\n\r\n", 400),
    ("lower version", b"GET / http/1.1\r\n\r\n", 400),
    ("blank in the address", b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("two blanks", b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("blank before the method", b" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("TAB for blank", b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("no address", b"GET HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("relative address", b"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("other scheme", b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("no host in the address", b"GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET *", b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("fragment", b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("TLS hello", b"\x16\x03\x01\x02\x00\x01", 400),
    ("NUL in the address", b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("encoded NUL", b"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("percent nonsense in the path", b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("percent nonsense in the query", b"GET /?a=% HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("overlong UTF-8", b"GET /?a=%c0%af HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("out of the root", b"GET /../x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("out of the root, encoded", b"GET /..%2fx HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("backslash", b"GET /..%5cx HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("NUL in a header", b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
    ("bell in a header", b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x07b\r\n\r\n", 400),
    ("CR alone", b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
    ("folded header", b"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400),
    ("blank before the colon", b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    ("no colon", b"GET / HTTP/1.1\r\nHost\r\n\r\n", 400),
    ("no name", b"GET / HTTP/1.1\r\n: a\r\n\r\n", 400),
    ("odd name", b"GET / HTTP/1.1\r\nHo(st: a\r\n\r\n", 400),
    ("other expectation", b"POST / HTTP/1.1\r\nHost: a\r\nExpect: gold\r\n\r\n", 417),
    # shapes that smuggle a second request past somebody
    ("both lengths", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ("chunks", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
    ("two lengths", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 400),
    ("list of lengths", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n", 400),
    ("negative length", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\n", 400),
    ("signed length", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n", 400),
    ("hexadecimal length", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\n", 400),
    ("no length", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400),
    ("huge length", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),
    # too large
    ("address too long", b"GET /" + b"a" * _SIZE + b" HTTP/1.1\r\n", 414),
    ("address just too long", b"GET /" + b"a" * (_SIZE // 2) + b" HTTP/1.1\r\n\r\n", 414),
    ("no end, no request", b"a" * _SIZE, 400),
    ("head too large", b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * _SIZE, 431),
    ("too many headers", b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 200, 431),
    ("only empty lines", b"\r\n" * _SIZE, 400),
)


def read(request, wire, step):
    """Feed wire in steps; return (request's parts or error status, bytes used up to there)."""
    at = 0
    try:
        while not request.complete():
            room = request.room()
            piece = wire[at : at + min(step, len(room))]
            if not piece:
                return None, at
            room[: len(piece)] = piece
            request.filled(len(piece))
            at += len(piece)
    except HttpError as error:
        assert error.message
        return error.status, at
    parts = request.method, request.path, request.minor, request.keep_alive, request.content_length, request.expects
    return parts, at


def test_requests_whole_byte_by_byte_and_with_a_tail():
    request = Request(_SIZE)
    for what, wire, expected in REQUESTS:
        for step in (_SIZE, 1, 3):
            request.clear()
            assert read(request, wire, step)[0] == expected, (what, step)
        for tail in (b"\0\xff", b"GET /next HTTP/1.1\r\n"):
            request.clear()
            assert read(request, wire + tail, 7)[0] == expected, (what, tail)


def test_missing_bytes_are_no_error():
    request = Request(_SIZE)
    wire = b"POST /p?q=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"
    for count in range(len(wire)):
        request.clear()
        assert read(request, wire[:count], 5) == (None, count), count
        assert request.started == (count > 0)


def test_headers_are_found_in_any_case():
    request = Request(_SIZE)
    wire = b"GET / HTTP/1.1\r\nHost: sg \r\nX-One:1\r\nx-one: 2\r\nEmpty:\r\nUmlaut: \xc4\x8d\r\nBroken: \xff\r\n\r\n"
    wire += b"X-Two: 2\r\n\r\n"
    read(request, wire, 500)
    for name, expected in (
        ("host", "sg"),
        ("HOST", "sg"),
        ("X-ONE", "1"),
        ("empty", ""),
        ("umlaut", "č"),
        ("x-on", None),
        ("x-one:", None),
        ("x-two", None),  # that is behind the head
        ("GET / HTTP/1.1", None),
    ):
        assert request.header(name) == expected, name
    try:
        request.header("broken")
    except HttpError as error:
        assert error.status == 400
    else:
        raise AssertionError("a header that is no UTF-8 was given out")


def test_query_values():
    request = Request(_SIZE)
    read(request, b"GET /get_command?command=get_status&time=1&a=x%20y+z HTTP/1.1\r\nHost: a\r\n\r\n", 500)
    assert request.path == "/get_command"
    for name, expected in (("command", "get_status"), ("time", "1"), ("a", "x y z"), ("b", None)):
        assert request.query(name) == expected, name
    request.clear()
    read(request, b"GET /get_command HTTP/1.1\r\nHost: a\r\n\r\n", 500)
    assert request.query("command") is None  # nothing stays of the request before


def test_requests_behind_one_another_come_out_in_order():
    wire = b""
    for number in range(5):
        wire += b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (number, number) + b"GET /"[:number]
    request = Request(_SIZE)
    room = request.room()
    room[: len(wire)] = wire
    request.filled(len(wire))
    for number in range(5):
        assert request.complete()
        assert (request.path, request.content_length) == ("/%d" % number, number)
        assert request.body_known()
        request.keep_body_here()
        body = request.body_buffer[request.body_start : request.body_start + number]
        assert body == b"GET /"[:number]
        assert request.next() == (number < 4)
    assert not request.started


def test_fuzz_gives_declared_errors_only_and_the_next_request_is_read():
    random.seed(42)
    request = Request(_SIZE)
    pieces = (b"\r\n", b"\n", b"\r", b"\0", b" ", b":", b"%", b"%c0%af", b"/../", b"Content-Length: -1\r\n", b"\xff", b"GET ")
    good = b"GET /good HTTP/1.1\r\nHost: a\r\n\r\n"
    outcomes = {}
    for _ in range(3000):
        wire = bytearray(random.choice(REQUESTS if random.getrandbits(1) else REQUESTS[:19])[1])
        for _ in range(random.randint(1, 4)):
            at = random.randint(0, len(wire))
            kind = random.randint(0, 3)
            if kind == 0:
                wire = wire[:at] + random.choice(pieces) + wire[at:]
            elif kind == 1:
                wire = wire[:at] + wire[at + random.randint(1, 9) :]
            elif kind == 2 and at < len(wire):
                wire[at] = random.getrandbits(8)
            else:
                wire = wire[:at] + random.choice(REQUESTS)[1][: random.randint(0, 60)] + wire[at:]
        request.clear()
        parts, _ = read(request, bytes(wire), random.randint(1, 99))
        if isinstance(parts, tuple):
            assert parts[1] == "*" or parts[1][0] == "/" and "/../" not in parts[1] + "/", bytes(wire)
            try:
                request.header("x")
                request.query("a")
            except HttpError as error:
                assert error.status == 400
        kind = parts if isinstance(parts, int) else type(parts)
        outcomes[kind] = outcomes.get(kind, 0) + 1
        request.clear()
        assert read(request, good, 100)[0] == ("GET", "/good", 1, True, 0, False)
    assert outcomes[400] > 500 and outcomes[tuple] > 100, outcomes  # both ways were taken
