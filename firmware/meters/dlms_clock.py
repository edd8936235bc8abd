"""The clock of a DLMS meter beside ours: how far it is off, what its times mean, and setting it.

Below a second nothing is done; up to a quarter of an hour it is shifted, not across the end of a period; more is told.
Source: DLMS UA 1000-1 (Blue Book), 4.5.1 (clock).
"""

from micropython import const

from lib.dlms import times
from lib.dlms.errors import PeerError

_MOST_S = const(900)
_LEAST_S = const(2)  # a clock tells whole seconds
_TOLD_S = const(5)  # a correction by less is none that a person wants to hear of
_PERIOD_S = const(900)
_MARGIN_S = const(10)
_CLASS = const(8)
_SHIFT = const(6)  # method
_TIME = const(2)  # attribute


class MeterClock:
    """`offset_minutes` that it is ahead of UTC by what it says, `is_reversed`: it says so with the opposite sign.

    `utc`: what it told, None if nothing that can be understood.
    """

    def __init__(self, kept, plan, table, told, state):
        """told: the attribute as values_of() has it."""
        self._kept = kept
        self._plan = plan
        self._table = table
        clock = kept.clock
        now = clock.utc()
        self.offset_minutes = clock.zone.offset_s(now) // 60
        self.is_reversed = False
        self.utc = None
        state.drift_s = None
        if not isinstance(told, bytes) or len(told) != 12:
            return
        deviation = times.decode(told)[7]
        self.utc = times.utc(told, self.offset_minutes)
        if deviation is not None and self.utc is not None:
            other = times.utc(told, self.offset_minutes, True)
            # Whose sign is turned round is off by twice its deviation
            if clock.is_set and abs(other - now) < _MOST_S < abs(self.utc - now):
                self.is_reversed = True
                self.utc = other
            self.offset_minutes = deviation if self.is_reversed else -deviation
        if self.utc is None or not clock.is_set:
            return
        state.drift_s = self.utc - now
        is_far = abs(state.drift_s) > _MOST_S
        if is_far and not state.unsynchronised:
            kept.event(plan, f"its clock is {state.drift_s} s ahead of ours: too far to be set")
        state.unsynchronised = is_far

    async def adjust(self, session, state):
        """Bring it into order if it is off by less than a quarter of an hour."""
        drift_s = state.drift_s
        if drift_s is None or not _LEAST_S <= abs(drift_s) <= _MOST_S:
            return
        now = self._kept.clock.utc()
        first, last = min(now, now + drift_s) - _MARGIN_S, max(now, now + drift_s) + _MARGIN_S
        if first // _PERIOD_S != last // _PERIOD_S:
            return  # the meter would mark a period: another round will do
        try:
            await self.shift(session, -drift_s)
        except PeerError as error:
            self._kept.event(self._plan, f"its clock is {drift_s} s ahead and cannot be set: {error.reason}")
            return
        state.clock_set = True
        if abs(drift_s) >= _TOLD_S:
            self._kept.event(self._plan, f"clock set, it was {drift_s} s ahead")

    async def shift(self, session, seconds):
        """Move it by so many seconds; a meter that cannot be shifted is told the time. PeerError: it does neither."""
        ln = self._table.clock
        try:
            await session.action(_CLASS, ln, _SHIFT, b"\x10" + (seconds & 0xFFFF).to_bytes(2, "big"))
        except PeerError:
            await self.set(session)

    async def set(self, session):
        """Tell it the time."""
        octets = times.encode(self._kept.clock.utc(), self.offset_minutes, self.is_reversed)
        await session.set(_CLASS, self._table.clock, _TIME, b"\x09\x0c" + octets)

    def octets(self, utc):
        """Return a moment as this clock tells it, for the bounds of a profile."""
        return times.encode(utc, self.offset_minutes, self.is_reversed)
