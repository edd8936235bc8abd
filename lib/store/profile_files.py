"""The files of stored load profiles (lib/store/profile.py): which there are of a meter, and what parts are in one.

A file is open for moments, never while others run: who writes may change it in between, and littlefs protects no block for a
reader.
"""

from micropython import const

from lib.store.profile_part import CHUNK, CRC_SIZE, HEAD_SIZE, Part, head, is_sound

_BLOCK = const(4096)
_AT_ONCE = const(8)  # parts looked at before others run


class Meter:
    """Which files there are of a meter; what it is now."""

    def __init__(self, path, period):
        self.path = path
        self.period = period
        self.span = CHUNK * 60 * period  # of a chunk, in seconds
        self.starts = []  # first chunk of each file
        self.sizes = []  # of them, in bytes
        self.text: str | None = None  # description of its channels: code*unit, commas between; None until it is known
        self.last = None  # time of the newest record; 0: none, None: look for it
        self.trouble = ""  # in words what was damaged, "" if nothing
        self.told = None  # first chunk of a file that is known to end with parts of this description

    def place(self, chunk):
        """Return which file a chunk belongs to."""
        place = len(self.starts) - 1
        while place > 0 and self.starts[place] > chunk:
            place -= 1
        return place

    def blocks(self):
        """Return how many blocks of flash its files take."""
        return sum([size // _BLOCK + 1 for size in self.sizes])

    def name(self, place):
        return f"{self.path}.{self.starts[place]:06x}"

    @property
    def columns(self):
        """What there is of each channel: (code, unit)."""
        return [tuple(column.split("*")) for column in self.text.split(",")] if self.text else []


def scan(meter, place, parts, texts, first=0, last=1 << 30):
    """Add (chunk, offset, number of its description in `texts`, count of records) of the parts in a file to `parts`.

    Yields now and then; no file is open then. `texts` gets all descriptions.
    """
    at = 0
    while at is not None:
        at = _look(meter, place, at, parts, texts, first, last)
        yield


def _look(meter, place, at, parts, texts, first, last):
    """Look at some more parts from `at` on; return where to go on, None at the end."""
    buffer = bytearray(HEAD_SIZE)
    try:
        with open(meter.name(place), "rb") as file:
            for _ in range(_AT_ONCE):
                file.seek(at)
                if file.readinto(buffer) != HEAD_SIZE:
                    return None
                there = head(buffer)
                if there is None:
                    at = _resume(file, at, meter)
                    if at is None:
                        return None
                    continue
                rows, size, chunk = there
                if not rows:
                    content = bytearray(size)
                    file.seek(at)
                    if file.readinto(content) == size and is_sound(content, size):
                        texts.append(bytes(content[HEAD_SIZE:-CRC_SIZE]).decode())
                    else:
                        _damaged(meter)
                elif first <= chunk <= last:
                    parts.append((chunk, at, len(texts) - 1, rows))
                at += size
    except (OSError, IndexError):
        return None  # it was removed meanwhile
    return at


def _resume(file, at, meter):
    """Return where the next part may begin behind damage, None if there is none."""
    _damaged(meter)
    buffer = bytearray(128)
    while True:
        at += 1
        file.seek(at)
        there = file.readinto(buffer) or 0
        if there < HEAD_SIZE:
            return None
        for step in range(there - HEAD_SIZE + 1):
            if head(memoryview(buffer)[step:]):
                return at + step
        at += there - HEAD_SIZE


def load(meter, start, offset, part):
    """Fill a Part from a file and place; return whether there was one that is sound."""
    try:
        with open(f"{meter.path}.{start:06x}", "rb") as file:
            file.seek(offset)
            buffer = bytearray(HEAD_SIZE)
            file.readinto(buffer)
            there = head(buffer)
            if there is None:
                return False
            buffer = bytearray(there[1])
            file.seek(offset)
            if file.readinto(buffer) == there[1] and part.decode(buffer, there[1]):
                return True
    except OSError:
        return False
    if start in meter.starts:
        _damaged(meter)
    return False


def newest(meter):
    """Return the time of the newest record on flash, 0 without one; take the description if there was none."""
    for place in range(len(meter.starts) - 1, -1, -1):
        parts, texts = [], []
        for _ in scan(meter, place, parts, texts):
            pass
        if meter.text is None and texts:
            meter.text = texts[-1]
        parts.sort()
        found = 0
        while parts:
            chunk, offset, text, _ = parts.pop()
            if found and chunk != found // meter.span:
                break
            part = Part(channels_of(texts, text, meter))
            if load(meter, meter.starts[place], offset, part):
                found = max([found] + [part.time(row) for row in range(part.rows)])
        if found:
            return found
    return 0


def channels_of(texts, text, meter):
    """Return how many channels a part has: where its description was lost, as many as now."""
    return (texts[text] if text >= 0 else meter.text or "").count(",") + 1


def _damaged(meter):
    meter.trouble = f"load profile {meter.path.rpartition('/')[2]}: damaged, what else there is serves"
