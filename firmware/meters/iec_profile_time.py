"""Which instant a meter's civil time is: by the season that it tells, or by what came before. No I/O."""

from micropython import const

from lib.clock import calendar

_SUMMER = const(1)
_UTC = const(2)


class MeterTime:
    """The clock of one meter, in the zone of the gateway (lib/clock/posix_tz.py).

    is_normal: it keeps normal time all year. A 0 for its season means that it is normal time only with a meter that told
    summer time before: many write 0 always.
    """

    def __init__(self, zone, is_normal=False):
        self._zone = zone
        self._is_normal = is_normal
        self._normal_s, self._summer_s = zone.offsets()
        self.has_seasons = self._normal_s != self._summer_s  # of the zone
        self._tells = False

    def utc_of(self, time, last):
        """Return Unix seconds of a time as in lib/iec62056/times.py. `last`: of the record before, 0 without one.

        The hour that comes twice in autumn is the first, unless the record before is later than that.
        """
        civil = calendar.to_unix(*time[:6])
        season = time[6]
        if season == _UTC:
            return civil
        normal, summer = civil - self._normal_s, civil - self._summer_s
        if season == _SUMMER:
            self._tells = True
            return summer
        if self._is_normal or (season == 0 and self._tells) or self._zone.offset_s(summer) != self._summer_s:
            return normal
        return summer if summer > last or self._zone.offset_s(normal) != self._normal_s else normal
