"""lib/http/client against servers of Python's, true ones and such as stall, lie, lead in circles or show wrong certificates."""

import hashlib
import http.server
import json
import os
import socket
import ssl
import subprocess
import threading
from functools import partial

import pytest

from host_tests.authority import Authority, self_signed
from host_tests.conftest import TOP, interpreter
from host_tests.file_server import FileServer, Hang, file, reply, slowly

CONTENT = b"".join(hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(1700))  # 54 KB
AUTHORITY = Authority("Test CA")
SERVER = AUTHORITY.issue("server", ("127.0.0.1",))


@pytest.fixture(params=(64, 32), scope="module")
def get(request):
    command = [interpreter(request.param), "-X", "heapsize=1m", TOP / "host_tests" / "peers" / "http_get.py"]
    environment = dict(os.environ, MICROPYPATH=f"{TOP}:.frozen")
    with subprocess.Popen(
        command, cwd=TOP, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def get(url, **other):
            order = {
                "start": 0,
                "timeout_ms": 5000,
                "authority": AUTHORITY.identity.der.hex(),
                "step": 4096,
                "host": {},
            } | other
            process.stdin.write(json.dumps({"url": url, **order}) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield get
        process.stdin.close()


def is_whole(answer, content=CONTENT):
    return answer.get("sha256") == hashlib.sha256(content).hexdigest()


def honest(request):
    return [file(CONTENT, request.start)]


def test_a_file_and_the_rest_of_it_over_tls(get):
    with FileServer(honest, SERVER) as server:
        for start in (0, 1, 4096, len(CONTENT) - 1):
            answer = get(server.url + "/folder/a%20file?x=1", start=start)
            assert is_whole(answer, CONTENT[start:]), answer
            assert (answer["start"], answer["size"]) == (start, len(CONTENT))
        assert {request.path for request in server.requests} == {"/folder/a%20file?x=1"}
        assert get(server.url + "/", start=len(CONTENT))["cause"] == "range"


def test_pythons_own_server(get, tmp_path):
    tmp_path.joinpath("image").write_bytes(CONTENT)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = partial(Handler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*SERVER.save(tmp_path, "server"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"https://127.0.0.1:{server.server_port}"
        assert is_whole(get(url + "/image"))
        answer = get(url + "/image", start=100)  # it knows no ranges
        assert is_whole(answer) and answer["start"] == 0
        missing = get(url + "/nothing")
        assert missing["cause"] == "status" and "404" in missing["words"]
        server.shutdown()


def test_an_answer_byte_by_byte_and_without_a_length(get):
    content = CONTENT[:150]
    for body in (file(content), reply(200, content, content_length=None)):
        with FileServer(lambda request, body=body: slowly(body, 1, 0), SERVER) as server:
            assert is_whole(get(server.url), content)


def test_heads_that_are_long_or_odd_are_understood(get):
    policy = "default-src 'none'; " * 400  # as some big servers send it
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\nContent-Length: 7\r\n\r\n"
    for body in (
        file(CONTENT, content_security_policy=policy),
        early + file(CONTENT),
        file(CONTENT).replace(b"\r\n", b"\n", 3),
        file(CONTENT).replace(b"Content-Length: ", b"CONTENT-LENGTH:"),
        b"HTTP/1.0 200\r\n\r\n" + CONTENT,
    ):
        with FileServer(lambda request, body=body: [body]) as server:
            answer = get(server.url)
            assert is_whole(answer), (body[:200], answer)


REDIRECTS = (
    # status, where from, Location, where it leads
    (301, "/a/b/c", "/d", "/d"),
    (302, "/a/b/c?x=/y/", "d", "/a/b/d"),
    (303, "/a/b/c", "../d?e=f", "/a/d?e=f"),
    (307, "/a/b/c", "./../../../d", "/d"),
    (308, "/a/b/c?x", "?y", "/a/b/c?y"),
    (302, "/a", "http://127.0.0.1:PORT?d", "/?d"),
    (302, "/a", "//127.0.0.1:PORT/d#part", "/d"),
    (302, "/a", "d?u=https://example.org/", "/d?u=https://example.org/"),
    (302, "/a", "/" + "d" * 1400, "/" + "d" * 1400),
)


def test_redirects_are_followed_with_the_range(get):
    for status, before, where, after in REDIRECTS:

        def answer(request, status=status, before=before, where=where):
            return (
                [reply(status, b"gone", location=where.replace("PORT", str(server.port)))]
                if request.path == before
                else (honest(request))
            )

        with FileServer(answer) as server:
            found = get(server.url + before, start=5)
            assert is_whole(found, CONTENT[5:]), (where, found)
            assert server.requests[-1].path == after, where


def test_redirects_that_lead_nowhere(get):
    plain = FileServer(honest)
    cases = (
        (lambda request: [reply(302, location="/round")], "redirect", "circle"),
        (lambda request: [reply(302, location=f"{request.path}x")], "redirect", "circle"),
        (lambda request: [reply(302)], "redirect", "where"),
        (lambda request: [reply(302, location=plain.url)], "redirect", "encryption"),
        (lambda request: [reply(302, location="ftp://127.0.0.1/x")], "address", "https"),
        (lambda request: [reply(302, location="/ü".encode().decode("latin-1"))], "address", "https"),
        (lambda request: [reply(302, location="/" + "x" * 2000)], "redirect", "where"),
    )
    with plain:
        for answer, cause, words in cases:
            with FileServer(answer, SERVER) as server:
                found = get(server.url + "/round")
                assert found["cause"] == cause and words in found["words"], (found, words)
                assert len(server.requests) <= 6
        assert not plain.requests


def test_servers_that_say_what_cannot_be(get):
    part = {"content_range": f"bytes 5-{len(CONTENT) - 1}/{len(CONTENT)}"}
    cases = (
        # start, answer, cause
        (0, b"220 mail.example.org ESMTP\r\n\r\n", "answer"),
        (0, b"\r\n\r\n\r\n\r\n", "answer"),
        (0, reply(200, CONTENT, content_length="many"), "answer"),
        (0, reply(200, CONTENT, content_length=-1), "answer"),
        (0, reply(200, CONTENT, content_length=10**12), "answer"),
        (0, reply(200, CONTENT, content_length="7\r\nContent-Length: 8"), "answer"),
        (0, reply(200, b"5\r\nabcde\r\n0\r\n\r\n", content_length=None, transfer_encoding="chunked"), "answer"),
        (0, reply(200, CONTENT, content_encoding="gzip"), "answer"),
        (0, b"HTTP/1.1 200 OK\r\n" + b"X-Filler: nothing\r\n" * 2000, "answer"),
        (0, reply(200, CONTENT, content_length=len(CONTENT) + 1), "closed"),
        (0, reply(206, CONTENT, content_range=f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}"), "status"),
        (0, reply(204, content_length=None), "status"),
        (0, reply(401, b"who are you?"), "status"),
        (0, reply(503, b"later"), "status"),
        (5, reply(206, CONTENT[5:]), "range"),
        (5, reply(206, CONTENT[6:], content_range=f"bytes 6-{len(CONTENT) - 1}/{len(CONTENT)}"), "range"),
        (5, reply(206, CONTENT[5:-1], content_range=f"bytes 5-{len(CONTENT) - 2}/{len(CONTENT)}"), "range"),
        (5, reply(206, CONTENT[5:], content_range=f"bytes 5-{len(CONTENT) - 1}/*"), "range"),
        (5, reply(206, CONTENT[5:], content_range=f"lines 5-{len(CONTENT) - 1}/{len(CONTENT)}"), "range"),
        (5, reply(206, CONTENT[5:], content_range="bytes"), "range"),
        (5, reply(206, CONTENT[4:], **part), "range"),
        (5, reply(206, CONTENT[5:100], content_length=len(CONTENT) - 5, **part), "closed"),
    )
    for start, body, cause in cases:
        with FileServer(lambda request, body=body: [body], SERVER) as server:
            assert get(server.url, start=start).get("cause") == cause, (start, body[:120])


def test_a_server_that_stalls_ends_in_time(get):
    whole = file(CONTENT)
    for sent in (0, 5, 60, len(whole) - len(CONTENT) + 10):
        for identity in (None, SERVER):
            with FileServer(lambda request, sent=sent: [whole[:sent], Hang], identity) as server:
                assert get(server.url, timeout_ms=300)["cause"] == "timeout", sent


def test_a_server_that_drips_ends_in_time(get):
    for begin in (0, len(file(CONTENT)) - len(CONTENT)):
        body = file(CONTENT)

        def answer(request, begin=begin, body=body):
            yield body[:begin]
            yield from slowly(body[begin:], 1, 0.05)

        with FileServer(answer) as server:
            assert get(server.url, timeout_ms=500)["cause"] == "timeout", begin


def test_a_port_that_takes_a_connection_and_never_speaks_tls(get):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert get(f"https://127.0.0.1:{listener.getsockname()[1]}/", timeout_ms=300)["cause"] == "timeout"


CERTIFICATES = (
    # what the server shows, cause
    (AUTHORITY.issue("server", ("127.0.0.1",), -20, -1), "tls_expired"),
    (AUTHORITY.issue("server", ("127.0.0.1",), 2, 20), "tls_not_yet_valid"),
    (AUTHORITY.issue("server", ("example.org",)), "tls_name"),
    (Authority("Another CA").issue("server", ("127.0.0.1",)), "tls_authority"),
    (self_signed("server", ("127.0.0.1",)), "tls_authority"),
)


def test_certificates_that_are_not_right(get):
    for identity, cause in CERTIFICATES:
        with FileServer(honest, identity) as server:
            assert get(server.url)["cause"] == cause
            assert not server.requests


def test_a_redirect_to_a_server_with_a_wrong_certificate(get):
    with FileServer(honest, self_signed("server", ("127.0.0.1",))) as other:
        with FileServer(lambda request: [reply(302, location=other.url)], SERVER) as server:
            assert get(server.url)["cause"] == "tls_authority"


def test_no_server_no_tls_no_address(get):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    assert get(f"https://127.0.0.1:{free}/")["cause"] == "refused"
    with FileServer(honest) as server:
        assert get(server.url.replace("http:", "https:"))["cause"] == "tls_handshake"
    for url in (
        *("", "example.org/x", "ftp://example.org/x", "https://", "https:///x", "https://a:b@example.org/", "https://h:0/"),
        *(
            "https://h:65536/",
            "https://h:99999999999/",
            "https://h:x/",
            "https://h/a b",
            "https://h/\r\nX: y",
            "https://[::1]/",
        ),
        *("https://h/ü", "https://h:/x:y", "https//h/x"),
    ):
        answer = get(url, timeout_ms=300)
        assert answer["cause"] == ("dns" if url == "https://h:/x:y" else "address"), (url, answer)
