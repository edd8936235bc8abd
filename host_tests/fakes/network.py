"""A fake of the module `network` of the ESP32: a station and an access point over the rig's fakes, and Ethernet."""

from firmware.port.radio_fake import AccessPointFake, RadioFake

ETH_INITIALIZED, ETH_STARTED, ETH_STOPPED, ETH_CONNECTED, ETH_DISCONNECTED, ETH_GOT_IP = range(6)
PHY_LAN8720 = 1

journal = []
names = []


def hostname(name):
    """DHCP takes it when a connection begins, mDNS when there is the first address: for ever."""
    names.append(name)
    journal.append(("hostname", name))


class WLAN(RadioFake):
    IF_STA = 0
    IF_AP = 1
    in_reach = ()  # access points, for those that are made next

    def __init__(self, interface):
        super().__init__(list(WLAN.in_reach))
        self._own = None
        if interface == WLAN.IF_AP:
            self._own = AccessPointFake(lambda ssid, key: journal.append(("ap", ssid, key)))

    def active(self, is_on):
        journal.append(("active", is_on))
        if self._own:
            self._own.active(is_on)
        else:
            super().active(is_on)

    def config(self, **how):
        if self._own:
            self._own.config(**how)
        else:
            super().config(**how)

    def connect(self, ssid, key=None, *, bssid=None):
        journal.append(("connect", ssid, key))
        super().connect(ssid, key, bssid=bssid)


class LAN:
    """`state` and `address` are the test's to set."""

    made = []

    def __init__(self, **how):
        journal.append(("lan", how))
        self.is_on = False
        self.state = ETH_INITIALIZED
        self.address = "0.0.0.0"
        self.static = None
        LAN.made.append(self)

    def active(self, is_on):
        self.is_on = is_on
        self.state = ETH_STARTED if is_on else ETH_STOPPED

    def plug(self, address="192.168.7.20"):
        """The cable is in, and DHCP has answered."""
        self.state = ETH_GOT_IP
        self.address = address

    def unplug(self):
        self.state = ETH_DISCONNECTED
        self.address = "0.0.0.0"

    def status(self):
        return self.state

    def isconnected(self):
        return self.state == ETH_GOT_IP

    def ifconfig(self, addresses=None):
        if addresses is not None:
            self.static = addresses
            return None
        if self.static:
            return self.static
        return (self.address, "255.255.255.0", "192.168.7.1", "192.168.7.1")


class PPP:
    """`is_up` and `error` (negative) are the test's to set, `polls` to see. `is_slow`: it never has said goodbye."""

    SEC_NONE, SEC_PAP, SEC_CHAP = 0, 1, 2
    made = []

    def __init__(self, stream):
        self.stream = stream
        self.is_up = False
        self.error = 0
        self.polls = 0
        self.is_at_work = False
        self.is_slow = False
        PPP.made.append(self)

    def connect(self, security=SEC_NONE, user="", key=""):
        if self.is_at_work:
            raise OSError("already")
        self.is_at_work = True
        journal.append(("ppp", security, user, key))

    def disconnect(self):
        journal.append(("ppp off",))
        self.is_up = False
        self.is_at_work = self.is_slow

    def poll(self):
        self.polls += 1

    def isconnected(self):
        return self.is_up

    def status(self):
        return self.error or (4 if self.is_up else 3 if self.is_at_work else 1)

    def ifconfig(self):
        return ("10.64.1.2", "255.255.255.255", "10.64.64.64", "10.64.0.1") if self.is_up else ("0.0.0.0",) * 4
