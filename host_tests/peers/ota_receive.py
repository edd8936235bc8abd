"""Our receiver of upgrade images, for the tests of peers: runs in MicroPython, answers each line of JSON with one.

{"file", "slot", "board", "version", "counter", "keys": {id: hex}, "change": [offset, exclusive-or] or null, "step"}
-> {"cause", "taken": bytes of the file, "words"}; the payload is then in the file that "slot" names.
"""

import json
import sys

from lib.ota.header import Device, Refused
from lib.ota.receiver import Receiver

SLOT_SIZE = 0x1B0000


def receive(order):
    flash = bytearray(SLOT_SIZE)

    def read(offset, buffer):
        buffer[:] = flash[offset : offset + len(buffer)]

    def write(generator):
        for region in generator:
            if region is not None:
                flash[region[0] : region[0] + len(region[1])] = region[1]

    keys = {int(name): bytes.fromhex(key) for name, key in order["keys"].items()}
    device = Device(order["board"], order["version"], order["counter"], keys, SLOT_SIZE)
    receiver = Receiver(read, device)
    at = 0
    try:
        with open(order["file"], "rb") as file:
            while True:
                data = bytearray(file.read(order["step"]))
                if not data:
                    break
                if order["change"] and at <= order["change"][0] < at + len(data):
                    data[order["change"][0] - at] ^= order["change"][1]
                at += len(data)
                write(receiver.feed(data))
        receiver.ended()
        write(receiver.verify())
        with open(order["slot"], "wb") as file:
            file.write(memoryview(flash)[: receiver.header.size])
    except Refused as refused:
        return {"cause": refused.cause, "words": str(refused), "taken": at}
    return {"cause": "", "words": receiver.header.version, "taken": at}


while True:
    line = sys.stdin.readline()
    if not line:
        break
    print(json.dumps(receive(json.loads(line))))
