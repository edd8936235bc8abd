"""Modbus TCP with TLS: who shows a certificate of the right authority is served, everybody else is turned away without harm."""

import contextlib
import datetime
import socket
import ssl
import struct
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pymodbus.client import ModbusTlsClient

from host_tests.gateway import MANUAL, api, change, detected, eventually, gateway, settings
from host_tests.modbus_client import Client, mbap, read

MODEL = read(4, 1, 8)
SG = "0410" + b"SG-W1".ljust(16).hex()
WM3M4 = "0410" + b"WM3M4C".ljust(16).hex()
SETTINGS = {
    "modbus_tls_en": 1,
    "modbus_tls_cert": "server.pem",
    "modbus_tls_key": "server.key",
    "modbus_tls_ca": "ca.pem",
    "response_ms": 300,
}
HANDSHAKE_S = 30  # how long half a handshake may hold a place
_PATIENCE_S = 20
_DAY = datetime.timedelta(days=1)


class Authority:
    """Signs certificates; each is a pair (certificate, key) of PEM texts."""

    def __init__(self, name):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.pem = self._signed(self._name, self._key, is_authority=True)

    def _signed(self, name, key, is_authority=False, days=3650):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(self._name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - 10 * _DAY).not_valid_after(now + days * _DAY)
        builder = builder.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(form.Encoding.PEM).decode()

    def issue(self, name, days=3650):
        key = ec.generate_private_key(ec.SECP256R1())
        pem = self._signed(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key, days=days)
        text = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()
        return pem, text


class Party:
    """The certificates of a gateway and its clients, and the clients' as files."""

    def __init__(self, folder):
        self.folder = folder
        self.authority = Authority("Plant")
        self.server = self.authority.issue("SG000017")
        self.files = {}
        for who, (pem, key) in (
            ("client", self.authority.issue("SCADA")),
            ("stranger", Authority("Elsewhere").issue("SCADA")),
            ("impostor", Authority("Plant").issue("SCADA")),  # the name is right, the key is not
            ("late", self.authority.issue("SCADA", days=-1)),
        ):
            (folder / f"{who}.pem").write_text(pem)
            (folder / f"{who}.key").write_text(key)
            self.files[who] = (str(folder / f"{who}.pem"), str(folder / f"{who}.key"))
        (folder / "ca.pem").write_text(self.authority.pem)

    def context(self, who=None, newest=None):
        """A client's context; without a certificate if nobody is named."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False  # the address is not in the certificate
        context.load_verify_locations(self.folder / "ca.pem")
        if newest:
            context.maximum_version = newest
        if who:
            context.load_cert_chain(*self.files[who])
        return context


def events(rig):
    return [event["text"] for event in api(rig, "/api/events")[1]["events"]]


def restart(rig):
    rig.ready = rig.control("reset")
    detected(rig, 3)


def keep(rig, name, pem):
    status, answer = api(rig, "/api/certificates", {"name": name, "pem": pem})
    assert status == 201, answer


@pytest.fixture(scope="module")
def party(tmp_path_factory):
    return Party(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module", params=[64, 32])
def rig(request, party):
    with gateway(request.param, meters=MANUAL, settings={**SETTINGS, "modbus_tls_en": 0}) as started:
        assert started.ready["modbus_tls"] is None
        keep(started, "ca.pem", party.authority.pem)
        keep(started, "server.pem", party.server[0])
        keep(started, "server.key", party.server[1])
        change(started, modbus_tls_en=1)
        restart(started)
        yield started


@pytest.fixture(autouse=True)
def well_afterwards(request):
    """After each test both ports serve, and no task has ended."""
    served = "rig" in request.fixturenames
    log = len(request.getfixturevalue("rig").log()) if served else 0
    yield
    if served:
        rig, party = request.getfixturevalue("rig"), request.getfixturevalue("party")
        with secure(rig, party) as client:
            assert ask(client, 34, MODEL) == SG
        with Client(rig) as client:
            assert client.ask(35, MODEL) == WM3M4
        assert "Traceback" not in rig.log()[log:]


@contextlib.contextmanager
def connected(rig):
    with socket.create_connection(rig.ready["modbus_tls"], _PATIENCE_S) as raw:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield raw


@contextlib.contextmanager
def secure(rig, party, who="client", newest=None):
    """A TLS connection; the gateway's certificate is checked too."""
    with connected(rig) as raw, party.context(who, newest).wrap_socket(raw) as client:
        yield client


def receive(client, count):
    data = b""
    while len(data) < count:
        more = client.recv(count - len(data))
        assert more, f"closed after {data.hex()}"
        data += more
    return data


def answer(client):
    transaction, protocol, length, unit = struct.unpack(">HHHB", receive(client, 7))
    assert protocol == 0
    return transaction, unit, receive(client, length - 1).hex()


def ask(client, unit, pdu, transaction=1):
    client.sendall(mbap(transaction, unit, pdu))
    got = answer(client)
    assert got[:2] == (transaction, unit)
    return got[2]


def is_refused(rig, context):
    """Whether the gateway hangs up rather than answer; in TLS 1.3 a client learns of it after its handshake only."""
    try:
        with connected(rig) as raw, context.wrap_socket(raw) as client:
            client.sendall(mbap(1, 34, MODEL))
            return client.recv(1) == b""
    except (ssl.SSLError, ConnectionError):
        return True


def test_pymodbus_with_a_certificate(rig, party):
    host, port = rig.ready["modbus_tls"]
    with ModbusTlsClient(host, port=port, sslctx=party.context("client"), timeout=5, retries=0) as peer:
        for unit, model in ((34, b"SG-W1"), (35, b"WM3M4C"), (36, b"MC666")):
            told = peer.read_input_registers(1, count=8, device_id=unit).registers
            assert struct.pack(">8H", *told) == model.ljust(16)
        assert peer.read_input_registers(60000, count=1, device_id=35).exception_code == 2
        assert peer.write_register(101, 1, device_id=35).exception_code == 1


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_tls(rig, party, version):
    with secure(rig, party, newest=version) as client:
        assert client.version() == version.name.replace("_", ".").replace("v1.", "v1.")
        for transaction in range(20):
            assert ask(client, 34, MODEL, transaction) == SG


def test_many_requests_in_one_record_and_one_in_many(rig, party):
    with secure(rig, party) as client:
        client.sendall(b"".join(mbap(number, 34, MODEL) for number in range(200)))
        assert sorted(answer(client) for _ in range(200)) == [(number, 34, SG) for number in range(200)]
        for byte in mbap(7, 35, MODEL):
            client.sendall(bytes((byte,)))
        assert answer(client) == (7, 35, WM3M4)


def test_no_answer_is_lost_when_a_client_reads_late(rig, party):
    """It reads nothing until the gateway cannot send any more, then all of it."""
    count = 3000
    wire = b"".join(mbap(number, 201, read(4, 1030, 100)) for number in range(count))
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.settimeout(_PATIENCE_S)
        raw.connect(tuple(rig.ready["modbus_tls"]))
        with party.context("client").wrap_socket(raw) as client:
            answers = []
            for at in range(0, len(wire), 12 * 1000):
                client.sendall(wire[at : at + 12 * 1000])
                time.sleep(2)  # less than it has patience for
                answers += [answer(client) for _ in range(1000)]
            assert sorted(told[0] for told in answers) == list(range(count))


@pytest.mark.parametrize("who", [None, "stranger", "impostor", "late"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_who_has_no_right_certificate_is_refused(rig, party, who, version):
    for _ in range(5):
        assert is_refused(rig, party.context(who, version)), who
    assert api(rig, "/api/health")[1]["crashes"] == 0
    assert not [told for told in events(rig) if "ended" in told]


def test_what_is_no_tls_is_hung_up_on(rig):
    for data in (mbap(1, 34, MODEL), b"GET / HTTP/1.1\r\n\r\n", bytes(500), b"\x16\x03\x01\xff\xff" + bytes(300)):
        with connected(rig) as raw:
            raw.sendall(data)
            with contextlib.suppress(ConnectionError):
                left = raw.recv(100)
                assert left == b"" or left[0] == 0x15, left  # a TLS alert at most


def test_a_handshake_that_does_not_end_gives_up_its_place(rig):
    """Neither silence nor half a hello holds a place for as long as a client at work may be silent."""
    hello = bytes.fromhex("16030100c8010000c40303") + bytes(32)
    with contextlib.ExitStack() as stack:
        stuck = [stack.enter_context(connected(rig)) for _ in range(2)]
        stuck[1].sendall(hello)
        for raw in stuck:
            raw.settimeout(HANDSHAKE_S)
            with contextlib.suppress(ConnectionError):
                assert raw.recv(1) == b""


def test_others_are_served_beside_handshakes_that_do_not_end(rig, party):
    with contextlib.ExitStack() as stack:
        for _ in range(12):
            stack.enter_context(connected(rig)).sendall(b"\x16\x03\x01\x00")
        with Client(rig) as client:
            assert client.ask(35, MODEL) == WM3M4

        def served():
            with contextlib.suppress(ssl.SSLError, ConnectionError), secure(rig, party) as client:
                return ask(client, 34, MODEL) == SG

        eventually(served, "nobody is served beside stuck handshakes")


def test_clients_that_leave_amid_the_handshake(rig, party):
    for size in (0, 1, 5, 50, 200):
        for _ in range(4):
            with connected(rig) as raw:
                hello = ssl.MemoryBIO()
                client = party.context("client").wrap_bio(ssl.MemoryBIO(), hello)
                with contextlib.suppress(ssl.SSLWantReadError):
                    client.do_handshake()
                raw.sendall(hello.read()[:size])
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_certificate_in_use_is_not_deleted(rig):
    for name in ("ca.pem", "server.pem", "server.key"):
        status, _ = api(rig, f"/api/certificates/{name}", method="DELETE")
        assert status == 409, name


def test_what_is_missing_is_told_and_plain_modbus_goes_on(party):
    with gateway(64, meters=MANUAL, settings=SETTINGS) as rig:
        detected(rig, 3)
        assert rig.ready["modbus_tls"] is None
        told = [text for text in events(rig) if "TLS needs modbus_tls_cert" in text]
        assert told and "server.pem" in told[0], events(rig)
        with Client(rig) as client:
            assert client.ask(35, MODEL) == WM3M4
        time.sleep(5)  # in which it may try again
        told = [text for text in events(rig) if "TLS needs" in text]
        assert len(told) == 1, events(rig)
        assert "Traceback" not in rig.log() and api(rig, "/api/health")[1]["crashes"] == 0
        for name, pem, trouble in (
            ("server.pem", party.server[0], "TLS needs modbus_tls_key"),
            ("server.key", party.authority.issue("SG000017")[1], "TLS needs modbus_tls_ca"),
        ):
            keep(rig, name, pem)
            restart(rig)
            assert [text for text in events(rig) if trouble in text], events(rig)
        keep(rig, "ca.pem", party.authority.pem)
        restart(rig)  # the key is not that of the certificate
        told = [text for text in events(rig) if "TLS cannot use its certificate, key or authority" in text]
        assert told or rig.ready["modbus_tls"], events(rig)
        with Client(rig) as client:
            assert client.ask(35, MODEL) == WM3M4
        assert settings(rig)["modbus_tls_en"] == 1
