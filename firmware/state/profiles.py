"""The load profiles of meters: lib/store/profile.py, written a moment after the last record came; its faults become events."""

import asyncio
import os

from micropython import const

from lib.store.profile import Profiles

_FOLDER = const("/profiles")
_LOOK_MS = const(1000)
_REST_LOOKS = const(3)  # without a new record; then what is in RAM goes to flash


def are_there(root):
    """Whether a profile was ever kept."""
    try:
        os.stat(root + _FOLDER)
    except OSError:
        return False
    return True


class KeptProfiles(Profiles):
    """`load(name)` returns a module that may be dropped afterwards; `beat.beat()` is called every second."""

    def __init__(self, root, events, beat, load):
        Profiles.__init__(self, root + _FOLDER, load)
        self._events = events
        self._beat = beat
        self._looks = 0
        self._is_told = False

    def append(self, key, time_utc, status, values):
        self._looks = 0
        return Profiles.append(self, key, time_utc, status, values)

    async def run(self):
        """See for ever that nothing stays in RAM for long."""
        while True:
            self._beat.beat()
            self._looks += 1
            if self._looks == _REST_LOOKS:
                self.settle()
                self._tell()
            await asyncio.sleep_ms(_LOOK_MS)

    def _tell(self):
        if self.failure and not self._is_told:
            self._events.add("history", f"the flash did not take load profiles: error {self.failure.errno}")
        self._is_told = self.failure is not None
        for trouble in self.troubles():
            self._events.add("history", trouble)
