"""Writes to the gateway's own unit: values are staged until a command saves them all as one change that is checked as a whole.

Nothing is taken unless an administrator allowed it: the setting `locked` is 0, or the window of /api/modbus_access is open.
"""

import asyncio

from micropython import const

from firmware.services.registers_own import HOLDING_BLOCKS, holding
from firmware.services.registers_settings import Values, decode, is_unlocked
from firmware.state.modbus_access import current, needed
from firmware.state.settings import SettingsError
from lib.modbus.errors import DEVICE_FAILURE, ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, FrameError, PeerError
from lib.modbus.window import Window

_SAVE = const(1)
_ABANDON = const(2)
_RESTART = const(3)
_FACTORY = const(5)
_LOCK = const(6)
_UNLOCK = const(8)
_RESTART_MS = const(500)  # so that the reply is out
_BY_GATEWAY = const(1)  # the relay mode in which the gateway may switch
_MOST_STAGED = const(48)  # values: they are in RAM
_NAMES_TOLD = const(4)


def check_unlocked(gateway):
    """Raise PeerError if nothing may be changed over Modbus now."""
    if not is_unlocked(gateway, current(gateway)):
        raise PeerError(ILLEGAL_FUNCTION)


def write(gateway, address, values):
    """Take registers, two bytes each, all or none. Raises PeerError with the code to refuse with.

    What equals what is read is no change, so blocks may be written back as they were read, holes included.
    """
    window = Window(values, address, len(values) // 2)
    if not window.is_within(HOLDING_BLOCKS):
        raise PeerError(ILLEGAL_ADDRESS)
    present = Values(gateway)
    unknown = bytearray(values)
    changes = {}
    actions = []
    for first, registers, kind, name, number in holding(address, window.count):
        data = bytearray(present.bytes_of(registers, kind, name, number, is_shown=False))
        start = 2 * (first - address)
        is_changed = has_signs = False
        for at in range(max(0, -start), min(len(data), len(values) - start)):
            byte = values[start + at]
            is_changed = is_changed or data[at] != byte
            has_signs = has_signs or byte != 32
            data[at] = byte
            unknown[start + at] = 0
        if kind == "command":
            actions.append((name, data[0] << 8 | data[1]))
        elif is_changed and kind in ("state", "constant"):
            raise PeerError(ILLEGAL_VALUE)
        elif is_changed and (kind != "secret" or has_signs):
            setting = present.setting(name, number)
            changes[setting.name] = _checked(setting, kind, data)
            if setting.name == "locked" and not changes["locked"]:
                raise PeerError(ILLEGAL_VALUE)  # a window of ten minutes must not become a door that stays open
    if any(unknown):
        raise PeerError(ILLEGAL_ADDRESS)
    for action in actions:
        _check_action(gateway, *action)
    if changes:
        access = needed(gateway)
        if len([name for name in changes if name not in access.staged]) + len(access.staged) > _MOST_STAGED:
            raise PeerError(DEVICE_FAILURE)
        access.stage(changes, gateway.clock.uptime_s())
    for name, value in reversed(actions):  # the operator command comes last
        _act(gateway, name, value)


def _checked(setting, kind, data):
    """Return the value that these bytes give a setting."""
    try:
        return setting.check(decode(kind, data))
    except ValueError:
        raise PeerError(ILLEGAL_VALUE)


def _check_action(gateway, name, value):
    if name == "command":
        is_right = value in (0, _SAVE, _ABANDON, _RESTART, _FACTORY, _LOCK, _UNLOCK)
    else:
        is_right = value < 2  # 1: clear the pulse counter; 0 or 1: the relay
    if not is_right:
        raise PeerError(ILLEGAL_VALUE)
    if name == "relay" and _switch(gateway) is None:
        raise PeerError(DEVICE_FAILURE)


def _switch(gateway):
    """Return the device that is the IR relay, None if it may not be switched from here."""
    if gateway.settings.get("ir_ext_rel_mode") != _BY_GATEWAY:
        return None
    switch = gateway.readings.device("rir")
    return switch if switch and switch.switch else None


def _act(gateway, name, value):
    tell = gateway.events.add
    if name == "relay":
        wanted = "on" if value else "off"
        tell("modbus", "IR relay: " + wanted)
        asyncio.create_task(_turn(gateway, _switch(gateway), wanted))
    elif name == "pulses":
        if value:
            tell("modbus", "pulse counter cleared")
            _kept(gateway.inputs.reset_pulses)
    elif value == _SAVE:
        _save(gateway)
    elif value == _ABANDON:
        tell("modbus", "changes abandoned")
        if gateway.modbus_access:
            gateway.modbus_access.staged = {}
    elif value == _RESTART:
        tell("modbus", "restart asked for")
        asyncio.create_task(_restart(gateway))
    elif value == _FACTORY:
        _kept(lambda: gateway.factory_reset("Modbus"))
        gateway.modbus_access = None
    elif value == _LOCK:
        _kept(lambda: gateway.settings.change({"locked": 1}))
        tell("modbus", "locked")
        gateway.modbus_access = None
    elif value == _UNLOCK:
        tell("modbus", "unlock: is unlocked already")


def _kept(change):
    """Do what needs the flash; a flash that does not take it is a failure of the device."""
    try:
        return change()
    except OSError:
        raise PeerError(DEVICE_FAILURE)


def _save(gateway):
    """Make what is staged the settings. What is refused stays staged, to be put right."""
    access = current(gateway)
    try:
        changed = _kept(lambda: gateway.settings.change(access.staged)) if access else []
    except SettingsError as error:
        name = sorted(error.errors)[0]
        gateway.events.add("modbus", f"not saved: {name}: {error.errors[name]}")
        raise PeerError(ILLEGAL_VALUE)
    if access:
        access.staged = {}
    names = ", ".join(changed[:_NAMES_TOLD]) + (" ..." if len(changed) > _NAMES_TOLD else "")
    gateway.events.add("modbus", "saved: " + (names or "nothing was changed"))


async def _turn(gateway, device, wanted):
    try:
        await device.switch(wanted)
    except (FrameError, PeerError) as error:
        gateway.events.add("modbus", f"IR relay: {error}")


async def _restart(gateway):
    await asyncio.sleep_ms(_RESTART_MS)
    gateway.restart()
