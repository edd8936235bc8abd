"""Ten thousand requests that are random, cut or mutated, at a gateway with a device's heap: it answers, and keeps nothing."""

import base64
import json
import random
import re
import socket
import threading

import pytest

from host_tests.gateway import api, command, detected, eventually, gateway

COUNT = 10_000
WARM_UP = 600  # so that what is kept for good (events, the statistics of units) is there before the heap is measured
SLACK = 1500  # bytes of heap: a poll under way
SEED = 20260101
PATIENCE_S = 20
# What the server may say. 500 is a bug of ours, whatever came.
STATUSES = {
    200,
    202,
    204,
    304,
    400,
    401,
    403,
    404,
    405,
    406,
    408,
    409,
    413,
    414,
    415,
    417,
    422,
    429,
    431,
    501,
    502,
    503,
    504,
    505,
}
_STATUS_LINE = re.compile(rb"HTTP/1\.1 (\d{3}) ")


def text(method, path, headers=(), body=b""):
    lines = [f"{method} {path} HTTP/1.1", "Host: sg", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def seeds(pop):
    """(request, its status) in good form; those with the login change nothing that the others need."""
    login = "Authorization: Basic " + base64.b64encode(f"admin:{pop}".encode()).decode()
    kind = "Content-Type: application/json"

    def send(method, path, content, *headers):
        return text(method, path, [kind, *headers], json.dumps(content).encode())

    return (
        (text("GET", "/get_command?command=get_measurements"), 200),
        (text("GET", "/get_command?command=get_counters&time=1582633521851"), 200),
        (text("GET", "/get_command?command=get_status"), 200),
        (text("GET", "/get_command?command=get_energy_log&recorder=1"), 200),
        (text("GET", "/get_command?command=none%20such"), 200),
        (text("HEAD", "/api/status"), 200),
        (text("GET", "/api/live?slot=lir&group=counters"), 200),
        (text("GET", "/api/live?slot=16"), 404),
        (text("GET", "/api/history?slot=lir&view=day"), 200),
        (text("GET", "/api/history.csv?slot=lir&days=1"), 200),
        (text("GET", "/api/relays"), 200),
        (text("GET", "/api/health"), 200),
        (text("GET", "/api/events"), 200),
        (text("GET", "/", ["Accept-Encoding: gzip, br"]), 200),
        (text("GET", "/style.css"), 406),
        (text("GET", "/nothing"), 404),
        (text("GET", "/api/settings"), 403),
        (text("GET", "/api/settings", ["Cookie: sg_session=00112233445566778899aabbccddeeff"]), 403),
        (text("GET", "/api/frames?port=rs485", [login]), 200),
        (text("GET", "/api/certificates", [login]), 200),
        (text("OPTIONS", "*"), 204),
        (text("DELETE", "/api/certificates/none", [login]), 404),
        (text("POST", "/post_command", ["Content-Type: application/x-www-form-urlencoded"], b"command=ON"), 401),
        (send("POST", "/api/restart", {}), 403),
        (send("POST", "/api/relay/16", {"state": "on"}, login), 404),
        (send("PATCH", "/api/settings", {"description": "fuzz", "rs485_addr_9": 12}, login), 200),
        (send("PATCH", "/api/settings", {"description": 1}, login), 422),
        (send("POST", "/api/settings/import", {"file": {"format": "opensg-settings", "values": {"poll_ms": -1}}}, login), 422),
        (
            send(
                "POST",
                "/api/certificates",
                {"name": "x", "pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"},
                login,
            ),
            422,
        ),
        (send("POST", "/api/login", {"user": "nobody", "password": "guess"}), 403),
    )


PIECES = (
    *(b"\0", b"\r\n", b"\r\n\r\n", b"%00", b"%", b"%ff", b"../", b"//", b"?", b"&", b"=", b"#", b":", b" ", b"\t", b"\xff\xfe"),
    *(
        b"\xed\xa0\x80",
        b'"',
        b"{",
        b"[" * 50,
        b"}",
        b"\\u",
        b"\\ud83d",
        b"1e999",
        b"-1",
        b"9" * 30,
        b"null",
        b"true",
        b"A" * 300,
    ),
    *(b"HTTP/1.0", b"HTTP/2.0", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 5\r\n", b"Content-Length: -1\r\n"),
    *(
        b"Expect: 100-continue\r\n",
        b"Host: a\r\n",
        b"Cookie: a=b; ; =;Authorization=Basic\r\n",
        b"Origin: null\r\n",
        b"X: " + b"y" * 900,
    ),
)


def mutated(random_, request):
    """The request with a few bytes changed, inserted, doubled or taken out."""
    data = bytearray(request)
    for _ in range(random_.choice((1, 1, 1, 2, 3, 8))):
        at = random_.randrange(len(data) + 1)
        way = random_.randrange(5)
        if way == 0 and at < len(data):
            data[at] ^= 1 << random_.randrange(8)
        elif way == 1:
            data[at:at] = random_.choice(PIECES)
        elif way == 2:
            del data[at : at + random_.randrange(1, 20)]
        elif way == 3:
            data[at:at] = data[at : at + random_.randrange(1, 60)]
        else:
            data[at : at + 1] = bytes([random_.randrange(256)])
    return bytes(data)


def cases(random_, pop):
    """Yield (what it is, the bytes, the statuses it may have; None: no answer is right too)."""
    known = seeds(pop)
    while True:
        request, status = random_.choice(known)
        way = random_.random()
        if way < 0.1:
            yield "as it is", request, {status, 429}
        elif way < 0.2:
            size = random_.randrange(len(request))
            yield "cut short", request[:size], {400, None} if size < request.find(b"\r\n\r\n") else {400, 429, status}
        elif way < 0.25:
            yield "noise", random_.randbytes(random_.randrange(1, 1500)), {400, 414, 431, 501, 505, None}
        elif way < 0.3:
            path = "/x" + "".join(random_.choice("abz09-_~/") for _ in range(random_.randrange(1, 40)))
            yield "no such address", text("GET", path), {404}
        else:
            yield "mutated", mutated(random_, request), STATUSES | {None}


def ask(address, data):
    """The statuses of all answers to what was sent on one connection."""
    with socket.create_connection(address, PATIENCE_S) as connection:
        answers = bytearray()
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                answers += piece
        except ConnectionResetError:
            pass  # what it said before counts
        return [int(status) for status in _STATUS_LINE.findall(answers)]


@pytest.mark.parametrize(("bits", "heap"), [(32, "112k")])
def test_ten_thousand_requests(bits, heap):
    with gateway(bits, heap=heap, settings={"poll_ms": 200}) as rig:
        detected(rig, 3)
        host, port = rig.ready["http"].removeprefix("http://").split(":")
        wrong = []
        numbers = iter(range(WARM_UP + COUNT))
        source = cases(random.Random(SEED), rig.ready["pop"])
        turn = threading.Lock()

        def run(until):
            while True:
                with turn:
                    number = next(numbers, None)
                    if number is None or number >= until:
                        return
                    what, data, statuses = next(source)
                try:
                    found = ask((host, int(port)), data)
                except OSError as error:
                    found = [error]
                # A second request may hide in the bytes of the first: the first answer is judged, the others may be no bugs.
                first = found[0] if found else None
                if (first not in statuses and first != 503) or any(status not in STATUSES for status in found):
                    wrong.append((number, what, data[:300], found))

        def all_of(until):
            threads = [threading.Thread(target=run, args=(until,)) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        def used():
            return min(rig.control("heap")["used"] for _ in range(3))

        all_of(WARM_UP)
        command(rig, "get_status")
        eventually(lambda: rig.get_json("/api/health")["http"]["open"] == 1, "connections stay open")
        before = used()
        all_of(WARM_UP + COUNT)
        assert not wrong, wrong[:5]
        # A good request is answered as ever, nobody crashed, and nothing was kept.
        assert api(rig, "/api/health")[1]["crashes"] == 0
        assert "http /" not in rig.log() and "MemoryError" not in rig.log()
        eventually(lambda: used() <= before + SLACK, lambda: f"heap {before} before, {used()} after")
