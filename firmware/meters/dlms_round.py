"""A round with one DLMS meter: who it is, its clock, its relay, present values, profiles, maxima, event logs.

What a meter does not have is passed over. What it refuses for now, or what comes damaged, ends the round: it is tried again
later, and goes on from what was kept. Values of a meter with another number are nobody's.
"""

from micropython import const

from firmware.meters import dlms_events
from firmware.meters import dlms_types as types
from firmware.meters.dlms import ArchiveFailed
from firmware.meters.dlms_clock import MeterClock
from firmware.meters.dlms_profile import Reading
from firmware.meters.dlms_small import values_of
from firmware.meters.dlms_values import plain, scaler_of
from lib.dlms.columns import Columns
from lib.dlms.errors import PeerError
from lib.dlms.times import is_moment
from lib.iec62056.meter_numbers import is_same_number

PRESENT = const(1)  # what may be due, bits
PROFILE = const(2)
DAILY = const(4)

_RELAY = const(70)
_DEVICE_NAME = b"\0\0\x2a\0\0\xff"
_REGISTER = const(3)
_EXTENDED = const(4)
_CAPTURED = const(5)  # attribute: when
_AT_ONCE = const(12)  # scalers
_HOUR_S = const(3600)
_DAY_S = const(86400)
_DAYS = const(7)  # of daily values that every round asks for
_MONTHS_S = const(370 * _DAY_S)
_ROUNDS = const(3)  # a reading is good for so many periods
_SLACK_MS = const(120000)  # ... and this, for there may be a queue


class Round:
    """`wanted`: bits of what is due."""

    def __init__(self, kept, plan, wanted):
        self._kept = kept
        self._plan = plan
        self._wanted = wanted
        self._table = types.find(plan.type)
        self._state = kept.meters.state(plan.id)
        self._model = ""  # of one that is among the readings, or will be: the list may be younger than the round

    async def run(self, reader, session):
        """Read what is due in an open session; `reader` tells whether somebody else waits. Raises DlmsError, OSError."""
        kept, wanted = self._kept, self._wanted
        clock = await self._who(session)
        if wanted & PRESENT:
            await self._present(session, clock)
        if self._plan.clock and kept.get("dlms_clock"):
            await clock.adjust(session, self._state)
        self._save()
        if not kept.archive or not kept.clock.is_set:
            return
        try:
            if wanted & DAILY:
                await self._daily(session, clock)
            if wanted & (PROFILE | DAILY):
                await self._reading(clock, types.PROFILE).fill(reader, session, kept.get("dlms_profile_days") * _DAY_S)
        except ArchiveFailed:
            pass  # people were told; what is missing is asked for in a later round
        self._save()

    async def present(self, session):
        """Read the present values only; return (UTC, columns, value of each as the archive keeps it)."""
        clock = await self._who(session)
        now, columns, values = await self._present(session, clock)
        self._save()
        for at, column in enumerate(columns):
            values[at] = plain(values[at], is_moment(column[0], column[2]), clock.offset_minutes, clock.is_reversed)
        return now, columns, values

    def _save(self):
        self._kept.meters.save_state(self._plan.id, self._state)

    async def _who(self, session):
        """Compare the number; take clock and relay. Return the MeterClock."""
        table, plan = self._table, self._plan
        items = [(1, table.serial, 2), (8, table.clock, 2)]
        device = self._kept.devices.get(plan.id)
        is_unnamed = plan.shown and not (device and device.model)
        if is_unnamed:
            items.append((1, _DEVICE_NAME, 2))
        if plan.relay:
            items += [(_RELAY, table.relay, 2), (_RELAY, table.relay, 3), (_RELAY, table.relay, 4)]
        serial, time, *relay = await values_of(session, items)
        name = relay.pop(0) if is_unnamed else None
        if serial is not None and not is_same_number(_octets(serial), plan.serial.encode()):
            raise PeerError("other meter")
        if isinstance(name, bytes):  # three letters of the maker, and a number
            self._model = "".join([chr(octet) if 32 <= octet < 127 else "?" for octet in name[:3]]) + " DLMS"
        if relay:
            self._state.output, self._state.control, self._state.mode = relay
        return MeterClock(self._kept, plan, table, time, self._state)

    async def _present(self, session, clock):
        """Read the registers; show them if the meter is among the readings, keep one an hour. Return UTC, columns, values."""
        kept, plan = self._kept, self._plan
        newest = self._state.newest[types.PRESENT]
        columns = None
        if not self._wanted & DAILY:  # once a day they are read anew
            columns = await kept.columns_of(plan.id, types.PRESENT, newest)
        if columns is None:
            columns = await self._existing(session, _REGISTER, self._table.registers())
        values = await values_of(session, columns)
        now = kept.clock.utc()
        device = kept.devices.get(plan.id)
        if device:
            device.model = device.model or self._model
            shown = kept.shown
            shown.begin()
            for at, column in enumerate(columns):
                if isinstance(values[at], int):
                    shown.put(column, values[at])
            shown.end(device, now, _ROUNDS * 60000 * kept.get("dlms_present_min") + _SLACK_MS)
            kept.changed()
        if kept.archive and kept.clock.is_set and not now - now % _HOUR_S <= newest <= now:
            try:
                await self._reading(clock, types.PRESENT).keep_one(columns, now, values)
            except ArchiveFailed:
                pass  # they were shown
        return now, columns, values

    def _reading(self, clock, kind):
        ln = self._table.profile(kind) if kind != types.PRESENT else None
        return Reading(self._kept, self._plan.id, self._state, clock, kind, ln, not self._wanted & DAILY)

    async def _existing(self, session, class_id, names):
        """Return a column for each register of a class that the meter has, with exponent and unit: some asked for at once."""
        columns = Columns()
        is_more = True
        while is_more:
            items = Columns()
            for ln in names:
                items.append(class_id, ln, 3)
                if len(items) == _AT_ONCE:
                    break
            is_more = len(items) == _AT_ONCE
            told = await values_of(session, items) if len(items) else ()
            for at, value in enumerate(told):
                if value is not None:
                    columns.append(class_id, items[at][1], 2, 0, *scaler_of(value))
        return columns

    async def _daily(self, session, clock):
        """Daily and monthly values, maxima, events."""
        kept, table, state = self._kept, self._table, self._state
        now = kept.clock.utc()
        month = kept.month_begin(now)
        for kind, back_s, least in (
            (types.DAILY, _DAYS * _DAY_S, now),
            (types.MONTHLY, _MONTHS_S, month),
            (types.MAXIMA, _MONTHS_S, month),
        ):
            ln = table.profile(kind)
            if ln and state.newest[kind] < least:
                await self._reading(clock, kind).since(session, now - back_s)
        if not table.profile(types.MAXIMA) or not state.newest[types.MAXIMA]:
            await self._maxima(session, clock)
        if kept.get("dlms_events"):
            await dlms_events.read(kept, self._plan, table, state, clock, session)
        self._save()

    async def _maxima(self, session, clock):
        """Maximum registers with their times, where no profile has them."""
        columns = Columns()
        for column in await self._existing(session, _EXTENDED, self._table.maxima()):
            columns.append(*column)
            columns.append(_EXTENDED, column[1], _CAPTURED)
        if not len(columns):
            return
        values = await values_of(session, columns)
        now = self._kept.clock.utc()
        await self._reading(clock, types.MAXIMA).keep_one(columns, now - now % 60, values)


def _octets(value):
    return b"%d" % value if isinstance(value, int) else value
