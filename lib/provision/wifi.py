"""The messages of provisioning that are about Wi-Fi: networks in sight, the one to join, starting over.

Each function takes a decrypted request and returns its answer, or raises Refused. What answers is an object of the product,
`wifi`, whose methods return at once and raise nothing:

start_scan(passive)     start looking for networks, True if it did or one is going on already. Must end in any case, with what
                        there is: the client waits.
scan_finished()         whether no scan is going on
networks()              (ssid, channel, rssi, bssid, auth) for each network the last scan saw, in any order: ssid and bssid are
                        bytes, auth is numbered as the ESP32's driver does. None of them before the first scan.
set_config(ssid, passphrase, bssid, channel)
                        the network to join: bytes, at most 32, 63 (empty: an open network) and 6 or none; a number, 0 for any.
                        Returns a Status. Joins nothing yet. The last one counts; one that comes after a failed attempt, too,
                        and state() then forgets that failure.
apply()                 join it, a second from now: the answer has to get out before the radio moves. Returns a Status:
                        INTERNAL_ERROR without a configuration, or while one is tried.
state()                 (CONNECTED, (ip as text, auth, ssid, bssid, channel)): there is an address
                        (CONNECTING, None): is trying, or has nothing to try; (CONNECTING, attempts left) after a failed one
                        (FAILED, AUTH_ERROR or NETWORK_NOT_FOUND): gave up. It must in half a minute: phones ask without end.
reset()                 after a failed attempt: forget the configuration. Returns a Status, INTERNAL_ERROR at another time.
reprovision()           after a good one: leave the network and forget it. Returns a Status.

Source: ESP-IDF v5.5.5 wifi_provisioning, proto/wifi_*.proto, handlers.c, scan_handler.c and wifi_ctrl.c; numbers of Wi-Fi
authentication as in wifi_constants.proto and, to be mapped, esp_wifi_types_generic.h.
"""

from micropython import const

from lib.provision.errors import INTERNAL_ERROR, INVALID_ARGUMENT, SUCCESS, Refused
from lib.provision.protobuf import data, decode, inner, member, number, scalar

CONNECTED = const(0)
CONNECTING = const(1)
FAILED = const(3)  # 2, disconnected, is never sent: phones show it as a plain failure

AUTH_ERROR = const(0)
NETWORK_NOT_FOUND = const(1)

_MOST_NETWORKS = const(16)
_PAGE = const(4)  # entries of at most 61 bytes each, so that an answer stays below 512: what phones ask for
_MOST_SSID = const(32)
_MOST_PASSPHRASE = const(63)
_BSSID = const(6)
# Driver's number of authentication: what the phones know. Above 7: WAPI, OWE, WPA3 enterprise, WPA3 extended twice, DPP,
# three more enterprises. They ask for a password unless it is 0.
_AUTH = b"\x00\x01\x02\x03\x04\x05\x06\x07\x03\x00\x05\x06\x06\x03\x05\x05\x05"
_AUTH_OTHER = const(3)

# What came of the client's last configuration
_NONE = const(0)
_SET = const(1)
_APPLIED = const(2)
_NOT_SET = const(3)
_NOT_APPLIED = const(4)


class WifiEndpoints:
    """What the requests of one client have to remember: the networks it is being told, and what became of its last wish."""

    def __init__(self, wifi):
        self._wifi = wifi
        self._entries = None  # encoded WiFiScanResults, the strongest first; None until they are asked for
        self._wish = _NONE

    def scan(self, request):
        """prov-scan. A generator: a start that blocks yields until the scan is over; whoever drives it sleeps in between."""
        fields = decode(request)
        command = number(fields, 1)
        if command == 0:
            asked = inner(fields, 10)
            blocking, passive = number(asked, 1), number(asked, 2)
            self._entries = None
            if not self._wifi.start_scan(passive != 0):
                return _answer(1, INTERNAL_ERROR, 11, b"")
            while blocking and not self._wifi.scan_finished():
                yield
            self._look()
            return _answer(1, SUCCESS, 11, b"")
        if command == 2:
            self._look()
            entries = self._entries
            told = b"" if entries is None else member(1, 1) + scalar(2, len(entries))
            return _answer(3, SUCCESS, 13, told)
        if command == 4:
            asked = inner(fields, 14)
            first, count = number(asked, 1), number(asked, 2)
            if first >= _MOST_NETWORKS or first + count > _MOST_NETWORKS:
                raise Refused("index")
            self._look()
            entries = self._entries or ()
            page = b"".join(entries[first : first + min(count, _PAGE)])
            return _answer(5, INTERNAL_ERROR if first + count > len(entries) else SUCCESS, 15, page)
        raise Refused("command")

    def _look(self):
        """Take the networks once a scan is over. They stay as they are until the next start, so that pages fit together."""
        if self._entries is None and self._wifi.scan_finished():
            found = [network for network in self._wifi.networks() if 0 < len(network[0]) <= _MOST_SSID]
            found.sort(key=lambda network: -network[2])
            self._entries = [_entry(*network) for network in found[:_MOST_NETWORKS]]

    def config(self, request):
        """prov-config."""
        fields = decode(request)
        command = number(fields, 1)
        if command == 0:
            return member(1, 1) + member(11, self._state())
        if command == 2:
            status = self._set(inner(fields, 12))
            self._wish = _NOT_SET if status else _SET
            return member(1, 3) + member(13, scalar(1, status))
        if command == 4:
            # The one before was not what the client wanted last.
            status = INTERNAL_ERROR if self._wish == _NOT_SET else self._wifi.apply()
            if not status:
                self._wish = _APPLIED
            elif self._wish < _APPLIED:  # else an attempt is under way, and goes on
                self._wish = _NOT_APPLIED
            return member(1, 5) + member(15, scalar(1, status))
        raise Refused("command")

    def _set(self, asked):
        ssid, passphrase, bssid = bytes(data(asked, 1)), bytes(data(asked, 2)), bytes(data(asked, 3))
        if len(ssid) > _MOST_SSID or len(passphrase) > _MOST_PASSPHRASE or len(bssid) not in (0, _BSSID):
            return INVALID_ARGUMENT
        return self._wifi.set_config(ssid, passphrase, bssid, number(asked, 4))

    def _state(self):
        """RespGetStatus. After a refusal it says so: iOS overlooks the status of that answer, and asks on."""
        if self._wish >= _NOT_SET:
            return member(2, FAILED) + member(10, AUTH_ERROR)
        state, detail = self._wifi.state()
        if state == CONNECTED:
            address, auth, ssid, bssid, channel = detail
            connected = scalar(1, address.encode()) + scalar(2, _auth(auth)) + scalar(3, ssid) + scalar(4, bssid)
            return member(11, connected + scalar(5, channel))
        answer = member(2, state)
        if state == FAILED:
            return answer + member(10, detail)
        return answer if detail is None else answer + member(12, scalar(1, detail))

    def control(self, request):
        """prov-ctrl."""
        command = number(decode(request), 1)
        if command == 1:
            status = self._wifi.reset()
        elif command == 3:
            status = self._wifi.reprovision()
        else:
            raise Refused("command")
        if not status:
            self._wish = _NONE
        return _answer(command + 1, status, 11 + command, b"")


def _answer(kind, status, field, content):
    """An answer of prov-scan or prov-ctrl, which have the status outside of the message within."""
    return member(1, kind) + scalar(2, status) + member(field, content)


def _auth(number):
    return _AUTH[number] if 0 <= number < len(_AUTH) else _AUTH_OTHER


def _entry(ssid, channel, rssi, bssid, auth):
    return member(1, scalar(1, ssid) + scalar(2, channel) + scalar(3, rssi) + scalar(4, bssid) + scalar(5, _auth(auth)))
