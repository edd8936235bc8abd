"""A list of 32 IEC meters: how long each step holds the loop at least, and what a meter holds; prints figures as JSON."""

import gc
import json
from time import ticks_diff, ticks_us

from firmware.bus.iec_reader import IecReader
from firmware.meters.iec import IecMeters
from firmware.meters.iec_device import IecDevice
from firmware.state import iec_meters
from firmware.state.events import Events
from firmware.state.readings import Readings
from host_tests.fakes.clock import NOW_MS, clock_at

COUNT = 32
ROUNDS = 40
CODES = (b"1.8.0", b"1.8.1", b"1.8.2", b"2.8.0", b"32.7.0", b"52.7.0", b"72.7.0", b"1.6.0")


class Identification:
    maker = b"MSY"
    text = b"C500.KMB"


class Stored:
    trouble = ""
    failure = None

    def load(self):
        return {"meters": lines}


def least(step):
    """Microseconds of the quickest of many: what else the machine does is not in it."""
    found = None
    for _ in range(ROUNDS):
        began = ticks_us()
        step()
        took = ticks_diff(ticks_us(), began)
        found = took if found is None or took < found else found
    return found


def held():
    gc.collect()
    return gc.mem_alloc()


def takes():
    for code in CODES:
        unit = b"V" if code[1:2] == b"2" and len(code) == 6 else b"kWh" if b".8." in code else b"kW"
        meters.take(code, 0, memoryview(b"001234.567"), memoryview(unit))


def loops():
    total = 0
    for number in range(10000):
        total += number


clock, _ = clock_at(NOW_MS)
before = held()
lines = [iec_meters.checked({"address": str(80000000 + number), "opening": 9600}) for number in range(COUNT)]
devices = [IecDevice(number + 1, "rs485", str(80000000 + number), "") for number in range(COUNT)]
readings = Readings()
readings.devices = devices
meters = IecMeters(devices, lines, clock, readings, Events(clock))
reader = IecReader("rs485", None, meters, lambda: 29000000, print)
plan = meters.plan(0)
for index in range(COUNT):
    meters.begin()
    takes()
    meters.done(index, plan, Identification)
size = held() - before
figures = {
    "bytes": size // COUNT,
    "us": [
        least(takes),
        least(lambda: meters.done(0, plan, Identification)),
        least(reader._next),
        least(lambda: iec_meters.load(Stored())),
        least(lambda: iec_meters.checked({"period": 5}, lines[0])),
        least(loops),
    ],
}
print(json.dumps(figures))
