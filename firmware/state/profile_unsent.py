"""What the links have not got yet of the load profiles: how far each is, and what was filled in behind it since.

A link that wants a meter's profile has an entry for it: the meter's place, the time up to which all has arrived, and spans
before that time into which records came later. What is newer than that time needs no note, so most records cost no writing.
All is kept in a document: a new span before the record that it is noted for, times now and then. What a power cut takes of them
is sent once more; what was noted and not stored is a span in which there is nothing new. In RAM once a link wants a profile.
"""

from micropython import const

_BASE_S = const(1577836800)  # 2020: times since then are small integers
NONE = const(-0x3FFFFFFF)  # nothing has arrived
_MOST_SPANS = const(4)  # of a meter and link; then the next one grows
_NEAR_S = const(3600)  # what is not further away grows too
_LOOKS = const(3600)  # until times are written that nothing else had written, seconds
_MESSAGES = const(64)  # or so many of them
_SPANS = const(2)  # an entry: place, time, then first and last time of each span


class Unsent:
    """`document` keeps it. Times here are UTC, in entries those since _BASE_S."""

    def __init__(self, document):
        self._document = document
        found = document.load()
        self._entries = ({}, {})  # of each link: by key
        if isinstance(found, list) and len(found) == 2:
            for at in (0, 1):
                for key, entry in found[at].items() if isinstance(found[at], dict) else ():
                    if _is_sound(entry):
                        self._entries[at][key] = entry
        self._under_way: list = [None, None]  # of each link: [key, whether it is a span, earliest time that came since]
        self._is_noted = False  # a span that is not written yet
        self._messages = self._looks = 0  # since it was written

    def keys(self, link):
        """Return the keys of the meters that a link wants; link: 1 or 2."""
        return list(self._entries[link - 1])

    def place(self, link, key):
        """Return the slot that a meter was in last."""
        return self._entries[link - 1][key][0]

    def want(self, link, key, slot):
        """A link wants the profile of a meter that is in a slot: all of it, if that is new."""
        entry = self._entries[link - 1].setdefault(key, [slot, NONE])
        entry[0] = slot

    def drop(self, link, key):
        """A link does not want a meter's profile any more, or there is none: what comes from now on is new."""
        if self._entries[link - 1].pop(key, None):
            if self._under_way[link - 1] and self._under_way[link - 1][0] == key:
                self._under_way[link - 1] = None
            self._messages += 1
            self.save()  # now: an entry that comes back after a power cut would miss what is noted nowhere meanwhile

    def note(self, key, time):
        """A record has come, which is not on flash yet."""
        time -= _BASE_S
        for at in (0, 1):
            entry = self._entries[at].get(key)
            if entry is None:
                continue
            is_behind = time <= entry[1]
            if is_behind and _add(entry, time):
                self._is_noted = True
            now = self._under_way[at]
            if now and now[0] == key and now[1] == is_behind:
                now[2] = min(now[2], time)

    def begin(self, link, key, newest):
        """Return (first, last) UTC of what is to be sent next of a meter, None for nothing. `newest`: UTC of its last record.

        What comes until sent() is seen then, too.
        """
        entry = self._entries[link - 1][key]
        is_span = len(entry) > _SPANS
        first, last = (entry[_SPANS], entry[_SPANS + 1]) if is_span else (entry[1] + 1, newest - _BASE_S)
        if first > last:
            return None
        self._under_way[link - 1] = [key, is_span, last + 1]
        return max(first + _BASE_S, 0), last + _BASE_S

    def sent(self, link, last):
        """All from begin()'s first to a UTC has arrived; what came meanwhile and is older has not."""
        now, self._under_way[link - 1] = self._under_way[link - 1], None
        entry = self._entries[link - 1].get(now[0]) if now else None
        if entry is None:
            return  # it was removed
        behind = min(last - _BASE_S + 1, now[2])
        if not now[1]:
            entry[1] = behind - 1
        elif behind > entry[_SPANS + 1]:
            del entry[_SPANS : _SPANS + 2]
        else:
            entry[_SPANS] = behind
        self._messages += 1

    def look(self):
        """To be called every second: writes what has arrived, seldom."""
        if self._messages:
            self._looks += 1
            if self._looks >= _LOOKS or self._messages >= _MESSAGES:
                self.save()

    def secure(self):
        """Records are about to be written: see that what is noted of them is on flash. Raises OSError."""
        if self._is_noted:
            self._save()

    def save(self):
        """Write what has changed. A flash that does not take it is tried later."""
        try:
            if self._messages or self._is_noted:
                self._save()
        except OSError:
            self._messages, self._looks = 1, 0

    def _save(self):
        self._document.save(self._entries)
        self._is_noted = False
        self._messages = self._looks = 0


def _is_sound(entry):
    """Whether it is one, for a damaged file may be what serves."""
    if not isinstance(entry, list) or len(entry) < _SPANS or len(entry) % 2:
        return False
    return not [time for time in entry[1:] if not isinstance(time, int)]


def _add(entry, time):
    """Have a time in a span of an entry; return False if it was in one."""
    nearest, distance = 0, 0
    for at in range(_SPANS, len(entry), 2):
        away = max(entry[at] - time, time - entry[at + 1])
        if away <= 0:
            return False
        if not nearest or away < distance:
            nearest, distance = at, away
    if nearest and (distance <= _NEAR_S or len(entry) >= _SPANS + 2 * _MOST_SPANS):
        entry[nearest] = min(entry[nearest], time)
        entry[nearest + 1] = max(entry[nearest + 1], time)
    else:
        entry.extend((time, time))
    return True
