"""The whole gateway on the ESP32 platform over fakes: it starts, writes to its wires, answers HTTP, feeds the watchdogs."""

import asyncio
import os
import sys
from time import ticks_ms

sys.path.insert(0, "host_tests/fakes")  # a fake machine and network: see there
sys.path.insert(0, "boards/SG_W1")
import machine

from firmware import main
from firmware.port.esp32 import Platform


async def get(port, path):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET " + path.encode() + b" HTTP/1.0\r\n\r\n")
    await writer.drain()
    answer = await reader.read(-1)
    writer.close()
    await writer.wait_closed()
    return answer


async def until(condition):
    while not condition():
        await asyncio.sleep_ms(20)


def clear(folder):
    for name, kind, *_ in os.ilistdir(folder):
        if kind & 0x4000:
            clear(folder + "/" + name)
        else:
            os.remove(folder + "/" + name)
    os.rmdir(folder)


async def test_the_gateway_runs():
    folder = "/tmp/opensg-esp32-%d" % ticks_ms()
    os.mkdir(folder)
    Platform.root = folder
    platform = Platform(None)
    platform.first_settings = {"http_port": 20000 + ticks_ms() % 20000, "rs485_protocol": 2, "rs485_type_1": 2}
    gateway = main.Gateway(platform)
    running = asyncio.create_task(gateway.run())
    try:
        await until(lambda: ("fed",) in machine.journal)
        sent = [entry for entry in machine.journal if entry[0] == "write"]
        await until(lambda: len([entry for entry in machine.journal if entry[0] == "write"]) > len(sent))
        answer = await get(gateway.server.port, "/get_command?command=get_status")
        assert answer.startswith(b"HTTP/1.1 200") and b"SG-W1" in answer and b"power-on" in answer, answer
        assert {entry[1] for entry in machine.journal if entry[0] == "uart"} == {0, 1}, "one driver for each port in use"
        assert gateway.supervisor.crashes == 0, gateway.events
    finally:
        running.cancel()
        clear(folder)
