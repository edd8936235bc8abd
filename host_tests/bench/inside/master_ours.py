"""Runs in MicroPython: our master asks a slave as fast as it may, on a wire with timing or none.

Arguments: terminal, baud, unit, address, count, round trips, whether characters take time.
"""

import asyncio
import json
import sys
from time import ticks_diff, ticks_us

from firmware.bus.modbus_master import ModbusMaster
from firmware.port.uart_pty import UartPty
from lib.modbus.request import read_input_registers

path, baud, unit, address, count, trips, paced = json.loads(sys.stdin.readline())


async def main():
    uart = UartPty(path, paced=paced)
    uart.configure(baud, "N", 1)
    master = ModbusMaster("bench", uart, lambda: 1000, print)
    task = asyncio.create_task(master.run())
    request = read_input_registers(unit, address, count)
    reply = await master.ask(request)
    began = ticks_us()
    for _ in range(trips):
        reply = await master.ask(request)
    per_s = trips * 1000000 / ticks_diff(ticks_us(), began)
    task.cancel()
    print(json.dumps({"per_s": per_s, "reply": bytes(reply[2:]).hex()}))


asyncio.run(main())
