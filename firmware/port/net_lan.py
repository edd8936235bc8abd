"""Ethernet: the thin driver over MicroPython's network.LAN with the board's transceiver (RMII).

Up to MicroPython 1.28 events of Wi-Fi change what LAN says of itself (#19123): so the address decides, and of the status only
what no other event can mean. Without its transceiver the chip restarts when this is started: the board must have one.
"""

import network

_NO_ADDRESS = "0.0.0.0"


class NetLan:
    """As firmware/port/net_wlan.py to those who ask for `mode`, `address` and so on. `make_lan()` gives the network.LAN."""

    mode = "Ethernet"
    ssid = ""
    rssi = 0
    patience_ms = 30000  # until something else is tried
    actions = "firmware.port.lan_actions"  # the name of the module whose functions take this as their first argument

    def __init__(self, make_lan):
        self.make_lan = make_lan
        self.lan = None  # while it is not in use; the object itself is one for ever
        self.static_servers = ()
        self.forget()

    def look(self):
        """Return whether there is a link and an address."""
        if self.lan is None:
            return False
        status = self.lan.status()
        if status in (network.ETH_CONNECTED, network.ETH_GOT_IP):
            self._is_linked = True
        elif status == network.ETH_DISCONNECTED:
            self._is_linked = False
        if not self._is_linked:
            self.forget()
            return False
        self.address, self.netmask, _, server = self.lan.ifconfig()  # pyright: ignore[reportGeneralTypeIssues]
        self.dns_servers = self.static_servers or ((server,) if server != _NO_ADDRESS else ())
        return self.address != _NO_ADDRESS

    def forget(self):
        """Nothing is known of a connection."""
        self._is_linked = False
        self.address = self.netmask = _NO_ADDRESS
        self.dns_servers = ()
