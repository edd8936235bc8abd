"""Our DLMS client and server behind JSON lines, for the peers' tests: runs in MicroPython, answers each line of stdin with one.

["begin", {options of Access, octets in hex}], ["get", class, ln, attribute, selector], ... start something with the client;
["reply", octets] goes on. The answer is {"apdu": what to send}, {"done": values, "results": [...]} or {"error": [class of the
error, reason, code]}. ["serve", octets, client's address] asks the server.
"""

import json
import sys

from lib.dlms import requests, selection
from lib.dlms.access import Access
from lib.dlms.client import Client
from lib.dlms.errors import DlmsError, PeerError
from lib.dlms.server import Server

_OCTETS = ("secret", "title", "ek", "ak", "dedicated")
client = Client(1024)
values = []
counter = [0]


def octets(text):
    return bytes.fromhex(text or "")


def count():
    counter[0] += 1
    return counter[0]


def sink():
    value = bytearray()
    values.append(value)
    return value.extend


def begin(options):
    access = Access(next_counter=count, random=lambda size: bytes([(31 * counter[0] + 7 * at) & 0xFF for at in range(size)]))
    for name, value in options.items():
        setattr(access, name, octets(value) if name in _OCTETS else value)
    client.begin(access)


def get(class_id, ln, attribute, selector=None):
    client.get(class_id, octets(ln), attribute, sink(), octets(selector))


def get_list(items):
    client.get_list([(class_id, octets(ln), attribute) for class_id, ln, attribute in items], [sink() for _ in items])


def set(class_id, ln, attribute, data):
    client.set(class_id, octets(ln), attribute, octets(data))


def set_list(items, data):
    client.set_list([(class_id, octets(ln), attribute) for class_id, ln, attribute in items], [octets(one) for one in data])


def action(class_id, ln, method, data=None):
    client.action(class_id, octets(ln), method, None if data is None else octets(data), sink())


def release():
    client.release()


def by_range(since, until):
    return requests.by_range(octets(since), octets(until)).hex()


def by_entry(first, last):
    return requests.by_entry(first, last).hex()


class Objects:
    """A register that can be written, a profile of 200 rows, and a disconnector's two methods."""

    REGISTER = b"\x01\0\x01\x08\0\xff"
    PROFILE = b"\x01\0\x63\x01\0\xff"
    RELAY = b"\0\0\x60\x03\x0a\xff"

    def __init__(self):
        self.values = {
            (self.REGISTER, 2): b"\x06\0\x01\xe2\x40",
            (self.REGISTER, 3): b"\x02\x02\x0f\x01\x16\x1e",
            (self.PROFILE, 3): octets(
                "010202041200080906" + "0000010000ff" + "0f02120000" + "020412000309060100010800ff0f02120000"
            ),
            (self.RELAY, 2): b"\x03\1",
        }

    def get(self, class_id, ln, attribute, selector, client):
        if (ln, attribute) == (self.PROFILE, 2):
            return self.rows(selector)
        if (ln, attribute) not in self.values:
            raise PeerError("object undefined", 4)
        return [self.values[ln, attribute]]

    def rows(self, selector):
        first, last = 1, 200
        if selector and selector[0] == selection.BY_ENTRY:
            first, last = selection.entries(selector[1])[:2]
        elif selector:
            since, until = selection.bounds(selector[1])
            first, last = [60 * bound[5] + bound[6] + 1 for bound in (since, until)]  # row n is of minute n - 1
        yield b"\x01\x82" + (last - first + 1).to_bytes(2, "big")
        for row in range(first, last + 1):
            yield (
                b"\x02\x02\x09\x0c"
                + octets("07e8050103%02x%02x0000800000" % divmod(row - 1, 60))
                + b"\x06"
                + row.to_bytes(4, "big")
            )

    def set(self, class_id, ln, attribute, data, client):
        self.values[ln, attribute] = data

    def act(self, class_id, ln, method, data, client):
        self.values[ln, 2] = bytes((3, method - 1))


server = Server(Objects(), {16: b"", 1: b"12345678"}, 300)


def serve(request, sap):
    return {"apdu": bytes(server.answer(octets(request), sap)).hex()}


def answer(what, arguments):
    if what == "serve":
        return serve(*arguments)
    if what in ("by_range", "by_entry"):
        return globals()[what](*arguments)
    try:
        if what == "reply":
            client.take(memoryview(bytearray(octets(arguments[0]))))
        else:
            values.clear()
            globals()[what](*arguments)
    except DlmsError as error:
        return {"error": [type(error).__name__, error.reason, getattr(error, "code", None)]}
    if not client.is_done:
        return {"apdu": bytes(client.apdu).hex()}
    return {"done": [value.hex() for value in values], "results": client.results}


for line in sys.stdin:
    command = json.loads(line)
    print(json.dumps(answer(command[0], command[1:])))
