"""How far each link is with the archive of DLMS meters: of each kind a place in the order in which records came.

Records only come behind that place, so nothing is noted when they do. Places are written now and then: what a power cut takes
of them is sent once more. In RAM once a link wants the archive; of one that does not any more the place is kept.
"""

from micropython import const

KINDS = const(6)
_LOOKS = const(3600)  # until places are written that changed
_MESSAGES = const(64)  # or so many messages


class Unsent:
    """`document` keeps it."""

    def __init__(self, document):
        self._document = document
        found = document.load()
        self._places = [[[0, 0] for _ in range(KINDS)], [[0, 0] for _ in range(KINDS)]]  # of each link: (rank, offset) by kind
        self._wanted = [False, False]
        self._looks = self._messages = 0
        if isinstance(found, list) and len(found) == 2:
            for at in (0, 1):
                if _is_sound(found[at]):
                    self._places[at] = found[at]

    def want(self, link, is_wanted):
        """Whether a link, 1 or 2, sends the archive."""
        self._wanted[link - 1] = is_wanted

    def place(self, link, kind):
        """Return up to where all of a kind has arrived."""
        return self._places[link - 1][kind]

    def arrived(self, link, kind, rank, offset):
        """All up to a place has arrived."""
        self._places[link - 1][kind] = [rank, offset]
        self._messages += 1

    def floor(self, kind):
        """Return the lowest rank that a link has not got all of; None: nobody wants any."""
        ranks = [self._places[at][kind][0] for at in (0, 1) if self._wanted[at]]
        return min(ranks) if ranks else None

    def look(self):
        """To be called every second or so: writes what has changed, seldom."""
        if self._messages:
            self._looks += 1
            if self._looks >= _LOOKS or self._messages >= _MESSAGES:
                self.save()

    def save(self):
        """Write what has changed. A flash that does not take it is tried later."""
        if self._messages:
            try:
                self._document.save(self._places)
                self._messages = self._looks = 0
            except OSError:
                self._messages, self._looks = 1, 0


def _is_sound(places):
    """Whether these are places, for a damaged file may be what serves."""
    if not isinstance(places, list) or len(places) != KINDS:
        return False
    for place in places:
        if not isinstance(place, list) or len(place) != 2 or not all([isinstance(one, int) and one >= 0 for one in place]):
            return False
    return True
