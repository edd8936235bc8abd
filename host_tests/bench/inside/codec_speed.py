"""Runs in MicroPython: one read of registers through the codecs, no wire between; arguments: reply, unit, address, count.

micropython-modbus runs whole, on a UART in memory, with a baud rate at which its waits are 0.
"""

import gc
import json
import sys

from umodbus import functions
from umodbus.serial import Serial

from host_tests.bench.timing import medians_us
from lib.modbus.reply import ReplyReader
from lib.modbus.request import read_input_registers

REPLY, UNIT, ADDRESS, COUNT = json.loads(sys.stdin.readline())
REPLY = bytes.fromhex(REPLY)
LENGTH = len(REPLY)
reader = ReplyReader()
once = read_input_registers(UNIT, ADDRESS, COUNT)
serial = Serial(uart_id=REPLY, baudrate=1000000000, pins=(None, None))


def exchange(request):
    reader.restart(request)
    reader.room()[:LENGTH] = REPLY
    reader.filled(LENGTH)
    return reader.pdu()


def again(count):
    for _ in range(count):
        exchange(once)


def new(count):
    for _ in range(count):
        exchange(read_input_registers(UNIT, ADDRESS, COUNT))


def umodbus(count):
    for _ in range(count):
        theirs()


def theirs():
    return serial._send_receive(functions.read_input_registers(ADDRESS, COUNT), UNIT, True)


def garbage(repeat):
    """Bytes of heap that one call leaves to the collector."""
    repeat(1)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    repeat(100)
    used = gc.mem_alloc() - before
    gc.enable()
    return used // 100


data = bytes(exchange(once))[2:]
if data != bytes(theirs()) or data != REPLY[3:-2]:
    raise ValueError("the codecs read different data")
print(
    json.dumps(
        {
            "us": medians_us((again, new, umodbus)),
            "bytes": [garbage(again), garbage(new), garbage(umodbus)],
        }
    )
)
