"""Load profiles of meters on flash: in the order of time, whole after a power cut, the oldest out first.

Of each meter there are files `<key>.<period>.<chunk>`, period in minutes, chunk the number (six hexadecimal digits) of the
first chunk in it: a file holds that chunk and all up to the next file's. In it are parts (lib/store/profile_part.py), a
description before all others. Records that come go to the newest part of their chunk if that is the last one of its file, which
is then written anew, else to a part of their own behind all others. littlefs lets a file's new content appear when it is closed,
as a whole. So a record that fills an old hole is stored where it belongs, and a damaged part loses its own records only.

What was added last is in RAM until flush(), which comes by itself when another meter or chunk begins. A power cut loses that
and nothing else: last() then is what it was before, and who reads the meter asks it again.
"""

import os

from micropython import const

from lib.store.profile_part import CHUNK, CRC_SIZE, HEAD_SIZE, MOST_CHANNELS, ROWS, Part, description, head, is_sound

FOLDER = "/profiles"

_SEGMENT = const(8188)  # bytes: two blocks of littlefs
_BLOCK = const(4096)
_SHARE = const((4, 9))  # of the flash that profiles may fill
_BUFFER = const(1400)  # bytes that hold nearly every part
_LONGEST = const(5600)  # and those that hold any
_AT_ONCE = const(8)  # parts looked at before others run
_MOST_KEY = const(32)


class _Meter:
    """Which files there are of a meter; what it is now."""

    def __init__(self, path, period):
        self.path = path
        self.period = period
        self.span = CHUNK * 60 * period  # of a chunk, in seconds
        self.starts = []  # first chunk of each file
        self.sizes = []  # of them, in bytes
        self.text = None  # description of its channels: code*unit, commas between; None until it is known
        self.last = None  # time of the newest record; 0: none, None: look for it
        self.told = None  # first chunk of a file that is known to end with parts of this description

    def place(self, chunk):
        """Return which file a chunk belongs to."""
        place = len(self.starts) - 1
        while place > 0 and self.starts[place] > chunk:
            place -= 1
        return place

    def name(self, place):
        return f"{self.path}.{self.starts[place]:06x}"

    @property
    def columns(self):
        """What there is of each channel: (code, unit)."""
        return [tuple(column.split("*")) for column in self.text.split(",")] if self.text else []


class Profiles:
    """`failure` is what the last writing raised, None after one that was good; `trouble` tells in words what was damaged."""

    def __init__(self, folder):
        self.failure = None
        self.trouble = ""
        self._folder = folder
        self._meters = {}
        self._part = None  # that grows, while it has records that are not on flash
        self._meter = None  # whose it is
        self._at = None  # where in its file it is; None: it becomes a new one
        self._size = 0  # of it on flash
        self._times = []  # of all records of its chunk
        self._is_dirty = False
        try:
            os.mkdir(folder)
        except OSError:
            pass  # it is there
        self._most = os.statvfs(folder)[2] * _SHARE[0] // _SHARE[1]
        for name, _, _, size in os.ilistdir(folder):
            self._found(name, size)
        for meters in self._meters.values():
            meters.sort(key=lambda meter: -meter.starts[-1] * meter.span)  # the present period first

    def _found(self, name, size):
        try:
            key, period, chunk = name.split(".")
            period, chunk = int(period), int(chunk, 16)
        except ValueError:
            return  # not one of ours
        known = self._known(key, period)
        place = len([start for start in known.starts if start < chunk])
        known.starts.insert(place, chunk)
        known.sizes.insert(place, size)

    def _known(self, name, period):
        """Return the meter of a file name and period; of several periods all stay in the table, and the last described is it."""
        meters = self._meters.setdefault(name, [])
        for meter in meters:
            if meter.period == period:
                return meter
        meter = _Meter(f"{self._folder}/{name}.{period}", period)
        meters.insert(0, meter)
        return meter

    # What a reader of meters calls

    def describe(self, key, period_minutes, codes, units):
        """Tell what a meter's profile has: minutes between records, OBIS code and unit of each channel (text). Once a start."""
        name = _safe(key)
        if not 1 <= period_minutes <= 1440 or not 0 < len(codes) <= MOST_CHANNELS or not 0 < len(name) <= 3 * _MOST_KEY:
            raise ValueError("profile")
        text = ",".join([_plain(code) + "*" + _plain(unit) for code, unit in zip(codes, units)])
        meter = self._known(name, period_minutes)
        if meter.text != text or self._meters[name][0] is not meter:
            self.flush()
            self._drop()
            meter.text, meter.told = text, None
            meters = self._meters[name]
            meters.remove(meter)
            meters.insert(0, meter)

    def last(self, key):
        """Return the UTC of the newest record, None if there is none."""
        meter = self.meter(key)
        if meter is None:
            return None
        return self._last(meter) or None

    def append(self, key, time_utc, status, values):
        """Take a record: status is an integer or None, values are (mantissa, exponent) or None, one of each channel.

        Return whether it is new and was taken; not so if there is one of this time, if there are too many in its chunk, or if
        it is older than all there is and the flash is full. Raises OSError: the flash fails, `failure` has it too; and
        ValueError for a meter that was not described, or a record of other channels.
        """
        meter = self.meter(key)
        if meter is None or meter.text is None or len(values) != meter.text.count(",") + 1:
            raise ValueError("profile")
        chunk = time_utc // meter.span
        if self._meter is not meter or self._part.chunk != chunk:
            if meter.starts and chunk < meter.starts[0] and self._used() + 2 > self._most:
                return False
            self.flush()
            self._begin(meter, chunk)
        if time_utc in self._times or len(self._times) >= ROWS:
            return False
        if not self._part.add(time_utc, status or 0, values):
            self.flush()
            self._part.clear(chunk)
            self._at = None
            if not self._part.add(time_utc, status or 0, values):
                return False  # a number that no meter has
        self._times.append(time_utc)
        self._is_dirty = True
        meter.last = max(self._last(meter), time_utc)
        return True

    def flush(self):
        """Write what is in RAM only. Raises OSError, and it stays in RAM; nothing that is on flash is lost."""
        if not self._is_dirty:
            return
        meter = self._meter
        buffer = bytearray(_BUFFER)
        size = self._part.encode(buffer, self._size if self._at is not None else 0)
        if not size:
            buffer = bytearray(_LONGEST)
            size = self._part.encode(buffer, self._size if self._at is not None else 0)
        try:
            self._write(meter, memoryview(buffer)[:size])
        except OSError:
            # Full, perhaps: the oldest goes, and it is tried once more.
            try:
                if not self._remove_oldest():
                    raise
                self._write(meter, memoryview(buffer)[:size])
            except OSError as error:
                self.failure = error
                raise
        self.failure = None
        self._size = size
        self._is_dirty = False

    def settle(self):
        """flush(), and give back the RAM of what is written. What the flash does not take is given up, to be read again."""
        try:
            self.flush()
        except OSError:
            pass  # `failure` has it
        self._drop()

    # What others ask

    def keys(self):
        """Return the names of all meters, as file names have them: key()."""
        return sorted(self._meters)

    def meter(self, key):
        """Return what is known of a meter: period, columns, path; None if nothing is."""
        meters = self._meters.get(_safe(key))
        return meters[0] if meters else None

    def query(self, key, first, last):
        """Yield (time, status, values) of all records from UTC `first` to `last` in their order, and None now and then.

        When it yields None, others may run, also those who write. `values` is one list, filled anew for each record, with a
        (mantissa, exponent) or None for each channel of the present description.
        """
        meter = self.meter(key)
        if meter is None:
            return
        if meter is self._meter:
            self.flush()
        if meter.text is None:
            self._newest(meter)
        if meter.text is None:
            return
        for start in list(meter.starts):  # others may change it
            if start not in meter.starts:
                continue
            place = meter.starts.index(start)
            if start * meter.span > last:
                break
            if place + 1 < len(meter.starts) and meter.starts[place + 1] * meter.span <= first:
                continue
            parts = []
            texts = []
            for _ in self._scan(meter, place, parts, texts, first // meter.span, last // meter.span):
                yield None
            parts.sort()
            from lib.store.profile_rows import rows  # noqa: PLC0415 - RAM that who only writes does not need

            yield from rows(self, meter, start, parts, texts, first, last)

    def gaps(self, key, first, last):
        """Yield (first time, last time) of the records that are missing, from UTC `first` to `last`; None now and then.

        What is older than the oldest record counts only as long as nothing had to go for newer ones.
        """
        meter = self.meter(key)
        if meter is None:
            return
        step = 60 * meter.period
        grid = min(step, 900)  # a record of an odd time is an extra one
        if meter.starts and self._used() + 2 > self._most:
            first = max(first, meter.starts[0] * meter.span)
        expected = -(-first // step)
        for record in self.query(key, first, last):
            if record is None:
                yield None
            elif record[0] % grid == 0:
                slot = record[0] // step
                if slot > expected:
                    yield expected * step, (slot - 1) * step
                expected = max(expected, slot + 1)
        if expected * step <= last:
            yield expected * step, last // step * step

    def extent(self, key):
        """Yield None now and then, and in the end (UTC of the first record, count of all), (None, 0) without one."""
        meter = self.meter(key)
        count, oldest = 0, None
        if meter is not None:
            if meter is self._meter:
                self.flush()
            for start in list(meter.starts):
                if start in meter.starts:
                    parts = []
                    for _ in self._scan(meter, meter.starts.index(start), parts, []):
                        yield None
                    count += sum([rows for _, _, _, rows in parts])
                    if oldest is None:
                        parts.sort()
                        for chunk, *_ in parts:
                            for record in self.query(key, chunk * meter.span, (chunk + 1) * meter.span - 1):
                                if record is not None and oldest is None:
                                    oldest = record[0]
                            break
        yield oldest, count

    # Reading

    def _scan(self, meter, place, parts, texts, first=0, last=1 << 30):
        """Add (chunk, offset, number of its description in `texts`, count of records) of the parts in a file to `parts`.

        Yields now and then; no file is open then. `texts` gets all descriptions.
        """
        at = 0
        while at is not None:
            at = self._look(meter, place, at, parts, texts, first, last)
            yield

    def _look(self, meter, place, at, parts, texts, first, last):
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
                        at = self._resume(file, at, meter, place)
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
                            self._damaged(meter, place)
                    elif first <= chunk <= last:
                        parts.append((chunk, at, len(texts) - 1, rows))
                    at += size
        except (OSError, IndexError):
            return None  # it was removed meanwhile
        return at

    def _resume(self, file, at, meter, place):
        """Return where the next part may begin behind damage, None if there is none."""
        self._damaged(meter, place)
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

    def load(self, meter, start, offset, part):
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
            self._damaged(meter, meter.starts.index(start))
        return False

    def _damaged(self, meter, place):
        self.trouble = f"load profile {meter.name(place).rpartition('/')[2]}: damaged, what else is in it serves"

    def _newest(self, meter):
        """Return the time of the newest record on flash, 0 without one; take the description if there was none."""
        for place in range(len(meter.starts) - 1, -1, -1):
            parts, texts = [], []
            for _ in self._scan(meter, place, parts, texts):
                pass
            if meter.text is None and texts:
                meter.text = texts[-1]
            parts.sort()
            newest = 0
            while parts:
                chunk, offset, text, _ = parts.pop()
                if newest and chunk != newest // meter.span:
                    break
                part = Part(_channels(texts, text, meter))
                if self.load(meter, meter.starts[place], offset, part):
                    newest = max([newest] + [part.time(row) for row in range(part.rows)])
            if newest:
                return newest
        return 0

    # Writing

    def _begin(self, meter, chunk):
        """Get ready for records of a chunk: find those that are there."""
        channels = meter.text.count(",") + 1
        if self._part is None or self._part.channels != channels:
            self._part = None  # so that its RAM serves
            self._part = Part(channels)
        self._meter, self._at = meter, None
        part, self._times = self._part, []
        newest = self._last(meter)
        if meter.starts and chunk <= newest // meter.span:
            place = meter.place(chunk)
            start = meter.starts[place]
            parts, texts = [], []
            for _ in self._scan(meter, place, parts, texts, chunk, chunk):
                pass
            for _, offset, text, _ in parts:
                is_ours = _channels(texts, text, meter) == channels
                other = part if is_ours else Part(_channels(texts, text, meter))
                if not self.load(meter, start, offset, other):
                    continue
                self._times.extend([other.time(row) for row in range(other.rows)])
                self._at = None
                if is_ours and texts and text == len(texts) - 1 and texts[text] == meter.text:
                    self._at = offset
                    self._size = self._end_of(meter, place, offset)
        if self._at is None or self._at + self._size != meter.sizes[meter.place(chunk)]:
            part.clear(chunk)
            self._at = None

    def _end_of(self, meter, place, offset):
        """Return the size of the part at a place."""
        with open(meter.name(place), "rb") as file:
            file.seek(offset)
            buffer = bytearray(HEAD_SIZE)
            file.readinto(buffer)
        there = head(buffer)
        return there[1] if there else 0

    def _last(self, meter):
        if meter.last is None:
            meter.last = self._newest(meter)
        return meter.last

    def _write(self, meter, part):
        chunk = self._part.chunk
        place = meter.place(chunk)
        if self._at is not None:
            with open(meter.name(place), "r+b") as file:
                file.seek(self._at)
                file.write(part)
            meter.sizes[place] = self._at + len(part)
            return
        size = meter.sizes[place] if place >= 0 else 0
        is_new = place < 0 or (size + len(part) > _SEGMENT and self._is_at_an_end(meter, chunk))
        if is_new:
            self._make_room()
            place = len([start for start in meter.starts if start < chunk])
            meter.starts.insert(place, chunk)
            meter.sizes.insert(place, 0)
            size = 0
        elif chunk < meter.starts[place]:
            old = meter.name(place)
            os.rename(old, f"{meter.path}.{chunk:06x}")
            meter.starts[place] = chunk
        try:
            with open(meter.name(place), "ab") as file:
                told = self._untold(meter, place, size)
                if told:
                    file.write(told)
                file.write(part)
        except OSError:
            if is_new:
                try:
                    os.remove(meter.name(place))  # an empty file
                except OSError:
                    pass
                meter.starts.pop(place)
                meter.sizes.pop(place)
            raise
        meter.told = meter.starts[place]
        self._at = size + len(told)
        meter.sizes[place] = self._at + len(part)

    def _is_at_an_end(self, meter, chunk):
        """Whether a chunk is newer than all there are, or older."""
        if chunk < meter.starts[0]:
            return True
        if chunk <= meter.starts[-1]:
            return False
        parts = []
        for _ in self._scan(meter, len(meter.starts) - 1, parts, [], chunk):
            pass
        return not parts

    def _untold(self, meter, place, size):
        """Return the description if a file does not end with parts of it yet, else nothing."""
        texts = []
        if size and meter.told != meter.starts[place]:
            for _ in self._scan(meter, place, [], texts, 1, 0):
                pass
        elif size:
            texts.append(meter.text)
        return b"" if texts and texts[-1] == meter.text else description(meter.period, meter.text.encode())

    def _used(self):
        """Return how many blocks all files have."""
        used = 0
        for meters in self._meters.values():
            for meter in meters:
                for size in meter.sizes:
                    used += size // _BLOCK + 1
        return used

    def _make_room(self):
        while self._used() + 2 > self._most and self._remove_oldest():
            pass

    def _remove_oldest(self):
        """Remove the file whose end is oldest; the newest of a meter stays. Return whether there was one."""
        oldest = found = None
        for meters in self._meters.values():
            for meter in meters:
                if len(meter.starts) > (1 if meter is meters[0] else 0):
                    end = meter.starts[min(1, len(meter.starts) - 1)] * meter.span
                    if oldest is None or end < oldest:
                        oldest, found = end, meter
        if found is None:
            return False
        os.remove(found.name(0))
        found.starts.pop(0)
        found.sizes.pop(0)
        if found is self._meter and found.starts and self._part.chunk < found.starts[0]:
            self._at = None  # it was in there; what is in RAM is all of it
        return True

    def _drop(self):
        if self._is_dirty:
            self._meter.last = None  # it is what is on flash
        self._is_dirty = False
        self._part = self._meter = None
        self._times = []


def _channels(texts, text, meter):
    """Return how many channels a part has: where its description was lost, as many as now."""
    return (texts[text] if text >= 0 else meter.text or "").count(",") + 1


def _safe(text):
    """Return a key as part of a file name: no two have the same, none has a dot."""
    return "".join([c if c.isalpha() or c.isdigit() else "%%%02x" % ord(c) for c in text])


def _plain(text):
    return text.replace("*", "").replace(",", "")
