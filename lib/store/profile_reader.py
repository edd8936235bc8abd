"""Reads stored load profiles in the order of time; needed for answers only, and so in a module of its own.

What the generators yield: lib/store/profile.py, whose methods they are. `meter` is a Meter of lib/store/profile_files.py.
"""

from micropython import const

from lib.store.profile_files import channels_of, load, scan
from lib.store.profile_part import MOST_CHANNELS, Part

_MOST_PARTS = const(64)  # of one chunk
_GRID_S = const(900)  # records of longer periods may begin at any quarter of an hour of UTC: so do zones


def query(meter, first, last):
    if meter is None or meter.text is None:
        return
    for start in list(meter.starts):  # others may change it
        if start not in meter.starts:
            continue
        place = meter.starts.index(start)
        if start * meter.span > last:
            break
        if place + 1 < len(meter.starts) and meter.starts[place + 1] * meter.span <= first:
            continue
        parts, texts = [], []
        for _ in scan(meter, place, parts, texts, first // meter.span, last // meter.span):
            yield None
        parts.sort()
        yield from _rows(meter, start, parts, texts, first, last)


def gaps(meter, first, last):
    if meter is None:
        return
    step = 60 * meter.period
    grid = min(step, _GRID_S)
    expected = -(-first // step)
    for record in query(meter, first, last):
        if record is None:
            yield None
        elif record[0] % grid == 0:
            slot = record[0] // step
            if slot > expected:
                yield expected * step, (slot - 1) * step
            expected = max(expected, slot + 1)
    if expected * step <= last:
        yield expected * step, last // step * step


def extent(meter):
    oldest, count = None, 0
    for start in list(meter.starts) if meter else ():
        if start not in meter.starts:
            continue
        parts = []
        for _ in scan(meter, meter.starts.index(start), parts, []):
            yield None
        count += sum([part[3] for part in parts])
        if oldest is None and parts:
            chunk = min(parts)[0]
            for record in query(meter, chunk * meter.span, (chunk + 1) * meter.span - 1):
                if record is not None:
                    oldest = record[0]
                    break
    yield oldest, count


def _rows(meter, start, parts, texts, first, last):
    """Yield the records of one file. `parts`: sorted (chunk, offset, number of its text, count) of the file from `start`."""
    now = meter.text.split(",")  # others may describe it anew
    values: list = [None] * len(now)
    part = None
    at = 0
    while at < len(parts):
        chunk = parts[at][0]
        end = at + 1
        while end < len(parts) and end - at < _MOST_PARTS and parts[end][0] == chunk:
            end += 1
        base = chunk * meter.span
        order = []  # (seconds in the chunk) << 12 | part << 6 | row
        which = -1  # part that is loaded
        for number in range(at, end):
            _, offset, text, _ = parts[number]
            part = _loaded(meter, start, offset, texts, text, part)
            which = number - at
            if part.rows:
                order.extend([part.time(row) - base << 12 | which << 6 | row for row in range(part.rows)])
            yield None
        order.sort()
        columns = _columns(now, texts, parts[at + which][2])
        before = -1
        for entry in order:
            time = base + (entry >> 12)
            if not first <= time <= last or time == before:
                continue
            before = time
            number = entry >> 6 & 63
            if number != which:
                which = number
                _, offset, text, _ = parts[at + which]
                part = _loaded(meter, start, offset, texts, text, part)
                columns = _columns(now, texts, text)
                yield None
            row = entry & 63
            if row >= part.rows or part.time(row) != time:
                continue  # it was changed or removed meanwhile
            for channel, column in enumerate(columns):
                values[channel] = part.value(column, row) if column < MOST_CHANNELS else None
            yield time, part.status(row), values
        at = end


def _loaded(meter, start, offset, texts, text, part):
    """Return the part at a place; one without rows if it is damaged."""
    channels = channels_of(texts, text, meter)
    if part is None or part.channels != channels:
        part = Part(channels)
    if not load(meter, start, offset, part):
        part.clear(0)
    return part


def _columns(now, texts, text):
    """Return in which column of a part each present channel is; MOST_CHANNELS: in none."""
    then = now if text < 0 else texts[text].split(",")
    if then == now:
        return range(len(now))  # two may have the same name
    return [then.index(name) if name in then else MOST_CHANNELS for name in now]
