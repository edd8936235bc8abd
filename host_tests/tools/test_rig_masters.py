"""The default field read by foreign masters: pymodbus's serial client, and pyserial by hand."""

import pytest
import serial
from pymodbus.client import ModbusSerialClient
from pymodbus.exceptions import ModbusIOException

from tools.rig import field

# port, address, model, serial number, start of the counters read, registers, baud
UNITS = (
    ("ir_left", 33, "IE38MD", "X0000124", 401, 62, 19200),
    ("rs485", 35, "WM3M4C", "18230001", 400, 26, 115200),
    ("rs485", 36, "MC666", "12345678", 400, 14, 115200),
)


@pytest.fixture(params=[True, False], ids=["fast", "paced"])
def default_field(request, tmp_path):
    with field.Field(field.load(field.DEFAULT)["meters"], tmp_path, fast=request.param) as simulated:
        yield simulated


def client(simulated, port, baud, timeout_s=3.0):
    made = ModbusSerialClient(str(simulated.line(port).path), baudrate=baud, timeout=timeout_s, retries=0)
    assert made.connect()
    return made


def test_a_foreign_master_reads_the_default_field(default_field):
    for port, address, model, number, counters, count, baud in UNITS:
        with client(default_field, port, baud) as master:
            identity = master.read_input_registers(1, count=14, device_id=address)
            text = b"".join(word.to_bytes(2, "big") for word in identity.registers)
            assert text[:16].decode().strip() == model
            assert text[16:24].decode() == number
            assert identity.registers[12] == 123
            values = default_field.meter(f"{port}:{address}").present()
            measured = master.read_input_registers(101, count=90, device_id=address).registers
            exponent, mantissa = measured[6] >> 8, (measured[6] & 0xFF) << 16 | measured[7]
            assert abs(mantissa * 10.0 ** (exponent - 256) - values["U1"]) < 5  # it moves on meanwhile
            assert len(master.read_input_registers(counters, count=count, device_id=address).registers) == count
            refused = master.read_input_registers(300, count=2, device_id=address)
            assert refused.isError() and refused.exception_code == 2
            written = master.write_registers(101, [0x4869, 0x2020], device_id=address)
            assert not written.isError()
            assert master.read_holding_registers(101, count=2, device_id=address).registers == [0x4869, 0x2020]


def test_a_wrong_speed_is_not_heard(tmp_path):
    with field.Field(field.load(field.DEFAULT)["meters"], tmp_path) as simulated:
        with client(simulated, "ir_left", 9600, 0.2) as master, pytest.raises(ModbusIOException):
            master.read_input_registers(1, count=1, device_id=33)
        with client(simulated, "ir_left", 19200) as master:
            assert master.read_input_registers(1, count=1, device_id=33).registers == [0x4945]


def test_the_infrared_bicom_by_hand(default_field):
    with serial.Serial(str(default_field.line("ir_right").path), 19200, timeout=3) as port:
        for request, answer in (
            ("210400C500012697", "21040200 0038F7"),
            ("2106000F00017F69", "212A000F0001EEAF"),
            ("2106000F0000BEA9", "212A000F00002F6F"),
        ):
            port.write(bytes.fromhex(request))
            expected = bytes.fromhex(answer)
            assert port.read(len(expected)) == expected
