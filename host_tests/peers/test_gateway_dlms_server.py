"""The concentrator's DLMS server, asked by foreign clients: its own objects, meters through it, the link that it dials itself.

Peers: gurux_dlms, dlms-cosem, and a head-end of sockets. What meters must say is read from them through the gateway.
"""

import contextlib
import datetime
import random
import socket
import struct
import time
from typing import Any

import pytest
from dlms_cosem import enumerations
from dlms_cosem.client import DlmsClient
from dlms_cosem.cosem import CosemAttribute, Obis
from dlms_cosem.io import BlockingTcpIO, TcpTransport
from dlms_cosem.security import LowLevelSecurityAuthentication, NoSecurityAuthentication
from gurux_dlms import GXDateTime, GXDLMSException
from gurux_dlms.enums import DataType, ErrorCode
from gurux_dlms.GXDLMSConfirmedServiceError import GXDLMSConfirmedServiceError
from gurux_dlms.GXDLMSExceptionResponse import GXDLMSExceptionResponse
from gurux_dlms.objects import (
    GXDLMSAssociationLogicalName,
    GXDLMSClock,
    GXDLMSData,
    GXDLMSRegister,
    GXDLMSSapAssignment,
)

from host_tests.dlms_clients import PATIENCE_S, Gurux, Tcp, Tty
from host_tests.gateway import api, change, eventually, gateway

HOST = "127.0.0.1"
UTC = datetime.timezone.utc  # noqa: UP017 - the checker knows an older Python
PASSWORD = "secret99"
NOW = 1790000000
SETTINGS = {"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_1": 0, "rs485_type_2": 0, "rs485_protocol": 5}
SETTINGS |= {"dlms_network": 1, "dlms_server_enabled": 1, "dlms_server_password": PASSWORD, "dlms_server_clients": HOST}
SETTINGS |= {"dlms_profile_days": 3}
METERS: list[dict[str, Any]] = [
    {"family": "DLMS", "port": "rs485", "serial": "10000001", "address": 17},
    {"family": "DLMS", "port": "rs485", "serial": "10000002", "address": 18, "security": 5, "ciphering": 1},
]
LLS = {"client": 1, "security": 1, "password": "12345678"}
KEYS = {"key": "000102030405060708090A0B0C0D0E0F", "auth_key": "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"}
PLANS = [
    {"serial": "10000001", "physical": 17, "shown": 1, **LLS},
    {"serial": "10000002", "physical": 18, "name": "Hall", "active": 0, "client": 2, "security": 5, "ciphering": 1, **KEYS},
]
LIST, PROFILE, SCALERS = "0.128.96.0.0.255", "0.128.0.0.1.255", "0.129.0.0.1.255"
BATCH, REMOVE = "0.128.97.0.0.255", "0.128.97.1.0.255"


def add(rig, plans):
    for plan in plans:
        status, answer = api(rig, "/api/dlms_meters", plan)
        assert status == 201, answer


@pytest.fixture(scope="module", params=[64, 32])
def rig(request):
    heap = {64: "1m", 32: "256k"}[request.param]
    with gateway(request.param, meters=METERS, settings=SETTINGS, clock=NOW, heap=heap) as rig:
        add(rig, PLANS)
        yield rig


def state(rig):
    return api(rig, "/api/dlms_server")[1]


def meter(rig, number=1):
    return api(rig, f"/api/dlms_meters/{number}")[1]


def is_kept(rig):
    """Wait until the load profile of meter 1 has been read."""
    eventually(lambda: meter(rig)["newest_0"] and meter(rig)["good_utc"], lambda: meter(rig), 90)


def stream(rig):
    """A connection to the server; earlier ones are gone, for it has room for three."""
    port = eventually(lambda: (found := state(rig))["port"] and found["connections"] < 3 and found["port"], lambda: state(rig))
    return Tcp(f"{HOST}:{port}")


@contextlib.contextmanager
def asked(rig, client=16, password=None, server=1):
    made = Gurux(stream(rig), server=server, client=client, mechanism=1 if password else 0, secret=(password or "").encode())
    try:
        yield made.open()
    finally:
        made.stream.close()


def manager(rig, password=PASSWORD):
    return asked(rig, 1, password)


def refused(call, *arguments):
    """By which result a request is refused."""
    with pytest.raises(GXDLMSException) as caught:
        call(*arguments)
    return caught.value.errorCode


def written(client, thing, attribute=2):
    return client.exchange(client.c.write(thing, attribute))


def octets(ln, content=b""):
    thing = GXDLMSData(ln)
    thing.setDataType(2, DataType.OCTET_STRING)
    thing.value = content
    return thing


def utc_of(moment):
    """UTC of a date-time, decoded or twelve octets."""
    if not isinstance(moment, (bytes, bytearray)):
        return moment.value.timestamp()
    year, month, day, _, hour, minute, second, _, deviation, _ = struct.unpack(">H7BhB", moment)
    return datetime.datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp() + 60 * deviation


def events(rig):
    return [event["text"] for event in api(rig, "/api/events")[1]["events"]]


# Our own objects


def test_what_everybody_may_read(rig):
    with asked(rig) as client:
        serial = rig.ready["serial"]
        assert client.get(GXDLMSData("0.0.42.0.0.255"), 2) == b"OSG" + serial.encode()
        assert client.get(GXDLMSData("0.0.96.1.0.255"), 2) == serial.encode()
        assert client.get(GXDLMSData("1.0.0.2.0.255"), 2) == api(rig, "/api/status")[1]["sw_version"].encode()
        assert 0 <= utc_of(client.get(GXDLMSClock("0.0.1.0.0.255"), 2)) - NOW < 600
        saps = GXDLMSSapAssignment("0.0.41.0.0.255")
        client.get(saps, 2)
        assert saps.sapAssignmentList == [(1, "OSG" + serial), (0x1001, "10000001"), (0x1002, "10000002")]


def test_the_list_of_objects(rig):
    is_kept(rig)
    association = GXDLMSAssociationLogicalName("0.0.40.0.0.255")
    with asked(rig) as client:
        client.get(association, 2)
        names = {thing.logicalName for thing in association.objectList}
        assert {"0.0.42.0.0.255", "0.0.1.0.0.255", "0.0.40.0.0.255", LIST, PROFILE, SCALERS} <= names and BATCH not in names
        for thing in association.objectList:
            assert client.get(thing, 1), thing.logicalName
    with manager(rig) as client:
        client.get(association, 2)
        assert {BATCH, REMOVE} <= {thing.logicalName for thing in association.objectList}
        client.get(association, 8)
        assert association.associationStatus == 2


def test_the_list_of_meters(rig):
    is_kept(rig)
    with asked(rig) as client:
        meters = client.profile(LIST)
        assert len(meters.captureObjects) == 9 and client.get(meters, 7) == 2
        rows = client.rows(meters, client.c.read(meters, 2))
        assert [(row[0], row[1].decode(), row[2].decode(), row[3], row[4]) for row in rows] == [
            (1, "10000001", "", 0, 1),
            (2, "10000002", "Hall", 0, 0),
        ]
        assert abs(utc_of(rows[0][5]) - meter(rig)["good_utc"]) < 120 and rows[1][5] is None
        assert [row[0] for row in client.rows(meters, client.c.readRowsByEntry(meters, 2, 1))] == [2]
        assert client.rows(meters, client.c.readRowsByEntry(meters, 3, 5)) == []


def test_a_profile_by_entry_and_by_range(rig):
    is_kept(rig)
    with asked(rig) as client, asked(rig, 1, "12345678", 0x1001) as through:
        ours, theirs = client.profile(PROFILE), through.profile("1.0.99.1.0.255")
        names = [(thing.logicalName, column.attributeIndex) for thing, column in theirs.captureObjects]
        assert [(thing.logicalName, column.attributeIndex) for thing, column in ours.captureObjects] == names
        count = client.get(ours, 7)
        assert 280 < count < 300
        whole = [(utc_of(row[0]), row[1:]) for row in client.rows(ours, client.c.read(ours, 2))]
        assert len(whole) == count and whole == sorted(whole)
        ours.buffer.clear()
        some = [(utc_of(row[0]), row[1:]) for row in client.rows(ours, client.c.readRowsByEntry(ours, 3, 4))]
        assert some == whole[2:6]
        ours.buffer.clear()
        begin, end = whole[10][0], whole[19][0]
        start, stop = (datetime.datetime.fromtimestamp(at, UTC) for at in (begin, end))
        found = [(utc_of(row[0]), row[1:]) for row in client.rows(ours, client.c.readRowsByRange(ours, start, stop))]
        assert found == whole[10:20]
        truth = through.rows(theirs, through.c.readRowsByRange(theirs, start, stop))
        assert [(utc_of(row[0]), row[1:]) for row in truth] == found  # as the meter itself has it
        scalers = client.get(GXDLMSData(SCALERS), 2)
        register = GXDLMSRegister(names[2][0])
        through.get(register, 3)
        assert len(scalers) == len(names) and scalers[2] == [
            round(register.scaler and _log(register.scaler)),
            int(register.unit),
        ]


def _log(scaler):
    exponent = 0
    while scaler > 1.5:
        scaler, exponent = scaler / 10, exponent + 1
    while scaler < 0.5:
        scaler, exponent = scaler * 10, exponent - 1
    return exponent


def test_who_may_not(rig):
    with asked(rig) as client:
        clock = GXDLMSClock("0.0.1.0.0.255")
        clock.time = GXDateTime(datetime.datetime.now(UTC))
        assert refused(written, client, clock) == ErrorCode.READ_WRITE_DENIED
        assert refused(written, client, octets(BATCH, b"serial\n9")) == ErrorCode.READ_WRITE_DENIED
        assert refused(client.get, GXDLMSData("0.128.7.0.1.255"), 2) == ErrorCode.UNDEFINED_OBJECT
        assert refused(client.get, GXDLMSData("0.129.0.0.9.255"), 2) == ErrorCode.UNDEFINED_OBJECT
    for password in ("secret98", None):
        with pytest.raises((GXDLMSException, GXDLMSConfirmedServiceError)):
            with asked(rig, 1, password):
                pass
    assert any("wrong password from 127.0.0.1" in text for text in events(rig))
    change(rig, read_login=1)
    try:
        with asked(rig) as client:
            assert client.get(GXDLMSData("0.0.96.1.0.255"), 2) == rig.ready["serial"].encode()
            for thing in (GXDLMSData(LIST), GXDLMSSapAssignment("0.0.41.0.0.255")):
                assert refused(client.exchange, client.c.read(thing, 2)) in (
                    ErrorCode.READ_WRITE_DENIED,
                    ErrorCode.UNDEFINED_OBJECT,
                )
            assert refused(client.profile, PROFILE) == ErrorCode.READ_WRITE_DENIED
        with manager(rig) as client:
            assert len(client.profile(LIST).captureObjects) == 9
    finally:
        change(rig, read_login=0)


def test_the_clock_is_set_and_shifted(rig):
    clock = GXDLMSClock("0.0.1.0.0.255")
    with manager(rig) as client:
        before = utc_of(client.get(clock, 2))
        clock.time = GXDateTime(datetime.datetime.fromtimestamp(before + 4000, UTC))
        written(client, clock)
        assert 4000 <= utc_of(client.get(clock, 2)) - before < 4060
        client.exchange(clock.shiftTime(client.c, -900))
        assert 3100 <= utc_of(client.get(clock, 2)) - before < 3160
        clock.time = GXDateTime(datetime.datetime.fromtimestamp(before + 30, UTC))
        written(client, clock)
    assert any("set by DLMS" in text for text in events(rig))


def test_the_password_is_changed(rig):
    association = GXDLMSAssociationLogicalName("0.0.40.0.0.255")
    with manager(rig) as client:
        assert refused(client.get, association, 7) == ErrorCode.READ_WRITE_DENIED
        client.exchange(client.c.method(association, 2, bytearray(b"another1"), DataType.OCTET_STRING))
        for wrong in (bytearray(), bytearray(b"\x01\x02"), bytearray(40)):
            assert refused(client.exchange, client.c.method(association, 2, wrong, DataType.OCTET_STRING)) is not None
    with pytest.raises((GXDLMSException, GXDLMSConfirmedServiceError)), manager(rig):
        pass
    with manager(rig, "another1") as client:
        association.secret = PASSWORD.encode()
        client.exchange(client.c.method(association, 2, bytearray(PASSWORD.encode()), DataType.OCTET_STRING))
    with manager(rig):
        pass


def test_the_list_is_changed(rig):
    with manager(rig) as client:
        written(client, octets(BATCH, b"serial,physical\n10000"))
        written(client, octets(BATCH, b"003,19\n10000004,20\n1"))
        written(client, octets(BATCH, b"0000005,notanumber\n"))
        written(client, octets(BATCH))
        running, lines, added, changed, wrong, cause = client.get(GXDLMSData(BATCH), 2)
        assert (running, lines, added, changed, wrong, cause) == (False, 4, 2, 0, 1, b"")
        found = {one["serial"]: one["id"] for one in api(rig, "/api/dlms_meters")[1]["meters"]}
        assert set(found) == {"10000001", "10000002", "10000003", "10000004"}
        for serial in ("10000003", "10000004"):
            thing = GXDLMSData(REMOVE)
            thing.setDataType(2, DataType.UINT16)
            thing.value = found[serial]
            written(client, thing)
        assert refused(written, client, thing) == ErrorCode.READ_WRITE_DENIED
        assert len(api(rig, "/api/dlms_meters")[1]["meters"]) == 2
        assert refused(written, client, octets(BATCH, b"no header at all\n")) == ErrorCode.OTHER_REASON


def test_another_client_reads(rig):
    """dlms-cosem, without and with a password."""
    is_kept(rig)
    none: Any = NoSecurityAuthentication()
    password: Any = LowLevelSecurityAuthentication(PASSWORD.encode())
    for client_sap, authentication in ((16, none), (1, password)):
        port = eventually(lambda: (found := state(rig))["connections"] < 3 and found["port"], lambda: state(rig))
        transport = TcpTransport(client_sap, 1, BlockingTcpIO(HOST, port))
        made: Any = DlmsClient(transport=transport, authentication=authentication)
        with made.session() as client:
            name = client.get(CosemAttribute(enumerations.CosemInterface.DATA, Obis(0, 0, 42, 0, 0, 255), 2))
            assert name == b"\x09\x0bOSG" + rig.ready["serial"].encode()
            rows = client.get(CosemAttribute(enumerations.CosemInterface.PROFILE_GENERIC, Obis(0, 128, 0, 0, 1, 255), 2))
            assert rows[:2] == b"\x01\x82" and int.from_bytes(rows[2:4], "big") > 280


# Meters


def gmac(rig, counter, server=0x1002):
    made = Gurux(stream(rig), server=server, client=1, mechanism=5, ciphered=True, counter=counter)
    return made


def test_a_meter_with_its_own_keys(rig):
    is_kept(rig)
    asked_before = meter(rig)["good_utc"]
    client = gmac(rig, 1).open()
    try:
        assert client.get(GXDLMSData("0.0.96.1.0.255"), 2) == b"10000002"
        profile = client.profile("1.0.99.1.0.255")
        assert len(client.rows(profile, client.c.readRowsByEntry(profile, 1, 40))) == 40
        with pytest.raises(GXDLMSExceptionResponse):  # one at a time on a wire
            Gurux(stream(rig), server=0x1001, client=1).open()
        assert api(rig, "/api/dlms_meters/1")[0] == 200
        client.close()  # release: the wire is free at once
        with asked(rig, 1, "12345678", 0x1001) as other:
            assert other.get(GXDLMSData("0.0.96.1.0.255"), 2) == b"10000001"
    finally:
        client.stream.close()
    change(rig, dlms_present_min=1)
    rig.control("clock", unix=NOW + 4000)
    eventually(lambda: meter(rig)["good_utc"] > asked_before + 60, lambda: meter(rig))
    change(rig, dlms_present_min=15)


def test_one_connection_speaks_with_one_meter_after_the_other(rig):
    with asked(rig, 1, "12345678", 0x1001) as client:
        assert client.get(GXDLMSData("0.0.96.1.0.255"), 2) == b"10000001"
        second = gmac(rig, 1000)
        second.stream.close()
        second.stream = client.stream
        second.open()
        assert second.get(GXDLMSData("0.0.96.1.0.255"), 2) == b"10000002"


def message(apdu, server, client=1):
    return struct.pack(">4H", 1, client, server, len(apdu)) + apdu


def test_what_does_not_reach_a_meter(rig):
    aarq = bytes.fromhex("601DA109060760857405080101BE10040E01000000065F1F0400007E1F04B0")
    with contextlib.closing(stream(rig)) as line:
        line.send(message(aarq, 0x1000 + 9))  # no such meter
        assert line.receive() == struct.pack(">4H", 1, 0x1009, 1, 3) + b"\xd8\x02\x02"
        line.send(message(aarq, 0x1001, 200))  # no client can have that address on HDLC
        assert line.receive()[8:] == b"\xd8\x02\x02"
    status, answer = api(rig, "/api/dlms_meters", {"serial": "10000009", "physical": 99})
    assert status == 201
    with contextlib.closing(stream(rig)) as line:
        line.send(message(aarq, 0x1000 + answer["id"]))  # nobody is there
        assert line.receive(60)[8:] == b"\xd8\x02\x03"
    api(rig, f"/api/dlms_meters/{answer['id']}", method="DELETE")
    change(rig, dlms_server_clients="10.0.0.0/8")
    try:
        with contextlib.closing(stream(rig)) as line:
            line.send(message(aarq, 0x1001))
            assert line.receive()[8:] == b"\xd8\x01\x01"
    finally:
        change(rig, dlms_server_clients=HOST)


def test_settings_change_under_a_client(rig):
    with asked(rig, 1, "12345678", 0x1001) as client:
        change(rig, dlms_baud=4)  # all wires begin anew, at a speed that the meter does not have
        with pytest.raises(GXDLMSExceptionResponse):
            client.get(GXDLMSData("0.0.96.1.0.255"), 2)
        change(rig, dlms_baud=3)
        client.open()
        assert client.get(GXDLMSData("0.0.96.1.0.255"), 2) == b"10000001"


class Raw(Tty):
    """The transparent port: HDLC over plain bytes."""

    def __init__(self, port):
        self._line = Tcp(f"{HOST}:{port}")

    def send(self, data):
        self._line.send(data)

    def receive(self, timeout_s: float = PATIENCE_S):
        return self._line.receive(timeout_s)

    def close(self):
        self._line.close()


def test_hdlc_through_the_transparent_port(rig):
    is_kept(rig)
    change(rig, tunnel_port=1, tunnel_clients=HOST)
    try:
        port = eventually(lambda: api(rig, "/api/tunnel")[1]["raw"], "no port")
        line = Raw(port)
        eventually(lambda: "sent" in api(rig, "/api/tunnel")[1], lambda: api(rig, "/api/tunnel"))
        client = Gurux(line, (1, 17, 4)).open()
        assert client.get(GXDLMSData("0.0.96.1.0.255"), 2) == b"10000001"
        client.close()
        with pytest.raises(GXDLMSExceptionResponse):  # the wire is lent
            Gurux(stream(rig), server=0x1001, client=1).open()
        line.close()
        eventually(lambda: not api(rig, "/api/tunnel")[1]["client"], "it stays for ever")
        with asked(rig, 1, "12345678", 0x1001) as other:
            assert other.get(GXDLMSData("0.0.96.1.0.255"), 2) == b"10000001"
    finally:
        change(rig, tunnel_port=0, tunnel_clients="")


# Rude clients


def garbage(seed):
    dice = random.Random(seed)
    whole = message(bytes.fromhex("C001C1000800000100 00FF0200"), 1, 16)
    kind = seed % 5
    if kind == 0:
        return dice.randbytes(dice.randrange(1, 600))
    if kind == 1:
        return whole[: dice.randrange(1, len(whole))]
    if kind == 2:
        return struct.pack(">4H", 1, 16, 1, 0xFFFF) + dice.randbytes(40)
    if kind == 3:
        return message(dice.randbytes(dice.randrange(0, 60)), 1, dice.choice((1, 16)))
    at = dice.randrange(len(whole))
    return whole[:at] + bytes([whole[at] ^ 1 << dice.randrange(8)]) + whole[at + 1 :]


def test_garbage_and_many_connections(rig):
    crashes = api(rig, "/api/health")[1]["crashes"]
    for seed in range(60):
        with contextlib.closing(stream(rig)) as line:
            with contextlib.suppress(OSError):
                line.send(garbage(seed))
                line.receive(0.05)
    port = state(rig)["port"]
    many = [socket.create_connection((HOST, port), 10) for _ in range(20)]
    try:
        eventually(lambda: state(rig)["refused"] >= 17, lambda: state(rig))
        assert state(rig)["connections"] <= 3
    finally:
        for one in many:
            one.close()
    with asked(rig) as client:
        assert client.get(GXDLMSData("0.0.96.1.0.255"), 2) == rig.ready["serial"].encode()
    assert api(rig, "/api/health")[1]["crashes"] == crashes, events(rig)


def test_guesses_end(rig):
    for _ in range(6):
        with pytest.raises((GXDLMSException, GXDLMSConfirmedServiceError)), manager(rig, "guess"):
            pass
    assert any("nobody gets in" in text for text in events(rig))
    with pytest.raises((GXDLMSException, GXDLMSConfirmedServiceError)), manager(rig):
        pass  # right, but too late
    with asked(rig):
        pass


# The central server


class HeadEnd:
    """Listens as a central server does; `lines` that came, `close()` makes it unreachable, listen() lets it come back."""

    def __init__(self):
        self.port = 0
        self.listen()

    def listen(self):
        self._listener = socket.create_server((HOST, self.port))
        self.port = self._listener.getsockname()[1]

    def accepted(self, patience_s=30):
        self._listener.settimeout(patience_s)
        taken, _ = self._listener.accept()
        taken.settimeout(30)
        return taken

    def close(self):
        self._listener.close()


class Line(Tcp):
    """A connection that the gateway dialled; notifications between the answers are kept apart."""

    def __init__(self, taken):
        self._socket = taken
        self.beats = []
        self._rest = b""

    def receive(self, timeout_s=20):
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            heard = self._message(max(0.01, end - time.monotonic()))
            if heard[8:9] != b"\x0f":
                return heard
            self.beats.append(heard)
        return b""

    def _message(self, timeout_s):
        self._socket.settimeout(timeout_s)
        while len(self._rest) < 8 or len(self._rest) < 8 + int.from_bytes(self._rest[6:8], "big"):
            piece = self._socket.recv(4096)
            if not piece:
                raise ConnectionError
            self._rest += piece
        size = 8 + int.from_bytes(self._rest[6:8], "big")
        whole, self._rest = self._rest[:size], self._rest[size:]
        return whole

    def beat(self):
        whole = self._message(20)
        assert whole[8] == 0x0F
        self.beats.append(whole)
        return whole


def linked(rig, **expected):
    def is_so():
        found = state(rig)
        return all(found.get(name) == value for name, value in expected.items()) and found

    return eventually(is_so, lambda: (state(rig), events(rig)[-5:]))


@pytest.mark.parametrize("bits", [64, 32])
def test_the_central_server(bits):
    main, reserve = HeadEnd(), HeadEnd()
    settings = SETTINGS | {"dlms_server_enabled": 0, "dlms_main_host": HOST, "dlms_main_port": main.port, "dlms_heartbeat_s": 1}
    settings |= {"dlms_reserve_host": HOST, "dlms_reserve_port": reserve.port}
    with gateway(bits, meters=METERS, settings=settings, clock=NOW, heap={64: "1m", 32: "256k"}[bits]) as rig:
        add(rig, PLANS)
        line = Line(main.accepted())
        name = b"OSG" + rig.ready["serial"].encode()
        first = line.beat()
        assert first[:6] == bytes.fromhex("000100010001")
        assert first[13] == 12 and first[26:] == b"\x02\x02\x09" + bytes([len(name)]) + name + b"\x09\x08" + name[3:]
        second = line.beat()
        assert int.from_bytes(second[9:13], "big") == int.from_bytes(first[9:13], "big") + 1
        linked(rig, link="Connected", on_reserve=False, port=0)
        # the head-end asks over the connection that we made: us, then a meter
        client = Gurux(line, server=1, client=1, mechanism=1, secret=PASSWORD.encode()).open()
        assert client.get(GXDLMSData("0.0.96.1.0.255"), 2) == rig.ready["serial"].encode()
        through = Gurux(line, server=0x1001, client=1).open()
        assert through.get(GXDLMSData("0.0.96.1.0.255"), 2) == b"10000001"
        # the main server dies: after three tries the reserve has its turn
        main.close()
        line.close()
        api(rig, "/api/dlms_server", {})
        other = Line(reserve.accepted(60))
        assert other.beat()[26:] == first[26:]
        linked(rig, link="Connected", on_reserve=True)
        assert api(rig, "/api/dlms_server", {})[0] == 504  # it is not there yet
        Gurux(other, server=1, client=16, mechanism=0).open()
        main.listen()
        assert api(rig, "/api/dlms_server", {})[0] == 200  # what the gateway does by itself after some minutes, too
        main.accepted().close()  # the look
        line = Line(main.accepted())
        assert line.beat()[26:] == first[26:]
        linked(rig, link="Connected", on_reserve=False)
        with pytest.raises(ConnectionError):
            while True:
                other.receive()
        told = [text for text in events(rig) if "central server" in text]
        assert any("connected to the reserve server" in text for text in told), told
        assert any("connected to the main server again" in text for text in told), told
        change(rig, dlms_heartbeat_s=0)
        before = state(rig)["beats"]
        client = Gurux(line, server=1, client=16, mechanism=0).open()
        assert client.get(GXDLMSClock("0.0.1.0.0.255"), 2)
        time.sleep(1.5)  # in which one would have come
        assert state(rig)["beats"] <= before + 1
        change(rig, dlms_main_host="")
        linked(rig, link="Disabled")
        with pytest.raises(ConnectionError):
            while True:
                line.receive()
    main.close()
    reserve.close()
