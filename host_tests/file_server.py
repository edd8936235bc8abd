"""An HTTP(S) server on loopback for tests: it answers as the test says, and keeps what it was asked."""

import contextlib
import socket
import ssl
import tempfile
import threading
import time
from pathlib import Path

_PATIENCE_S = 30


class Request:
    """`path`, `start` (of Range, 0 without), `head`: the lines as text."""

    def __init__(self, head):
        self.head = head
        self.path = head.split(" ")[1]
        ranges = [line.split("=")[1] for line in head.split("\r\n") if line.lower().startswith("range:")]
        self.start = int(ranges[0].split("-")[0]) if ranges else 0


class Hang:
    """In the place of bytes to be sent: keep the connection, and say no more."""


class FileServer:
    """`answer(request)` yields the bytes to be sent, or Hang. identity: of host_tests/authority.py, for TLS."""

    def __init__(self, answer, identity=None):
        self.answer = answer
        self.requests = []
        self._context = None
        if identity:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            with tempfile.TemporaryDirectory() as folder:
                self._context.load_cert_chain(*identity.save(Path(folder), "server"))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http{'s' if identity else ''}://127.0.0.1:{self.port}"
        self._over = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                raw = self._listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw):
        raw.settimeout(_PATIENCE_S)
        with contextlib.suppress(OSError), raw:
            sock = self._context.wrap_socket(raw, server_side=True) if self._context else raw
            with sock:
                head = b""
                while b"\r\n\r\n" not in head:
                    part = sock.recv(4096)
                    if not part:
                        return
                    head += part
                    if not head.startswith(b"GET "):
                        return sock.sendall(reply(400))
                request = Request(head.decode())
                self.requests.append(request)
                for part in self.answer(request):
                    if part is Hang:
                        self._over.wait(_PATIENCE_S)
                        return
                    sock.sendall(part)
                sock.shutdown(socket.SHUT_WR)


def reply(status, body=b"", **headers):
    """An answer as bytes; `content_length` is filled in unless it is given; None leaves a header out."""
    headers = {"content_length": len(body)} | headers
    lines = [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([f"HTTP/1.1 {status} Something", *lines, "", ""]).encode() + body


def file(content, start=0, **headers):
    """What an honest server answers for a file."""
    if not start:
        return reply(200, content, **headers)
    if start >= len(content):
        return reply(416, content_range=f"bytes */{len(content)}")
    return reply(206, content[start:], content_range=f"bytes {start}-{len(content) - 1}/{len(content)}", **headers)


def slowly(data, step, pause_s):
    """The bytes in steps with pauses."""
    for at in range(0, len(data), step):
        yield data[at : at + step]
        time.sleep(pause_s)
