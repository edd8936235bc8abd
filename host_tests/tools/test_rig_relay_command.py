"""A simulated meter that commands the switch: a master on its own line, from the gateway's end of the terminal."""

import os
import select
import time

import pytest

from tools.rig import field
from tools.rig.operations import Operations
from tools.rig.rtu import seal

ON = bytes.fromhex("2106000F00017F69")
OFF = bytes.fromhex("2106000F0000BEA9")
ON_ANSWER = bytes.fromhex("212A000F0001EEAF")
STATE = seal(bytes.fromhex("210400C50001"))
PATIENCE_S = 20


class Station:
    def __init__(self, simulated):
        self.field = simulated


@pytest.fixture(params=[True, False], ids=["fast", "paced"])
def bench(request, tmp_path):
    """(operate, file descriptor of the left line)."""
    with field.Field(field.load(field.DEFAULT)["meters"], tmp_path, fast=request.param) as simulated:
        descriptor = os.open(simulated.line("ir_left").path, os.O_RDWR | os.O_NOCTTY)
        yield Operations(Station(simulated)).operate, descriptor
        os.close(descriptor)


def receive(descriptor, size):
    got = b""
    while len(got) < size:
        assert select.select([descriptor], [], [], PATIENCE_S)[0], f"nothing more came after {got.hex()}"
        got += os.read(descriptor, size - len(got))
    return got


def test_a_command_is_sent_until_it_is_answered(bench):
    operate, descriptor = bench
    assert operate({"op": "meter", "name": "X0000124", "command_relay": 1})["relay_command"] == "waiting"
    assert receive(descriptor, 8) == ON
    os.write(descriptor, seal(bytes.fromhex("212A000F0000")))  # the answer to another command is none
    assert receive(descriptor, 5)[1] == 0xAA  # but a request the meter refuses
    assert receive(descriptor, 8) == ON
    os.write(descriptor, ON_ANSWER)
    end = time.monotonic() + PATIENCE_S
    while operate({"op": "meter", "name": "X0000124"})["relay_command"] != "answered":
        assert time.monotonic() < end
        time.sleep(0.001)
    os.write(descriptor, STATE)  # it is an ordinary meter again, and shows the relay
    assert receive(descriptor, 7) == seal(bytes.fromhex("2104020001"))


def test_the_last_command_counts(bench):
    operate, descriptor = bench
    operate({"op": "meter", "name": "X0000124", "command_relay": 1})
    assert receive(descriptor, 8) == ON
    operate({"op": "meter", "name": "X0000124", "command_relay": 0})
    assert receive(descriptor, 8) == OFF


def test_who_can_command(bench):
    operate, _ = bench
    for name, state in (("18230001", 1), ("ir_bicom", 1), ("X0000124", 2), ("X0000124", "on")):
        assert "error" in operate({"op": "meter", "name": name, "command_relay": state})
