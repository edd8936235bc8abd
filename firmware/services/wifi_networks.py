"""The networks that the settings hold: which they are, and how another one comes first. No service, but a part of several."""

from firmware.state import schema

OTHERS = 3


def stored(settings):
    """Return [(ssid as text, password)], the one that was added last first."""
    found = []
    for number in range(OTHERS + 1):
        ssid = value(settings, _place(number) + "ssid")
        if ssid:
            found.append((ssid, value(settings, _place(number) + "password")))
    return found


def value(settings, name):
    """Return a setting without its default being remembered: there is room for those only that are asked for all the time."""
    return settings.value(schema.find(name))


def with_first(settings, ssid, password):
    """Return the change of settings by which a network becomes the first; the others move back, the last falls out."""
    networks = [(ssid, password)] + [network for network in stored(settings) if network[0] != ssid]
    changes = {}
    for number in range(OTHERS + 1):
        ssid, password = networks[number] if number < len(networks) else ("", "")
        changes[_place(number) + "ssid"] = ssid
        changes[_place(number) + "password"] = password
    return changes


def static_address(settings):
    """Return ((own, mask, router, DNS), DNS servers): what the drivers' start() takes; (None, ()) where DHCP decides."""
    if not value(settings, "static_ip_en"):
        return None, ()
    addresses = tuple([value(settings, name) or "0.0.0.0" for name in ("ip", "netmask", "gateway", "dns1")])
    return addresses, tuple([server for server in (addresses[3], value(settings, "dns2")) if server not in ("", "0.0.0.0")])


def _place(number):
    return f"wifi_other{number}_" if number else "wifi_"
