"""How a connection is found: Ethernet or a modem, the stored wireless networks, provisioning, and from the beginning, for ever.

In RAM only while there is no connection. SG manual, 3.2: 30 s for the networks, then 3 minutes of provisioning, then again.
"""

import asyncio
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from firmware.services.wifi_networks import static_address, stored, value
from lib.text.ssid import to_bytes

_LOOK_MS = const(250)
_CONNECT_MS = const(30000)
_PROVISION_S = const(180)
_ETHERNET = const(1)  # or a modem, on a board that has one
_RADIO_RESTART = const(5)  # failures in a row: it may be stuck
_FIRST_PAUSE_S = const(1)  # between two rounds through the networks
_TOP_PAUSE_S = const(60)
_FAILED_S = const(10)  # after what should not fail
_JOIN_MS = const(15000)
_SHORTEST_JOIN_MS = const(4000)
_REMEMBERED = const(4)  # sentences
_ASKED_MS = const(30000)  # that a client of provisioning has to learn that it worked


class _Search:
    """One search. `ends`: how the last attempt with each network ended."""

    def __init__(self, gateway, load, told_mode, provision):
        self.gateway = gateway
        self.platform = gateway.platform
        self.settings = gateway.settings
        self.actions = load(self.platform.wlan.actions)
        self.load = load
        self.told_mode = told_mode
        self.provision = provision
        self.networks = stored(gateway.settings)
        self.rounds = self.failures = 0
        self.ends = {}
        self.told = []

    async def run(self):
        """Return when platform.network is connected."""
        platform = self.platform
        if await self._is_on_ethernet():
            return
        platform.network = platform.wlan
        while not self._start(platform.wlan):
            await asyncio.sleep(_FAILED_S)
        while not await self._connect() and not await self._provision():
            self.networks = stored(self.settings)

    async def _is_on_ethernet(self):
        """Return whether Ethernet, or a modem, is connected; wait its time, for ever if nothing else may take its place."""
        lan, is_wished = self.platform.lan, self._wishes_ethernet()
        if lan is None or (self.networks and not is_wished):
            return False
        self.told_mode("connecting")
        self.platform.network = lan
        while not self._start(lan):
            await asyncio.sleep(_FAILED_S)
        until = ticks_add(ticks_ms(), lan.patience_ms)
        is_only = is_wished and not value(self.settings, "lan_fallback")
        while not lan.look():
            if not is_only and ticks_diff(until, ticks_ms()) <= 0:
                self._tell("no link on " + lan.mode)
                return False
            await asyncio.sleep_ms(_LOOK_MS)
        self.actions.leave(self.platform.wlan)  # it may have stood in
        return True

    def _wishes_ethernet(self):
        return value(self.settings, "connection_mode") == _ETHERNET

    def _start(self, link):
        try:
            self.load(link.actions).start(link, *static_address(self.settings))
            return True
        except OSError as error:
            self._tell(f"{link.mode} does not start: {error!r}")
            return False

    async def _connect(self):
        """Go through the networks again and again for 30 s, or as often as the settings say; return whether one was joined."""
        if not self.networks:
            return False
        self.told_mode("connecting")
        most = value(self.settings, "wifi_max_retry")
        until = ticks_add(ticks_ms(), _CONNECT_MS)
        self.rounds = 0
        while True:
            if await self._round(until):
                return True
            left_ms = ticks_diff(until, ticks_ms())
            is_last = self.rounds == most or left_ms < self._pause_ms() + _SHORTEST_JOIN_MS
            if self.rounds != most and await self._pause(left_ms if is_last else self._pause_ms()):
                return True
            if is_last:
                break
        self._tell("no connection: " + ", ".join([f"{ssid} {self.ends.get(ssid, 'not tried')}" for ssid, _ in self.networks]))
        return False

    async def _pause(self, ms):
        """Wait; return at once whether Ethernet came meanwhile."""
        until = ticks_add(ticks_ms(), ms)
        while ticks_diff(until, ticks_ms()) > 0:
            if self._has_ethernet():
                return True
            await asyncio.sleep_ms(min(_LOOK_MS, ticks_diff(until, ticks_ms())))
        return False

    def _pause_ms(self):
        return 1000 * min(_FIRST_PAUSE_S << max(0, min(self.rounds - 1, 6)), _TOP_PAUSE_S)

    def _has_ethernet(self):
        platform = self.platform
        if platform.lan is None or not platform.lan.look():
            return False
        self.actions.leave(platform.wlan)
        platform.network = platform.lan
        return True

    async def _round(self, until):
        """Try each network once, before the ticks `until`; return whether one was joined.

        The first is tried unseen, which is fastest. The others are looked for; what hides itself is tried where anything
        that hides itself is in reach.
        """
        wlan, networks = self.platform.wlan, self.networks
        seen = None
        self.rounds += 1
        for number, (ssid, password) in enumerate(networks):
            left_ms = ticks_diff(until, ticks_ms())
            if number and left_ms < _SHORTEST_JOIN_MS:
                break
            name = to_bytes(ssid)
            bssid, outcome = None, "not found"
            if number and seen is None:
                seen = await self.actions.scan(wlan)
            if number == 0 or _is_near(seen, name):
                if number and self.rounds % 2:  # by turns: the strongest may be one that does not take the gateway in
                    bssid = _strongest(seen, name)
                share_ms = max(_SHORTEST_JOIN_MS, min(_JOIN_MS, left_ms // (len(networks) - number)))
                outcome = await self.actions.join(wlan, name, password, bssid, share_ms, self._is_over)
                self.failures += 1
            if outcome == "connected":
                wlan.ssid = ssid
                return True
            if outcome == "aborted":
                return False
            if self.failures == _RADIO_RESTART:
                self.failures = 0
                self.actions.restart(wlan)
            self.ends[ssid] = outcome
        return False

    def _is_over(self):
        """Return whether somebody needs the radio for better than the stored networks."""
        return self.gateway.trial is not None and self.gateway.trial.needs_radio

    async def _provision(self):
        """Let credentials be brought, for three minutes; return whether there is a connection.

        Meanwhile the stored networks are tried now and then, unless somebody is there: after a power failure an access point
        may take longer to come back than the gateway.
        """
        gateway, wlan = self.gateway, self.platform.wlan
        self.told_mode("provisioning")
        trial = gateway.trial = self.load("firmware.services.network_trial").Trial(gateway, self.actions)
        provision = asyncio.create_task(self._provisioning())
        try:
            joined = None  # since when credentials that were brought work
            due = ticks_add(ticks_ms(), self._pause_ms())
            while not provision.done() or trial.is_wanted():
                await asyncio.sleep_ms(_LOOK_MS)
                now = ticks_ms()
                if trial.is_wanted():
                    await trial.attempt()
                    joined = ticks_ms() if trial.state == "connected" else None
                elif joined is not None:
                    if not wlan.look() or ticks_diff(now, joined) > _ASKED_MS:
                        break
                elif self._has_ethernet():
                    return True
                elif not trial.hold and self.networks and ticks_diff(now, due) > 0:
                    async with trial.radio:
                        if await self._round(ticks_add(now, _CONNECT_MS)):
                            return True
                    due = ticks_add(ticks_ms(), self._pause_ms())
            trial.keep()
            if wlan.look() and self.platform.lan and not self._wishes_ethernet():
                self.load(self.platform.lan.actions).leave(self.platform.lan)  # it stood in for want of a network
            return wlan.look()
        finally:
            gateway.trial = None
            provision.cancel()

    async def _provisioning(self):
        """Await the service of provisioning; if it ends by an error, not at once again."""
        try:
            await self.provision(_PROVISION_S)
        except Exception as error:  # of another service: the search goes on
            self._tell(f"provisioning failed: {error!r}")
            await asyncio.sleep(_FAILED_S)

    def _tell(self, text):
        """Leave an event, unless there was the same in this search."""
        if text not in self.told:
            self.told = self.told[-_REMEMBERED:] + [text]
            self.gateway.events.add("network", text)


def _is_near(seen, name):
    return any([found[0] == name or found[5] for found in seen]) or not seen


def _strongest(seen, name):
    best = None
    for found in seen:
        if found[0] == name and (best is None or found[3] > best[3]):
            best = found
    return best and best[1]


async def search(gateway, load, told_mode, provision):
    """Return when the gateway is connected. The arguments: see firmware/services/network.py."""
    await _Search(gateway, load, told_mode, provision).run()
