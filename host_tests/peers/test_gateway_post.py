"""Links that are no MQTT: XML documents over TCP, which are acknowledged by a byte, and JSON by HTTPS POST."""

import base64
import contextlib
import json
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree

from host_tests.authority import Authority
from host_tests.gateway import MANUAL, change, eventually, gateway
from host_tests.links import POST, QUICK, XML, certify, events, in_state, link, told

FIELD = {**QUICK, "leftir_pushlink": 0, "rs485_pushlnk1": 1, "rs485_type_2": 0, "left_ir_enabled": 0, "ir_ext_rel_mode": 0}
AUTHORITY = Authority("Server CA")


def up():
    return gateway(32, heap="112k", meters=MANUAL, clock=time.time(), settings=FIELD)


@contextlib.contextmanager
def documents(acknowledges):
    """A server that takes a document a connection; acknowledges(number) says whether it answers. Yields (port, documents)."""
    got = []

    def serve():
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                peer.settimeout(20)
                with peer, contextlib.suppress(OSError):
                    text = b""
                    while not text.endswith(b"</data>\n\r") and (piece := peer.recv(4096)):
                        text += piece
                    got.append(text)
                    if acknowledges(len(got)):
                        peer.sendall(b"\x06")
                    peer.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1], got
        listener.shutdown(socket.SHUT_RDWR)


def test_documents_come_in_order_each_until_it_is_acknowledged():
    with documents(lambda number: number > 2) as (port, got), up() as rig:
        change(rig, **link(1, port, protocol=XML, resp_time=1))
        eventually(lambda: len(got) >= 6, lambda: (got, events(rig)))
        assert got[0] == got[1] == got[2]
        assert got[3] != got[2]
        told(rig, "no answer in time")
        in_state(rig, "Connected")
        roots = [ElementTree.fromstring(text.decode()) for text in got[2:]]
        for root in roots:
            assert (root.tag, root.get("controlUnit"), root.get("deviceType")) == ("data", "18230001", "WM3M4C")
        times = [part.attrib["dateTime"] for root in roots for part in root.iter("measurement")]
        assert times == sorted(times)
        assert [int(root.attrib["logId"]) for root in roots] == list(range(len(roots)))
        values = {}
        for root in roots:
            values.update({value.get("ident"): (value.get("unit"), value.text) for value in root.iter("value")})
        unit, energy = values["E1nr"]
        assert unit == "Wh" and float(energy) == 1234560
        assert rig.log().count("Traceback") == 0, rig.log()


@contextlib.contextmanager
def web(identity, folder, statuses):
    """An HTTPS server that answers with the statuses one after the other, then 201. Yields (port, [(path, headers, body)])."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):  # noqa: N802
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, dict(self.headers), body))
            self.send_response(statuses.pop(0) if statuses else 201)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*identity.save(folder, "web"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server.server_address[1], got
    finally:
        server.shutdown()
        server.server_close()


def test_posts_are_sent_again_until_they_are_taken(tmp_path):
    with web(AUTHORITY.issue("web", ["127.0.0.1"]), tmp_path, [500, 500]) as (port, got), up() as rig:
        certify(rig, ca=AUTHORITY.identity.pem)
        secure = {"tls": 1, "cert_file": "ca", "username": "meter", "password": "s3cret", "path": "/push"}
        change(rig, **link(1, port, protocol=POST, **secure))
        eventually(lambda: len(got) >= 6, lambda: (got, events(rig)))
        told(rig, "did not take")
        in_state(rig, "Connected")
        path, headers, body = got[0]
        assert path == "/push" and headers["Host"] == f"127.0.0.1:{port}"
        assert headers["Authorization"] == "Basic " + base64.b64encode(b"meter:s3cret").decode()
        assert body == got[1][2] == got[2][2] != got[3][2]
        message = json.loads(body)
        assert (message["gateway"], message["topic"]) == ("SG000017", "measurements/rs485/1")
        assert (message["data"]["U1"], message["data"]["I3"]) == (220.5, 0.019)
        told_at = [json.loads(body)["data"]["ts"] for _, _, body in got[2:]]
        assert told_at == sorted(told_at)
        assert rig.log().count("Traceback") == 0, rig.log()


def test_a_server_with_a_wrong_certificate_gets_nothing(tmp_path):
    with web(Authority("Another CA").issue("web", ["127.0.0.1"]), tmp_path, []) as (port, got), up() as rig:
        certify(rig, ca=AUTHORITY.identity.pem)
        change(rig, **link(1, port, protocol=POST, tls=1, cert_file="ca"))
        told(rig, "not from the authority")
        in_state(rig, "Error")
        assert not got
