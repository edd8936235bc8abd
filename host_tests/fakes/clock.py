"""A clock that a test winds: ticks and a hardware clock that run by the same hand."""

from firmware.state.clock import Clock

NOW_MS = 1790000000000  # 21.09.2026 13:33:20 UTC
WRAP = 1 << 30


class Ticks:
    """Milliseconds that pass when the test says so; they wrap as on the device."""

    def __init__(self, now_ms=0):
        self.now_ms = now_ms

    def __call__(self):
        return self.now_ms % WRAP


class Port:
    """A hardware clock that runs by the same ticks; `grain_ms` is what it can be set to."""

    def __init__(self, ticks, is_set=False, unix_ms=946684800000, grain_ms=1):
        self._ticks = ticks
        self._grain_ms = grain_ms
        self.is_set = is_set
        self._ahead_ms = unix_ms - ticks.now_ms

    def read_ms(self):
        return self._ticks.now_ms + self._ahead_ms

    def write_ms(self, unix_ms):
        self._ahead_ms = unix_ms // self._grain_ms * self._grain_ms - self._ticks.now_ms
        self.is_set = True


def clock_at(unix_ms=None, grain_ms=1):
    """Return a clock, set if a time is given, and its ticks."""
    ticks = Ticks(5000)
    clock = Clock(Port(ticks, unix_ms is not None, unix_ms or 946684800000, grain_ms), ticks)
    return clock, ticks
