"""Modbus TCP through the gateway: where requests go, what comes back, what is refused, who waits for whom."""

import struct
import threading
import time

import pytest
from pymodbus.client import ModbusTcpClient
from pymodbus.framer import FramerType

from host_tests.gateway import MANUAL, answered, api, change, command, detected, eventually, gateway, statistics
from host_tests.modbus_client import Client, Closed, mbap, read, serial

MODEL = read(4, 1, 8)
IE38 = "0410" + b"IE38MD".ljust(16).hex()
WM3M4 = "0410" + b"WM3M4C".ljust(16).hex()
MC666 = "0410" + b"MC666".ljust(16).hex()
SG = "0410" + b"SG-W1".ljust(16).hex()
MUTE = 90  # nobody has this address


@pytest.fixture(scope="module", params=[64, 32])
def rig(request):
    with gateway(request.param, meters=MANUAL, settings={"response_ms": 300}) as started:
        detected(started, 3)
        yield started


@pytest.fixture
def client(rig):
    with Client(rig) as one:
        yield one


def events(rig):
    return [event["text"] for event in api(rig, "/api/events")[1]["events"]]


def test_units_are_routed(client):
    for unit, model in ((33, IE38), (35, WM3M4), (36, MC666), (34, SG), (0, SG), (255, SG)):
        assert client.ask(unit, MODEL) == model, unit


def test_exceptions_tell_what_is_wrong(client):
    for what, unit, pdu, answer in (
        ("nobody there", MUTE, MODEL, "840b"),
        ("no such unit", 250, MODEL, "840a"),
        ("register that the meter does not have", 33, read(4, 60000, 1), "8402"),
        ("more registers than can be", 33, read(4, 100, 126), "8403"),
        ("function that the meter does not have", 33, read(1, 100, 1), "8101"),
        ("function that only writes may have", 33, "0600650001", "8601"),
        ("function of nobody", 34, "4100", "c101"),
        ("no function at all", 33, "00000000", "8001"),
        ("function of an answer", 33, "84000000", "8401"),
        ("own register that is not there", 34, read(4, 60000, 1), "8402"),
        ("meter's register that is not there", 200, read(4, 60000, 1), "8402"),
    ):
        assert client.ask(unit, pdu) == answer, what


def test_a_port_that_is_off(rig, client):
    change(rig, rs485_protocol=0)
    try:
        assert eventually(lambda: client.ask(33, MODEL) == IE38, "the other port is gone too")
        assert client.ask(35, MODEL) == "840a"
    finally:
        change(rig, rs485_protocol=1)
    assert eventually(lambda: client.ask(35, MODEL) == WM3M4, "it does not come back")


def test_pymodbus_with_both_kinds_of_frames(rig):
    host, port = rig.ready["modbus_tcp"]
    measured = answered(rig, "get_measurements1")["measurements"]
    for framer in (FramerType.SOCKET, FramerType.RTU):
        with ModbusTcpClient(host, port=port, framer=framer, timeout=5, retries=0) as peer:
            told = peer.read_input_registers(1, count=14, device_id=35).registers
            assert struct.pack(">14H", *told)[:24] == b"WM3M4C".ljust(16) + b"18230001"
            block = peer.read_input_registers(100, count=91, device_id=35).registers
            voltage = (block[7] & 0xFF) << 16 | block[8]
            assert (block[7] >> 8, voltage) == (0xFE, 22050) and measured["U1"] == "220.5 V"
            assert peer.read_input_registers(60000, count=1, device_id=35).exception_code == 2


def test_writes_need_a_rule(rig, client):
    text = b"Cellar".ljust(40)
    write = struct.pack(">BHHB", 16, 101, 20, 40) + text
    assert client.ask(33, write) == "9001" and client.ask(33, write) == "9001"
    assert client.ask(33, "0600650001") == "8601"
    refused = [told for told in events(rig) if "write refused" in told]
    assert len(refused) == 1, "one in a minute tells enough"
    assert "modbus_writes" in refused[0] and "127.0.0.1" in refused[0]
    change(rig, modbus_writes="33:16")
    try:
        assert client.ask(33, write) == "1000650014"
        assert client.ask(33, read(3, 101, 20)) == "0328" + text.hex()
        assert client.ask(33, "0600650001") == "8601"
        assert client.ask(35, write) == "9001"
        change(rig, modbus_writes="*:6")
        assert client.ask(33, "0600654142") == "0600654142"
        assert client.ask(33, read(3, 101, 1)) == "03024142"
    finally:
        change(rig, modbus_writes="")


def test_many_requests_in_one_segment(client):
    """All are answered, each with its own number, and a unit that is not there holds up no other."""
    units = (33, MUTE, 34, 35, 36, 33, 35, 34, 200, 36, 33, 0)
    models = {33: IE38, 34: SG, 35: WM3M4, 36: MC666, 0: SG, MUTE: "840b", 200: "8402"}
    client.send(b"".join(mbap(1000 + number, unit, MODEL) for number, unit in enumerate(units)))
    answers = [client.answer() for _ in units]
    assert sorted(answers) == sorted((1000 + number, unit, models[unit]) for number, unit in enumerate(units))
    assert [unit for _, unit, _ in answers].index(MUTE) > 2


def test_one_request_in_many_segments(client):
    for frame in (mbap(7, 35, MODEL), serial(35, MODEL)):
        for byte in frame:
            client.send(bytes((byte,)))
            time.sleep(0.002)  # so that they do not come together
        if len(frame) == 12:
            assert client.answer() == (7, 35, WM3M4)
        else:
            assert client.receive(21) == serial(35, WM3M4)


def test_serial_frames_are_answered_one_after_the_other(client):
    units = (35, 34, MUTE, 36, 33)
    client.send(b"".join(serial(unit, MODEL) for unit in units))
    for unit, pdu in zip(units, (WM3M4, SG, "840b", MC666, IE38), strict=True):
        answer = serial(unit, pdu)
        assert client.receive(len(answer)) == answer, unit


def test_a_damaged_serial_frame_is_passed_over(client):
    client.send(serial(35, MODEL))
    assert client.receive(21) == serial(35, WM3M4)
    damaged = bytearray(serial(35, MODEL))
    damaged[4] ^= 1
    client.send(damaged)
    time.sleep(0.05)  # or it would be seen together with what follows
    client.send(serial(36, MODEL))
    assert client.receive(21) == serial(36, MC666)


def test_who_asks_again_gets_one_answer(client):
    client.send(mbap(5, MUTE, MODEL) * 3)
    assert client.answer() == (5, MUTE, "840b")
    client.send(mbap(6, 34, MODEL))
    assert client.answer() == (6, 34, SG), "the second question to the mute unit was answered too"


def test_nobody_is_asked_for_those_who_have_left(rig):
    with Client(rig) as blocker, Client(rig) as leaver:
        blocker.ask(35, MODEL)
        blocker.send(b"".join(mbap(number, MUTE, read(4, number, 2)) for number in range(4)))
        leaver.send(mbap(1, 91, MODEL) + mbap(2, 92, MODEL))
    eventually(lambda: command(rig, "get_statistics")["http_open"] >= 1, "it does not answer")
    with Client(rig) as client:
        assert client.ask(35, MODEL) == WM3M4
    told = [statistics(rig, "rs485", unit).get("asked", 0) for unit in (91, 92)]
    assert sum(told) <= 1, told


def test_an_offset_parts_two_meters_with_one_address(rig, client):
    change(rig, ir_counter_addr=35)
    try:
        assert "RS485 device 1 is unit 35, as is the IR meter: set modbus_offset_485" in events(rig)
        assert eventually(lambda: client.ask(36, MODEL) == MC666, "the ports do not come back")
        assert client.ask(35, MODEL) == "840b"  # the left port, where nobody has this address
        change(rig, modbus_offset_485=100)
        assert eventually(lambda: client.ask(135, MODEL) == WM3M4, "not found at 135")
        assert client.ask(136, MODEL) == MC666
        assert client.ask(36, MODEL) == "840a"
    finally:
        change(rig, ir_counter_addr=33, modbus_offset_485=0)
    assert eventually(lambda: client.ask(33, MODEL) == IE38, "not found again")


def test_readings_may_serve_as_answers(rig, client):
    answered(rig, "get_counters2")
    change(rig, poll_ms=60000)  # nobody else asks
    try:
        block = read(4, 2500, 60)
        first = client.ask(36, block)
        before = statistics(rig, "rs485", 36)["asked"]
        assert client.ask(36, block) == first
        assert statistics(rig, "rs485", 36)["asked"] == before + 1
        change(rig, modbus_max_age=60000)
        client.ask(36, block)
        for _ in range(5):
            assert client.ask(36, block) == first
            assert client.ask(36, read(4, 2510, 2)) == "0404" + first[4 + 40 : 4 + 48]
        assert statistics(rig, "rs485", 36)["asked"] == before + 2
    finally:
        change(rig, poll_ms=1000, modbus_max_age=0)


def test_ten_clients_get_fair_shares(rig):
    """Each asks as fast as it can, with other registers than the others, so that no answer serves two."""
    counts = [0] * 10
    end = time.monotonic() + 3

    def insist(number):
        with Client(rig) as one:
            while time.monotonic() < end:
                assert one.ask(36, read(4, 100 + number, 20)).startswith("0428")
                counts[number] += 1

    threads = [threading.Thread(target=insist, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert min(counts) >= 0.8 * max(counts) > 10, counts


def test_fifty_connections(rig):
    """Those in use are left alone; newcomers take the places of those who have been silent."""
    with Client(rig) as busy:
        silent = []
        for _ in range(50):
            silent.append(Client(rig))
            assert busy.ask(34, MODEL) == SG
        try:
            eventually(lambda: busy.ask(34, MODEL) == SG and _answers(rig), "no newcomer is served")
        finally:
            for one in silent:
                one.__exit__()
        assert busy.ask(35, MODEL) == WM3M4


def _answers(rig):
    with Client(rig) as newcomer:
        try:
            return newcomer.ask(36, MODEL) == MC666
        except Closed:
            return False


def test_a_silent_client_is_disconnected(rig):
    change(rig, modbus_idle_s=10)
    try:
        with Client(rig) as client:
            assert client.ask(34, MODEL) == SG
            assert client.is_closed()
    finally:
        change(rig, modbus_idle_s=120)
