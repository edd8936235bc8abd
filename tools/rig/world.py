"""The time the simulated world lives in: a wall clock that may run fast, and physics that runs with it."""

import time
from datetime import datetime, timedelta, timezone


class World:
    """`elapsed()` never jumps and drives the meters; `unix()` is the wall clock, which can be set."""

    def __init__(self, unix=None, scale=1.0, clock=time.monotonic):
        self.scale = scale
        self._clock = clock
        self._start = clock()
        self._base = time.time() if unix is None else unix

    def elapsed(self):
        """Seconds since the start, as the world counts them."""
        return (self._clock() - self._start) * self.scale

    def unix(self):
        """UTC seconds since 1970."""
        return self._base + self.elapsed()

    def set(self, unix):
        self._base = unix - self.elapsed()


def _last_sunday(year, month):
    day = datetime(year, month, 31, 1, tzinfo=timezone.utc)
    return day - timedelta(days=(day.weekday() + 1) % 7)


def local(unix):
    """Central European local time of a UTC moment (a naive datetime): the meters' factory setting."""
    utc = datetime.fromtimestamp(unix, timezone.utc)
    summer = _last_sunday(utc.year, 3) <= utc < _last_sunday(utc.year, 10)
    return (utc + timedelta(hours=2 if summer else 1)).replace(tzinfo=None)


def from_local(moment):
    """UTC seconds of a local time; in the doubled hour of autumn the first of the two."""
    guess = moment.replace(tzinfo=timezone.utc).timestamp()
    for offset in (7200, 3600):
        if local(guess - offset) == moment:
            return guess - offset
    return guess - 3600
