"""Round trips per second: a master in MicroPython reads 91 registers again and again over a pseudo-terminal."""

import os
import select
import sys
import tempfile
import threading
import tty

from host_tests.bench.codec import ADDRESS, COUNT, REPLY, UNIT
from host_tests.bench.interpreter import MODBUS, NotMeasured, figures
from host_tests.bench.table import Table, percent, times, us
from host_tests.bench.timing import median
from host_tests.bench.wire_limit import limit_s
from tools.rig.field import Field
from tools.rig.wire import Serial

_REQUEST = 8  # bytes
_ROUNDS = 5
_TRIPS = 300  # of a round without wire timing
_PACED_S = 4.0  # a run with it lasts about so long
BAUDS = (9600, 19200, 115200)
_MASTERS = (("OpenSG", "master_ours.py"), ("micropython-modbus 2.3.7", "master_umodbus.py"))


class Slave(threading.Thread):
    """Answers every eight bytes that arrive on `path` with the one reply, at once, whatever the baud rate."""

    def __init__(self):
        super().__init__(daemon=True)
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._end_r, self._end_w = os.pipe()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        os.write(self._end_w, b"x")
        self.join()
        for descriptor in (self._master, self._slave, self._end_r, self._end_w):
            os.close(descriptor)

    def run(self):
        received = 0
        while True:
            ready, _, _ = select.select([self._master, self._end_r], [], [])
            if self._end_r in ready:
                return
            received += len(os.read(self._master, 256))
            while received >= _REQUEST:
                received -= _REQUEST
                os.write(self._master, REPLY)


def tables():
    yield _at_once()
    yield _on_the_wire()


def _at_once():
    title = __doc__.strip() + "\nThe slave answers at once and characters take no time"
    table = Table(title, "per second", "ours x", "a trip", "own part")
    rates = {name: [] for name, _ in _MASTERS}
    for _ in range(_ROUNDS):  # in turns: what else the machine does then meets both
        for name, script in _MASTERS:
            with Slave() as slave:
                told = _ask(script, slave.path, 115200, _TRIPS, False)
            if told["reply"] != REPLY[3:-2].hex():
                raise NotMeasured(f"{script} read {told['reply']}")
            rates[name].append(told["per_s"])
    ours = median(rates["OpenSG"])
    for name, _ in _MASTERS:
        rate = median(rates[name])
        trip_us = 1000000 / rate
        silence_us = Serial(115200).silence_s * 1000000 if name == "OpenSG" else 0
        table.add(name, f"{rate:.0f}", times(rate / ours), us(trip_us), us(trip_us - silence_us))
    table.note("OpenSG keeps the 1.75 ms of silence before a request that the standard demands; micropython-modbus keeps none")
    return table


def _on_the_wire():
    title = "The same on a simulated wire with true timing, meter's delay 20 ms"
    table = Table(title, "baud", "per second", "wire's limit", "reached")
    sys.setswitchinterval(0.0005)  # the line's thread must not wait long
    for baud in BAUDS:
        limit = 1 / limit_s(baud, _REQUEST + len(REPLY), 1)
        for name, script in _MASTERS:
            entry = {"port": "rs485", "family": "IE38", "model": "IE38MD", "serial": "1", "address": UNIT, "baud": baud}
            with tempfile.TemporaryDirectory() as folder, Field([entry], folder) as field:
                field.announce("rs485", baud, "N", 1)
                rate = _ask(script, str(field.lines["rs485"].path), baud, int(_PACED_S * limit), True)["per_s"]
            table.add(name, str(baud), f"{rate:.2f}", f"{limit:.2f}", percent(rate / limit))
    table.note("the limit holds two silences of 3.5 characters a trip: micropython-modbus, which leaves one out, can exceed it")
    return table


def _ask(script, path, baud, trips, paced):
    return figures(32, script, path, baud, UNIT, ADDRESS, COUNT, trips, paced, peers=MODBUS, heap="1m")
