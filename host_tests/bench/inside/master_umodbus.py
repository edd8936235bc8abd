"""Runs in MicroPython: micropython-modbus asks a slave as fast as it may, on a wire with timing or none.

Arguments: terminal, baud, unit, address, count, round trips, whether characters take time.

Its UART is the fake of host_tests/bench/fakes; its waits are its own.
"""

import json
import sys
from time import ticks_diff, ticks_us

from machine import UART
from umodbus import functions
from umodbus.serial import Serial

path, baud, unit, address, count, trips, UART.paced = json.loads(sys.stdin.readline())
serial = Serial(uart_id=path, baudrate=baud, pins=(None, None))


def ask():
    return serial._send_receive(functions.read_input_registers(address, count), unit, True)


reply = ask()
began = ticks_us()
for _ in range(trips):
    reply = ask()
print(json.dumps({"per_s": trips * 1000000 / ticks_diff(ticks_us(), began), "reply": bytes(reply).hex()}))
