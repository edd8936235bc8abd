"""The archive of meters on littlefs: prints figures as JSON.

Arguments: how many meters, days of 15 minutes, blocks of flash, records of each commit, a file that is the flash,
arguments of VfsLfs2().
"""

import gc
import json
import os
import sys

import ffi
import vfs

from host_tests.fakes.ram_flash import BLOCK, FOLDER
from lib.store.archive import DAILY, PROFILE, Archive

T = 1782864000
Q, DAY = 900, 86400
COLUMNS = tuple([(3, bytes((1, 0, code, 8, 0, 255)), 2, 0, -3, 30) for code in range(1, 9)])
STEPS = (
    (1300, 400),
    (0, 1),
    (420, 130),
    (0, 1),
    (420, 130),
    (0, 1),
    (0, 1),
    (3, 6),
)  # as host_tests/bench/inside/profile_speed.py
LOOPS = 500
SLOWER = 50  # a device than this machine
READ_MS = 0.025  # of 32 bytes of flash on a device
LATER = ("lib.store.archive_layouts", "lib.store.archive_part", "lib.store.archive_reader", "lib.store.archive_merge")
KEPT = 5  # of the longest steps, the last of which is told


class Counted:
    """A chip in a file: in the heap the collector would take what is on it for pointers."""

    reads = erases = 0

    def __init__(self, path, blocks):
        self._blocks = blocks
        with open(path, "wb") as file:
            for _ in range(blocks):
                file.write(b"\xff" * BLOCK)
        self._file = open(path, "r+b")  # noqa: SIM115

    def readblocks(self, number, buffer, offset=0):
        self.reads += 1
        self._file.seek(number * BLOCK + offset)
        self._file.readinto(buffer)

    def writeblocks(self, number, buffer, offset=0):
        self._file.seek(number * BLOCK + offset)
        self._file.write(buffer)

    def ioctl(self, op, argument):
        if op == 4:
            return self._blocks
        if op == 5:
            return BLOCK
        if op == 6:
            self.erases += 1
        return 0


cpu_us = ffi.open("libc.so.6").func("l", "clock", "")  # what others take does not count


def plain_us():
    """Return how long a loop of 1000 additions takes: by this other interpreters can be told."""
    start = cpu_us()
    total = 0
    for _ in range(LOOPS):
        for number in range(1000):
            total += number
    return (cpu_us() - start) / LOOPS


def read_us(flash):
    """Return how long a read of the chip takes, which is in Python here."""
    buffer = bytearray(32)
    start = cpu_us()
    for number in range(20 * LOOPS):
        flash.readblocks(number & 7, buffer, 32)
    return (cpu_us() - start) / 20 / LOOPS


class Steps:
    """Times the steps of generators: of all that are named alike the longest one, and all together."""

    def __init__(self, flash):
        self._flash = flash
        self._read_us = read_us(flash)
        self.longest = {}  # name: (estimated ms, us, reads) of each of the longest ones
        self.us = self.reads = self.count = 0

    def take(self, name, steps):
        """Run a generator to its end; return what it yielded last."""
        last = None
        while True:
            reads, start, erases = self._flash.reads, cpu_us(), self._flash.erases
            try:
                found = next(steps)
            except StopIteration:
                return last
            finally:
                us = cpu_us() - start
                self.note(name + (", writing" if self._flash.erases != erases else ""), us, self._flash.reads - reads)
            if found is not None:
                last = found

    def note(self, name, us, reads):
        us -= reads * self._read_us
        self.us += us
        self.reads += reads
        self.count += 1
        there = self.longest.setdefault(name, [])
        there.append((us * SLOWER / 1000 + reads * READ_MS, us, reads))
        there.sort()
        if len(there) > KEPT:
            there.pop(0)

    def told(self):
        """Return {name: [ms on a device, reads]}, the longest but for some that something else disturbed."""
        found = {}
        for name, there in self.longest.items():
            found[name] = [there[0][0], there[0][2]]
        return found


def main(meters, days, blocks, at_once, path, options):
    flash = Counted(path, blocks)
    vfs.VfsLfs2.mkfs(flash)
    vfs.mount(vfs.VfsLfs2(flash, **options), FOLDER)
    steps = Steps(flash)
    for name in LATER:
        __import__(name)  # frozen their code takes no RAM, here it does
    gc.collect()
    before = gc.mem_alloc()
    archive = Archive(FOLDER + "/archive", blocks * BLOCK * 9 // 10)
    layout = archive.layout(COLUMNS)
    seed = peak = 0
    values = [0] * len(COLUMNS)
    erases = flash.erases
    for day in range(days):
        for first in range(0, 96, at_once):
            for meter in range(1, meters + 1):
                archive.begin(meter, PROFILE, layout)
                for quarter in range(first, first + at_once):
                    for channel, (step, noise) in enumerate(STEPS):
                        seed = seed * 1103515245 + 12345 & 0x7FFFFFFF
                        base = 100000000 if step else 7000000
                        values[channel] = base + (day * 96 + quarter) * step + (seed >> 8) % noise
                    reads, start = flash.reads, cpu_us()
                    archive.add(T + day * DAY + quarter * Q, 0, values)
                    steps.note("add", cpu_us() - start, flash.reads - reads)
                if meter == meters:
                    gc.collect()
                    peak = max(peak, gc.mem_alloc() - before)
                steps.take("commit", archive.commit())
                if first == 0:
                    archive.begin(meter, DAILY, layout)
                    archive.add(T + day * DAY, 0, values)
                    steps.take("commit", archive.commit())
                gc.collect()
    erases = flash.erases - erases
    gc.collect()
    idle = gc.mem_alloc() - before
    sizes = [0] * 8
    for entry in os.ilistdir(FOLDER + "/archive"):
        if entry[0][0].isdigit():
            sizes[int(entry[0][0])] += entry[3]
    told = {
        "profile_bytes": sizes[PROFILE] / meters / days,
        "daily_bytes": sizes[DAILY] / meters / days,
        "erases": erases / meters / days,
        "idle": idle,
        "peak": peak,
    }
    archive = Archive(FOLDER + "/archive", blocks * BLOCK * 9 // 10)
    steps.take("learn", archive.learn())
    query(archive, steps, told, meters, days, "")
    for meter in range(1, 4):
        events = [(T + 60 * number, number, "cover") for number in range(48)]
        steps.take("log", archive.log(meter, 1, events))
        steps.take("logged", archive.logged(meter, 0, T + DAY))
        steps.take("gaps", archive.gaps(meter, PROFILE, Q, T, T + days * DAY))
    steps.take("tidy", archive.tidy())
    query(archive, steps, told, meters, days, "_tidy")
    told["steps"] = steps.told()
    print(json.dumps(told))
    os.remove(path)


def query(archive, steps, told, meters, days, suffix):
    """Ask for the last day of some meters, whole and their newest record."""
    plain = plain_us()
    for kind in (PROFILE, DAILY):
        steps.us = steps.reads = steps.count = 0
        asked = 0
        for meter in range(1, meters + 1, max(1, meters // 20)):
            gc.collect()
            steps.take("rows", archive.rows(meter, kind, T + (days - 1) * DAY, T + days * DAY - 1))
            asked += 1
        told["query_us_%d%s" % (kind, suffix)] = steps.us / asked
        told["ratio_%d%s" % (kind, suffix)] = steps.us / asked / plain
        told["reads_%d%s" % (kind, suffix)] = steps.reads / asked
        steps.take("newest", archive.newest(1, kind))


main(*json.loads(sys.stdin.readline()))
