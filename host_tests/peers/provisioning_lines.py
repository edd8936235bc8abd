"""Our side of provisioning behind JSON lines, for the tests of peers: runs in MicroPython, answers each line with one."""

import json
import os
import sys

from lib.provision.errors import INTERNAL_ERROR, SUCCESS, Refused
from lib.provision.provisioner import Provisioner
from lib.provision.wifi import AUTH_ERROR, CONNECTED, CONNECTING, FAILED, NETWORK_NOT_FOUND


class Wifi:
    """Sees the networks it is given, each with its passphrase; joins one after it was asked for its state twice."""

    def __init__(self, networks):
        self._networks = [(bytes.fromhex(ssid), word, channel, rssi, auth) for ssid, word, channel, rssi, auth in networks]
        self._wanted = self._left = None
        self._scan = 0

    def start_scan(self, passive):
        self._scan = 3
        return True

    def scan_finished(self):
        self._scan -= 1
        return self._scan < 0

    def networks(self):
        return [(ssid, channel, rssi, bytes([channel] * 6), auth) for ssid, _, channel, rssi, auth in self._networks]

    def set_config(self, ssid, passphrase, bssid, channel):
        self._wanted, self._left = (ssid, passphrase.decode()), None
        return SUCCESS

    def apply(self):
        if self._wanted is None or self._left is not None:
            return INTERNAL_ERROR
        self._left = 2
        return SUCCESS

    def state(self):
        if self._left is None or self._left:
            self._left = self._left and self._left - 1
            return CONNECTING, None
        for ssid, word, channel, _, auth in self._networks:
            if ssid == self._wanted[0]:
                if word != self._wanted[1]:
                    return FAILED, AUTH_ERROR
                return CONNECTED, ("192.168.4.17", auth, ssid, bytes([channel] * 6), channel)
        return FAILED, NETWORK_NOT_FOUND

    def reset(self):
        if self._left != 0 or self.state()[0] != FAILED:
            return INTERNAL_ERROR
        self._wanted = self._left = None
        return SUCCESS

    def reprovision(self):
        if self._left != 0 or self.state()[0] != CONNECTED:
            return INTERNAL_ERROR
        self._wanted = self._left = None
        return SUCCESS


device = None


def make(security, secret, networks):
    """A device with a proof of possession (text), or a salt and a verifier (hex)."""
    global device  # noqa: PLW0603
    secret = secret.encode() if security == 1 else [bytes.fromhex(each) for each in secret]
    device = Provisioner(security, secret, Wifi(networks), os.urandom)


def write(endpoint, request):
    """The answer in hex, None if the request is refused."""
    handling = device.handle(endpoint, bytes.fromhex(request))
    try:
        while True:
            next(handling)
    except StopIteration as end:
        return end.value.hex()
    except Refused:
        return None


def disconnect():
    device.disconnected()


def failures():
    return device.failures


for line in sys.stdin:
    what, arguments = json.loads(line)
    print(json.dumps(globals()[what](*arguments)))
