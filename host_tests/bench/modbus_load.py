"""Clients that read again and again, each as soon as it has its answer: of the gateway by TCP, or pymodbus on the wire."""

import asyncio
import contextlib
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from pymodbus.client import AsyncModbusSerialClient, ModbusSerialClient
from pymodbus.exceptions import ModbusException

from host_tests.bench.gauge import Gauge
from host_tests.bench.interpreter import NotMeasured
from host_tests.bench.timing import median
from host_tests.modbus_client import Client, read
from tools.rig.linux import wake_exactly


class Read(NamedTuple):
    """What a client reads."""

    unit: int
    address: int
    count: int

    @property
    def characters(self):
        """Of request and reply on a serial line."""
        return 8 + 5 + 2 * self.count


class Told(NamedTuple):
    """What the clients saw. Until the last answer, when `elapsed_s` ends, at least one of them waits for its own."""

    latencies_ms: list  # of good answers, shortest first
    counts: list  # good answers of each client
    lost: int  # answers that were none: exceptions, time-outs
    elapsed_s: float
    machine_ms: float

    @property
    def rate(self):
        return sum(self.counts) / self.elapsed_s

    @property
    def median_ms(self):
        return median(self.latencies_ms)

    @property
    def p99_ms(self):
        return self.latencies_ms[len(self.latencies_ms) * 99 // 100]


def through_gateway(rig, reads, window_s, rhythm_s=0.0):
    """One client of the gateway for each of `reads`, a thread each.

    With `rhythm_s` it asks so often; a request that came late, as the one before took longer, counts from when it was due.
    """
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(rig)) for _ in reads]
        asks = [lambda client=client, one=one: _good(client, one) for client, one in zip(clients, reads)]
        for ask in asks:
            ask()  # what serves it is loaded now
        return _watched(asks, window_s, rhythm_s)


def _good(client, one):
    """Whether the answer holds the registers."""
    pdu = client.ask(one.unit, read(4, one.address, one.count))
    return pdu.startswith(f"04{2 * one.count:02x}") and len(pdu) == 4 + 4 * one.count


def pymodbus_blocking(path, baud, one, window_s):
    """pymodbus's plain client on a terminal."""
    client = ModbusSerialClient(str(path), baudrate=baud, timeout=1)
    return _pymodbus(client, one, window_s, lambda answer: answer)


def pymodbus_asyncio(path, baud, one, window_s):
    """The same with its client for asyncio."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    async def made():
        return AsyncModbusSerialClient(str(path), baudrate=baud, timeout=1)

    try:
        return _pymodbus(loop.run_until_complete(made()), one, window_s, loop.run_until_complete)
    finally:
        loop.close()


def _pymodbus(client, one, window_s, waited):
    """`waited(answer)` has the answer, or what connect() returns, where that is still to come."""
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # what goes wrong is counted

    def ask():
        try:
            return not waited(client.read_input_registers(one.address, count=one.count, device_id=one.unit)).isError()
        except ModbusException:
            return False

    if not waited(client.connect()):
        raise NotMeasured("pymodbus cannot open the terminal")
    try:
        ask()
        return _watched([ask], window_s)
    finally:
        client.close()


def _watched(asks, window_s, rhythm_s=0.0):
    """Call each of `asks` again and again, in threads if they are several; each returns whether the answer was good."""

    def run(ask):
        wake_exactly()
        latencies_ms, lost = [], 0
        before = now = due = time.perf_counter()
        while before < end:
            if ask():
                now = time.perf_counter()
                latencies_ms.append((now - before) * 1000)
            else:
                now = time.perf_counter()
                lost += 1
            before = now
            if rhythm_s:
                before = due = due + rhythm_s
                if due > now:
                    time.sleep(due - now)
                    before = time.perf_counter()
        return latencies_ms, lost, now

    with Gauge() as gauge, ThreadPoolExecutor(len(asks)) as pool:
        began = time.perf_counter()
        end = began + window_s
        clients = [run(asks[0])] if len(asks) == 1 else list(pool.map(run, asks))
    latencies_ms = sorted(latency for client in clients for latency in client[0])
    if not latencies_ms:
        raise NotMeasured("nothing was answered")
    lost = sum(client[1] for client in clients)
    elapsed_s = max(client[2] for client in clients) - began
    return Told(latencies_ms, [len(client[0]) for client in clients], lost, elapsed_s, gauge.worst_ms)
