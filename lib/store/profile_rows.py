"""Records of a stored load profile in the order of time, out of the parts of one file (lib/store/profile.py)."""

from micropython import const

from lib.store.profile_part import MOST_CHANNELS, Part

_MOST_PARTS = const(64)  # of one chunk


def rows(profiles, meter, start, parts, texts, first, last):
    """Yield what Profiles.query() does. `parts`: sorted (chunk, offset, number of its text, count) of the file from `start`."""
    values: list = [None] * (meter.text.count(",") + 1)
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
            part = _loaded(profiles, meter, start, offset, texts, text, part)
            which = number - at
            if part.rows:
                order.extend([part.time(row) - base << 12 | which << 6 | row for row in range(part.rows)])
            yield None
        order.sort()
        columns = _columns(meter, texts, parts[at + which][2])
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
                part = _loaded(profiles, meter, start, offset, texts, text, part)
                columns = _columns(meter, texts, text)
                yield None
            row = entry & 63
            if row >= part.rows or part.time(row) != time:
                continue  # it was changed or removed meanwhile
            for channel, column in enumerate(columns):
                values[channel] = part.value(column, row) if column < MOST_CHANNELS else None
            yield time, part.status(row), values
        at = end


def _loaded(profiles, meter, start, offset, texts, text, part):
    """Return the part at a place; one without rows if it is damaged."""
    channels = (texts[text] if text >= 0 else meter.text).count(",") + 1
    if part is None or part.channels != channels:
        part = Part(channels)
    if not profiles.load(meter, start, offset, part):
        part.clear(0)
    return part


def _columns(meter, texts, text):
    """Return in which column of a part each present channel is; MOST_CHANNELS: in none."""
    now = meter.text.split(",")
    then = now if text < 0 else texts[text].split(",")
    return [then.index(name) if name in then else MOST_CHANNELS for name in now]
