"""/api/modbus_access: an administrator lets Modbus clients change this gateway for some minutes, for they have no login."""

from firmware.state.modbus_access import MOST_MINUTES, current, needed
from lib.http.errors import HttpError
from lib.http.json_text import put_items


async def get(gateway, request, response):
    access = current(gateway)
    left_s = 0 if access is None else access.left_s(gateway.clock.uptime_s())
    staged = 0 if access is None else len(access.staged)
    locked = gateway.settings.get("locked") == 1
    response.put(b"{")
    await put_items(response, (("locked", locked), ("left_s", left_s), ("staged", staged)))
    response.put(b"}")


async def post(gateway, request, response, body):
    """Take {"minutes": 10}: 1 to 10, from now on; 0 ends what was allowed and forgets what was written and not saved."""
    minutes = body.get("minutes")
    if not isinstance(minutes, int) or isinstance(minutes, bool) or not 0 <= minutes <= MOST_MINUTES:
        raise HttpError(400, f"minutes may be 0 to {MOST_MINUTES}")
    if minutes:
        needed(gateway).open(gateway.clock.uptime_s(), minutes)
        gateway.events.add("modbus", f"changes over Modbus allowed for {minutes} minutes")
    elif current(gateway):
        gateway.modbus_access = None
        gateway.events.add("modbus", "changes over Modbus no longer allowed")
    await get(gateway, request, response)
