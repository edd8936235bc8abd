"""The time of IEC 62056-21 meters beside ours: how far a meter's clock is off, and what its civil times mean."""

from array import array

from micropython import const

from lib.clock import calendar

MOST_S = const(900)  # a clock that is off by more is not set: a person shall look
_HOUR_S = const(3600)
_DAY_S = const(86400)
_MIDNIGHT_S = const(60)  # about it, time and date of one read-out may be of two days
_UNTOLD = const(3)
_COLONS = const(4)


class IecTime:
    """`drifts`: seconds that a meter's clock is ahead, None if not known. A clock is taken for local time, unless it says else:
    with a season digit it may keep normal time, summer time or UTC.
    """

    def __init__(self, count, gateway_clock):
        self.drifts: list = [None] * count
        self._forms = bytearray(b"\x03" * count)  # season digit as told last (3: none), and whether it writes hh:mm:ss
        self._shifts = array("h", [0] * count)  # minutes that the meter's civil time is ahead of ours by its season
        self._far = bytearray(count)  # whether it was told that a clock is too far off
        self._clock = gateway_clock

    def is_turkish(self, index):
        """Whether the meter writes hh:mm:ss."""
        return self._forms[index] & _COLONS != 0

    def time_of_meter(self, index, utc):
        """Return what a right clock of this meter shows: (year, ... second, season digit, weekday from 0, Monday)."""
        season = self._forms[index] & 3
        civil = calendar.from_unix(utc + self._clock.zone.offset_s(utc) + 60 * self._shifts[index])
        return civil[:6] + (0 if season == _UNTOLD else season, civil[6])

    def judge(self, index, date, time, season, has_colons, utc):
        """Take what a meter said of its clock at `utc`: (year, month, day), (hour, minute, second); None: it did not."""
        self.drifts[index] = None
        self._forms[index] = (_UNTOLD if season is None else season) | (_COLONS if has_colons else 0)
        if not date or not time or not self._clock.is_set:
            return
        zone = self._clock.zone
        offset = zone.offset_s(utc)
        if not _MIDNIGHT_S <= (utc + offset) % _DAY_S < _DAY_S - _MIDNIGHT_S:
            return
        ahead = calendar.to_unix(*date, *time) - utc - offset
        # Of a season that is not ours now the meter may have the digit alone, or the time too.
        shifts = [0]
        if season == 2:
            shifts = [-offset]
        elif season == 0 and zone.is_dst(utc):
            shifts.append(-_HOUR_S)
        elif season == 1 and not zone.is_dst(utc):
            shifts.append(_HOUR_S)
        drift, shift = min([(abs(ahead - shift), ahead - shift, shift) for shift in shifts])[1:]
        self.drifts[index] = drift
        self._shifts[index] = shift // 60
        is_far = abs(drift) > MOST_S
        if is_far and not self._far[index]:
            self.event(index, f"its clock is {drift} s ahead of ours: too far to be set")
        self._far[index] = is_far

    def is_on_normal_time(self, index):
        """Whether a meter's clock was seen not to follow summer time."""
        drift_s = self.drifts[index]
        if drift_s is None or not self._clock.zone.is_dst(self._clock.utc()):
            return False
        return self._shifts[index] == -60 or -4500 < drift_s < -2700

    @property
    def zone(self):
        return self._clock.zone

    def is_clock_set(self):
        return self._clock.is_set

    def utc(self):
        return self._clock.utc()

    def utc_ms(self):
        return self._clock.utc_ms()

    def minute(self):
        return self._clock.utc() // 60

    def day(self):
        """Days since 1970 of our local time."""
        utc = self._clock.utc()
        return (utc + self._clock.zone.offset_s(utc)) // _DAY_S

    def local(self):
        return self._clock.local()

    def civil(self, utc):
        """Return local (year, ... second) of an instant."""
        return self._clock.local(utc)

    def utc_of(self, time):
        """Return Unix seconds of a civil time of a meter; of the hour that comes twice the first, unless its season tells."""
        civil = calendar.to_unix(*time[:6])
        season = time[6]
        zone = self._clock.zone
        if season == 2:
            return civil
        first = None
        for guess in (civil - 7200, civil - 3600):  # 2 h where the offset grows, to begin with the earlier one
            utc = civil - zone.offset_s(guess)
            if zone.offset_s(utc) == civil - utc:
                if season is None or season == zone.is_dst(utc):
                    return utc
                first = first or utc
        return first or civil - zone.offset_s(civil)

    def event(self, index, text):
        raise NotImplementedError
