"""Merges segments of the archive of meters, so that the records of one meter lie together: less bytes, less to look at.

Four complete segments of a kind and level become one of the next level. The old ones go when the new one is complete: so a
power cut leaves records twice at most, which readers tell once, and an incomplete one is begun anew.
"""

from micropython import const

from lib.store.archive_arrival import rank
from lib.store.archive_part import Part
from lib.store.archive_reader import merged
from lib.store.archive_segments import EVENTS, LEVELS

_FAN = const(4)  # segments that become one
_LARGE = const(250)  # bytes of a part that is large enough
_METERS = const(64)  # looked for at once


class Few:
    """The lowest meters above one, of all that take() is called for, and how often that was."""

    def __init__(self, above):
        self._above = above
        self.meters = []
        self.count = 0

    def take(self, meter):
        self.count += 1
        meters = self.meters
        if meter <= self._above or meter in meters:
            return
        if len(meters) < _METERS:
            meters.append(meter)
        elif meter < max(meters):
            meters[meters.index(max(meters))] = meter


def tidy(segments, is_forgotten, floor):
    """Merge what can be, of each kind and level once; yield None now and then. Raises OSError."""
    for kind in range(EVENTS):
        for level in range(LEVELS - 1):
            there = segments.of(kind, level)
            if there and not (yield from segments.is_complete(there[-1])):
                there.pop()
            lowest = floor(kind)
            if lowest is not None:
                there = [segment for segment in there if rank(segment) < lowest]
            if len(there) >= _FAN:
                few = Few(0)
                yield from segments.meters(there[0], few.take)
                if few.count and segments.size(there[0]) // few.count < _LARGE:
                    yield from _merge(segments, kind, level, there[:_FAN], is_forgotten)


def _merge(segments, kind, level, old, is_forgotten):
    begun = segments.of(kind, level + 1)
    if begun and not (yield from segments.is_complete(begun[-1])):
        segments.remove(begun[-1])

    def numbers():
        return [segment for segment in old if segments.has(segment)]

    part, holder, values = Part(), Part(), []
    above = 0
    while True:
        few = Few(above)
        for segment in numbers():
            yield from segments.meters(segment, few.take)
        if not few.meters:
            break
        for meter in sorted(few.meters):
            above = meter
            if is_forgotten(meter):
                continue
            part.begin(meter, 0, 0)
            for found in merged(segments, numbers, meter, 0, 0xFFFFFFFF, holder, True):
                if found is None:
                    yield
                    continue
                time, status, layout, values = holder.record(found[1], values)
                is_ours = (layout, len(values)) == (part.layout, part.columns)
                if not is_ours or not part.add(time, status, values):
                    yield from _store(segments, kind, level + 1, part)
                    part.begin(meter, layout, len(values))
                    part.add(time, status, values)
            yield from _store(segments, kind, level + 1, part)
    made = segments.of(kind, level + 1)
    if made and not (yield from segments.is_complete(made[-1])):
        yield from segments.complete(kind, level + 1)
    for segment in numbers():
        segments.remove(segment)
        yield


def _store(segments, kind, level, part):
    while part.piece(segments.buffer):
        part.turn = segments.next_turn()
        yield from segments.append(kind, level, part)
        yield
