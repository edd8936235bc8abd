"""Runs in MicroPython: a day of readings through the journal on littlefs in RAM; prints what it cost the flash.

Arguments: seconds between two readings of a meter, which links are up (mask), days before the one that is counted, seconds
between two flushes.
"""

import gc
import json
import os
import sys
from array import array
from time import ticks_diff, ticks_us

import vfs

from host_tests.fakes.ram_flash import FOLDER, RamFlash, mounted
from lib.store import sample
from lib.store.journal import AGAIN, Journal
from lib.store.journal_record import ROOM

PERIOD_S, UP, DAYS_BEFORE, FLUSH_S = json.loads(sys.stdin.readline())
METERS = (b"X0000124", b"X0000125", b"X0000126", b"X0000127")
BLOCKS = 144  # of the partition: boards/partitions.csv
DAY_S = 86400
# Of a WM3M4C, 37 rows (host_tests/vectors/wm3m4c.json), and 8 counters
MANTISSAS = (49980, 23107, 23040, 22996, 15872, 15900, 5, 109876, 36674, 36603, 36599, -4123, -1370, 0, -2753, 109953, 36700)
MANTISSAS += (36612, 31, 9993, 10000, 0, -7890, -215, -5, 0, 17999, 4125, 307, 1200, 10050, 199, 200, 0, 0, 0, 0)
MANTISSAS += (1234567, 1234567, 43210, 43210, 123456, 9876543, 4321, 0)
EXPONENTS = (-3,) + (-2,) * 3 + (-3,) * 3 + (-1,) * 12 + (-4,) * 4 + (-2,) * 11 + (0,) * 3 + (1,) * 8
UNITS = (1,) + (2,) * 3 + (3,) * 3 + (4,) * 4 + (5,) * 4 + (6,) * 4 + (7,) * 4 + (9,) * 4 + (10,) + (11,) * 6 + (0,) * 3
UNITS += (12, 12, 13, 13) * 2

_ERASES, _WRITES, _MOST, _APPENDED, _APPEND_US, _STEP_US = range(6)  # counts of a day


def step(count, work):
    """One call that may write to flash."""
    before = flash.erases
    began = ticks_us()
    again = work()
    count[_STEP_US] += ticks_diff(ticks_us(), began)
    count[_MOST] = max(count[_MOST], flash.erases - before)
    return again


def deliver(count):
    """The links that are up get all there is."""
    for link in (0, 1):
        while UP >> link & 1:
            found = journal.read(link, buffer)
            if found is None:
                break
            if found != AGAIN:
                sequence = found[0]
                step(count, lambda: journal.acknowledge(link, sequence))  # noqa: B023


def day(first_s):
    """Return the counts of a day."""
    count = [flash.erases, flash.writes, 0, 0, 0, 0]
    for now in range(first_s, first_s + DAY_S, PERIOD_S):
        for number, key in enumerate(METERS):
            for row in range(1, len(mantissas), 3):
                mantissas[row] = MANTISSAS[row] + (now // PERIOD_S + 7 * number + row) % 100
            length = sample.encode(record, 0, 2, key, now * 1000, mantissas, EXPONENTS, UNITS)
            view = memoryview(record)[:length]
            began = ticks_us()
            journal.append(view)
            count[_APPEND_US] += ticks_diff(ticks_us(), began)
            count[_APPENDED] += 1
            deliver(count)
            while step(count, journal.tidy):
                pass
        if now % FLUSH_S < PERIOD_S:
            while step(count, journal.flush):
                pass
    count[_ERASES] = flash.erases - count[_ERASES]
    count[_WRITES] = flash.writes - count[_WRITES]
    return count


flash = RamFlash(BLOCKS)
vfs.VfsLfs2.mkfs(flash)
mounted(flash)
empty = os.statvfs(FOLDER)[3]
gc.collect()
before = gc.mem_alloc()
journal = Journal(FOLDER + "/journal")
gc.collect()
heap = gc.mem_alloc() - before
for link in (0, 1):
    journal.want(link, True)
mantissas = array("i", MANTISSAS)
record = bytearray(400)
buffer = bytearray(ROOM)
for number in range(DAYS_BEFORE):
    day(number * DAY_S)
counts = day(DAYS_BEFORE * DAY_S)
if journal.failure or journal.trouble:
    raise ValueError(journal.failure or journal.trouble)
print(
    json.dumps(
        {
            "erases": counts[_ERASES],
            "writes": counts[_WRITES],
            "at_once": counts[_MOST],
            "record": sample.encode(record, 0, 2, METERS[0], 0, mantissas, EXPONENTS, UNITS),
            "blocks": empty - os.statvfs(FOLDER)[3],
            "held": journal.backlog(0),
            "dropped": journal.dropped(0),
            "append_us": counts[_APPEND_US] / counts[_APPENDED],
            "us": (counts[_APPEND_US] + counts[_STEP_US]) / counts[_APPENDED],
            "heap": heap,
        }
    )
)
