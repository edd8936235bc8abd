"""Credentials that somebody brings, tried before they are kept: what a service of provisioning does with the radio.

There is one while provisioning runs: `gateway.trial`. In RAM only meanwhile.
"""

import asyncio
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from firmware.services.wifi_networks import with_first
from firmware.state import schema
from lib.text.ssid import to_text

_WHOLE_MS = const(25000)  # clients ask without an end: the gateway gives up
_TRIES = const(2)  # an access point may refuse once for no reason


class Trial:
    """`state`: "disconnected" (nothing was tried yet), "connecting", "connected", "failed". `reason` of a failure:
    "auth_error" or "not_found"; `details` of a success: (address, ssid, bssid, channel, auth), numbers as the driver's,
    bssid None and channel and auth 0 if the network was not seen.

    `hold`: the stored networks are not tried meanwhile; set by scan() and try_network(), and by a service that has a client.
    `radio`: the lock of who uses it; `needs_radio`: somebody waits for it. `delay_ms`: what is wanted is tried so much later;
    for a service whose answers go over the same radio.
    """

    def __init__(self, gateway, actions):
        """`actions`: the module of the driver's functions."""
        self._gateway = gateway
        self._wlan = gateway.platform.wlan
        self._actions = actions
        self.needs_radio = False
        self.radio = asyncio.Lock()
        self.hold = False
        self.delay_ms = 0
        self._seen = ()
        self.forget()

    def forget(self):
        """Begin anew: nothing was tried."""
        self.state = "disconnected"
        self.reason = self.details = self._wanted = self._proven = None

    async def scan(self):
        """Return what is in reach: the driver's list, the strongest first; hidden ones have no name."""
        self.hold = True
        self.needs_radio = self.state != "connecting"
        async with self.radio:
            self.needs_radio = False
            seen = await self._actions.scan(self._wlan)
        seen.sort(key=lambda found: -found[3])
        self._seen = seen
        return seen

    def try_network(self, ssid, password, bssid=None, channel=0):
        """Have a network tried soon; `ssid` and `password` in bytes, `bssid` if it must be that access point.

        `channel` does not matter: the driver finds it. Raises ValueError for what cannot be the settings of a network.
        """
        if not ssid or (bssid and len(bssid) != 6):
            raise ValueError("the name of a network is expected")
        text = schema.find("wifi_ssid").check(to_text(ssid))
        password = schema.find("wifi_password").check(str(bytes(password), "utf-8"))
        self.forget()
        self._wanted = (bytes(ssid), text, password, bssid or None)
        self._due = ticks_add(ticks_ms(), self.delay_ms)
        self.state = "connecting"
        self.hold = self.needs_radio = True

    def is_wanted(self):
        """Return whether something waits to be tried, and its time has come."""
        return self._wanted is not None and ticks_diff(ticks_ms(), self._due) >= 0

    async def attempt(self):
        """Try what waits. Only the search calls this, so that nobody else has the radio."""
        wanted, self._wanted = self._wanted, None
        ssid, text, password, bssid = wanted or (b"", "", "", None)
        wlan, began = self._wlan, ticks_ms()
        outcome = ""
        async with self.radio:
            self.needs_radio = False
            for tries in range(_TRIES):
                left_ms = _WHOLE_MS - ticks_diff(ticks_ms(), began)
                outcome = await self._actions.join(wlan, ssid, password, bssid, left_ms // (_TRIES - tries), self.is_wanted)
                if outcome in ("connected", "aborted"):
                    break
        if self._wanted or outcome == "aborted":  # somebody wants another one by now
            self.state = "connecting" if self._wanted else "failed"
        elif outcome == "connected":
            wlan.ssid = text
            self.details = self._details(ssid, bssid)
            self._proven = (text, password)
            self.state = "connected"
        else:
            self.reason = "auth_error" if outcome == "wrong password" else "not_found"
            self.state = "failed"

    def keep(self):
        """Store what worked as the first network, the former first one as a further one; if nothing worked, do nothing.

        One change of settings: a power cut leaves the old ones or the new ones. An event tells if the flash does not take it.
        """
        if self._proven is None:
            return
        settings, proven = self._gateway.settings, self._proven
        was_needed = settings.restart_needed
        try:
            changed = settings.change(with_first(settings, *proven))
            self._proven = None
            if changed:
                self._gateway.events.add("settings", f"{proven[0]} is now the first network")
        except OSError as error:
            self._gateway.events.add("settings", f"{proven[0]} could not be kept: {error!r}")
        settings.restart_needed = was_needed  # it is in use already

    def _details(self, ssid, bssid):
        for found in self._seen:
            if found[0] == ssid and bssid in (None, found[1]):
                return self._wlan.address, ssid, found[1], found[2], found[4]
        return self._wlan.address, ssid, bssid, 0, 0
