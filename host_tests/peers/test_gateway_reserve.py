"""Main and reserve server of a link: brokers and listeners that die and come back; no reading is lost at a switch-over."""

import contextlib
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from host_tests.authority import Authority
from host_tests.gateway import MANUAL, api, change, eventually, gateway
from host_tests.links import FLAT_METERS, POST, QUICK, XML, certify, events, in_state, link, readings, told
from host_tests.mosquitto import Mosquitto, Receiver, free_port

HOST = "127.0.0.1"
PLACE = FLAT_METERS[1]
ONE_METER = {**QUICK, "left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_2": 0, "rs485_pushlnk1": 1}
ROOT = "plant"
PLANT = Authority("Plant")


def up(bits=32, **settings):
    return gateway(bits, meters=MANUAL, clock=time.time(), settings={**ONE_METER, **settings})


def reserve(port, number=1):
    return {f"mqtt{number}_reserve_server": HOST, f"mqtt{number}_reserve_port": port}


def shown(rig, number=1):
    return api(rig, "/api/links")[1]["links"][number - 1]


def on_reserve(rig, is_reserve=True):
    eventually(
        lambda: (shown(rig)["state"], shown(rig)["on_reserve"]) == ("Connected", is_reserve),
        lambda: (shown(rig), events(rig)),
        60,
    )


def look_for_main(rig):
    """What the gateway does by itself after some minutes, too."""
    assert api(rig, "/api/links/test", {"link": 1})[1]["ok"]


def stamps(messages, root):
    return [one["ts"] for one in readings(messages, root, PLACE)[0]]


def without_holes(found):
    """Readings come every second or so: whoever misses one sees it by the time of the next."""
    found = sorted(found)
    assert len(found) > 3
    assert max(after - before for before, after in zip(found, found[1:])) < 3500, found


@pytest.mark.parametrize("bits", [64, 32])
def test_the_main_broker_dies_and_returns(bits, tmp_path_factory):
    main, other = (Mosquitto(tmp_path_factory.mktemp("broker")) for _ in range(2))
    with main, other, up(bits) as rig, Receiver(other) as at_reserve:
        with Receiver(main) as at_main:
            change(rig, **link(1, main.port, roottopic=ROOT), **reserve(other.port))
            at_main.wait(f"{ROOT}/pub/{PLACE}", 3)
            on_reserve(rig, False)
            main.kill()
            at_main.until_lost()
        first = stamps(at_main.messages, ROOT)
        at_reserve.wait(f"{ROOT}/pub/{PLACE}", 3)
        on_reserve(rig)
        told(rig, "link 1: connected to the reserve server")
        main.start()
        with Receiver(main) as at_main:
            look_for_main(rig)
            on_reserve(rig, False)
            at_main.wait(f"{ROOT}/pub/{PLACE}", 3)
            told(rig, "link 1: connected to the main server again")
            middle, last = stamps(at_reserve.messages, ROOT), stamps(at_main.messages, ROOT)
            without_holes(first + middle + last)
            assert not set(middle) & set(last)  # the way back is in good order: nothing was on its way
            assert at_reserve.payloads(f"{ROOT}/pub/status")[-1] == b'{"state":"offline"}'
        assert rig.log().count("Traceback") == 0, rig.log()


def test_both_are_down_and_the_journal_keeps(tmp_path_factory):
    main, other = (Mosquitto(tmp_path_factory.mktemp("broker")) for _ in range(2))
    with main, up() as rig:
        with Receiver(main) as at_main:
            change(rig, **link(1, main.port, roottopic=ROOT), **reserve(other.port))
            at_main.wait(f"{ROOT}/pub/{PLACE}", 2)
            main.kill()
            at_main.until_lost()
        first = stamps(at_main.messages, ROOT)
        told(rig, "link 1: reserve server: the machine is there, but nothing listens")
        eventually(lambda: shown(rig)["backlog"] >= 8, lambda: shown(rig))
        assert len(events(rig)) < 8  # each server's failure once, however often each is tried
        with other, Receiver(other) as at_reserve:
            on_reserve(rig)
            eventually(lambda: shown(rig)["backlog"] < 2, lambda: shown(rig))
            without_holes(first + stamps(at_reserve.messages, ROOT))
        assert rig.log().count("Traceback") == 0, rig.log()


def test_a_wrong_certificate_leads_to_the_reserve_which_has_to_have_the_right_one(tmp_path_factory):
    wrong = Mosquitto(tmp_path_factory.mktemp("broker"), server=Authority("Elsewhere").issue("broker", [HOST]))
    right = Mosquitto(tmp_path_factory.mktemp("broker"), server=PLANT.issue("broker", [HOST]))
    with wrong, right, gateway(32, heap="160k", meters=MANUAL, clock=time.time(), settings=ONE_METER) as rig:
        certify(rig, **{"ca.pem": PLANT.identity.pem})
        change(rig, **link(1, wrong.port, tls=1, cert_file="ca.pem"), **reserve(right.port))
        on_reserve(rig)
        told(rig, "not from the authority")
        assert not api(rig, "/api/links/test", {"link": 1})[1]["ok"]
        assert api(rig, "/api/links/test", {"link": 1, "reserve": True})[1]["ok"]
        on_reserve(rig)


@contextlib.contextmanager
def xml_server(port):
    """Takes a document a connection, and acknowledges it. Yields the times that documents tell."""
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
                    if text:
                        got.append(text.partition(b'dateTime="')[2][:20].decode())
                        peer.sendall(b"\x06")

    with socket.create_server((HOST, port)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield got
        listener.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def web_server(port):
    """Takes everything. Yields the times that readings tell."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):  # noqa: N802
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.headers["Host"] == f"{HOST}:{port}"
            if body["topic"] == PLACE:
                got.append(body["data"]["ts"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer((HOST, port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield got
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("protocol", "serve"), [(XML, xml_server), (POST, web_server)])
def test_a_listener_dies_and_returns(protocol, serve):
    main, other = free_port(), free_port()
    with up() as rig, serve(other) as at_reserve:
        with serve(main) as before:
            change(rig, **link(1, main, protocol=protocol), **reserve(other))
            eventually(lambda: len(before) >= 3, lambda: (before, events(rig)))
            in_state(rig, "Connected")
        on_reserve(rig)
        eventually(lambda: len(at_reserve) >= 3, lambda: (at_reserve, events(rig)))
        with serve(main) as after:
            look_for_main(rig)
            on_reserve(rig, False)
            eventually(lambda: len(after) >= 3, lambda: (after, events(rig)))
            told(rig, "link 1: connected to the main server again")
        found = before + at_reserve + after
        assert found == sorted(found)
        if protocol == POST:
            without_holes(found)
        assert rig.log().count("Traceback") == 0, rig.log()
