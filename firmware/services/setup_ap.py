"""The gateway's own access point for who sets it up by its pages: on boards that phones' programs do not set up.

While firmware/services/network_search.py finds no network it awaits run(). In RAM only then. Its password is the code of the
label, which is the first password of `admin`, too. The pages are at http://192.168.4.1/.
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

_LOOK_MS = const(1000)
_MORE_MS = const(60000)  # after the last request
_MOST_MS = const(900000)


async def run(gateway, load, seconds):
    """Keep it open for that time; for longer, but not for ever, while somebody asks. Raises OSError if it does not start."""
    access_point = load("firmware.port.wlan_ap")
    radio = gateway.platform.access_point()
    name = load("firmware.services.provisioning_code").name(gateway.identity.mac)
    access_point.start(radio, name, gateway.identity.pop)
    try:
        began = asked = ticks_ms()
        requests = gateway.server.requests
        while True:
            await asyncio.sleep_ms(_LOOK_MS)
            now = ticks_ms()
            if gateway.server.requests != requests:
                requests, asked = gateway.server.requests, now
            passed_ms = ticks_diff(now, began)
            if passed_ms >= _MOST_MS or (passed_ms >= 1000 * seconds and ticks_diff(now, asked) >= _MORE_MS):
                return
    finally:
        access_point.stop(radio)
