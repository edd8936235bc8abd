"""Keeps strangers from guessing the proof of possession: after five that were wrong there is a pause, each time a longer one.

The number of wrong ones is on flash, so that taking the power away does not help: a pause then begins anew. So it does each
time provisioning begins; therefore the longest pause is shorter than provisioning, lest a stranger could lock out the owner.
"""

from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

_FREE = const(5)
_FIRST_S = const(30)
_TOP_S = const(120)


class Guard:
    """`document`: the file's Document; `events`: who hears of each wrong proof."""

    def __init__(self, document, events):
        self._document = document
        self._events = events
        stored = document.load()
        wrong = stored.get("wrong") if isinstance(stored, dict) else None
        self._wrong = wrong if isinstance(wrong, int) and wrong > 0 else 0
        self._until = None
        self._pause()

    def is_paused(self):
        """Return whether nobody may prove anything now."""
        if self._until is not None and ticks_diff(self._until, ticks_ms()) <= 0:
            self._until = None
        return self._until is not None

    def failed(self):
        """A proof was wrong. This is on flash before the phone knows."""
        self._wrong += 1
        self._save()
        seconds = self._pause()
        then = f", paused for {seconds} s" if seconds else ""
        self._events.add("login", f"provisioning: wrong proof of possession, number {self._wrong}{then}")

    def passed(self):
        """A proof was right."""
        if self._wrong:
            self._wrong = 0
            self._save()

    def _pause(self):
        if self._wrong < _FREE:
            return 0
        seconds = min(_FIRST_S << min(self._wrong - _FREE, 7), _TOP_S)
        self._until = ticks_add(ticks_ms(), 1000 * seconds)
        return seconds

    def _save(self):
        try:
            self._document.save({"wrong": self._wrong})
        except OSError as error:
            self._events.add("login", f"provisioning: {error!r}")  # it counts in RAM
