"""The questions waiting for a wire, and whose turn is next.

Higher priorities go first, but not for ever: after a few turns in a row a lower one gets one. Within a priority the client
that was served longest ago is next. A unit that does not answer is skipped until its next probe is due, unless a person or a
program asked for it just now.
"""

from asyncio import Event
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from lib.modbus.errors import FrameError

COMMAND = const(0)  # relay commands and writes
INTERACTIVE = const(1)  # Modbus TCP clients, pages: somebody waits
POLL = const(2)

_LONGEST = const(32)  # entries
_REMEMBERED = const(16)  # clients: a larger table would need more memory in one piece than there may be
_IN_A_ROW = const(8)  # turns of higher priorities while a lower one waits


class Entry:
    """One asking of a request. `deadline` in ticks, None for ever. `is_shared`: its reply may serve others later.

    `error` or the request's reply is there once `done`.
    """

    def __init__(self, request, priority, client, deadline, is_shared=False):
        self.request = request
        self.priority = priority
        self.asked = priority  # as it came: `priority` rises when one with a higher one shares the answer
        self.client = client
        self.deadline = deadline
        self.is_shared = is_shared
        self.tries = 0
        self.turn = 0  # of the wire when it came
        self.done = Event()
        self.error = None
        self.follows = None  # the Entry whose answer this one shares

    def finish(self, error):
        self.error = error
        self.done.set()


class Queue:
    """At most 32 entries. `arrived` is set when one comes."""

    def __init__(self):
        self.arrived = Event()
        self.entries = []
        self.active = None  # the entry on the wire
        self._served = {}  # client: number of the turn it had last
        self._turn = 0
        self._in_a_row = 0

    def is_full(self):
        return len(self.entries) >= _LONGEST

    def add(self, entry):
        """Queue an entry, or let it follow a read of the same registers that is waiting or on the wire."""
        if entry.request.is_read:
            for other in self.entries:
                if other.follows is None and other.request.covers(entry.request):
                    other.priority = min(other.priority, entry.priority)
                    entry.follows = other
                    break
            else:
                if self.active and self.active.request.covers(entry.request):
                    self.active.priority = min(self.active.priority, entry.priority)  # should it have another turn
                    entry.follows = self.active
        entry.turn = self._turn
        self.entries.append(entry)
        self.arrived.set()

    def remove(self, entry):
        """Its client has given up. Those who followed it go on their own."""
        if entry is self.active:
            entry.deadline = ticks_ms()  # it is not asked once more, unless others follow it
        if entry in self.entries:
            self.entries.remove(entry)
            for other in self.entries:
                if other.follows is entry:
                    other.follows = None
            self.arrived.set()

    def next(self, may_go):
        """Take the entry whose turn it is; None if there is none or none may go.

        `may_go(entry)` tells whether its unit may be asked now.
        """
        now = ticks_ms()
        chosen = modest = None
        best = (0, 0)
        for entry in self.entries:
            if entry.follows is not None or not may_go(entry):
                continue
            if entry.deadline is not None and ticks_diff(entry.deadline, now) <= 0:
                continue  # who asked is about to give up
            rank = (entry.priority, self._last(entry))
            if chosen is None or rank < best:
                chosen, best = entry, rank
        if chosen is None:
            return None
        for entry in self.entries:  # of those that must give way to it, who has waited longest?
            if entry.priority > chosen.priority and entry.follows is None and may_go(entry):
                if modest is None or entry.turn < modest.turn:
                    modest = entry
        self._in_a_row = self._in_a_row + 1 if modest else 0
        if modest and self._in_a_row > _IN_A_ROW:
            chosen = modest
            self._in_a_row = 0
        self._turn += 1
        if len(self._served) >= _REMEMBERED and chosen.client not in self._served:
            del self._served[min(self._served, key=lambda client: self._served[client])]  # who was served longest ago
        self._served[chosen.client] = self._turn
        self.entries.remove(chosen)
        self.active = chosen
        return chosen

    def _last(self, entry):
        """Return the turn its client had last; who comes anew stands behind those who are waiting."""
        return self._served.get(entry.client, entry.turn)

    def is_over(self, entry):
        """Whether nobody waits any more for what is asked now: the entry on the wire, and those that follow it."""
        now = ticks_ms()
        for one in self.entries + [entry]:
            if (one is entry or one.follows is entry) and (one.deadline is None or ticks_diff(one.deadline, now) > 0):
                return False
        return True

    def again(self):
        """The active entry is to have another turn. Its client was served last, so those of others come first."""
        entry, self.active = self.active, None
        heir = None
        if entry.deadline is not None and ticks_diff(entry.deadline, ticks_ms()) <= 0:
            for other in self.entries:  # its client has gone: it is theirs who followed
                if other.follows is entry:
                    other.follows = heir
                    if heir is None:
                        heir = other
                        heir.tries = entry.tries
        if heir is None:
            self.entries.append(entry)

    def expire(self):
        """Tell those whose deadline has passed; who waits for what is on the wire, too."""
        now = ticks_ms()
        for entry in list(self.entries) if self.entries else ():
            if entry.deadline is not None and ticks_diff(entry.deadline, now) <= 0:
                self.remove(entry)
                entry.finish(FrameError("deadline"))
        entry = self.active
        if entry and entry.deadline is not None and not entry.done.is_set() and ticks_diff(entry.deadline, now) <= 0:
            entry.finish(FrameError("deadline"))

    def waiting(self, unit):
        """Return 0 if only polls wait, 2 if a person or a program waits for another unit than this, 1 if for this one only."""
        found = 0
        for entry in self.entries:
            if entry.priority < POLL and entry.follows is not self.active:
                if entry.request.unit != unit:
                    return 2
                found = 1
        return found

    def complete(self, error):
        """The active entry has its answer or an error: tell it and all that follow it."""
        leader, self.active = self.active, None
        followers = [entry for entry in self.entries if entry.follows is leader]
        for entry in followers:
            self.entries.remove(entry)
            if error is None:
                entry.request.copy_from(leader.request)
            entry.finish(error)
        leader.finish(error)


def deadline_in(milliseconds):
    return None if milliseconds is None else ticks_add(ticks_ms(), milliseconds)
