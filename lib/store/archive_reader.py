"""Reads the archive of meters in the order of time, each time once, however its parts lie: some parts at a time.

`segments` is lib/store/archive_segments.py's. A generator yields None when others may run, also those who write.
"""

from micropython import const

from lib.store.archive_part import ERA, Part

_MOST_PARTS = const(32)  # that are known of at a time
_NEVER = const(0xFFFFFFFF)
_GRID_S = const(900)  # records of longer periods may begin at any quarter of an hour of UTC: so do zones
_FIRST = const(0)  # of what is known of a part: time of the next record less ERA
_SEGMENT = const(1)
_END = const(2)
_ROW = const(3)  # next record
_AT = const(4)  # where it is in the buffer, -1: not there
_SIZE = const(5)


class Nearest:
    """The parts that begin first, of all that take() is called for, and all that have begun at `first`.

    Times are less ERA, for many are kept: small integers take no memory.
    """

    def __init__(self, first):
        self._first = first
        self.parts = []  # of each what is known, see above
        self.horizon = _NEVER - ERA  # what is before it is in them
        self.turn = 0  # in which some of them came into the buffer

    def take(self, first, last, segment, end, layout):
        first = max(first - ERA, self._first)
        parts = self.parts
        place = len(parts)
        while place and parts[place - 1][_FIRST] > first:
            place -= 1
        parts.insert(place, [first, segment, end, 0, -1, 0])
        if len(parts) > _MOST_PARTS and parts[-1][_FIRST] > self._first:
            self.horizon = min(self.horizon, parts.pop()[_FIRST])


def merged(segments, numbers, meter, first, last, holder, is_once):
    """Yield (holder, number of a record in it) for all records of a meter from `first` to `last`, None now and then.

    `numbers()` returns the segments to look in. `holder` is decode()d from one part after another; it has moment(), the time
    less ERA. With `is_once` a record of a time that another one has is left out.
    """
    first -= ERA
    last -= ERA
    while first <= last:
        nearest = Nearest(first)
        is_whole = yield from _collect(segments, numbers, meter, first + ERA, last + ERA, nearest)
        if not is_whole:
            continue  # a segment went meanwhile
        horizon, parts = nearest.horizon, nearest.parts
        held = None
        while parts:
            part = min(parts)
            if part[_FIRST] > last or part[_FIRST] >= horizon:
                break
            if part is not held:
                held = part
                size = _loaded(segments, part, nearest, holder)
                yield None
                if size < 0 and is_once:
                    horizon = first  # it went: look for where its records are now
                    break
                if size <= 0:
                    parts.remove(part)
                    continue
            limit = min([other[_FIRST] for other in parts if other is not part] + [last, horizon - 1])
            row = part[_ROW]
            while row < holder.rows:
                moment = holder.moment(row)
                if moment > limit:
                    break
                if moment >= first:
                    yield holder, row
                    if is_once:
                        first = moment + 1
                row += 1
            part[_ROW] = row
            if row < holder.rows:
                part[_FIRST] = moment
            else:
                parts.remove(part)
        if horizon == _NEVER - ERA:
            return
        first = max(first, horizon)


def _collect(segments, numbers, meter, first, last, nearest):
    for segment in numbers():
        try:
            oldest, newest = segments.span(segment) or (yield from segments.learn(segment))
            if oldest <= last and newest >= first:
                for _ in segments.find(segment, meter, first, last, nearest.take):
                    yield None
        except OSError:
            if segments.has(segment):
                segments.damaged(segment)
            else:
                return False
        yield None
    return True


def _loaded(segments, part, nearest, holder):
    """Return the size of a part that is decoded then, 0: it is damaged, -1: its segment went.

    To open a file costs more than to read from it: the next ones from there come into the buffer, too, as many as fit, and are
    there until somebody else uses it.
    """
    segment, buffer = part[_SEGMENT], segments.buffer
    if part[_AT] < 0 or segments.turn != nearest.turn:
        nearest.turn = segments.next_turn()
        for other in nearest.parts:
            other[_AT] = -1
        wanted = [part] + [other for other in nearest.parts if other[_SEGMENT] == segment and other is not part]
        try:
            sizes = segments.load(segment, [other[_END] for other in wanted], buffer)
            if sizes[0] > len(buffer):
                buffer = bytearray(sizes[0])
                sizes = segments.load(segment, [part[_END]], buffer)
        except OSError:
            sizes = (0,)
        if not segments.has(segment):
            return -1
        at = 0
        for other, size in zip(wanted, sizes):
            other[_AT], other[_SIZE] = at, size
            at += size
        if buffer is not segments.buffer:
            nearest.turn = 0
    at, size = part[_AT], part[_SIZE]
    if not size or not holder.decode(memoryview(buffer)[at : at + size], size):
        segments.damaged(segment)
        return 0
    return size


class Times(Part):
    """The times of a part only."""

    def decode(self, buffer, size, most=-1):
        return Part.decode(self, buffer, size, -1)


def rows(segments, meter, kind, first, last):
    """Yield (time, status, layout, values) of the records from UTC first to last; `values` is one list, filled anew."""
    values = []
    for found in merged(segments, lambda: segments.of(kind), meter, first, last, Part(), True):
        yield found and found[0].record(found[1], values)


def times(segments, meter, kind, first, last):
    for found in merged(segments, lambda: segments.of(kind), meter, first, last, Times(), True):
        yield found and found[0].time(found[1])


def gaps(segments, meter, kind, period_s, first, last):
    """Yield (first time, last time) of the records that are missing from first to last."""
    grid = min(period_s, _GRID_S)
    expected = -(-first // period_s)
    for time in times(segments, meter, kind, first, last):
        if time is None:
            yield None
        elif time % grid == 0:
            slot = time // period_s
            if slot > expected:
                yield expected * period_s, (slot - 1) * period_s
            expected = max(expected, slot + 1)
    if expected * period_s <= last:
        yield expected * period_s, last // period_s * period_s


class Used:
    """The layouts of all parts that take() is called for."""

    def __init__(self):
        self.layouts = set()

    def take(self, first, last, segment, end, layout):
        self.layouts.add(layout)


def layouts(segments, meter, kind, first, last):
    """Yield None now and then, and in the end the set of the layouts of records from first to last, of all meters with 0."""
    used = Used()
    numbers = segments.of(kind)
    while numbers:
        segment = numbers.pop()
        try:
            oldest, newest = segments.span(segment)
            if oldest <= last and newest >= first:
                for _ in segments.find(segment, meter, first, last, used.take):
                    yield None
        except OSError:
            if not segments.has(segment):
                numbers = segments.of(kind)  # it went, its records perhaps to another one
        yield None
    yield used.layouts


class Newest:
    """The latest time of all that take() is called for."""

    def __init__(self):
        self.time = 0

    def take(self, first, last, segment, end, layout):
        self.time = max(self.time, last)


def newest(segments, meter, kind):
    """Yield None now and then, and in the end the time of the newest record, 0 without one."""
    found = Newest()
    for segment in reversed(segments.of(kind)):
        try:
            if (segments.span(segment) or (yield from segments.learn(segment)))[1] > found.time:
                for _ in segments.find(segment, meter, found.time + 1, _NEVER, found.take):
                    yield None
        except OSError:
            pass  # it went, for it was the oldest
        yield None
    yield found.time
