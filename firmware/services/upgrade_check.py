"""Looks into latest.json which version is the newest (docs/upgrade.md); the signed header in it decides."""

import asyncio
from binascii import a2b_base64

from micropython import const

from firmware.services.upgrade_connect import TIMEOUT_MS, connector, told
from firmware.services.upgrade_install import device
from firmware.version import VERSION
from lib.http.client import Failed, get, join
from lib.http.json_body import parse
from lib.ota.header import SIZE, Header, numbers

_MOST = const(6144)  # bytes of latest.json: some ten boards
_AGAIN_S = const(600)  # after one that failed


async def run(gateway, is_wanted):
    """Learn what is the newest version. Return (url of its image, SHA-256 of its payload as text) if it is to be installed.

    is_wanted: somebody wants it now; else it is only if the settings say so, it is newer, and was not tried in vain.
    Whatever fails is told in gateway.upgrade.trouble. Raises that too if `is_wanted`.
    """
    state, settings = gateway.upgrade, gateway.settings
    try:
        header, url = await _latest(gateway)
    except Exception as error:
        cause, state.trouble = told(error)
        state.due_s = gateway.clock.uptime_s() + _AGAIN_S
        if is_wanted:
            raise
        return None
    state.trouble = ""
    is_new = numbers(header.version) > numbers(VERSION)
    if header.version != state.latest:
        state.latest = header.version
        if is_new:
            gateway.events.add("upgrade", f"version {header.version} can be installed")
    if not is_wanted:
        last = gateway.router.module("firmware.services.upgrade_trial").outcome(gateway)
        if not is_new or settings.get("upgrade_auto") != 2 or last and last["to"] == header.version:
            return None
    return url, header.total.hex()


async def _latest(gateway):
    """Return (header of the newest version, URL of its image)."""
    settings = gateway.settings
    url = settings.get("upgrade_url")
    if not url:
        raise Failed("address", "the settings have no address of latest.json")
    answer = await get(url, connector(gateway, settings.get("upgrade_certificate")), TIMEOUT_MS)
    try:
        size = _MOST if answer.size is None else answer.size
        content = memoryview(bytearray(min(size, _MOST) + 1))
        count = await answer.fill(content)
    finally:
        answer.close()
    try:
        if count > _MOST:
            raise ValueError
        entry = parse(content[:count])["images"].get(gateway.platform.board)
        if entry is None:
            raise Failed("board", "latest.json has no version for this board")
        where, raw = join(answer.url, entry["url"]), a2b_base64(entry["header"])
        if len(raw) != SIZE:
            raise ValueError
    except (Failed, MemoryError):
        raise
    except Exception:  # HttpError, KeyError, TypeError, ValueError: whatever it is, it is not in the form
        raise Failed("answer", "what lies at the address of latest.json is none")
    header = Header(raw)
    for _ in header.check(device(gateway)):
        await asyncio.sleep_ms(0)
    return header, where
