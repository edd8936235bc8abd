"""Passwords that IEC 62056-21 meters refused, kept over restarts and changes of the list: the third try locks many meters.

The document has {"refused": {name: minute since 1970 until which it is not sent again}}; the name tells meter and password
apart from others without telling the password.
"""

from binascii import crc32

PATH = "/iec_refused.json"


def _name(plan):
    secret = f"{plan.level}|{plan.password}"
    return f"{plan.port}|{plan.address}|{crc32(secret.encode()):x}"


def _load(document):
    stored = document.load()
    if document.failure:
        raise document.failure  # nobody shall take them for none
    found = stored.get("refused") if isinstance(stored, dict) else None
    return found if isinstance(found, dict) else {}


def until(document, plans):
    """Yield the minute for each of the plans, 0 if its password was not refused."""
    found = _load(document)
    for plan in plans:
        minute = found.get(_name(plan), 0) if found else 0
        yield minute if isinstance(minute, int) and 0 < minute < 1 << 30 else 0


def add(document, plan, minute, now):
    """Note that a plan's password is not to be sent until `minute`; those of the past go. OSError: it is not kept."""
    found = {name: at for name, at in _load(document).items() if isinstance(at, int) and at > now}
    found[_name(plan)] = minute
    document.save({"refused": found})
