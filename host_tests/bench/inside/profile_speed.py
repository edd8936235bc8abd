"""Stored load profiles on littlefs in RAM, the partition of the device: prints figures as JSON.

Argument: kind of meter.
"""

import gc
import json
import os
import sys
from time import ticks_diff, ticks_us

import vfs

from host_tests.fakes.ram_flash import FOLDER, RamFlash, mounted
from lib.store.profile import Profiles

BLOCKS = 144
T = 1782864000
Q = 900
MONTH = 2976
DAYS = 123  # the longest four months
# Energy of a quarter of an hour and by how much it varies, thousandths, of each channel: what a settlement meter sees in
# import, and all eight channels moving by 8 bits at once, which no meter's can
STEPS = {
    "import": ((1300, 400), (0, 0), (420, 130), (0, 0), (420, 130), (0, 0), (0, 0), (3, 6)),
    "all": ((1300, 256),) * 8,
}


def main(kind):
    flash = RamFlash(BLOCKS)
    vfs.VfsLfs2.mkfs(flash)
    mounted(flash)
    gc.collect()
    before = gc.mem_alloc()
    profiles = Profiles(FOLDER + "/profiles")
    keys = ("MSY80099921", "AEL12345678")
    registers = {}
    for key in keys:
        profiles.describe(key, 15, [f"{channel}.8.0" for channel in range(8)], ["kWh"] * 8)
        registers[key] = [100000000] * 8
    seed = 1
    append_us = longest_us = peak = count = 0
    erases = flash.erases
    for quarter in range(DAYS * 96):
        if quarter == MONTH:
            erases = flash.erases - erases
        for key in keys if quarter % 96 == 95 else ():  # a day at a time
            values = registers[key]
            for number in range(quarter - 95, quarter + 1):
                for channel, (step, noise) in enumerate(STEPS[kind]):
                    seed = seed * 1103515245 + 12345 & 0x7FFFFFFF
                    values[channel] += step + (seed >> 8) % noise if noise else 0
                record = [(value, -3) for value in values]
                start = ticks_us()
                profiles.append(key, T + number * Q, 0, record)
                took = ticks_diff(ticks_us(), start)
                append_us += took
                longest_us = max(longest_us, took)
                count += 1
            if quarter % 960 == 959:
                gc.collect()
                peak = max(peak, gc.mem_alloc() - before)
    profiles.settle()
    gc.collect()
    idle = gc.mem_alloc() - before
    sizes = [size for _, _, _, size in os.ilistdir(FOLDER + "/profiles")]
    kept = []
    for key in keys:
        for found in profiles.extent(key):
            if found is not None:
                kept.append(found[1])
    start = ticks_us()
    records = turns = 0
    longest_turn = 0
    turn = start
    for record in profiles.query(keys[0], T + (DAYS - 31) * 96 * Q, T + DAYS * 96 * Q):
        if record is None:
            now = ticks_us()
            longest_turn = max(longest_turn, ticks_diff(now, turn))
            turn = now
            turns += 1
            if turns % 50 == 0:
                gc.collect()
                peak = max(peak, gc.mem_alloc() - before)
                turn = ticks_us()
        else:
            records += 1
    query_us = ticks_diff(ticks_us(), start)
    told = {
        "append_us": append_us / count,
        "longest_us": longest_us,
        "query_us": query_us / records,
        "records": records,
        "kept": min(kept),
        "wanted": DAYS * 96,
        "bytes": sum(sizes) / sum(kept),
        "blocks": sum([size // 4096 + 1 for size in sizes]),
        "free": os.statvfs(FOLDER)[3],
        "erases": erases,
        "peak": peak,
        "idle": idle,
    }
    print(json.dumps(told))


main(json.loads(sys.stdin.readline())[0])
