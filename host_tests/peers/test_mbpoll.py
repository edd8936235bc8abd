"""mbpoll, the command that people look at Modbus devices with, reads and writes through the gateway.

-0 counts registers from 0, as on the wire; -B takes the high word first, which is how all registers here are.
"""

import re
import subprocess

import pytest

from host_tests.gateway import MANUAL, answered, change, detected, gateway

_VALUE = re.compile(r"^\[(\d+)\]:\s+(\S+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def rig():
    with gateway(meters=MANUAL, settings={"response_ms": 300}) as rig:
        detected(rig, 3)
        answered(rig, "get_measurements")
        answered(rig, "get_counters2")
        yield rig


def mbpoll(rig, unit, kind, first, count=None, values=()):
    """(values by register, what it complains about)."""
    host, port = rig.ready["modbus_tcp"]
    command = ["mbpoll", "-m", "tcp", "-p", port, "-a", unit, "-0", "-1", "-o", 5, "-t", kind, "-B", "-r", first]
    command += [] if count is None else ["-c", count]
    done = subprocess.run(
        [str(part) for part in [*command, host, *values]], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode == 0) == (not done.stderr), done
    return {int(register): value for register, value in _VALUE.findall(done.stdout)}, done.stderr.strip()


def test_input_registers_of_a_meter(rig):
    assert mbpoll(rig, 35, "3:hex", 107, 4) == ({107: "0xFE00", 108: "0x5622", 109: "0xFE00", 110: "0x562C"}, "")
    assert mbpoll(rig, 36, "3", 13, 1) == ({13: "123"}, "")
    assert mbpoll(rig, 36, "3:float", 2500, 2) == ({2500: "230", 2502: "231"}, "")  # the meter's own floats


def test_floats_and_energies_of_all_families(rig):
    told, complaint = mbpoll(rig, 200, "3:float", 1030, 9)
    assert not complaint and [told[1030 + 2 * n] for n in range(3)] == ["19.5", "19.5", "217.5"]
    assert [told[1036 + 2 * n] for n in range(6)] == ["33.77", "227.88", "227.88", "0", "0", "0"]
    told, complaint = mbpoll(rig, 202, "4:float", 1048, 8)
    assert not complaint and [float(value) for value in told.values()] == [750, 300, 250, 200, 375, 150, 125, 100]
    assert mbpoll(rig, 202, "3:int", 1208, 3) == ({1208: "123456", 1210: "0", 1212: "45678"}, "")


def test_what_is_not_there(rig):
    assert mbpoll(rig, 90, "3", 1, 1) == ({}, "Read input register failed: Target device failed to respond")
    assert mbpoll(rig, 33, "3", 60000, 1) == ({}, "Read input register failed: Illegal data address")


def test_writes(rig):
    """Refused until a rule lets them through."""
    refused = ({}, "Write output (holding) register failed: Illegal function")
    before = mbpoll(rig, 33, "4:hex", 101, 3)
    assert mbpoll(rig, 33, "4", 101, values=(0x4142,)) == refused
    assert mbpoll(rig, 33, "4", 102, values=(0x4344, 0x4546)) == refused
    assert mbpoll(rig, 34, "4", 101, values=(0x4142,)) == refused
    assert mbpoll(rig, 33, "4:hex", 101, 3) == before
    change(rig, modbus_writes="33:6,16")
    try:
        assert mbpoll(rig, 33, "4", 101, values=(0x4142,)) == ({}, "")
        assert mbpoll(rig, 33, "4", 102, values=(0x4344, 0x4546)) == ({}, "")
        assert mbpoll(rig, 33, "4:hex", 101, 3) == ({101: "0x4142", 102: "0x4344", 103: "0x4546"}, "")
        assert mbpoll(rig, 36, "4", 101, values=(0x4142,)) == refused
    finally:
        change(rig, modbus_writes="")
    assert mbpoll(rig, 33, "4", 101, values=(0x4142,)) == refused
