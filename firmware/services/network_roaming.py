"""From a weak access point to a stronger one of the same network. In RAM only meanwhile."""

from micropython import const

from firmware.services.wifi_networks import stored
from lib.text.ssid import to_bytes

_BETTER_DB = const(12)  # less may be chance: the gateway would go to and fro


async def roam(gateway, load, wlan):
    """Join another access point of the network if there is a much stronger one. Where that fails, the connection is lost."""
    ssid, present_dbm, weak = wlan.ssid, wlan.rssi, wlan.bssid
    actions, name = load(wlan.actions), to_bytes(ssid)
    best, best_dbm = None, present_dbm + _BETTER_DB - 1
    for found, bssid, _, dbm, _, _ in await actions.scan(wlan):
        if found == name and bssid != weak and dbm > best_dbm:
            best, best_dbm = bssid, dbm
    if best is None or not wlan.look():
        return
    outcome = await actions.join(wlan, name, dict(stored(gateway.settings)).get(ssid, ""), best)
    if outcome == "connected":
        wlan.ssid = ssid
        gateway.events.add("network", f"{ssid}: changed to an access point with {best_dbm} dBm, from {present_dbm} dBm")
