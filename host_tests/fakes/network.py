"""A fake of the module `network` of the ESP32 with one access point, whose password is "secret"."""

journal = []
names = []


def hostname(name):
    """DHCP takes it when a connection begins, mDNS when there is the first address: for ever."""
    names.append(name)
    journal.append(("hostname", name))


class WLAN:
    IF_STA = 0
    there = True  # the access point
    internal_errors = 0  # how many times connect() is to raise

    def __init__(self, interface):
        self._active = self._joined = False
        self._addresses = ("192.168.1.50", "255.255.255.0", "192.168.1.1", "192.168.1.1")

    def active(self, state):
        self._active = state
        journal.append(("active", state))

    def config(self, **settings):
        assert self._active
        journal.append(("config", settings))

    def connect(self, ssid, password):
        journal.append(("connect", ssid, password))
        if WLAN.internal_errors:
            WLAN.internal_errors -= 1
            raise OSError("Wifi Internal Error")
        self._joined = password == "secret"

    def disconnect(self):
        journal.append(("disconnect",))
        self._joined = False

    def isconnected(self):
        return self._joined and WLAN.there

    def status(self, what):
        assert what == "rssi"
        return -61

    def ifconfig(self, addresses=None):
        if addresses is None:
            return self._addresses
        for address in addresses:
            if address.count(".") != 3:
                raise ValueError("invalid arguments")
        self._addresses = addresses
        return None
