"""What the services of DLMS meters share: which meter is meant, what its errors are over HTTP, what columns are called.

A column is called by its logical name, behind a stroke the attribute if that is not 2, behind another the index if there is
one: `1.0.1.8.0.255`, `1.0.1.6.0.255/5`. Its unit is `time` where the value is one.
"""

from micropython import const

from firmware.services.profile_text import MOMENT
from firmware.state.dlms_plan import Plan
from lib.dlms import names, units
from lib.dlms.errors import FrameError
from lib.dlms.times import is_moment
from lib.http.errors import HttpError

KINDS = ("profile", "daily", "monthly", "maxima", "present")  # of lib/store/archive.py, in their order
_MOST_DIGITS = const(5)


def dlms_of(gateway):
    """Return what reads DLMS meters and keeps what was read: firmware/dlms.py."""
    return gateway.field.wanted_dlms()


async def plan_of(gateway, text):
    """Return the Plan of the meter whose id a text is. HttpError 404."""
    meters = gateway.dlms_meters
    await meters.ready()
    line = meters.find(int(text)) if text.isdigit() and len(text) <= _MOST_DIGITS else None
    if line is None:
        raise HttpError(404, "there is no such meter")
    return Plan(line)


def refusal(error):
    """Return the HttpError that tells of a DlmsError: 504 the meter does not answer, 502 it refuses, or answers nonsense."""
    if isinstance(error, FrameError):
        return HttpError(504, "the meter does not answer: " + error.reason)
    if error.reason == "busy":
        return HttpError(503, "the line is busy", "Retry-After", "10")
    return HttpError(502, "the meter refused: " + error.reason)


def titles(columns):
    """Yield (code, unit) of columns (class, logical name, attribute, index, exponent, unit code)."""
    for class_id, ln, attribute, index, _, unit in columns:
        code = names.text(ln)
        if attribute != 2 or index:
            code += f"/{attribute}"
        if index:
            code += f"/{index}"
        yield code, "time" if is_moment(class_id, attribute) else units.text(unit)


def exact(column, value):
    """Return a value of a column as firmware/services/profile_text.py takes it."""
    if value is None:
        return None
    return value, MOMENT if is_moment(column[0], column[2]) else column[4]
