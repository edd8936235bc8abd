"""Wi-Fi as a station, in the simplest form: join the one network of the settings, join again when it is lost.

The full management of the connection (provisioning after failed attempts, own access point, Ethernet, addresses in conflict)
is not here yet; this keeps a gateway with known settings on line.
"""

import asyncio

import network
from micropython import const

_LOOK_MS = const(500)
_JOIN_MS = const(15000)  # the driver tries all channels, then DHCP
_SIGNAL_LOOKS = const(10)
_FIRST_PAUSE_S = const(1)  # between leaving and joining: sooner the driver refuses at times
_TOP_PAUSE_S = const(60)
_RADIO_RESTART = const(5)  # failures: after an access point restarted the driver may be stuck until switched off and on
_NO_ADDRESS = "0.0.0.0"


class NetWlan:
    """What is known of the connection: `mode`, `ssid`, `rssi` (dBm), `address`, `netmask`, `dns_servers`.

    `hostname`: set before run().
    """

    def __init__(self):
        self.mode = "WiFi"
        self.hostname = ""
        self._forget()

    async def run(self, settings, told):
        """Keep connected, for ever; told(is_up) hears of each change. Settings are read when it starts."""
        while not settings.get("wifi_ssid"):
            await asyncio.sleep_ms(_LOOK_MS)
        ssid, password = settings.get("wifi_ssid"), settings.get("wifi_password")
        wlan = self._start(settings)
        failures = 0
        while True:
            await asyncio.sleep_ms(1000 * min(_FIRST_PAUSE_S << min(failures, 6), _TOP_PAUSE_S))
            if not await _join(wlan, ssid, password):
                failures += 1
                if failures % _RADIO_RESTART == 0:
                    _restart(wlan)
                continue
            failures = 0
            self.ssid = ssid
            self.address, self.netmask, _, server = wlan.ifconfig()
            self.dns_servers = _servers(settings) or (server,)
            told(True)
            try:
                await self._stay(wlan)
            finally:
                self._forget()
                told(False)

    def _start(self, settings):
        if self.hostname:
            network.hostname(self.hostname)  # DHCP and mDNS take it from here, before the radio starts
        wlan = network.WLAN(network.WLAN.IF_STA)
        wlan.active(True)
        wlan.config(reconnects=0)  # else the driver tries for ever within itself, even with a wrong password
        if settings.get("static_ip_en"):
            ip, mask, router, dns = [settings.get(name) or _NO_ADDRESS for name in ("ip", "netmask", "gateway", "dns1")]
            try:
                wlan.ifconfig((ip, mask, router, dns))
            except ValueError:
                pass  # not addresses: the network's DHCP keeps the gateway reachable
        return wlan

    async def _stay(self, wlan):
        """Return when the connection is lost."""
        looks = 0
        while wlan.isconnected():
            if looks % _SIGNAL_LOOKS == 0:
                try:
                    self.rssi = wlan.status("rssi")
                except OSError:
                    pass  # lost this moment
            looks += 1
            await asyncio.sleep_ms(_LOOK_MS)

    def _forget(self):
        self.ssid = ""
        self.rssi = 0
        self.address = self.netmask = _NO_ADDRESS
        self.dns_servers = ()


async def _join(wlan, ssid, password):
    """Try once; return whether there is an address. The driver's status still names the last attempt's end: time decides."""
    try:
        wlan.connect(ssid, password)
        for _ in range(_JOIN_MS // _LOOK_MS):
            await asyncio.sleep_ms(_LOOK_MS)
            if wlan.isconnected():
                return True
        wlan.disconnect()
    except OSError:
        pass  # "Wifi Internal Error" and the like: the next attempt comes
    return False


def _restart(wlan):
    try:
        wlan.active(False)
        wlan.active(True)
    except OSError:
        pass


def _servers(settings):
    if not settings.get("static_ip_en"):
        return ()
    return tuple([settings.get(name) for name in ("dns1", "dns2") if settings.get(name)])
