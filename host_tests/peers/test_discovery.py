"""Found in the network: by the maker's client, unmodified, by raw datagrams, by NetBIOS name; and what a storm does not do.

On loopback: 127.255.255.255 is a broadcast address like any other.
"""

import contextlib
import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from host_tests.gateway import api, change, command, eventually, gateway
from host_tests.peers.pyiskra_process import TOP, VERSIONS

SEARCH = b"\x00\x00\x00\x1a"
EVERYBODY = "127.255.255.255"
THE_PORT = 33333  # the maker's client knows no other
NO_FIELD = {"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_1": 0, "rs485_type_2": 0}
QUIET = {**NO_FIELD, "ntp_server1": "", "ntp_server2": "", "ntp_server3": ""}
WORKSTATION = b"FDEHDADADADADBDHCACACACACACACAAA"  # SG000017
ANYBODY = b"CK" + b"A" * 30
QUERY, STATUS = b"\x00\x20", b"\x00\x21"
STORM = 5000
_WAIT_S = 0.5  # for an answer; who asks asks again


@contextlib.contextmanager
def turn():
    """Wait for the port that only one gateway of this machine can have."""
    path = Path(tempfile.gettempdir()) / f"opensg-test-{os.getuid()}-{THE_PORT}.lock"
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="module", params=[64, 32])
def rig(request):
    with gateway(request.param, meters=[], settings=QUIET) as rig:
        yield rig


@pytest.fixture
def client():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        client.settimeout(_WAIT_S)
        yield client


def answer(client, request, *place):
    """What comes back at last, and from where; the request is repeated, as clients do it."""

    def ask():
        client.sendto(request, place)
        try:
            return client.recvfrom(2000)
        except TimeoutError:
            return None

    return eventually(ask, f"no answer to {request!r}")


def events(rig):
    return [event["text"] for event in api(rig, "/api/events")[1]["events"]]


def search(version, *addresses):
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("pyiskra_search.py")), *addresses],
        env={**os.environ, "PYTHONPATH": str(TOP / ".tools" / "pyiskra" / version)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_makers_client_finds_it():
    names = {"description": "Hiša – zgoraj ⚡", "location": "Pod streho, na desni strani žleba", "sg_modbus_addr": 35}
    with turn(), gateway(32, meters=[], settings={**QUIET, **names}, discovery_port=THE_PORT) as rig:
        assert rig.ready["discovery"] == ["127.0.0.1", THE_PORT]
        status = command(rig, "get_status")
        modbus = (rig.ready["modbus_tcp"] or (0, 0))[1]
        mac = status["mac_address"].lower()
        for version, shown in ((VERSIONS[0], mac[:14]), (VERSIONS[-1], mac)):  # older ones forget a byte
            for addresses in ((EVERYBODY,), (EVERYBODY, "127.0.0.1")):
                (found,) = search(version, *addresses)
                assert found == {
                    "ip_address": "127.0.0.1",
                    "port": THE_PORT,
                    "ssid": status["ssid"],
                    "mac": shown,
                    "tcp": modbus & 0xFF,
                    "model": status["model_type"],
                    "serial": rig.ready["serial"],
                    "modbus_address": 35,
                    "sw_ver": float(status["sw_version"]),
                    "hw_ver": chr(status["hw_ver"]),
                    "description": names["description"],
                    "location": names["location"],
                }, version


def test_the_makers_client_is_never_given_half_a_character():
    settings = {**QUIET, "description": "x" * 38 + "ž", "location": "x" + "€" * 13, "wifi_ssid": "Omrežje pri žagi"}
    with turn(), gateway(64, meters=[], settings=settings, discovery_port=THE_PORT) as rig:
        rig.control("wifi", aps=[{"ssid": "Omrežje pri žagi"}])
        eventually(lambda: command(rig, "get_status")["ssid"] == "Omrežje pri žagi", "the network has another name")
        (found,) = search(VERSIONS[-1], EVERYBODY)
        assert (found["ssid"], found["description"], found["location"]) == ("Omrežje pri", "x" * 38, "x" + "€" * 12)


def test_what_it_says_follows_the_settings(rig, client):
    packet, place = answer(client, SEARCH, *rig.ready["discovery"])
    assert place == tuple(rig.ready["discovery"])
    assert len(packet) == 204 and packet[:8] == b"\x00\x00\x00\x1b\x7f\x00\x00\x01"
    assert packet[43:52] == rig.ready["serial"].encode() + b"\0"
    assert int.from_bytes(packet[26:28], "little") == (rig.ready["modbus_tcp"] or (0, 0))[1]
    change(rig, description="new", sg_modbus_addr=99)
    packet, _ = answer(client, SEARCH, EVERYBODY, rig.ready["discovery"][1])
    assert (packet[55:95].rstrip(b"\0"), packet[136]) == (b"new", 99)


def test_what_is_no_search_gets_no_answer(rig, client):
    place = tuple(rig.ready["discovery"])
    told, _ = answer(client, SEARCH, *place)
    while True:  # of searches that were repeated
        try:
            client.recv(2000)
        except TimeoutError:
            break
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        for noise in (b"", b"\x1a", SEARCH[:3], b"\x00\x00\x00\x1c" + bytes(12), b"\x00\x00\x00\x1d", told, bytes(9000)):
            other.sendto(noise, place)
        # The gateway reads in order: when the search is answered, the others have been read.
        assert answer(client, SEARCH, *place)[0] == told
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            other.recv(2000)
    assert answer(client, SEARCH + bytes(9000), *place)[0] == told


def test_its_name_is_found(rig, client):
    head = b"\x12\x34\x01\x10\x00\x01\x00\x00\x00\x00\x00\x00"
    for place in (tuple(rig.ready["netbios"]), (EVERYBODY, rig.ready["netbios"][1])):
        question = b"\x20" + WORKSTATION + b"\x00" + QUERY + b"\x00\x01"
        packet, sender = answer(client, head + question, *place)
        assert sender == tuple(rig.ready["netbios"])
        assert packet[:12] == b"\x12\x34\x85\x00\x00\x00\x00\x01\x00\x00\x00\x00"
        assert packet[12:50] == question and packet[54:] == b"\x00\x06\x00\x00\x7f\x00\x00\x01"
    packet, _ = answer(client, head + b"\x20" + ANYBODY + b"\x00" + STATUS + b"\x00\x01", *rig.ready["netbios"])
    assert b"SG000017       \x00\x04\x00" in packet and len(packet) == 139


@pytest.mark.skipif(shutil.which("nbtscan") is None, reason="there is no nbtscan (Debian: apt install nbtscan)")
def test_another_program_reads_its_name(client):
    try:
        client.bind(("127.0.0.1", 137))  # nbtscan knows no other port
        client.close()
    except OSError as error:
        pytest.skip(f"port 137 of this machine: {error}")
    with gateway(64, meters=[], settings=QUIET, netbios_port=137):
        done = subprocess.run(["nbtscan", "-v", "-s", "|", "127.0.0.1"], capture_output=True, text=True, check=False)
    fields = [[field.strip() for field in line.split("|")] for line in done.stdout.splitlines()]
    assert ["127.0.0.1", "SG000017", "00U"] in fields and ["127.0.0.1", "SG000017", "20U"] in fields, done.stdout
    assert ["127.0.0.1", "MAC", "c4:4f:33:00:00:11"] in fields


@pytest.mark.parametrize("rig", [32], indirect=True)
def test_a_storm_passes(rig, client):
    count = len(events(rig))
    answer(client, SEARCH, *rig.ready["discovery"])
    before = rig.control("heap")["used"]  # what answers is in it
    requests = (SEARCH, b"\x00\x00\x00\x1d", bytes(1000), SEARCH + bytes(60), b"")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for number in range(STORM):
            stranger.sendto(requests[number % len(requests)], tuple(rig.ready["discovery"]))
            stranger.sendto(b"x" * 13 + b"FDEH" + b"x" * 33, tuple(rig.ready["netbios"]))
            if number % 500 == 0:
                assert command(rig, "get_status")["serial_number"] == rig.ready["serial"]
    answer(client, SEARCH, *rig.ready["discovery"])
    answer(
        client, b"\x12\x34\x01\x10\x00\x01" + bytes(6) + b"\x20" + WORKSTATION + b"\x00\x00\x20\x00\x01", *rig.ready["netbios"]
    )
    assert len(events(rig)) == count
    eventually(lambda: rig.control("heap")["used"] <= before, lambda: f"{before} before, now {rig.control('heap')['used']}")


def test_a_port_that_is_taken_hurts_nothing_else(client):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as owner:
        owner.bind(("0.0.0.0", 0))
        with gateway(64, meters=[], settings=QUIET, discovery_port=owner.getsockname()[1]) as rig:
            assert rig.ready["discovery"] is None
            assert sum("discovery answers nobody" in text for text in events(rig)) == 1
            answer(
                client,
                b"\x12\x34\x00\x00\x00\x01" + bytes(6) + b"\x20" + ANYBODY + b"\x00\x00\x21\x00\x01",
                *rig.ready["netbios"],
            )
            port = owner.getsockname()[1]
            owner.close()
            assert answer(client, SEARCH, "127.0.0.1", port)[0][43:51] == rig.ready["serial"].encode()


def test_it_can_be_switched_off():
    with gateway(64, meters=[], settings={**QUIET, "udp_enabled": 0}) as rig:
        assert rig.ready["discovery"] is None and rig.ready["netbios"] is None
