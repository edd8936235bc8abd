"""A FAKE of network.PPP, for the host and tests: once the simulated modem (tools/rig/modem.py) says that user and password are
right, the machine's own network stands in for what is behind it. What PPP itself does is not there.

One line goes out for the login, "PPP <security> <user> <key>", and "UP" or "DENIED" comes back; "NO CARRIER" is the end.
"""

import json

from firmware.port.net_ppp import NetPpp
from firmware.port.uart_pty import UartPty

_ADDRESSES = ("127.0.0.1", "255.0.0.0", "0.0.0.0", "0.0.0.0")
_CONNECTING = 3
_CONNECTED = 4
_AUTHFAIL = -7
_PEERDEAD = -9


class PppFake:
    """`stream`: a file that does not block."""

    SEC_NONE = 0
    SEC_PAP = 1
    SEC_CHAP = 2

    def __init__(self, stream):
        self._stream = stream
        self._heard = b""
        self._is_up = False
        self._status = 0

    def connect(self, security=SEC_NONE, user="", key=""):
        self._heard = b""
        self._is_up = False
        self._status = _CONNECTING
        self._stream.write(b"PPP " + json.dumps([security, user, key]).encode() + b"\n")

    def disconnect(self):
        self._is_up = False
        self._status = 0

    def poll(self):
        more = self._stream.read(256)
        if more:
            self._heard = (self._heard + more)[-64:]
            if b"DENIED" in self._heard:
                self._status = _AUTHFAIL
            elif b"NO CARRIER" in self._heard:
                self._is_up = False
                self._status = _PEERDEAD
            elif b"UP" in self._heard:
                self._is_up = True
                self._status = _CONNECTED

    def isconnected(self):
        return self._is_up

    def status(self):
        return self._status

    def ifconfig(self):
        return _ADDRESSES if self._is_up else ("0.0.0.0",) * 4


def make(path, link):
    """Return the NetPpp over the simulated modem's terminal; the rig hears of its reset and its lights."""
    line = UartPty(path, "modem", link, False)
    line.configure(115200, "N", 1)
    return NetPpp(
        line,
        PppFake,
        lambda is_held: link.send(event="modem", reset=is_held),
        lambda count: link.send(event="signal", lights=count),
    )
