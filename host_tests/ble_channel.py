"""A phone's Bluetooth: the rig's BLE channel, as the transport of host_tests/provisioning_client.py.

    with Phone(rig.ready["ble"]) as phone:
        client = Client(phone, pop=rig.ready["pop"])

Advertisements and names of endpoints are read as the phones' programs do: by hand, and from the descriptors alone.
"""

import json
import socket
import time

_PATIENCE_S = 60
NAME = "2901"  # Characteristic User Description


class AttError(Exception):
    """The gateway refused; args[0] is the number."""


class Lost(Exception):
    """There is no connection (any more)."""


def packets(payload):
    """{type: content} of an advertisement or a scan response."""
    found = {}
    while payload:
        length = payload[0]
        assert 0 < length < len(payload), "a packet over the end"
        found[payload[1]] = payload[2 : length + 1]
        payload = payload[length + 1 :]
    return found


class Phone:
    """One phone; it is not connected yet."""

    def __init__(self, address):
        self._socket = socket.create_connection(address, _PATIENCE_S)
        self._lines = self._socket.makefile("rb")
        self.handles = {}  # name of an endpoint: handle of its value

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._lines.close()
        self._socket.close()

    def ask(self, op, **fields):
        """One operation, the answer as it is."""
        self._socket.sendall(json.dumps({"op": op, **fields}).encode() + b"\n")
        return json.loads(self._lines.readline())

    def do(self, op, **fields):
        answer = self.ask(op, **fields)
        if "error" in answer:
            raise Lost(answer["error"])
        if "att_error" in answer:
            raise AttError(answer["att_error"])
        return answer

    def scan(self):
        """(advertisement, scan response) by type, both empty when nobody advertises."""
        answer = self.ask("scan")
        return packets(bytes.fromhex(answer["adv"])), packets(bytes.fromhex(answer["resp"]))

    def find(self, patience_s=_PATIENCE_S):
        """Wait for an advertisement; return the name."""
        end = time.monotonic() + patience_s
        while True:
            _, response = self.scan()
            if 9 in response:
                return response[9].decode()
            assert time.monotonic() < end, "nobody advertises"

    def connect(self):
        """Find, connect, and learn which endpoints there are."""
        self.find()
        self.do("connect")
        self.handles = {}
        for service in self.do("discover")["services"]:
            for characteristic in service["characteristics"]:
                for descriptor in characteristic["descriptors"]:
                    if descriptor["uuid"] == NAME:
                        name = bytes.fromhex(self.do("read", handle=descriptor["handle"])["hex"]).decode()
                        self.handles[name] = characteristic["handle"]

    def write(self, endpoint, request):
        self.do("write", handle=self.handles[endpoint], hex=request.hex())

    def read(self, endpoint):
        return bytes.fromhex(self.do("read", handle=self.handles[endpoint])["hex"])

    def disconnect(self):
        self.do("disconnect")
