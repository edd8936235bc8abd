"""Runs in MicroPython: the CRC-16 of the bytes given in hex, by us and by others, in microseconds."""

import json
import sys

from umodbus.serial import Serial

from host_tests.bench.timing import medians_us
from host_tests.modbus_oracle import crc
from lib.modbus.crc import crc16

DATA = bytearray(bytes.fromhex(json.loads(sys.stdin.readline())[0]))


def ours(count):
    for _ in range(count):
        crc16(DATA, 0, 256)


def theirs(count):
    calculate = Serial._calculate_crc16  # uses nothing of the object
    for _ in range(count):
        calculate(None, DATA)


def plain(count):
    for _ in range(count):
        crc(DATA)


peer = Serial._calculate_crc16(None, DATA)
print(
    json.dumps(
        {
            "us": medians_us((ours, theirs, plain)),
            "values": [crc16(DATA, 0, 256), peer[0] | peer[1] << 8, crc(DATA)],
        }
    )
)
