"""The transparent port: foreign readers reach meters through the gateway, its own reading waits and goes on.

Peers: pymodbus with RTU frames over TCP, pyserial's client of RFC 2217, PyPI iec62056-21 over TCP.
"""

import socket

import pytest
import serial
from iec62056_21.client import Iec6205621Client
from pymodbus import FramerType
from pymodbus.client import ModbusTcpClient

from host_tests.fakes.iec_meter import READOUT, IecMeter
from host_tests.gateway import answered, api, change, eventually, gateway, login, settings, statistics
from host_tests.modbus_oracle import rtu

METER = {"port": "rs485", "family": "WM3M4", "model": "WM3M4C", "serial": "18230001", "address": 35}
SETTINGS = {"tunnel_port": 1, "tunnel_clients": "127.0.0.1", "rs485_type_1": 2, "rs485_addr_1": 35, "poll_ms": 100}
MODEL = "040100000008"  # of unit 35, without it: input registers 30001 to 30008
HOST = "127.0.0.1"


@pytest.fixture(scope="module", params=[64, 32])
def rig(request):
    with gateway(request.param, meters=[METER], settings=SETTINGS) as rig:
        yield rig


def state(rig):
    return api(rig, "/api/tunnel")[1]


def is_free(rig):
    return eventually(lambda: not state(rig)["client"] and state(rig)["raw"] and state(rig), "the client stays for ever")


def raw(rig):
    """A connection for plain bytes."""
    connection = socket.create_connection((HOST, is_free(rig)["raw"]), 10)
    return connection


def is_served(rig):
    return eventually(lambda: "sent" in state(rig), lambda: (state(rig), events(rig)[-3:]))


def rfc2217(rig, **line):
    return serial.serial_for_url(f"rfc2217://{HOST}:{is_free(rig)['rfc2217']}", timeout=3, **line)


def events(rig):
    return [event["text"] for event in api(rig, "/api/events")[1]["events"]]


def ended(connection):
    """Whether the gateway closes the connection; what it said before is passed over."""
    connection.settimeout(20)
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


def asked(rig):
    return statistics(rig, "rs485", 35).get("asked", 0)


def polling_goes_on(rig):
    is_free(rig)
    before = asked(rig)
    eventually(lambda: asked(rig) > before + 2, "polling does not go on")


def read_model(port):
    """The model of unit 35 by a Modbus frame over anything with write() and read()."""
    port.write(rtu("230400010008"))
    return port.read(21)


def test_a_foreign_modbus_master_has_the_wire_to_itself(rig):
    answered(rig, "get_measurements&number=1")
    client = ModbusTcpClient(HOST, port=is_free(rig)["raw"], framer=FramerType.RTU, timeout=5)
    assert client.connect()
    try:
        is_served(rig)
        before = asked(rig)
        for _ in range(20):
            answer = client.read_input_registers(1, count=8, device_id=35)
            assert not answer.isError()
            words = answer.registers
        assert b"".join(word.to_bytes(2, "big") for word in words).startswith(b"WM3M4C")
        other = ModbusTcpClient(HOST, port=rig.ready["modbus_tcp"][1], timeout=5)
        try:
            refused = other.read_input_registers(101, count=2, device_id=35)
            assert refused.isError() and refused.exception_code == 6
        finally:
            other.close()
        assert asked(rig) == before
    finally:
        client.close()
    polling_goes_on(rig)
    answered(rig, "get_measurements&number=1")
    told = events(rig)
    assert not [text for text in told if "lost" in text]
    assert [text for text in told if f"{HOST} uses rs485" in text]
    assert [text for text in told if f"{HOST} left rs485" in text and "160 characters sent" in text]


def test_rfc2217_sets_the_line_and_the_gateway_sets_it_back(rig):
    with rfc2217(rig, baudrate=115200) as port:
        assert read_model(port)[3:9] == b"WM3M4C"
        port.timeout = 0.5
        port.baudrate = 9600
        assert read_model(port) == b""
        port.timeout = 3
        port.baudrate = 115200
        port.reset_input_buffer()
        assert read_model(port)[3:9] == b"WM3M4C"
        port.bytesize, port.parity, port.baudrate = 7, "E", 300
        port.bytesize, port.parity, port.stopbits = 8, "N", 2
        assert port.dsr and port.cd
        with pytest.raises(ValueError, match="rejected"):
            port.baudrate = 12345
    polling_goes_on(rig)


def test_only_one_at_a_time(rig):
    with raw(rig) as first:
        is_served(rig)
        with socket.create_connection((HOST, state(rig)["raw"]), 10) as second:
            assert ended(second)
        with socket.create_connection((HOST, state(rig)["rfc2217"]), 10) as third:
            assert ended(third)
        first.sendall(rtu("230400010008"))
        first.settimeout(10)
        assert first.recv(1)
        assert state(rig)["refused"] >= 2
    polling_goes_on(rig)


def test_who_is_not_listed_comes_through_the_window_only(rig):
    change(rig, tunnel_clients="10.0.0.0/8, 192.168.1.20")
    try:
        assert ended(raw(rig))
        assert api(rig, "/api/tunnel", {"minutes": 61})[0] == 400
        assert 0 < api(rig, "/api/tunnel", {"minutes": 10})[1]["left_s"] <= 600
        with raw(rig) as connection:
            is_served(rig)
            assert api(rig, "/api/tunnel", {"minutes": 0})[1]["left_s"] == 0
            assert ended(connection)
        assert ended(raw(rig))
        assert [text for text in events(rig) if "open to everybody for 10 minutes" in text]
        status, _, _ = rig.get("/api/tunnel", {"Content-Type": "application/json"}, "POST", '{"minutes": 10}')
        assert status in (401, 403) and state(rig)["left_s"] == 0
    finally:
        change(rig, tunnel_clients=HOST)


def test_nobody_may_before_somebody_says_so(rig):
    change(rig, tunnel_clients="")
    try:
        assert ended(raw(rig))
    finally:
        change(rig, tunnel_clients=HOST)


def test_what_is_no_list_of_addresses(rig):
    for text in ("10.0.0.1/8", "10.0.0.0/33", "meter", "1.2.3", "10.0.0.0/"):
        status, _, body = rig.get("/api/settings", login(rig), "PATCH", f'{{"tunnel_clients": "{text}"}}')
        assert status == 422 and b"expected" in body, text


def test_who_vanishes_is_forgotten(rig):
    change(rig, tunnel_idle_s=10)
    connection = raw(rig)
    try:
        is_served(rig)
        polling_goes_on(rig)  # it is still connected, for all that it knows
        assert [text for text in events(rig) if "silent" in text]
    finally:
        connection.close()
        change(rig, tunnel_idle_s=120)


def test_other_settings_end_it(rig):
    with raw(rig) as connection:
        is_served(rig)
        change(rig, rs485_parity=2)
        assert ended(connection)
    change(rig, rs485_parity=0)
    polling_goes_on(rig)


def test_off_and_on_again(rig):
    change(rig, tunnel_port=0)
    assert state(rig)["port"] == "" and state(rig)["raw"] == 0
    assert api(rig, "/api/tunnel", {"minutes": 1})[0] == 409
    change(rig, tunnel_port=1)
    with raw(rig):
        is_served(rig)
    polling_goes_on(rig)
    assert settings(rig)["tunnel_port"] == 1


# A port of its own, with a meter of IEC 62056-21


def iec(bits, meter, **more):
    own = {"rs485_protocol": 4, "tunnel_clients": "127.0.0.0/8", "rs485_type_1": 0, "rs485_type_2": 0}
    return gateway(bits, meters=[], port={"rs485": meter.path}, fast=False, settings={**own, **more})


@pytest.mark.parametrize("bits", [64, 32])
def test_a_foreign_reader_reads_a_meter_of_iec_62056(bits):
    with IecMeter(fixed=9600) as meter, iec(bits, meter, tunnel_baud=6) as rig:
        client = Iec6205621Client.with_tcp_transport((HOST, is_free(rig)["raw"]), device_address="12345678", password="0")
        client.connect()
        try:
            is_served(rig)
            read = client.standard_readout()
        finally:
            client.disconnect()
        found = {data.address: data.value + (f"*{data.unit}" if data.unit else "") for data in read.data}
        assert found == READOUT
        assert set(meter.speeds) == {9600}


@pytest.mark.parametrize("bits", [64, 32])
def test_a_reader_changes_the_speed_in_the_middle(bits):
    with IecMeter() as meter, iec(bits, meter) as rig:
        with rfc2217(rig, baudrate=300, bytesize=7, parity="E") as port:
            port.write(b"/?!\r\n")
            assert port.read_until(b"\r\n") == b"/OSG5Stand-in\r\n"
            port.write(b"\x06050\r\n")  # the new speed follows at once: what goes out before it keeps the old one
            port.baudrate = 9600
            readout = port.read_until(b"\x03")
            assert readout.count(b"(") == len(READOUT) and b"1.8.0(000123.456*kWh)" in readout
        assert meter.speeds[0] == 300
        eventually(lambda: meter.speed() == 115200, "the line is not set back")


def test_a_flood_is_held_back_and_costs_others_nothing():
    with IecMeter(fixed=9600) as meter, iec(32, meter, tunnel_baud=6, tunnel_frame=0) as rig:
        connection = raw(rig)
        is_served(rig)
        connection.settimeout(1)
        with pytest.raises(TimeoutError):
            for _ in range(1000):
                connection.sendall(bytes(65536))
        assert rig.get_json("/get_command?command=get_status")
        assert state(rig)["sent"] < 96000
        assert api(rig, "/api/tunnel", {"minutes": 0})[0] == 200  # it is listed, but one client less is what somebody wants
        is_free(rig)
        connection.close()
