"""Which DLMS meter of a wire is read next, and of what: by the clock, from the states on flash, in constant RAM.

Everything has a grid in time: present values every so many minutes, the load profile every so many hours, daily values, monthly
ones, maxima and event logs once a day. What is due of a meter is what began on its grid since it was last read well. A meter
that fails waits longer each time; one whose profile has gaps comes when nobody else does.
"""

from micropython import const

from firmware.meters.dlms import LOCKING, NO_MEMORY
from firmware.meters.dlms_access import PublicPlan, access_of
from firmware.meters.dlms_round import DAILY, PRESENT, PROFILE, Round
from firmware.meters.dlms_small import value_of
from lib.dlms.access import Access
from lib.dlms.errors import DlmsError, PeerError
from lib.dlms.names import octets

_STEP = const(8)  # meters looked at in one step
_BACK_OFF = const(b"\x01\x02\x05\x0f\x3c")  # minutes, a byte for each round that failed
_LOCKED_MINUTES = const(360)
_LONGEST_WALK_S = const(600)  # from one look at all meters to the next, if nothing told that something is due
_BEHIND_S = const(7200)  # a profile that ends so long before the last reading has gaps
_IDS = const(0xFFFF)
_COUNTER = const("0.0.43.1.0.255")


class DlmsRounds:
    """Of the wire `port` (0 RS-485, 1 optical head, 2 network); keeps the contract that firmware/bus/dlms_reader.py tells."""

    def __init__(self, kept, port):
        self._kept = kept
        self._port = str(port)
        self._position = 0  # of the meter to look at next
        self._left = 0  # meters that this walk has still to look at
        self._behind = 0  # the first one that it found with gaps
        self._next_utc = 0  # when the earliest of them is due, as found so far
        self._rest_until = 0  # UTC: nothing is due before
        self._rest_since = 0
        self._first = 0  # who is to be read at once
        self._due_now = 0

    def again(self):
        """Look at all meters: the list has changed, or a setting."""
        self._rest_until = 0

    def read_now(self, number):
        """Have a meter read next, all that there is."""
        self._first = number

    def due(self, may_probe):
        """See firmware/bus/dlms_reader.py."""
        kept = self._kept
        now = kept.clock.utc()
        if self._first:
            number, self._first = self._first, 0
            if self._is_ours(number):
                self._due_now = PRESENT | PROFILE | DAILY
                return number
        if not kept.meters.is_loaded or not kept.meters.count or kept.meters.is_coming():
            return None
        if not self._left:
            if self._rest_since <= now < self._rest_until:
                return None
            self._left = kept.meters.count
            self._behind = 0
            self._next_utc = now + _LONGEST_WALK_S
        return self._walk(now, may_probe)

    def _walk(self, now, may_probe):
        kept = self._kept
        if self._position >= kept.meters.count:
            self._position = 0
        looked = 0
        for position, number in kept.meters.each(self._position):
            if looked == min(_STEP, self._left):
                break
            looked += 1
            self._position = position + 1
            wanted = self._wanted(number, now, may_probe)
            if wanted and self._is_ours(number):
                self._left = 0  # the next walk begins behind it
                self._due_now = wanted
                return number
        self._left -= looked
        if self._left > 0:
            return 0
        self._left = 0
        if self._behind:
            self._due_now = PROFILE
            return self._behind
        self._rest_since, self._rest_until = now, self._next_utc
        return None

    def _wanted(self, number, now, may_probe):
        """Return what is due of a meter: bits."""
        try:
            state = self._kept.meters.state(number)
        except OSError:
            return 0
        if state.in_a_row and state.failed_utc <= now:
            minutes = _BACK_OFF[min(state.in_a_row, len(_BACK_OFF)) - 1]
            due = state.failed_utc + 60 * (_LOCKED_MINUTES if state.reason in LOCKING else minutes)
            if due > now or not may_probe:
                self._next_utc = min(self._next_utc, max(due, now + 1))
                return 0
        good = state.good_utc if state.good_utc <= now else 0  # else the clock was set back
        wanted = 0
        for bit, begin, period_s in self._grid(number, now):
            if good < begin:
                wanted |= bit
            else:
                self._next_utc = min(self._next_utc, begin + period_s)
        if not wanted and not self._behind and self._is_behind(state) and self._is_ours(number):
            self._behind = number
        return wanted

    def _grid(self, number, now):
        """Yield (bit, when it last began, period in seconds) of what the settings want of a meter."""
        kept = self._kept
        get = kept.get
        minutes = get("dlms_present_min")
        if minutes:
            if number not in kept.devices:  # they are kept once an hour, and nobody sees those in between
                minutes = max(minutes, 60)
            yield PRESENT, now - now % (60 * minutes), 60 * minutes
        if not kept.clock.is_set or not kept.archive:
            return  # nobody knows what day it is
        hours = get("dlms_profile_hours")
        if hours:
            yield PROFILE, now - now % (3600 * hours), 3600 * hours
        begin = kept.day_begin(now) + 60 * get("dlms_daily_at")
        yield DAILY, begin if begin <= now else begin - 86400, 86400

    def _is_behind(self, state):
        kept = self._kept
        if not kept.archive or not kept.clock.is_set or not kept.get("dlms_profile_hours") or kept.archiving.is_told:
            return False
        return state.good_utc > 0 and not state.in_a_row and state.newest[0] < state.good_utc - _BEHIND_S

    def _is_ours(self, number):
        line = self._kept.meters.find(number)
        return bool(line) and line.split("|", 4)[3] == self._port and line.rsplit("|", 2)[1] == "1"

    def plan(self, number):
        """Return the plan of a meter, None: it is gone, inactive, or on another wire.

        Above the 16 bits of an id there may be the client that somebody else is for it: with its own secrets, not with ours.
        """
        line = self._kept.meters.find(number & _IDS)
        plan = self._kept.plan_of(line) if line else None
        if plan and number > _IDS:
            plan.id = number
            plan.client = number >> 16
        return plan if plan and str(plan.port) == self._port else None

    def access(self, plan):
        """See firmware/bus/dlms_reader.py."""
        if plan.id > _IDS:
            return None
        try:
            return access_of(plan, self._kept)
        except ValueError:
            raise PeerError("keys")

    def run(self, reader, session, plan):
        """Read what is due: to be awaited."""
        return Round(self._kept, plan, self._due_now).run(reader, session)

    async def learn(self, reader, session, plan, error):
        """Learn the invocation counter that a meter expects, once: by its exception, or from its object for everybody."""
        if not isinstance(error, PeerError) or "invocation counter" not in error.reason:
            return False
        wanted = session.client.wanted_counter
        if wanted is None:
            try:
                await session.open(PublicPlan(plan), Access())
                wanted = await value_of(session, 1, octets(_COUNTER), 2)
            except DlmsError:
                return False
            finally:
                await session.close()
        if not isinstance(wanted, int):
            return False
        self._kept.meters.counter_at_least(plan.id, wanted)
        return True

    def done(self, plan):
        """See firmware/bus/dlms_reader.py."""
        state = self._kept.meters.state(plan.id)
        self._kept.read_well(plan, state, self._kept.clock.utc())

    def failed(self, plan, error, answered):
        """See firmware/bus/dlms_reader.py; return how often in a row."""
        kept = self._kept
        state = kept.meters.state(plan.id)
        reason = error.reason
        if reason == NO_MEMORY:
            answered = state.in_contact  # it says nothing of the meter
        if isinstance(error, PeerError) and error.code is not None and reason != "authentication failure":
            reason = "object: " + reason
        return kept.missed(plan, state, kept.clock.utc(), reason, answered)
