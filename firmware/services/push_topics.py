"""Names on a link: the topics of the device sheet, 10, and which devices go over it.

`link` is 1 or 2. A device's place in topics: ir, rir (the switch on the right port), rs485/1 to rs485/16
(of IEC meters, to rs485/32).
"""

from firmware.state.schema import IEC, RS485_DEVICES

ONLINE = b'{"state":"online"}'  # what lies on the topic status/<place> of a device
OFFLINE = b'{"state":"offline"}'  # ... and the last will on the gateway's own, status
# What the settings of a slot begin with; None is the gateway itself
_NAMES = {None: "gateway_", "lir": "leftir_", "rir": "rightir_"}


def root(gateway, link):
    """Return the first level of all topics: the setting, or the serial number."""
    return gateway.settings.get(f"mqtt{link}_roottopic") or gateway.identity.serial


def base(gateway, link):
    """Return what all published topics begin with, as "SG000017/pub"."""
    return root(gateway, link) + "/" + gateway.settings.get(f"mqtt{link}_pub_topic")


def commands(gateway, link):
    """Return the topic that commands come on."""
    return root(gateway, link) + "/" + gateway.settings.get(f"mqtt{link}_sub_topic")


def place(slot):
    """Return a slot ("lir", "rir", 1 to 32) as part of a topic."""
    return "ir" if slot == "lir" else "rir" if slot == "rir" else f"rs485/{slot}"


def of_kind(kind, slot):
    """Return the topic below the base for "measurements", "counters", "bicom" or "profile" in the manual's JSON: "bicom/ir"."""
    return kind + "/" + ("ir" if slot in ("lir", "rir") else f"rs485/{slot}")


def is_pushed(settings, slot, link):
    """Whether a slot's values go over the link."""
    if isinstance(slot, int):
        name = "iec_pushlink" if _is_one_of_many(settings, slot) else f"rs485_pushlnk{slot}"
    else:
        name = _NAMES[slot] + "pushlink"
    return settings.get(name) >> (link - 1) & 1 == 1


def interval_s(settings, slot):
    """Return the seconds from one push of a slot to the next."""
    if isinstance(slot, int):
        return settings.get("iec_pushintv" if _is_one_of_many(settings, slot) else f"rs485_pushint{slot}")
    return settings.get(_NAMES[slot] + "pushintv")


def _is_one_of_many(settings, slot):
    """Whether a slot has no settings of its own."""
    return settings.get("rs485_protocol") == IEC or slot > RS485_DEVICES


def silence(slot):
    """Return the text on the topic error when a device does not answer, as the early firmware had it."""
    what = "Left IR Energy meter" if slot == "lir" else "IR Bicom" if slot == "rir" else f"RS485 device {slot}"
    return "Error: " + what + " not responding"
