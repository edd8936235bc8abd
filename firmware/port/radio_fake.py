"""A FAKE of network.WLAN: the rig's access points in place of a radio, a name in place of an own one. For host and tests.

As a station it behaves as the ESP32's driver does: connect() returns at once and does nothing while it is connected; the status
of a failure stays until there is a success; nothing is tried by itself; a scan names hidden networks b"".

An access point is a dict: `ssid` (text, as in the settings), `psk`, `rssi`, and if wanted `auth`, `hidden`, `channel`,
`bssid` ("02:00:00:00:00:07"), `dhcp` (False: it never answers), `takes_ms` (until an attempt has ended).
"""

from time import ticks_diff, ticks_ms

from micropython import const

_IDLE = const(1000)
_CONNECTING = const(1001)
_GOT_IP = const(1010)
_LOST = const(200)
_NOT_FOUND = const(201)
_WRONG_PASSWORD = const(202)
_AUTH = const(("open", "wep", "wpa", "wpa2", "wpa/wpa2", "enterprise", "wpa3", "wpa2/wpa3"))
_DHCP = const(("127.0.0.1", "255.0.0.0", "0.0.0.0", "0.0.0.0"))


class RadioFake:
    """`access_points`: those in reach, to be replaced at will. `is_stuck`: no attempt ends until it is restarted."""

    is_stuck = False
    search_ms = 0  # how long it takes to find out that a network is not there

    def __init__(self, access_points):
        self.access_points = access_points
        self._is_on = False
        self._wanted = None  # (ssid, password, bssid, ticks) of the attempt that goes on
        self._joined = None  # (ssid, bssid)
        self._failure = 0
        self._addresses = None  # static ones

    def active(self, is_on):
        self._is_on = is_on
        self._wanted = self._joined = None
        self.is_stuck = self.is_stuck and is_on

    def config(self, reconnects):
        assert self._is_on and reconnects == 0

    def connect(self, ssid, password=None, *, bssid=None):
        if not self._is_on or self._joined:
            raise OSError("Wifi Internal Error")
        self._wanted = (ssid, password or "", bssid, ticks_ms())

    def disconnect(self):
        if not self._is_on:
            raise OSError("Wifi Not Started")
        self._wanted = self._joined = None

    def isconnected(self):
        ap = self._now()
        return ap is not None and (self._addresses is not None or ap.get("dhcp", True))

    def status(self, what=None):
        ap = self._now()
        if what == "rssi":
            if ap is None:
                raise OSError("Wifi Not Connected")
            return ap["rssi"]
        if ap is not None:
            return _GOT_IP if self.isconnected() else _CONNECTING
        return self._failure or (_CONNECTING if self._wanted else _IDLE)

    def scan(self):
        if not self._is_on or self._wanted:
            raise OSError("Wifi Invalid State")
        return [
            (
                b"" if ap.get("hidden") else _name(ap),
                _bssid(ap, number),
                ap.get("channel", 1),
                ap["rssi"],
                _AUTH.index(ap.get("auth", "wpa2")),
                False,
            )
            for number, ap in enumerate(self.access_points)
        ]

    def ifconfig(self, addresses=None):
        if addresses is None:
            return self._addresses or (_DHCP if self.isconnected() else ("0.0.0.0",) * 4)
        self._addresses = addresses
        return None

    def _now(self):
        """Return the access point that the radio is joined to, None if there is none; let an attempt end that is due."""
        if self._wanted and not self.is_stuck:
            self._try(*self._wanted)
        if self._joined:
            ap = self._find(*self._joined)
            if ap is not None:
                return ap
            self._joined = None
            self._failure = _LOST
        return None

    def _try(self, ssid, password, bssid, began):
        passed_ms = ticks_diff(ticks_ms(), began)
        ap = self._find(ssid, bssid)
        if passed_ms < (self.search_ms if ap is None else ap.get("takes_ms", 0)):
            return
        self._wanted = None
        if ap is None:
            self._failure = _NOT_FOUND
        elif ap["psk"] != password:
            self._failure = _WRONG_PASSWORD
        else:
            self._failure = 0
            self._joined = (ssid, _bssid(ap, self.access_points.index(ap)))

    def _find(self, ssid, bssid):
        for number, ap in enumerate(self.access_points):
            if _name(ap) == ssid and bssid in (None, _bssid(ap, number)):
                return ap
        return None


class AccessPointFake:
    """The own access point. `told(ssid, key)` hears how it is called, (None, None) when it is down.

    It has no network: phones reach the gateway's web server as everybody does. As the driver it takes a name only while it is
    on, and as a password of WPA2 8 to 63 characters.
    """

    def __init__(self, told):
        self._told = told
        self._is_on = False

    def active(self, is_on):
        self._is_on = is_on
        if not is_on:
            self._told(None, None)

    def config(self, *, ssid, security, key):
        if not self._is_on:
            raise OSError("Wifi Invalid Mode")
        if security != _AUTH.index("wpa2") or not 8 <= len(key) <= 63 or len(ssid) > 32:
            raise OSError("Wifi Invalid Argument")
        self._told(ssid, key)


def _name(ap):
    text = ap["ssid"]
    if "\\" not in text:
        return text.encode()
    from lib.text.ssid import to_bytes  # noqa: PLC0415 - few names need it

    return to_bytes(text)


def _bssid(ap, number):
    """Return the address of an access point: its own, or one by its place in the list."""
    return bytes([int(part, 16) for part in ap.get("bssid", f"02:00:00:00:00:{number:02x}").split(":")])
