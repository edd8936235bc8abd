"""The connection to the network: the task that has one made, watches it, and has another one made when it is lost.

What is done while there is none lies in firmware/services/network_search.py, and is in RAM only meanwhile. docs/network.md
tells all of it.
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

_LOOK_MS = const(1000)
_WEAK_DBM = const(-70)
_ROAM_MS = const(300000)  # between two searches for a stronger access point: each is an interruption


async def run(gateway, load, told_mode, told, provision):
    """Keep the gateway connected, for ever.

    `gateway.platform` has the drivers `wlan` and `lan` (Ethernet or a modem; None), and `network`: the one in use, for all to
    see. `load(name)` returns a module that is in RAM only while it is used. `told_mode(mode)` hears "connecting",
    "provisioning" and "operational", `told(is_up)` of each change. `provision(seconds)` is awaited when no network can be
    joined; meanwhile `gateway.trial` is the Trial (firmware/services/network_trial.py) by which new credentials are tried.
    """
    lan = gateway.platform.lan
    while True:
        await load("firmware.services.network_search").search(gateway, load, told_mode, provision)
        link = gateway.platform.network
        told_mode("operational")
        told(True)
        looked_ms = ticks_ms()
        try:
            while link.look():
                await asyncio.sleep_ms(_LOOK_MS)
                if lan and lan is not link and lan.look():
                    break
                if link.mode == "WiFi" and link.rssi < _WEAK_DBM and ticks_diff(ticks_ms(), looked_ms) > _ROAM_MS:
                    looked_ms = ticks_ms()
                    await load("firmware.services.network_roaming").roam(gateway, load, link)
        finally:
            link.forget()
            told(False)
