"""Events of meters in the archive: parts of kind 5, each of some events of one log of a meter, in the order of time.

A part (lib/store/archive_part.py, its `layout`: number of the log) holds for each event: what its UTC is more than the first
one's, and its code (varints), length of the text, text (UTF-8).
"""

from micropython import const

from lib.store.archive_file import FOOT_SIZE, foot, is_sound, seal
from lib.store.archive_part import ERA
from lib.store.archive_reader import merged
from lib.store.archive_segments import EVENTS
from lib.store.varint import put_varint, varint

_AT_ONCE = const(16)  # events of a part: it takes 600 bytes at most
_MOST_TEXT = const(24)
_MOST_CODE = const(1 << 32)


class Events:
    """The events of one part; `rows` of them are there."""

    def __init__(self):
        self.rows = 0
        self.meter = self.log = 0
        self._events = []  # (time less ERA, code, text)

    def decode(self, buffer, size):
        self.rows = 0
        there = foot(buffer, size - FOOT_SIZE)
        if there is None or there[1] != size or not is_sound(buffer, size):
            return False
        rows, _, self.meter, self.log, _, first, _ = there
        self._events.clear()
        at = 0
        for _ in range(rows):
            time, at = varint(buffer, at)
            code, at = varint(buffer, at)
            end = at + 1 + buffer[at]
            self._events.append((first - ERA + time, code, bytes(buffer[at + 1 : end]).decode()))
            at = end
        self.rows = rows
        return True

    def moment(self, row):
        return self._events[row][0]

    def event(self, row):
        moment, code, text = self._events[row]
        return moment + ERA, code, text


def logged(segments, meter, first, last):
    """Yield (UTC, log, code, text) of the events from UTC first to last in the order of time, None now and then."""
    for found in merged(segments, lambda: segments.of(EVENTS), meter, first, last, Events(), False):
        if found is None:
            yield None
        else:
            time, code, text = found[0].event(found[1])
            yield time, found[0].log, code, text


def add(segments, meter, log, events):
    """Keep (UTC, code, text) events that are not there yet; yield None now and then, and in the end how many were new.

    Raises OSError, ValueError.
    """
    fresh = []
    count = 0
    for time, code, text in events:
        if not 0 <= code < _MOST_CODE:
            raise ValueError("code")
        event = time, code, _cut(text)
        if event not in fresh:
            fresh.append(event)
        if len(fresh) == _AT_ONCE:
            count += yield from _store(segments, meter, log, fresh)
            fresh.clear()
    if fresh:
        count += yield from _store(segments, meter, log, fresh)
    yield count


def _store(segments, meter, log, fresh):
    fresh.sort()
    for found in logged(segments, meter, fresh[0][0], fresh[-1][0]):
        if found is None:
            yield
        elif found[1] == log and (found[0], found[2], found[3]) in fresh:
            fresh.remove((found[0], found[2], found[3]))
    if not fresh:
        return 0
    yield from segments.append(EVENTS, 0, Log(meter, log, fresh, segments))
    return len(fresh)


class Log:
    """Events that become a part: see append() of lib/store/archive_segments.py."""

    def __init__(self, meter, log, events, segments):
        self._meter, self._log, self._events = meter, log, events
        self.first, self.last = events[0][0], events[-1][0]
        self.turn = segments.next_turn()
        self.fill(segments.buffer)

    def fill(self, buffer):
        at = 0
        for time, code, text in self._events:
            at = put_varint(buffer, put_varint(buffer, at, time - self.first), code)
            content = text.encode()
            buffer[at] = len(content)
            at += 1 + len(content)
            buffer[at - len(content) : at] = content
        self.size = seal(buffer, at, len(self._events), self._meter, self._log, 0, self.first, self.last)


def _cut(text):
    """Return a text without what is more than fits."""
    while len(text.encode()) > _MOST_TEXT:
        text = text[:-1]
    return text
