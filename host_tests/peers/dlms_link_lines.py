"""Our DLMS links behind JSON lines, for the peers' tests: runs in MicroPython, answers each line of stdin with one.

Octets are hexadecimal. One link lives from line to line, started by client() or server().
"""
# pyright: reportAttributeAccessIssue=false

# `now` is a link of either side, which each function knows.
# pyright: reportAttributeAccessIssue=false

import json
import sys

from lib.dlms import frames, link, server_link
from lib.dlms.frame_reader import FrameReader
from lib.dlms.server_wrapper import ServerWrapper
from lib.dlms.wrapper import Wrapper

now = None  # the link
answers = []  # of the server


def address(logical, physical, size):
    return frames.address(logical, physical, size).hex()


def make(addresses, control, information, has_more):
    out = bytearray(2100)
    size = frames.make(out, bytes.fromhex(addresses), control, b"", bytes.fromhex(information), has_more)
    return out[:size].hex()


def fill(end, data):
    room = end.room()
    count = min(len(room), len(data))
    room[:count] = data[:count]
    end.filled(count)
    return data[count:]


def read(wire):
    """[control, destination, source, information, has_more] of each good frame."""
    reader = FrameReader(2030)
    data = bytes.fromhex(wire)
    found = []
    while True:
        while reader.next():
            information = bytes(reader.information).hex()
            found.append([reader.control, reader.destination, reader.source, information, reader.has_more])
        if not data:
            return found
        data = fill(reader, data)


def client(kind, logical, physical, number, size, most_info):
    global now  # noqa: PLW0603
    now = link.Link(most_info) if kind == "hdlc" else Wrapper()
    now.address(logical, physical, number, size)


def start(what, apdu=None):
    """Start open, exchange or close; what follows as of hear()."""
    getattr(now, what)(*([] if apdu is None else [bytes.fromhex(apdu)]))
    return hear("")


def hear(wire):
    """["send", octets] or ["reply", octets] or ["opened"] or ["closed"]; [] if more has to come."""
    data = bytes.fromhex(wire)
    while True:
        event = now.next()
        if event == link.SEND:
            return ["send", bytes(now.to_send).hex()]
        if event == link.REPLY:
            return ["reply", bytes(now.reply).hex()]
        if event is not None:
            return ["opened" if event == link.OPENED else "closed"]
        if not data:
            return []
        data = fill(now, data)


def server(kind, addresses, most_info, replies):
    """A meter that gives one reply after the other."""
    global now  # noqa: PLW0603
    addresses = [tuple(pair) for pair in addresses]
    now = server_link.ServerLink(addresses, most_info, 4096) if kind == "hdlc" else ServerWrapper(addresses, 4096)
    answers[:] = [bytes.fromhex(reply) for reply in replies]


def serve(wire):
    """[what the meter sends, the requests it got] for some octets."""
    data = bytes.fromhex(wire)
    sent, requests = b"", []
    while True:
        event = now.next()
        if event == server_link.SEND:
            sent += bytes(now.to_send)
        elif event == server_link.REQUEST:
            requests.append(bytes(now.request).hex())
            now.answer(answers.pop(0))
        elif event is None:
            if not data:
                return [sent.hex(), requests]
            data = fill(now, data)


for line in sys.stdin:
    what, arguments = json.loads(line)
    print(json.dumps(globals()[what](*arguments)))
