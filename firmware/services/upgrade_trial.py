"""The first start of a new version: it proves that all works as before and stays, or the version before it comes back.

/trial.json tells of the last upgrade that was tried: "from", "to" (versions), "slot" (that of "from"), "undone" (the
number of what was taken back before), "network", "ports", "troubles" (what worked before: docs/upgrade.md), "reason" once
there is one, and in the end "ok" and "time" (UTC).
"""

import asyncio
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from firmware.state.readings import PRESENT
from firmware.version import VERSION

_PATH = const("/trial.json")
_LOOK_MS = const(1000)
_ANSWER_MS = const(5000)
_NO_ADDRESS = const("0.0.0.0")
_REQUEST = const(b"GET / HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n")
_SILENT = const("it stopped or hung before it could say why (restarted by: %s)")


def prepare(gateway, version):
    """Write down what works now, just before the other slot is switched to. Raises OSError if the flash does not take it."""
    link, slots = gateway.platform.network, gateway.platform.slots
    _document(gateway).save(
        {
            "from": VERSION,
            "to": version,
            "slot": slots.running,
            "undone": slots.undone,
            "network": "" if link.address == _NO_ADDRESS else link.mode,
            "ports": list({device.port for device in gateway.readings.devices if device.status == PRESENT}),
            "troubles": gateway.troubles,
        }
    )


def outcome(gateway):
    """Return {"from", "to", "ok", "reason", "time"} of the last upgrade that was tried, None before and while one is."""
    tried = _document(gateway).load()
    if not tried or "ok" not in tried:
        return None
    return {name: tried.get(name, "") for name in ("from", "to", "ok", "reason", "time")}


def begin(gateway):
    """At the start: have a version that is on trial prove itself; tell of one that was taken back."""
    slots = gateway.platform.slots
    document = _document(gateway)
    tried = document.load() or {}
    if slots.is_on_trial:
        gateway.on_trial = True
        gateway.events.add("upgrade", f"version {VERSION} is on trial")
        asyncio.create_task(_prove(gateway, slots, document, tried))
    elif tried and "ok" not in tried:
        reason = ""
        if slots.running == tried.get("slot"):
            reason = tried.get("reason") or (
                "the boot loader did not start it"
                if slots.undone in (0, tried.get("undone"))
                else _SILENT % gateway.platform.reset_cause
            )
            gateway.events.add("upgrade", f"{tried['to']} was taken back: {reason}")
        _finish(gateway, document, tried, reason)


def interrupted(gateway):
    """Somebody restarts the gateway while it is on trial: the version before will come back, and knows why."""
    _excuse(_document(gateway), None, "it was restarted before it had proven itself")


async def _prove(gateway, slots, document, tried):
    end_ms = ticks_add(ticks_ms(), gateway.platform.trial_ms)
    while True:
        try:
            reason = _missing(gateway, tried) or await asyncio.wait_for_ms(_unserved(gateway.server.port), _ANSWER_MS)
        except Exception as error:  # whatever a version that does not work may raise
            reason = f"the self-test ended with {error!r}"
        if not reason:
            try:
                document.save(tried)  # files can be written
                slots.confirm()
                break
            except OSError:
                reason = "the flash cannot be written"
        if ticks_diff(end_ms, ticks_ms()) <= 0:
            return _give_up(gateway, document, tried, reason)
        await asyncio.sleep_ms(_LOOK_MS)
    gateway.on_trial = False
    gateway.events.add("upgrade", f"version {VERSION} has proven itself and stays")
    return _finish(gateway, document, tried, "")


def _missing(gateway, tried):
    """Return what does not work that worked before, in words, "" if nothing is missing."""
    if gateway.troubles > tried.get("troubles", 0):
        return "it could not read the settings"
    link, mode = gateway.platform.network, tried.get("network")
    if mode and (link.mode != mode or link.address == _NO_ADDRESS):
        return f"it had no connection by {mode}"
    answering = [device.port for device in gateway.readings.devices if device.status == PRESENT]
    for port in tried.get("ports") or ():
        if port not in answering:
            return f"nothing answered it on {port}"
    return ""


async def _unserved(port):
    """Ask the own web server for its first page, as a browser does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(_REQUEST)
        await writer.drain()
        line = await reader.readline()
    finally:
        writer.close()
        await writer.wait_closed()
    return "" if b" 200 " in line else "its web server did not answer"


def _give_up(gateway, document, tried, reason):
    gateway.events.add("upgrade", f"version {VERSION} gives up: {reason}")
    _excuse(document, tried, reason)
    gateway.on_trial = False
    gateway.restart()


def _excuse(document, tried, reason):
    """Leave the reason to the version that comes back."""
    tried = tried or document.load() or {}
    tried["reason"] = reason
    _save(document, tried)


def _finish(gateway, document, tried, reason):
    tried.update(ok=not reason, reason=reason, time=gateway.clock.utc())
    _save(document, tried)


def _save(document, tried):
    try:
        document.save(tried)
    except OSError:
        pass  # what happened is right, only nobody will read of it later


def _document(gateway):
    return gateway.document(gateway.platform.root + _PATH)
