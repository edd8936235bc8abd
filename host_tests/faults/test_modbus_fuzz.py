"""Random and mutated frames at a gateway with a device's heap, over TCP and as a slave: it answers, and keeps nothing."""

import contextlib
import os
import random
import socket
import threading
import time

import pytest

from host_tests.gateway import api, detected, eventually, gateway
from host_tests.modbus_client import Client, mbap, read, serial
from host_tests.peers.test_gateway_slave import Terminal

COUNT = 100_000  # frames, on each way
SEED = 20260315
THREADS = 4
WARM_UP = 10_000  # so that what is kept for good (events, the statistics of units) is there before the heap is measured
SLACK = 2500  # bytes of heap: a poll under way, events whose texts are longer
PATIENCE_S = 20
MODEL = read(4, 1, 8)
SG = "0410" + b"SG-W1".ljust(16).hex()
GOOD_SERIAL = serial(34, MODEL)
ANSWER_SERIAL = serial(34, SG)
# The wire whose answers take time is asked now and then only: it is not what is tested here.
UNITS = (0, 34, 34, 34, 34, 200, 201, 216, 255, 1, 60, 247, 248, 254)
WIRE_UNIT = 33
PDUS = (
    *(
        read(function, address, count)
        for function in (3, 4)
        for address, count in ((1, 14), (101, 40), (1000, 30), (40000, 70))
    ),
    *(
        bytes.fromhex(pdu)
        for pdu in ("0600650001", "100065000204414243440a", "1000650002044142434a", "050001ff00", "0f0001000801ff")
    ),
    *(
        bytes.fromhex(pdu)
        for pdu in ("07", "0b", "0c", "11", "080000a55a", "2b0e0100", "17000100010001000102abcd", "140706000100010001")
    ),
    *(read(function, 1, 8) for function in (1, 2)),
)


@pytest.fixture(scope="module")
def terminal():
    terminal = Terminal()
    yield terminal
    terminal.close()


@pytest.fixture(scope="module")
def rig(terminal):
    settings = {"rs485_type_1": 0, "rs485_type_2": 0, "poll_ms": 200, "response_ms": 100, "modbus_wait_ms": 200}
    with gateway(32, heap="112k", port={"rs485": terminal.path}, settings=settings) as started:
        detected(started, 1)
        yield started


def mutated(chance, frame):
    """The frame with a few bytes changed, inserted, doubled or taken out."""
    data = bytearray(frame)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        at = chance.randrange(len(data) + 1)
        way = chance.randrange(6)
        if way == 0 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif way == 1:
            data[at:at] = chance.randbytes(chance.randrange(1, 8))
        elif way == 2 and len(data) > 2:
            del data[at : at + chance.randrange(1, 4)]
        elif way == 3:
            data[at:at] = data[at : at + chance.randrange(1, 20)]
        elif way == 4 and at < len(data):
            data[at] = chance.choice((0, 1, 6, 0x7F, 0x80, 0xFD, 0xFE, 0xFF))
        else:
            data[at : at + 1] = bytes((chance.randrange(256),))
    return bytes(data)


def repaired(chance, unit, pdu):
    """A frame of either kind whose length and CRC fit, whatever the PDU is."""
    return mbap(chance.randrange(0x10000), unit, pdu) if chance.randrange(2) else serial(unit, pdu)


def frame(chance, wire_share):
    """One frame: half of them mutations of good ones of either kind, or of their content alone; the others random."""
    unit = WIRE_UNIT if chance.random() < wire_share else chance.choice(UNITS)
    pdu = chance.choice(PDUS)
    way = chance.randrange(8)
    if way < 3:
        return mutated(chance, repaired(chance, unit, pdu))
    if way == 3:
        return repaired(chance, unit, mutated(chance, pdu)[:253] or b"\0")
    if way == 4:
        return repaired(chance, unit, chance.randbytes(chance.choice((1, 2, 5, 5, 6, 30, 253))))
    if way == 5:
        return mbap(chance.randrange(0x10000), unit, chance.randbytes(chance.randrange(1, 20)), length=chance.randrange(300))
    if way == 6:
        return repaired(chance, chance.randrange(256) if chance.random() < wire_share else unit, pdu)
    return chance.randbytes(chance.choice((1, 4, 8, 12, 60, 260)))


def used(rig):
    return min(rig.control("heap")["used"] for _ in range(3))


def settled(rig):
    """The heap in use when what requests needed has been dropped: it does not fall any more."""
    least, end = used(rig), time.monotonic() + 13
    while time.monotonic() < end:
        now = used(rig)
        if now < least - 500:
            least, end = now, time.monotonic() + 13
        time.sleep(0.2)
    return least


def well(rig, before):
    """It answers as ever, nobody crashed, and nothing was kept."""
    with Client(rig) as client:
        assert client.ask(34, MODEL) == SG
        assert client.ask(WIRE_UNIT, MODEL).startswith("0410")
    assert api(rig, "/api/health")[1]["crashes"] == 0
    assert "Traceback" not in rig.log(), rig.log()[-3000:]
    eventually(lambda: used(rig) <= before + SLACK, lambda: f"heap {before} before, {used(rig)} after")


def _taken_in(rig):
    """A connection that is served: who comes while all places are taken is turned away, and tries again."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        connection = socket.create_connection(rig.ready["modbus_tcp"], PATIENCE_S)
        with contextlib.suppress(ConnectionError):
            connection.sendall(mbap(1, 34, MODEL))
            if connection.recv(25):
                return connection
        connection.close()
        time.sleep(0.01)
    raise TimeoutError("nobody is taken in")


def _exchanged(connection, data, expected):
    """How many bytes came back: as many as expected, or all until the gateway hangs up if that is 0."""
    got = 0
    connection.sendall(data)
    if not expected:
        connection.shutdown(socket.SHUT_WR)
    while got < expected or not expected:
        piece = connection.recv(65536)
        if not piece:
            break
        got += len(piece)
    return got


def send_all(rig, chance, count):
    """Send so many frames to the TCP port, some on each connection; what comes back is read and thrown away.

    Returns what went wrong: each connection whose frames were all good got all its answers.
    """
    wrong = []
    left = [count]
    turn = threading.Lock()

    def batches():
        while True:
            with turn:
                if left[0] <= 0 or wrong:
                    return
                if chance.random() < 0.05:
                    frames, good = [mbap(number, 34, MODEL) for number in range(20)], True
                else:
                    frames, good = [frame(chance, 0.01) for _ in range(chance.choice((1, 4, 8, 16, 32)))], False
                left[0] -= len(frames)
            yield b"".join(frames), len(frames) if good else 0

    def run():
        for data, good in batches():
            try:
                with _taken_in(rig) as connection:
                    got = _exchanged(connection, data, 25 * good)
            except TimeoutError as error:
                wrong.append((error, data))
            except OSError:
                pass  # hung up on amid what we said
            else:
                if good and got != 25 * good:
                    wrong.append((got, data))

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def test_frames_to_the_tcp_port(rig):
    chance = random.Random(SEED)
    assert not send_all(rig, chance, WARM_UP)
    before = settled(rig)
    began = time.monotonic()
    wrong = send_all(rig, chance, COUNT)
    assert not wrong, wrong[:3]
    print(f"{COUNT} frames in {time.monotonic() - began:.1f} s")
    well(rig, before)


def test_frames_to_the_slave_port(rig, terminal):
    """Silence, which ends a frame, comes now and then only; a good request behind it is answered."""
    chance = random.Random(SEED + 1)

    def send(count):
        waiting = bytearray()
        for number in range(count):
            waiting += frame(chance, 0) if chance.randrange(4) else serial(34, chance.choice(PDUS))
            if number % 500 == 499:
                _put(terminal, waiting)
                waiting.clear()
                _silence(terminal)
                assert _is_answered(terminal), number
                assert "port error" not in rig.log(), number
            elif chance.random() < 0.02:
                _put(terminal, waiting)
                waiting.clear()
                time.sleep(0.006)
                terminal.received()
        _silence(terminal)

    send(WARM_UP // 5)
    before = settled(rig)
    began = time.monotonic()
    send(COUNT)
    print(f"{COUNT} frames in {time.monotonic() - began:.1f} s")
    assert _is_answered(terminal)
    well(rig, before)


def _is_answered(terminal):
    """Whether a good request is; asked again if an answer to what came before was still on its way."""
    return any(terminal.ask(GOOD_SERIAL, len(ANSWER_SERIAL)) == ANSWER_SERIAL for _ in range(3))


def _put(terminal, data):
    """Send as fast as the terminal takes it."""
    data = bytes(data)
    while data:
        with contextlib.suppress(BlockingIOError):
            data = data[os.write(terminal._ours, data) :]
        terminal.received()


def _silence(terminal):
    """Wait until it has read all and answered what it would."""
    eventually(lambda: not _rest(terminal), "it never falls silent")


def _rest(terminal):
    time.sleep(0.03)
    return terminal.received()
