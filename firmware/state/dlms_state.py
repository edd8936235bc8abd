"""How one DLMS meter fares: when it was read and failed, its clock, its relay, up to when its values are kept.

A record, low byte first: good, failed, since (UTC, u32), failures (u32), in a row (u16), reason, flags (u8), drift (i32),
counter, reserved (u32; dlms_states.py), output, control, mode of the relay, nothing (u8), newest value by kind (UTC, 5 x u32).
"""

from struct import pack, unpack_from

from micropython import const

_FORM = const("<IIIIHBBiIIBBBBIIIII")
SIZE = const(56)
COUNTER = const(24)  # offset of counter and reserved
KINDS = const(5)  # of lib/store/archive.py
_NO_DRIFT = const(-0x40000000)
_NO_RELAY = const(255)
_CONTACT = const(1)
_UNSYNCHRONISED = const(2)
_CLOCK_SET = const(4)
_DAY_S = const(86400)


class State:
    """`good_utc`, `failed_utc`: of the last good and the last failed reading, 0 for never. `failures`: in all; `in_a_row`:
    since the last good one, the first of them at `since_utc`. `reason`: a code of who reads. `in_contact`: it answered the last
    time. `drift_s`: by how much its clock is ahead, None not known; `unsynchronised`: it could not be brought into order;
    `clock_set`: it was set. `output`, `control`, `mode`: of its relay, None not known. `newest`: UTC of the newest value of
    each kind, 0 for none. `counter`: the last that was handed out, to look at only.
    """

    def __init__(self, record=None):
        """record: as record() gives it; without it, of a meter that was never asked."""
        values = unpack_from(_FORM, record or EMPTY)
        self.good_utc, self.failed_utc, self.since_utc, self.failures, self.in_a_row, self.reason, flags, *values = values
        self.in_contact = flags & _CONTACT > 0
        self.unsynchronised = flags & _UNSYNCHRONISED > 0
        self.clock_set = flags & _CLOCK_SET > 0
        drift, self.counter, _, *values = values
        self.drift_s = None if drift == _NO_DRIFT else drift
        self.output, self.control, self.mode = [None if value == _NO_RELAY else value for value in values[:3]]
        self.newest = values[4:]

    def record(self):
        """Return it as bytes."""
        flags = _CONTACT * self.in_contact | _UNSYNCHRONISED * self.unsynchronised | _CLOCK_SET * self.clock_set
        relay = [_NO_RELAY if value is None else value & 255 for value in (self.output, self.control, self.mode)]
        drift = _NO_DRIFT if self.drift_s is None else max(-0x3FFFFFFF, min(self.drift_s, 0x3FFFFFFF))
        times = (self.good_utc, self.failed_utc, self.since_utc)
        return pack(
            _FORM, *times, self.failures, min(self.in_a_row, 65535), self.reason, flags, drift, 0, 0, *relay, 0, *self.newest
        )

    def read_well(self, utc):
        """It was read."""
        self.good_utc, self.since_utc, self.in_a_row, self.reason, self.in_contact = utc, 0, 0, 0, True

    def failed(self, utc, reason, answered=False):
        """Reading it failed; reason: a code of 1 to 255. answered: it is in contact all the same."""
        self.failed_utc, self.reason, self.in_contact = utc, reason, answered
        self.since_utc = self.since_utc or utc
        self.failures += 1
        self.in_a_row += 1

    def is_black(self, utc, days):
        """Whether it is on the black list: for so many days nothing was read, or its clock is not in order."""
        return self.unsynchronised or self.in_a_row > 0 and utc - self.since_utc >= days * _DAY_S


EMPTY = pack(_FORM, 0, 0, 0, 0, 0, 0, 0, _NO_DRIFT, 0, 0, _NO_RELAY, _NO_RELAY, _NO_RELAY, 0, 0, 0, 0, 0, 0)
