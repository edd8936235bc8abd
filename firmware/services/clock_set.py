"""The time that a person's computer knows: POST /api/clock, for networks without a time server."""

from lib.http.json_text import put_errors


async def post(gateway, request, response, body):
    """`utc`: milliseconds since 1970."""
    try:
        step_ms = gateway.clock.set(int(body.get("utc_ms")), request.user)
    except (ValueError, TypeError):
        return await put_errors(response, {"utc_ms": "milliseconds since 1970 are expected, of a time from 2000 to 2105"})
    gateway.events.add("time", f"set by {request.user}")
    response.put(b'{"step_ms":')
    response.put_int(step_ms)
    response.put(b"}")
    return None
