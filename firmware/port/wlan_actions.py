"""What a station does now and then: start, join, scan, leave. In RAM only meanwhile; see firmware/port/net_wlan.py.

Rules of the chip's driver that are kept here: it never connects by itself (reconnects=0), for it would try for ever, even with
a wrong password; connecting comes a second after disconnecting; after failures in a row it is switched off and on, for it may
be stuck.
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

_LOOK_MS = const(200)
_PAUSE_MS = const(1000)  # between leaving and joining: sooner the driver refuses at times
_STALE_MS = const(6000)  # a status that was there before is believed after this: an attempt does not clear it
_SCAN_MS = const(15000)  # no scan takes longer
_IDLE = const(1000)
_CONNECTING = const(1001)
_GOT_IP = const(1010)


def start(wlan, addresses=None, dns_servers=()):
    """Switch the radio on unless it is; `addresses`: (own, mask, router, DNS) if they are static. Raises OSError."""
    if wlan.radio is None:
        radio = wlan.make_radio()
        radio.active(True)
        radio.config(reconnects=0)
        if addresses:
            try:
                radio.ifconfig(addresses)
            except ValueError:
                pass  # not addresses: DHCP keeps the gateway reachable
        wlan.static_servers = dns_servers
        wlan.radio = radio


def restart(wlan):
    """Switch the radio off and on."""
    try:
        wlan.radio.active(False)
        wlan.radio.active(True)
    except OSError:
        pass  # the next attempt may do better


def leave(wlan):
    """Switch the radio off."""
    wlan.forget()
    radio, wlan.radio = wlan.radio, None
    if radio:
        try:
            radio.disconnect()
        except OSError:
            pass  # it was not connected
        radio.active(False)


async def join(wlan, ssid, password, bssid=None, patience_ms=15000, is_over=None):
    """Try once to join a network, `ssid` in bytes; it need not be visible. Return how that ended.

    "connected", "wrong password" (or whatever the access point calls so), "not found", "no address" (DHCP did not answer),
    "no answer", "driver error"; "aborted" when `is_over()`, if it is given, becomes true.
    """
    radio = wlan.radio
    wlan.forget()
    try:
        before = radio.status()
        if before != _IDLE:
            radio.disconnect()
            await asyncio.sleep_ms(_PAUSE_MS)
            before = radio.status()
        radio.connect(ssid, password or None, bssid=bssid)
        outcome = await _outcome(radio, before, patience_ms, is_over)
        if outcome != "connected":
            radio.disconnect()
        else:
            wlan.bssid = bssid
            wlan.look()
        return outcome
    except OSError:  # "Wifi Internal Error" and the like
        return "driver error"


async def _outcome(radio, before, patience_ms, is_over):
    """Wait for the end of an attempt. `before`: the status when it began."""
    began = ticks_ms()
    is_new = False
    while not radio.isconnected():
        status = radio.status()
        is_failure = status not in (_IDLE, _CONNECTING, _GOT_IP)
        passed_ms = ticks_diff(ticks_ms(), began)
        is_new = is_new or status != before or passed_ms > _STALE_MS
        if is_failure and (is_new or passed_ms >= patience_ms):
            return _name(status)
        if is_over and is_over():
            return "aborted"
        if passed_ms >= patience_ms:
            try:
                radio.status("rssi")
                return "no address"
            except OSError:  # no access point took the gateway in
                return "no answer"
        await asyncio.sleep_ms(_LOOK_MS)
    return "connected"


def _name(status):
    if status in (202, 204, 210, 14, 15):  # authentication, handshake: all look alike, most often it is the password
        return "wrong password"
    return "not found" if status in (201, 211, 212) else "no answer"


async def scan(wlan):
    """Return what is in reach, once: a list of (ssid, bssid, channel, rssi, auth, is_hidden), ssid b"" if it is hidden.

    Takes two seconds or more, in which a connection stands still. The driver's scan blocks, but lets threads run: it has one
    of its own, with 4 KB of the chip's memory meanwhile, so that the loop goes on.
    """
    box = []
    try:
        wlan.start_thread(_scan, (wlan.radio, box))
        for _ in range(_SCAN_MS // _LOOK_MS):
            if box:
                return box[0]
            await asyncio.sleep_ms(_LOOK_MS)
    except (OSError, RuntimeError):
        pass  # no memory for a thread
    return []


def _scan(radio, box):
    found = []
    try:
        for ssid, bssid, channel, rssi, auth, _ in radio.scan():  # the last is always False
            found.append((ssid, bssid, channel, rssi, auth, not ssid.strip(b"\0")))
    except (OSError, MemoryError):
        pass  # it does not scan while it connects
    box.append(found)
