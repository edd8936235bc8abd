"""The load profiles of meters: lib/store/profile.py, written a moment after the last record came; its faults become events.

Once a link wants profiles, what it has not got is noted: profile_unsent.py.
"""

import asyncio
import os

from micropython import const

from lib.store.profile import Profiles

_FOLDER = const("/profiles")
_UNSENT = const("/profiles_unsent.json")
_LOOK_MS = const(1000)
_REST_LOOKS = const(3)  # without a new record; then what is in RAM goes to flash


def are_there(root):
    """Whether a profile was ever kept."""
    return _is_there(root + _FOLDER)


def _is_there(path):
    try:
        os.stat(path)
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
        self.unsent = None  # once a link wants profiles, at this start or at an earlier one
        self._unsent_path = root + _UNSENT
        if _is_there(self._unsent_path) or _is_there(self._unsent_path + ".old"):
            self.track()

    def track(self):
        """Return what notes what the links have not got."""
        if self.unsent is None:
            from firmware.state.profile_unsent import Unsent  # noqa: PLC0415 - RAM that only those pay for who have a link

            self.unsent = Unsent(self._load("lib.store.document").Document(self._unsent_path))
        return self.unsent

    def untrack(self, link):
        """A link is off: should it be on again, everything is new to it."""
        for key in self.unsent.keys(link) if self.unsent else ():
            self.unsent.drop(link, key)

    def append(self, key, time_utc, status, values):
        self._looks = 0
        is_new = Profiles.append(self, key, time_utc, status, values)
        if is_new and self.unsent:
            self.unsent.note(key, time_utc)
        return is_new

    def _store(self, meter, part, chunk):
        try:
            if self.unsent:
                self.unsent.secure()
        except OSError as error:
            self.failure = error
            raise
        Profiles._store(self, meter, part, chunk)

    def forget(self, key):
        if self.unsent:
            for link in (1, 2):
                self.unsent.drop(link, key)
        return Profiles.forget(self, key)

    def end(self):
        """Write all that is in RAM: the gateway is about to restart."""
        self.settle()
        if self.unsent:
            self.unsent.save()

    async def run(self):
        """See for ever that nothing stays in RAM for long."""
        while True:
            self._beat.beat()
            self._looks += 1
            if self._looks == _REST_LOOKS:
                self.settle()
                self._tell()
            if self.unsent:
                self.unsent.look()
            await asyncio.sleep_ms(_LOOK_MS)

    def _tell(self):
        if self.failure and not self._is_told:
            self._events.add("history", f"the flash did not take load profiles: error {self.failure.errno}")
        self._is_told = self.failure is not None
        for trouble in self.troubles():
            self._events.add("history", trouble)
