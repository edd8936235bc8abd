"""Reads the meters of one RS-485 wire on a stock MicroPython and prints each round as a line of JSON.

What of the gateway fits the heap of a stock image as files: port, bus, meters. `wire` says what hangs on it.
{"address": 33, "model": "MC3x0", "serial": "MC004475", "values": {"U1": [23012, -2, "V"], ...}}: mantissa, exponent, unit.
"""

import asyncio
import gc
import json
import sys
from time import time

import wire
from firmware.bus.queue import POLL
from firmware.meters.meter import Meter
from firmware.state.readings import PRESENT, UNITS, Device, Readings


class _Clock:
    def utc(self):
        return time()


class _Events:
    def add(self, _, text):
        print(text)


def _load(name):
    __import__(name)
    return sys.modules[name]


def line(device):
    """What a device says now, as one line; None if it says nothing."""
    if device.status != PRESENT:
        return None
    values = {}
    for name in ("measurements", "counters"):
        group = device.group(name)
        for index, row in enumerate(group.rows if group else ()):
            if group.has(index):
                values[row[0]] = [group.mantissa[index], group.exponent[index], UNITS[group.unit[index]]]
    return json.dumps({"address": device.address, "model": device.model, "serial": device.serial, "values": values})


async def read(bus, addresses, interval_ms, tell):
    """Read for ever by bus.ask(); tell(line) of each meter at each interval."""
    readings, events = Readings(), _Events()
    for number, address in enumerate(addresses):
        device = Device(number + 1, "rs485", address)
        readings.devices.append(device)

        def ask(request, is_urgent=False, device=device):
            return bus.ask(request, POLL, device)

        task = Meter(device, ask, _Clock(), readings, events, lambda: interval_ms, _load)
        asyncio.create_task(task.run())
    while True:
        await asyncio.sleep_ms(interval_ms)
        for device in readings.devices:
            said = line(device)
            if said:
                tell(said)
        gc.collect()


async def _main():
    from firmware.bus.modbus_master import ModbusMaster
    from firmware.port.uart_esp32 import UartEsp32

    uart = UartEsp32(*wire.UART)
    uart.configure(*wire.LINE)
    bus = ModbusMaster("rs485", uart, lambda: 1000, print)
    asyncio.create_task(bus.run())
    await read(bus, wire.METERS, wire.INTERVAL_MS, print)


def run():
    """Until Ctrl-C."""
    asyncio.run(_main())
