"""The gateway's time: UTC inside, local time at the edge, uptime; the only place that knows an epoch.

UTC is the port's clock (on the ESP32 the RTC counter, which survives a restart but no power-up). A correction of less than
a second is written to that clock at once and shown little by little, 1/64 of the time that passes: what was read later has
a later (or equal) time, and no second occurs twice. Larger corrections are steps, of which the listeners are told.

While the clock is not set, time is uptime counted from 01.01.2000 00:00:00, in UTC and in local time alike.
"""

from time import ticks_ms

from micropython import const

from lib.clock import calendar, posix_tz
from lib.clock.zones import zone_of

LONGEST_SLEW_MS = const(999)  # a larger correction is a step
LOCAL_SIZE = const(19)  # bytes of "DD.MM.YYYY HH:MM:SS"

_SLEW_SHIFT = const(6)  # 1/64: 999 ms are caught up in 64 s
_TICKS_MASK = const(0x3FFFFFFF)  # what all ports have of their millisecond ticks; they wrap after 12.4 days
_YEAR_2000_S = const(946684800)
_YEAR_2106_MS = const(4291747200000)


class Clock:
    """Time from `port`: read_ms() -> Unix milliseconds, write_ms(unix_ms), is_set (False after power-up).

    It must be asked for time or uptime at least once in 12 days, which every poll of a meter does.
    """

    def __init__(self, port, ticks=ticks_ms):
        self._port = port
        self._ticks = ticks
        self._last = ticks()
        self._up_s = 0
        self._up_ms = 0  # 0 to 999, beside _up_s
        self._bend_ms = 0  # shown time less the port's, when the slew began; 0: no slew
        self._bent_ms = 0  # the port's clock at that moment
        self._was_set = False
        self._listeners = []
        self.source = ""  # who set the clock last since the start; "" nobody
        self.zone = posix_tz.fixed(0)

    @property
    def is_set(self):
        """False: nobody told the time since power-up; readings then carry "clock not set"."""
        return self._was_set or self._port.is_set

    def uptime_s(self):
        """Return the whole seconds since the start; never goes backwards, wraps never."""
        self._count()
        return self._up_s

    def uptime_ms(self):
        """Return the milliseconds since the start."""
        self._count()
        return self._up_s * 1000 + self._up_ms

    def utc(self):
        """Return Unix seconds."""
        if not self.is_set:
            return _YEAR_2000_S + self.uptime_s()
        return self.utc_ms() // 1000

    def utc_ms(self):
        """Return Unix milliseconds. They go backwards only in a step."""
        self._count()
        if not self.is_set:
            return _YEAR_2000_S * 1000 + self._up_s * 1000 + self._up_ms
        now_ms = self._port.read_ms()
        if self._bend_ms:
            now_ms += self._remaining(now_ms)
        return now_ms

    def set(self, unix_ms, source):
        """Step to a time, or slew to it if the clock is set and off by less than a second; return the correction in ms.

        `source` says who knows the time, as "pool.ntp.org". Raises ValueError for a time outside of 2000 to 2105.
        """
        if not _YEAR_2000_S * 1000 <= unix_ms < _YEAR_2106_MS:
            raise ValueError("time outside of 2000 to 2105")
        first = not self.is_set
        shown_ms = self.utc_ms()
        step_ms = unix_ms - shown_ms
        self._port.write_ms(unix_ms)
        self.source = source
        if not first and -LONGEST_SLEW_MS <= step_ms <= LONGEST_SLEW_MS:
            self._bent_ms = self._port.read_ms()  # it may have rounded
            self._bend_ms = shown_ms - self._bent_ms
            return step_ms
        self._bend_ms = 0
        self._was_set = True
        for told in self._listeners:
            told(step_ms, first)
        return step_ms

    def on_step(self, told):
        """Have told(step_ms, first) called after each step: what was timed before is now off by step_ms.

        `first` is True when the clock was not set before: such times counted from 01.01.2000.
        """
        self._listeners.append(told)

    def use_zone(self, setting):
        """Take a time zone as zone_of() does; with a ValueError the former stays."""
        self.zone = zone_of(setting)

    def local(self, utc=None):
        """Return local (year, month, day, hour, minute, second) of an instant in Unix seconds, None = now."""
        if utc is None:
            utc = self.utc()
        if self.is_set:
            utc += self.zone.offset_s(utc)
        return calendar.from_unix(utc)[:6]

    def local_text(self, utc=None):
        """Return local time as "DD.MM.YYYY HH:MM:SS", the form of the product's manual."""
        year, month, day, hour, minute, second = self.local(utc)
        return f"{day:02d}.{month:02d}.{year} {hour:02d}:{minute:02d}:{second:02d}"

    def put_local(self, out, at=0, utc=None):
        """Write what local_text() returns into a buffer as ASCII, from `at`; return the position behind it."""
        year, month, day, hour, minute, second = self.local(utc)
        _put_two(out, at, day, 46)
        _put_two(out, at + 3, month, 46)
        _put_two(out, at + 6, year // 100, 0)
        _put_two(out, at + 8, year % 100, 32)
        _put_two(out, at + 11, hour, 58)
        _put_two(out, at + 14, minute, 58)
        _put_two(out, at + 17, second, 0)
        return at + LOCAL_SIZE

    def _remaining(self, port_ms):
        """Return what the slew still holds back (negative: pushes ahead), and end a slew that is through."""
        taken = port_ms - self._bent_ms >> _SLEW_SHIFT
        bend = self._bend_ms
        # Negative: somebody else turned the port's clock back.
        if taken < 0 or taken >= abs(bend):
            self._bend_ms = 0
            return 0
        return bend - taken if bend > 0 else bend + taken

    def _count(self):
        """Take the ticks since the last call into the uptime."""
        now = self._ticks()
        passed = self._up_ms + ((now - self._last) & _TICKS_MASK)
        self._last = now
        self._up_s += passed // 1000
        self._up_ms = passed % 1000


def _put_two(out, at, number, behind):
    """Write two decimal digits, and the character `behind` them unless it is 0."""
    out[at] = 48 + number // 10
    out[at + 1] = 48 + number % 10
    if behind:
        out[at + 2] = behind
