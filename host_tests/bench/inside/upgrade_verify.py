"""Times the check of an image in a slot, slice by slice. Arguments: the image's file, public key in hexadecimal, board."""

import gc
import json
import sys
import time

from lib.ota.header import Device, Header
from lib.ota.receiver import Receiver

_SLOT = 0x1B0000


def timed(steps):
    """Drive a generator; return (microseconds in all, of the longest slice, number of slices)."""
    whole = longest = count = 0
    is_over = False
    while not is_over:
        began = time.ticks_us()
        try:
            next(steps)
        except StopIteration:
            is_over = True
        took = time.ticks_diff(time.ticks_us(), began)
        whole += took
        longest = max(longest, took)
        count += 1
    return whole, longest, count


path, key, board = json.loads(sys.stdin.readline())
with open(path, "rb") as file:
    image = file.read()
slot = bytearray(_SLOT)


def read(offset, buffer):
    buffer[:] = memoryview(slot)[offset : offset + len(buffer)]


device = Device(board, "0.1", 1, {1: bytes.fromhex(key)}, _SLOT)
receiver = Receiver(read, device)
for region in receiver.feed(image):
    if region:
        slot[region[0] : region[0] + len(region[1])] = region[1]
del image, region
rounds = []
for _ in range(5):
    gc.collect()
    rounds.append((timed(Header(bytes(memoryview(slot)[device.tail :][:256])).check(device)), timed(receiver.verify())))
signature, whole = (min([one[row] for one in rounds]) for row in (0, 1))
print(json.dumps({"signature": signature, "verify": whole, "bytes": receiver.header.size}))
