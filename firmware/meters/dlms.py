"""What the readers of all wires share about DLMS meters: their list, archive, devices, the settings, how reading them went.

A wire has its own Rounds (dlms_rounds.py), a meter that is being read its Round (dlms_round.py): neither outlives its use.
"""

import asyncio

from micropython import const

from firmware.meters.dlms_values import Shown, failed
from firmware.meters.iec_device import IecDevice
from firmware.state.dlms_plan import Plan
from lib.clock import calendar
from lib.dlms.columns import Columns

_DAY_S = const(86400)
_LONGEST_NAME = const(20)
# Why reading failed: a state keeps the place, from 1; 0 is for none, 255 for any other
REASONS = const(
    (
        "no answer",
        "damaged",
        "disconnected",
        "refused",
        "deadline",
        "endless",
        "other meter",
        "authentication failure",
        "cipher",
        "format",
        "port error",
        "connection",
        "opening",
        "object",
        "error",
        "archive",
        "no memory",
    )
)
NO_MEMORY = REASONS[16]
OTHER = const(255)
LOCKING = const((8, 9))  # after so many of these a meter locks itself: it is left alone for long


class DlmsMeters:
    """`meters`: firmware/state/dlms_meters.py. `archive`: lib/store/archive.py, None without one. Who has `lock` writes; who
    has `looking` looks for what is in it, which takes 3 KB of RAM.

    `get(name)` returns a setting. `title`: the client's system title, 8 octets; random(n) returns so many octets.
    `devices`: {id: Device} of the meters that are among the readings.
    """

    def __init__(self, meters, archive, clock, readings, events, get, title, random):
        self.meters = meters
        self.archive = archive
        self.lock = asyncio.Lock()
        self.looking = asyncio.Lock()
        self.clock = clock
        self.events = events
        self.get = get
        self.title = title
        self.random = random
        self.devices = {}
        self.shown = Shown()
        self._readings = readings
        self.changed = readings.changed
        self.archiving = Archiving(events)

    def day_begin(self, now):
        """Return when our local day began: UTC."""
        offset = self.clock.zone.offset_s(now)
        return (now + offset) // _DAY_S * _DAY_S - offset

    def month_begin(self, now):
        """Return when our local month began: UTC."""
        offset = self.clock.zone.offset_s(now)
        year, month = calendar.from_unix(now + offset)[:2]
        begin = calendar.to_unix(year, month, 1, 0, 0, 0)
        return begin - self.clock.zone.offset_s(begin - offset)

    def list_devices(self, taken):
        """Make a Device for each meter that is shown, in slots that are not `taken`; yields between the steps.

        Those that were there before keep theirs, with their values; until it ends they are found as before, for somebody may
        be reading them.
        """
        devices = {}
        slots = [slot for slot in range(1, 33) if slot not in taken]
        for _, number in self.meters.each():
            yield
            line = self.meters.find(number)
            if line is None or not slots:
                continue
            plan = self.plan_of(line)
            if plan.shown and plan.active:
                device = self.devices.get(number)
                if device is None or device.address != plan.serial:
                    device = IecDevice(0, "", plan.serial, plan.name[:_LONGEST_NAME])
                    device.serial = plan.serial
                device.slot = slots.pop(0)
                device.port = ("rs485", "ir_left", "network")[plan.port]
                devices[number] = device
        self.devices = devices

    def plan_of(self, line):
        """Return the Plan of a line."""
        return Plan(line)

    async def columns_of(self, number, kind, newest):
        """Return the Columns, with exponents and units, of what was kept of a meter at a time; None if nothing was."""
        layouts = None
        if self.archive and newest:
            async with self.looking:
                for found in self.archive.layouts(number, kind, newest, newest):
                    layouts = found
                    await asyncio.sleep_ms(0)
        known = layouts and self.archive.columns(max(layouts))
        if not known:
            return None
        columns = Columns()
        for column in known:
            columns.append(*column)
        return columns

    def read_well(self, plan, state, now):
        """A meter was read: all that was due is there."""
        state.read_well(now)
        self._save(plan.id, state)
        device = self.devices.get(plan.id)
        if device:
            self._readings.untried.discard(device)

    def missed(self, plan, state, now, reason, answered):
        """Reading a meter failed; return how often in a row."""
        code = code_of(reason)
        is_news = state.reason != code
        state.failed(now, code, answered)
        self._save(plan.id, state)
        device = self.devices.get(plan.id)
        if device:
            failed(device)
            self._readings.untried.discard(device)
            self.changed()
        if is_news and (device or code in LOCKING or reason == "other meter"):
            self.event(plan, reason)
        return state.in_a_row

    def _save(self, number, state):
        try:
            self.meters.save_state(number, state)
        except OSError as error:
            self.events.add("meter", f"states of DLMS meters: error {error.errno}")

    def event(self, plan, text):
        """Tell a person something of a meter."""
        self.events.add("meter", f"DLMS {plan.serial}: {text}")


class ArchiveFailed(Exception):
    """What was read could not be kept."""


class Archiving:
    """With it all write to the archive: what that raises becomes ArchiveFailed, so that nobody takes it for his wire's.

    `is_told`: people know that nothing is kept.
    """

    def __init__(self, events):
        self._events = events
        self.is_told = False

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None and issubclass(kind, (OSError, ValueError)):
            if not self.is_told:
                self.is_told = True
                self._events.add("archive", f"error {error.args[0]}: what DLMS meters tell is not kept")
            raise ArchiveFailed()


def code_of(reason):
    """Return the code of a reason, which may be followed by more words."""
    for code, known in enumerate(REASONS):
        if reason.startswith(known):
            return code + 1
    return OTHER


def reason_of(code):
    """Return a reason by its code, "" for none."""
    return REASONS[code - 1] if 0 < code <= len(REASONS) else "other" if code else ""
