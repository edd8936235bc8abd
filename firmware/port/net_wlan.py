"""Wi-Fi as a station: the thin driver over MicroPython's network.WLAN, or what plays it (firmware/port/radio_fake.py).

It does what it is told to, once; when to try what is decided in firmware/services/network.py. Here is what a connection needs
while it stands; what makes one is in firmware/port/wlan_actions.py, which is in RAM only meanwhile.
"""

from micropython import const

_SIGNAL_LOOKS = const(10)
_NO_ADDRESS = "0.0.0.0"


class NetWlan:
    """What is known of the connection: `mode`, `ssid` (text, set by who had it joined), `bssid` (None: any), `rssi` (dBm),
    `address`, `netmask`, `dns_servers`.

    `make_radio()` gives the radio when it is first used: that takes memory of the chip. `start_thread(function, arguments)`
    runs a function beside the loop.
    """

    mode = "WiFi"
    actions = "firmware.port.wlan_actions"  # the name of the module whose functions take this as their first argument

    def __init__(self, make_radio, start_thread):
        self.make_radio = make_radio
        self.start_thread = start_thread
        self.radio = None  # while it is off
        self.static_servers = ()  # of the settings, in place of DHCP's
        self.forget()

    def look(self):
        """Return whether the connection stands; every ten times learn its signal and address anew."""
        radio = self.radio
        if radio is None or not radio.isconnected():
            return False
        if self._looks % _SIGNAL_LOOKS == 0:
            self.address, self.netmask, _, server = radio.ifconfig()  # pyright: ignore[reportGeneralTypeIssues]
            self.dns_servers = self.static_servers or ((server,) if server != _NO_ADDRESS else ())
            try:
                self.rssi = radio.status("rssi")
            except OSError:
                pass  # lost this moment
        self._looks += 1
        return self.address != _NO_ADDRESS

    def forget(self):
        """Nothing is known of a connection."""
        self.ssid = ""
        self.bssid = None
        self.rssi = self._looks = 0
        self.address = self.netmask = _NO_ADDRESS
        self.dns_servers = ()
