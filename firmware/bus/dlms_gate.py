"""Lets sessions with DLMS meters begin on several wires while there is memory for them: else the wires take turns.

The first session begins in any case, a further one if `has_room(count)` says that so many of them fit. Who must wait comes in
the order of priority, then of arrival; nobody comes before who waits.
"""


class Gate:
    """`has_room(count)`: whether there is memory for so many sessions, the ones under way among them."""

    def __init__(self, has_room):
        self._has_room = has_room
        self._inside = []
        self._waiting = []  # (priority, who), the next one first

    def enter(self, who, priority):
        """Return whether a session of `who` may begin now, until leave(); if not it waits, and asks again when it was woken.

        `who.wake()` is called then; whoever asks now and then besides sees that other things have made room. The priority, a
        number that is low for what is urgent, is that of the last time.
        """
        if who in self._inside:
            return True
        self._wait(who, priority)
        if self._waiting[0][1] is not who or self._inside and not self._has_room(len(self._inside) + 1):
            return False
        self._waiting.pop(0)
        self._inside.append(who)
        self._wake()  # there may be room for one more
        return True

    def leave(self, who):
        """The session is over, or `who` waits no longer; whoever has no place and waits for none may say so, too."""
        at = self._place(who)
        if who in self._inside:
            self._inside.remove(who)
        elif at < 0:
            return
        else:
            self._waiting.pop(at)
        self._wake()

    def is_awaited(self, priority):
        """Whether somebody waits with a priority before that one."""
        return len(self._waiting) > 0 and self._waiting[0][0] < priority

    def _wait(self, who, priority):
        at = self._place(who)
        if at >= 0:
            if self._waiting[at][0] == priority:
                return
            self._waiting.pop(at)
        at = 0
        while at < len(self._waiting) and self._waiting[at][0] <= priority:
            at += 1
        self._waiting.insert(at, (priority, who))

    def _place(self, who):
        for at, one in enumerate(self._waiting):
            if one[1] is who:
                return at
        return -1

    def _wake(self):
        if self._waiting:
            self._waiting[0][1].wake()
