"""The ESP32's real-time counter. It goes on through every restart and begins with 01.01.2000 at power-up."""

from machine import RTC
from micropython import const

from lib.clock import calendar

_YEAR_OF_THIS = const(2025)  # an earlier date was never set by anybody


class ClockRtc:
    """Time in Unix milliseconds. Read as date and time of day: the port's epoch, 2000, plays no part."""

    def __init__(self):
        self._rtc = RTC()

    @property
    def is_set(self):
        """False after power-up, until somebody sets it."""
        return self._rtc.datetime()[0] >= _YEAR_OF_THIS

    def read_ms(self):
        """Return the time; one call of the counter, so no carry between its parts can be missed."""
        year, month, day, _, hour, minute, second, microsecond = self._rtc.datetime()
        seconds = calendar.days(year, month, day) * calendar.DAY_S + hour * 3600 + minute * 60 + second
        return seconds * 1000 + microsecond // 1000

    def write_ms(self, unix_ms):
        """Set the counter; it ignores the weekday."""
        day_number, ms = divmod(unix_ms, calendar.DAY_S * 1000)
        year, month, day = calendar.date(day_number)
        second, ms = divmod(ms, 1000)
        self._rtc.datetime((year, month, day, 0, second // 3600, second // 60 % 60, second % 60, ms * 1000))
