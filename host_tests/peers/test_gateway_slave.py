"""The gateway as a slave on RS-485: somebody else's master reads who it is, and writes what it may."""

import os
import struct
import termios
import threading
import time
import tty

import pytest
from pymodbus.client import ModbusSerialClient

from host_tests.gateway import change, command, eventually, gateway, settings
from host_tests.modbus_client import read, serial
from host_tests.modbus_oracle import noise

SETTINGS = {"rs485_type_1": 0, "rs485_type_2": 0, "location": "Hall"}
NAME = struct.pack(">BHHB", 16, 101, 20, 40) + b"Pump house".ljust(40)


class Terminal:
    """The master's end of the wire, byte by byte."""

    def __init__(self):
        self._ours, self._theirs = os.openpty()
        for end in (self._ours, self._theirs):
            tty.setraw(end)
        os.set_blocking(self._ours, False)
        self.path = os.ttyname(self._theirs)

    def close(self):
        os.close(self._ours)
        os.close(self._theirs)

    def speed(self):
        return termios.tcgetattr(self._theirs)[5]

    def send(self, data):
        os.write(self._ours, data)

    def received(self):
        try:
            return os.read(self._ours, 4096)
        except BlockingIOError:
            return b""

    def ask(self, frame, length):
        """Send and wait for so many bytes; what comes is returned, less if no more came for a second."""
        self.send(frame)
        data, end = b"", time.monotonic() + 1
        while len(data) < length and time.monotonic() < end:
            data += self.received()
            time.sleep(0.001)
        return data


@pytest.fixture(scope="module", params=[64, 32])
def wired(request):
    terminal = Terminal()
    with gateway(request.param, port={"rs485": terminal.path}, settings=SETTINGS) as rig:
        yield rig, terminal
    terminal.close()


@pytest.fixture
def terminal(wired):
    return wired[1]


@pytest.fixture
def rig(wired):
    return wired[0]


def test_pymodbus_reads_identity_and_writes_the_description(rig, terminal):
    """pymodbus has a terminal of its own, joined to ours by hand."""
    other, path = os.openpty()
    for end in (other, path):
        tty.setraw(end)
    os.set_blocking(other, False)
    ended = threading.Event()

    def carry():
        while not ended.is_set():
            try:
                terminal.send(os.read(other, 4096))
            except BlockingIOError:
                pass
            data = terminal.received()
            if data:
                os.write(other, data)
            time.sleep(0.0005)

    thread = threading.Thread(target=carry)
    thread.start()
    try:
        with ModbusSerialClient(os.ttyname(path), baudrate=115200, timeout=1, retries=3) as master:
            told = struct.pack(">14H", *master.read_input_registers(1, count=14, device_id=34).registers)
            assert told[:24] == b"SG-W1".ljust(16) + rig.ready["serial"].encode()
            texts = struct.pack(">40H", *master.read_holding_registers(101, count=40, device_id=34).registers)
            assert texts[40:44] == b"Hall"
            words = struct.unpack(">20H", b"Pump house".ljust(40))
            assert master.write_registers(101, list(words), device_id=34).exception_code == 1, "it is locked"
            change(rig, locked=0)
            assert not master.write_registers(101, list(words), device_id=34).isError()
            assert master.read_holding_registers(101, count=5, device_id=34).registers == list(words[:5])
            assert not master.write_register(12, 1, device_id=34).isError()
        assert settings(rig)["description"] == "Pump house"
    finally:
        ended.set()
        thread.join()
        os.close(other)
        os.close(path)
        change(rig, locked=1)


def test_what_is_for_others_is_left_to_them(terminal):
    """Requests to others, their answers, broadcasts: none is answered, and the next one to us is."""
    question = serial(34, read(4, 1, 14))
    for frames in (
        serial(35, read(4, 1, 14)),
        serial(35, read(4, 1, 2)) + serial(35, "040400010002"),
        serial(0, NAME),
        serial(35, read(4, 1, 2)),
    ):
        assert terminal.ask(frames, 1) == b"", frames.hex()
        assert len(terminal.ask(question, 33)) == 33


def test_noise_and_damage_are_survived(terminal):
    question = serial(34, read(4, 1, 14))
    good = terminal.ask(question, 33)
    assert good[:3] == b"\x22\x04\x1c"
    damaged = bytearray(question)
    damaged[-1] ^= 1
    for what, data in (
        ("a wrong CRC", bytes(damaged)),
        ("half a frame", question[:5]),
        ("noise", noise(40)),
        ("more noise than any frame has", noise(1000)),
        ("zeros", bytes(300)),
        ("a frame that promises more", bytes.fromhex("221000650014ff")),
    ):
        terminal.send(data)
        time.sleep(0.1)  # silence on the wire, which ends it
        terminal.received()
        assert terminal.ask(question, 33) == good, what
    assert terminal.ask(noise(9) + question, 33) == good, "noise in front of a frame"


def test_a_device_makes_the_port_a_master(rig, terminal):
    change(rig, rs485_type_1=2, rs485_addr_1=40)
    try:
        eventually(lambda: b"\x28\x04\x00\x01\x00\x0e" in terminal.received(), "it does not ask")
    finally:
        change(rig, rs485_type_1=0)
    eventually(lambda: len(terminal.ask(serial(34, read(4, 1, 14)), 33)) == 33, "it is no slave again")
    assert command(rig, "get_status")["serial_number"] == rig.ready["serial"]


def test_line_parameters_are_those_of_the_settings(rig, terminal):
    before = terminal.speed()
    change(rig, rs485_baud_rate=4)
    try:
        if before == termios.B115200:  # the C library of the 32-bit interpreter counts otherwise
            eventually(lambda: terminal.speed() == termios.B19200, "the speed does not change")
        assert len(terminal.ask(serial(34, read(4, 1, 14)), 33)) == 33
        change(rig, sg_modbus_addr=50)
        assert eventually(lambda: terminal.ask(serial(50, read(4, 1, 14)), 33)[:1] == b"\x32", "not at its new address")
        assert terminal.ask(serial(34, read(4, 1, 14)), 1) == b""
    finally:
        change(rig, rs485_baud_rate=7, sg_modbus_addr=34)
