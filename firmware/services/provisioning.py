"""A phone gives the gateway its Wi-Fi: Espressif's provisioning (lib/provision) with what this product adds.

Over Bluetooth, or over an access point of the gateway's own where the settings say so or there is no Bluetooth; never both.

While firmware/services/network_search.py finds no network it awaits run(). In RAM only then. docs/provisioning.md tells what
the installer does, and why it is as it is.
"""

import asyncio
import os
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from firmware.services.wifi_networks import value
from lib.provision.errors import INTERNAL_ERROR, INVALID_ARGUMENT, SUCCESS, Refused
from lib.provision.wifi import AUTH_ERROR, CONNECTED, CONNECTING, FAILED, NETWORK_NOT_FOUND

_UUID = const("5d8ec4a1-3f0b-4c52-9b1e-8a4f6d2b7c90")  # ours, drawn by lot: phones take it from the advertisement
_ENDPOINTS = const(("prov-ctrl", "prov-scan", "prov-session", "prov-config", "proto-ver"))  # their numbers go by this order
_USER = const(b"wifiprov")  # of security 2: what the phones' programs take when nobody tells them another
_SALT_BYTES = const(16)
_LOOK_MS = const(250)
_SCAN_MS = const(100)  # between two looks whether a scan has ended
_CLIENT_MS = const(60000)  # more for who is connected at the end
_MOST_MS = const(900000)  # in all
_SEEN_MS = const(3000)  # that the phone has to take in that it worked
_ASK_MS = const(15000)  # that it has to ask; connected again, perhaps


def bluetooth(gateway, load):
    """Return what the platform's bluetooth() does, None if phones are to come over the gateway's own access point."""
    if value(gateway.settings, "wifi_ap_enabled"):
        return None
    try:
        return gateway.platform.bluetooth(load)
    except ImportError:  # this build has none
        return None


async def run(gateway, load, seconds):
    """Return when credentials that a phone brought work and it has learned so, or after that time without a phone.

    One that is connected at the end gets a minute more, and another, but not for ever. Raises what Bluetooth or the access
    point raises when it does not start.
    """
    security = gateway.settings.get("prov_security")
    for module in (f"security{security}", "provisioner"):  # here, so that they go again
        load("lib.provision." + module)
    secret = gateway.identity.pop.encode()
    if security == 2:
        secret = await _verifier(load, secret)
    service = _Service(gateway, load, security, secret)
    air = bluetooth(gateway, load)
    if air:
        kind = load("firmware.port.ble_aioble").Transport
        transport = kind(air, _UUID, _ENDPOINTS, service.answer, service.gone)
    else:
        kind = load("firmware.services.provisioning_ap").Transport
        transport = kind(gateway, load("firmware.port.wlan_ap"), _ENDPOINTS, service.answer, service.gone)
    errors = []
    name = load("firmware.services.provisioning_code").name(gateway.identity.mac)
    radio = asyncio.create_task(_radio(transport, name, errors))
    try:
        await _wait(service, transport, errors, 1000 * seconds)
    finally:
        radio.cancel()
        try:
            await radio
        except asyncio.CancelledError:
            pass
    if air and gateway.trial.state == "connected" and not gateway.platform.is_host:
        # Only a restart gives back all memory that Bluetooth took, and in one piece; the host's Bluetooth is a fake.
        gateway.trial.keep()
        gateway.events.add("start", "restart after provisioning")
        gateway.restart()


async def _verifier(load, password):
    """Return (salt, verifier) of security 2, made anew each time: some seconds of arithmetic, and nothing to keep on flash."""
    salt = b"\0"
    while not salt[0]:  # some clients would drop the zero
        salt = os.urandom(_SALT_BYTES)
    steps = load("lib.crypto.srp").verifier(_USER, password, salt)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return salt, end.value
        await asyncio.sleep_ms(0)


async def _radio(transport, name, errors):
    try:
        await transport.run(name)
    except Exception as error:
        errors.append(error)


async def _wait(service, transport, errors, ms):
    began = ticks_ms()
    until = ticks_add(began, ms)
    works_ms = None  # since when
    trial = service.trial
    while not errors:
        await asyncio.sleep_ms(_LOOK_MS)
        now = ticks_ms()
        if trial.state == "connected":
            works_ms = now if works_ms is None else works_ms
            told_ms = service.told_ms
            if ticks_diff(now, works_ms) > _ASK_MS:
                return
            if told_ms is not None and (transport.connection is None or ticks_diff(now, told_ms) > _SEEN_MS):
                return
            continue
        works_ms = None
        if ticks_diff(now, began) > _MOST_MS:
            return
        if transport.connection is not None and ticks_diff(until, now) < _CLIENT_MS:
            until = ticks_add(now, _CLIENT_MS)
        elif ticks_diff(until, now) < 0 and trial.state != "connecting":
            return
    raise errors[0]


class _Service:
    """What answers the requests, and `trial` for the methods of `wifi` (lib/provision/wifi.py)."""

    def __init__(self, gateway, load, security, secret):
        self.trial = gateway.trial
        self.told_ms = None  # when the client was first told that its credentials work
        self._gateway = gateway
        document = load("lib.store.document").Document(gateway.platform.root + "/provisioning.json")
        self._guard = load("firmware.services.provisioning_guard").Guard(document, gateway.events)
        self._client = None
        self._scan = None
        self._seen = ()
        self._wish = None
        self._is_applied = False
        self._provisioner = load("lib.provision.provisioner").Provisioner(
            security, secret, self, os.urandom, self._guard.failed
        )

    async def answer(self, connection, endpoint, request):
        """Return the answer to a request, None for an error."""
        provisioner = self._provisioner
        if connection is not self._client:
            self._client = connection
            provisioner.disconnected()
            self._gateway.events.add("network", "provisioning: a phone is connected")
        if endpoint == "prov-session" and self._guard.is_paused():
            return None
        steps = provisioner.handle(endpoint, request)
        try:
            while True:
                try:
                    next(steps)
                except StopIteration as end:
                    answer = end.value
                    break
                await asyncio.sleep_ms(_SCAN_MS if endpoint == "prov-scan" else 0)
                if not connection.is_connected():
                    return None
        except Refused:
            return None
        except Exception as error:  # no memory, most likely: the phone may ask again
            self._gateway.crashed("provisioning", error)
            return None
        finally:
            steps.close()
        if provisioner.established and endpoint == "prov-session":
            self.trial.hold = True  # the stored networks must wait: somebody has better ones
            self._guard.passed()
            self._wish = None  # of an earlier session, if the phone's program began anew
            self._is_applied = False
        return answer

    def gone(self):
        """The client is away, or there was none."""
        self._client = self._wish = None
        self._is_applied = False
        self._provisioner.disconnected()
        self.trial.hold = False

    # The contract of lib/provision/wifi.py.

    def start_scan(self, passive):
        if self.scan_finished():
            self._seen = ()
            self._scan = asyncio.create_task(self._look())
        return True

    async def _look(self):
        try:
            self._seen = await self.trial.scan()
        except Exception as error:
            self._gateway.crashed("scan", error)

    def scan_finished(self):
        return self._scan is None or self._scan.done()

    def networks(self):
        return [
            (ssid, channel, rssi, bssid, auth) for ssid, bssid, channel, rssi, auth, is_hidden in self._seen if not is_hidden
        ]

    def set_config(self, ssid, passphrase, bssid, channel):
        if not ssid:
            return INVALID_ARGUMENT
        if self.trial.state == "failed":
            self.trial.forget()
        self._wish = (ssid, passphrase, bssid, channel)
        self._is_applied = self._is_applied and self.trial.state == "connecting"
        return SUCCESS

    def apply(self):
        """The trial knows how long the answer needs to get out before the radio moves."""
        if self._wish is None or self._is_applied:
            return INTERNAL_ERROR
        try:
            self.trial.try_network(*self._wish)
        except ValueError:
            return INTERNAL_ERROR
        self.told_ms = None
        self._is_applied = True
        return SUCCESS

    def state(self):
        trial = self.trial
        if trial.state == "connected":
            if self.told_ms is None:
                self.told_ms = ticks_ms()
            address, ssid, bssid, channel, auth = trial.details
            return CONNECTED, (address, auth, ssid, bssid or b"", channel)
        if trial.state == "failed":
            self._is_applied = False
            return FAILED, AUTH_ERROR if trial.reason == "auth_error" else NETWORK_NOT_FOUND
        return CONNECTING, None

    def reset(self):
        if self.trial.state != "failed":
            return INTERNAL_ERROR
        self.trial.forget()
        self._wish = None
        self._is_applied = False
        return SUCCESS

    def reprovision(self):
        """No: when it worked, provisioning ends by itself."""
        return INTERNAL_ERROR
