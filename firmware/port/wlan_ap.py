"""The gateway's own access point, up and down: what phones join that bring a network. In RAM only meanwhile.

Its address is 192.168.4.1, and it answers DHCP; the chip's driver does both by itself. There is one radio: as a station the
gateway moves the access point to the channel of the network that it joins, which phones may take for its end, and while it
looks around they have to wait.

`ap`: network.WLAN(IF_AP), or what plays it (firmware/port/radio_fake.py).
"""

from micropython import const

_WPA2 = const(3)


def start(ap, name, password):
    """Have an access point of this name. Raises OSError; ValueError if that can be no password: it is never an open one.

    It can be named only once it is on; no longer than that it has the driver's own name.
    """
    if not 8 <= len(password) <= 63 or len(password.encode()) != len(password):
        raise ValueError("this code cannot be the password of an access point")
    ap.active(True)
    ap.config(ssid=name, security=_WPA2, key=password)


def stop(ap):
    """Take the access point down; a connection of the station stays."""
    try:
        ap.active(False)
    except OSError:
        pass  # it did not start
