"""What becomes of a link when names, servers, certificates, passwords, the clock or the flash are not as they should be."""

import contextlib
import os
import socket
import subprocess
import threading
import time

import pytest

from host_tests.authority import Authority
from host_tests.gateway import MANUAL, change, eventually, gateway
from host_tests.links import FLAT_METERS, QUICK, certify, events, in_state, link, readings, told
from host_tests.mosquitto import Mosquitto, Receiver, free_port
from host_tests.mqtt_process import FakeBroker
from host_tests.rig import TOP
from tools.rig.flash import OURS

ROOT = "SG000017"
DNS = "127.0.0.77"  # its port is 53: settings have addresses only
FIELD = {**QUICK, "leftir_pushlink": 3, "rs485_pushlnk1": 3, "rs485_type_2": 0, "ir_ext_rel_mode": 0}
STATIC = {"static_ip_en": 1, "ip": "127.0.0.1", "netmask": "255.0.0.0", "dns1": DNS}
AUTHORITY, OTHER = Authority("Broker CA"), Authority("Another CA")
# Certificate of the broker, event, state in get_status
CERTIFICATES = {
    "expired": (AUTHORITY.issue("broker", ["127.0.0.1"], -9, -1), "has expired"),
    "another name": (AUTHORITY.issue("broker", ["127.0.0.2"]), "for another name"),
    "another authority": (OTHER.issue("broker", ["127.0.0.1"]), "not from the authority"),
    "of tomorrow": (AUTHORITY.issue("broker", ["127.0.0.1"], 1), "not valid yet"),
}
_NXDOMAIN = 3
_FILLER = """
import os, vfs
from firmware.port.flash_file import FlashFile, PartitionFile
vfs.mount(vfs.VfsLfs2(PartitionFile(FlashFile({flash!r}, {size}), "vfs", *{place})), "/flash")
with open("/flash/filler", "wb") as file:
    for _ in range(os.statvfs("/flash")[3] - 2):
        file.write(bytes(4096))
"""


@contextlib.contextmanager
def name_server():
    """Knows no name, and does not answer at all for those that begin with "mute"."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((DNS, 53))
        except PermissionError:
            pytest.skip("port 53 is for root")

        def serve():
            with contextlib.suppress(OSError):
                while (asked := sock.recvfrom(512)) and asked[0]:
                    query, address = asked
                    if not query[13:].startswith(b"mute"):
                        sock.sendto(query[:2] + bytes((0x81, 0x80 | _NXDOMAIN)) + query[4:], address)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", (DNS, 53))
        thread.join()


@pytest.fixture(scope="module")
def rig():
    with name_server(), gateway(32, meters=MANUAL, clock=time.time(), settings={**FIELD, **STATIC}) as rig:
        certify(rig, ca=AUTHORITY.identity.pem, own=AUTHORITY.issue("own").pem, own_key=AUTHORITY.issue("other").key_pem)
        yield rig


def fails(rig, state, words, settings):
    """The link gets into a state, for a reason in words, told once however often it tries."""
    seen = len([text for text in events(rig) if words in text])
    change(rig, push1_protocol=0)
    in_state(rig, "Disabled")
    change(rig, **{"mqtt1_username": "", "mqtt1_password": "", "mqtt1_tls": 0, **settings})
    told(rig, words, seen + 1)
    in_state(rig, state)


@pytest.mark.parametrize("name", ["nobody.test", "mute.test"])
def test_names_that_are_not_found(rig, name):
    fails(rig, "Disconnected", "name was not found", link(1, 1883, server=name, resp_time=1))


def test_nobody_listens(rig):
    fails(rig, "Disconnected", "nothing listens", link(1, free_port()))


def test_a_wrong_password_and_then_the_right_one(rig, tmp_path):
    with Mosquitto(tmp_path, users={"gateway": "right"}) as broker:
        fails(rig, "Error", "does not let this user in", link(1, broker.port, username="gateway", password="wrong"))
        change(rig, mqtt1_password="right")
        in_state(rig, "Connected")


@pytest.mark.parametrize("kind", CERTIFICATES)
def test_certificates_of_the_broker(rig, tmp_path, kind):
    server, words = CERTIFICATES[kind]
    with Mosquitto(tmp_path, server=server) as broker:
        fails(rig, "Error", words, link(1, broker.port, tls=1, cert_file="ca"))


@pytest.mark.parametrize("files", [{"tls": 1}, {"tls": 2, "cert_file": "ca", "cli_cert": "nowhere", "key_file": "own_key"}])
def test_certificates_of_the_settings_that_do_not_serve(rig, files):
    unset = {"cert_file": "", "cli_cert": "", "key_file": ""}
    fails(rig, "Error", "is missing, or does not fit", link(1, 8883, **{**unset, **files}))


def test_a_broker_that_wants_a_certificate_the_gateway_does_not_show(rig, tmp_path):
    server = AUTHORITY.issue("broker", ["127.0.0.1"])
    with Mosquitto(tmp_path, server=server, clients=OTHER) as broker:
        fails(rig, "Error", "no agreement on TLS", link(1, broker.port, tls=1, cert_file="ca"))


def test_a_broker_that_never_acknowledges_gets_the_same_again(rig):
    first = []

    def serve(peer, _):
        """Take all, answer nothing but pings."""
        peer.greet()
        got = []
        first.append(got)
        while packet := peer.packet():
            if packet[0] == 0xC0:
                peer.send(b"\xd0\0")
            elif b"/measurements/" in packet[1][:60]:
                got.append(packet[1][packet[1].index(b"{") :])

    with FakeBroker(serve) as broker:
        fails(rig, "Disconnected", "no answer in time", link(1, broker.port, resp_time=1))
        eventually(lambda: len(first) > 2 and first[2], lambda: events(rig))
        assert first[0][0] == first[1][0] == first[2][0]
        assert len([text for text in events(rig) if "no answer in time" in text]) <= len(first)
    change(rig, push1_protocol=0, push1_resp_time=5)


def test_a_server_that_hangs_up_is_one_event_however_often(rig):
    with FakeBroker(lambda peer, _: peer.close()) as broker:
        fails(rig, "Disconnected", "the server closed the connection", link(1, broker.port))
        before = rig.log().count("closed the connection")
        eventually(lambda: len(broker.peers) > 3, lambda: events(rig))
        assert rig.log().count("closed the connection") == before
    change(rig, push1_protocol=0)


def test_a_full_flash_is_told_and_what_is_live_goes_on(tmp_path):
    flash = tmp_path / "flash.bin"
    with Mosquitto(tmp_path) as broker, Receiver(broker) as receiver:
        settings = {**FIELD, "hass1_discovery": 1, **link(1, broker.port), **link(2, free_port())}
        with gateway(64, flash=flash, meters=MANUAL, clock=time.time(), settings=settings) as rig:
            in_state(rig, "Connected")
        program = [
            TOP / ".tools" / "bin" / "micropython64",
            "-c",
            _FILLER.format(flash=str(flash), size=OURS.size, place=OURS.places["vfs"]),
        ]
        path = f"{TOP}:{TOP / 'boards' / 'HOST'}:{TOP / '.tools' / 'device'}:.frozen"
        done = subprocess.run(program, env={**os.environ, "MICROPYPATH": path}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        with gateway(64, flash=flash, meters=MANUAL, clock=time.time()) as rig:
            told(rig, "journal: OSError(28,)")
            count = len(readings(receiver.messages, ROOT, FLAT_METERS[0])[0])
            eventually(lambda: len(readings(receiver.messages, ROOT, FLAT_METERS[0])[0]) > count + 2, lambda: events(rig))
            in_state(rig, "Connected")
            assert len([text for text in events(rig) if "journal" in text]) == 1
            assert rig.log().count("Traceback") == 0, rig.log()
