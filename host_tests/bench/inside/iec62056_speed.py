"""Runs in MicroPython: microseconds for a read-out of 48 KB and a day of a load profile, and what they leave on the heap."""

import gc
import json
import sys

from host_tests.bench.timing import medians_us
from lib.iec62056.load_profile import LoadProfile
from lib.iec62056.message_reader import BLOCK, VALUE, WANT_STX, MessageReader
from lib.iec62056.values import number

sys.stdin.readline()
with open("host_tests/vectors/iec62056/mas-gen3-full.bin", "rb") as file:
    READ_OUT = file.read()
_rows = b"".join([b"(%06d.%03d)" % (row, row) * 8 + b"\r\n" for row in range(96)])
_text = b"P.01(0240501001500)(00)(15)(8)" + b"(1.29)(kWh)" * 8 + b"\r\n" + _rows + b"\x03"
_check = 0
for _byte in _text:
    _check ^= _byte
PROFILE = b"\x02" + _text + bytes((_check,))
_PIECE = 120  # what a UART's FIFO hands over

reader = MessageReader()
profile = LoadProfile()


def feed(data, take):
    view = memoryview(data)
    reader.expect(WANT_STX)
    at = 0
    while at < len(data):
        room = reader.room()
        count = min(len(room), _PIECE, len(data) - at)
        room[:count] = view[at : at + count]
        reader.filled(count)
        at += count
        while True:
            event = reader.next()
            if event is None:
                break
            take(event)
    assert event is None and not reader.is_within


def scan(count):
    reader.tells_rows = False
    for _ in range(count):
        feed(READ_OUT, lambda event: None)


def values(count):
    def take(event):
        if event == VALUE and reader.address[:2] == b"1.":
            if reader.index == 0:
                number(reader.value)

    reader.tells_rows = False
    for _ in range(count):
        feed(READ_OUT, take)


def records(count):
    found = [0]

    def take(event):
        if profile.take(event, reader):
            found[0] += 1
        elif event == BLOCK:
            found[0] += 1000

    reader.tells_rows = True
    for _ in range(count):
        profile.restart(b"P.01")
        feed(PROFILE, take)
    assert found[0] == 1096 * count


def garbage(function):
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    function(1)
    left = gc.mem_alloc() - before
    gc.enable()
    return left


gc.collect()
_before = gc.mem_alloc()
_held = (MessageReader(), LoadProfile())
gc.collect()
held = gc.mem_alloc() - _before
print(
    json.dumps(
        {
            "us": medians_us((scan, values, records)),
            "bytes": [len(READ_OUT), len(READ_OUT), len(PROFILE)],
            "garbage": [garbage(function) for function in (scan, values, records)],
            "held": held,
        }
    )
)
