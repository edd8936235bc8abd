"""The headers of host_tests/vectors/ota.json with their files, a slot to write to, and what drives a receiver."""

import json
from hashlib import sha256

from lib.ota.header import Device, Refused
from lib.ota.receiver import Receiver

SLOT_SIZE = 0x1B0000
TAIL = SLOT_SIZE - 0x4000
BLOCK = 4096


def vectors():
    with open("host_tests/vectors/ota.json") as file:
        return json.load(file)


def rows(cause=None):
    """Rows with a cause, or all; their headers as bytes."""
    found = [row for row in vectors()["rows"] if cause is None or row["cause"] == cause]
    for row in found:
        row["header"] = bytes.fromhex(row["header"])
    return found


def device():
    keys = {int(name): bytes.fromhex(key) for name, key in vectors()["keys"].items()}
    return Device("SG_W1", "0.9.2", 3, keys, SLOT_SIZE)


def payload(end, start=0):
    """Bytes that are not alike anywhere, from a place that is a multiple of 32 on; see make_ota.py."""
    made = bytearray(end - start)
    for at in range(start, end, 32):
        part = sha256((at // 32).to_bytes(4, "little")).digest()
        made[at - start : at - start + 32] = part[: end - at]
    return made


def hashes(data):
    data = memoryview(data)
    return b"".join([sha256(data[at : at + BLOCK]).digest() for at in range(0, len(data), BLOCK)])


def image(row):
    """The whole file of a row."""
    start = 256 + (row["size"] + BLOCK - 1) // BLOCK * 32
    made = bytearray(start + row["size"])
    made[:256] = row["header"]
    for at in range(0, row["size"], BLOCK):
        chunk = payload(min(at + BLOCK, row["size"]), at)
        made[256 + at // BLOCK * 32 : 288 + at // BLOCK * 32] = sha256(chunk).digest()
        made[start + at : start + at + len(chunk)] = chunk
    return made


class PowerCut(Exception):
    pass


class Slot:
    """Flash of which only what was written takes memory. Dies half-way through write number `cut`, counted from 1."""

    def __init__(self, cut=0):
        self.blocks = {}
        self.cut = cut
        self.reads = 0  # bytes, since somebody set it to 0

    def read(self, offset, buffer):
        self.reads += len(buffer)
        at = 0
        while at < len(buffer):
            block = self.blocks.get((offset + at) // BLOCK, b"\xff" * BLOCK)
            part = block[(offset + at) % BLOCK :][: len(buffer) - at]
            buffer[at : at + len(part)] = part
            at += len(part)

    def write(self, offset, data):
        assert offset % BLOCK == 0 and 0 < len(data) <= BLOCK and 0 <= offset <= SLOT_SIZE - BLOCK
        self.cut -= 1
        if self.cut == 0:
            data = data[: len(data) // 2]
        self.blocks[offset // BLOCK] = bytes(data) + b"\xff" * (BLOCK - len(data))
        if self.cut == 0:
            raise PowerCut

    def flip(self, offset):
        block = bytearray(self.blocks[offset // BLOCK])
        block[offset % BLOCK] ^= 0x10
        self.blocks[offset // BLOCK] = block

    def holds(self, size):
        """Whether the payload of so many bytes is in it."""
        for at in range(0, size, BLOCK):
            chunk = payload(min(at + BLOCK, size), at)
            if self.blocks[at // BLOCK][: len(chunk)] != chunk:
                return False
        return True


def receiver(slot):
    return Receiver(slot.read, device())


def drive(generator, slot):
    """Run one of a receiver's generators and write what it says; return the number of its slices."""
    slices = 1
    for region in generator:
        slices += 1
        if region is not None:
            slot.write(*region)
    return slices


def give(taking, data, slot, step=BLOCK):
    """Feed bytes in pieces; return how many were taken before an end or a refusal, and the refusal or None."""
    data = memoryview(data)
    for at in range(0, len(data), step):
        try:
            drive(taking.feed(data[at : at + step]), slot)
        except Refused as refused:
            return at + min(step, len(data) - at), refused
    return len(data), None


def cause_of(function, *arguments):
    """The cause word of the refusal of a call or a generator, "" if there is none."""
    try:
        made = function(*arguments)
        if hasattr(made, "send"):
            for _ in made:
                pass
    except Refused as refused:
        return refused.cause
    return ""
