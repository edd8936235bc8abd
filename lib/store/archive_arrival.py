"""Goes through the archive of meters in the order in which its parts came: for who sends on all that there is, once.

A place in that order is (rank, offset) within a kind: what ends at the offset in the segment of that rank, or earlier, is
behind.
Segments that were merged come first, for what is in them came earlier. A merged one begins behind a place if all that it was
made of is, so nothing is told again. What was removed to make room is passed over.
"""

from micropython import const

from lib.store.archive_events import Events
from lib.store.archive_part import Part
from lib.store.archive_segments import EVENTS, LEVELS, kind_of

_MOST = const(32)  # parts told of at once
_NEVER = const(0xFFFFFFFF)
_LEVEL_SHIFT = const(22)


def rank(segment):
    """Return the place of a segment among those of its kind."""
    return (LEVELS - 1 - (segment >> _LEVEL_SHIFT & 3)) << _LEVEL_SHIFT | segment & (1 << _LEVEL_SHIFT) - 1


class Ends:
    """The ends of the first parts behind an offset of all that take() is called for, the last of them first."""

    def __init__(self, offset):
        self._offset = offset
        self.ends = []
        self.is_over = False

    def take(self, first, last, segment, end, layout):
        if end <= self._offset:
            self.is_over = True
        else:
            self.ends.append(end)
            if len(self.ends) == 2 * _MOST:
                del self.ends[:_MOST]


def following(segments, kind, place):
    """Yield None now and then, and in the end (segment, ends of the next parts in their order); None: there is no more."""
    at, offset = place
    for segment in sorted(segments.of(kind), key=rank):
        if rank(segment) < at:
            continue
        found = Ends(offset if rank(segment) == at else 0)
        try:
            for _ in segments.find(segment, 0, 0, _NEVER, found.take):
                if found.is_over:
                    break
                yield None
        except OSError:
            continue  # it went meanwhile
        if found.ends:
            found.ends.reverse()
            yield segment, found.ends[:_MOST]
            return
    yield None


def load(segments, segment, end):
    """Return the Part, of events the Events, that ends there; None: it went, or is damaged."""
    part = Events() if kind_of(segment) == EVENTS else Part()
    buffer = segments.buffer
    segments.next_turn()
    try:
        size = segments.load(segment, [end], buffer)[0]
        if size > len(buffer):
            buffer = bytearray(size)
            segments.load(segment, [end], buffer)
    except OSError:
        return None
    return part if size and part.decode(memoryview(buffer)[:size], size) else None
