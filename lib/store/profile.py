"""Load profiles of meters on flash: in the order of time, whole after a power cut, the oldest out first.

All meters share a part of the flash; when it is full, the oldest file of the one that has most goes.

Of each meter there are files `<key>.<period>.<chunk>`, period in minutes, chunk the number (six hexadecimal digits) of the
first chunk in it: a file holds that chunk and all up to the next file's. In it are parts (lib/store/profile_part.py), a
description before all others. Records that come go to the newest part of their chunk if that is the last one of its file,
which is then written anew, else to a part of their own behind all others. littlefs lets a file's new content appear when it
is closed, as a whole. So a record that fills an old hole is stored where it belongs, and a damaged part loses its own only.

What was added last is in RAM until flush(), which comes by itself when another meter or chunk begins. A power cut loses that
and nothing else: last() then is what it was before, and who reads the meter asks it again. Between hold() and commit() all of
a meter is in RAM, as parts ready to be written: its rows come before the check that tells whether they are good.
"""

import os

from micropython import const

from lib.store.profile_files import channels_of, load, newest, scan
from lib.store.profile_folder import Folder, remove, safe
from lib.store.profile_part import HEAD_SIZE, MOST_CHANNELS, ROWS, Part, description, head

_SEGMENT = const(8188)  # bytes: two blocks of littlefs
_BUFFER = const(1400)  # bytes that hold nearly every part
_LONGEST = const(5600)  # and those that hold any
_MOST_KEY = const(32)


class Profiles:
    """`failure` is what the last writing raised, None after one that was good. What was damaged a meter's `trouble` tells.

    `load(name)` returns a module that may be dropped afterwards, for reading and for logs. Without it they stay.
    """

    def __init__(self, folder, load=None):
        self.failure = None
        self._load = load
        self._folder = Folder(folder)
        self._part = None  # that grows, while it has records that are not on flash
        self._meter = None  # whose it is
        self._at = None  # where in its file it is; None: it becomes a new one
        self._size = 0  # of it on flash
        self._start = 0  # first chunk of that file
        self._held = {}  # meter: parts that wait for commit(), (is new, chunk, bytes, _at, _size, _start)
        self._times = []  # of all records of its chunk
        self._is_dirty = False

    # What a reader of meters calls

    def describe(self, key, period_minutes, codes, units):
        """Tell what a meter's profile has: minutes between records, OBIS code and unit of each channel (text). Once a start."""
        name = safe(key)
        if not 1 <= period_minutes <= 1440 or not 0 < len(codes) <= MOST_CHANNELS or not 0 < len(name) <= 3 * _MOST_KEY:
            raise ValueError("profile")
        text = ",".join([_plain(code) + "*" + _plain(unit) for code, unit in zip(codes, units)])
        meter = self._folder.known(name, period_minutes)
        if meter.text != text or self._folder.meters[name][0] is not meter:
            self.settle()
            meter.text, meter.told = text, None
            meters = self._folder.meters[name]
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
            if meter.starts and chunk < meter.starts[0] and self._folder.is_full():
                return False
            self.flush()
            self._begin(meter, chunk)
        if time_utc in self._times or len(self._times) >= ROWS:
            return False
        if not self._part.add(time_utc, status or 0, values):
            self.flush()
            self._meter = meter
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
        meter, size = self._meter, 0
        for most in (_BUFFER, _LONGEST):
            buffer = bytearray(most)
            size = size or self._part.encode(buffer, self._size if self._at is not None else 0)
            if size:
                break
        if meter in self._held:
            part = bytes(memoryview(buffer)[:size])
            self._held[meter].append((self._at is None, self._part.chunk, part, self._at, self._size, self._start))
            self._meter = None  # the next record begins with what waits
        else:
            self._store(meter, memoryview(buffer)[:size], self._part.chunk)
            self._size = size
        self._is_dirty = False

    def hold(self, key):
        """Write nothing of a meter until commit() or give_up(); what came before is written."""
        self.flush()
        self._held[self.meter(key)] = []
        self._meter = None

    def held(self, key):
        """Return how many bytes wait for commit(). Who has hold() sees to it that there are not too many."""
        return sum([len(one[2]) for one in self._held.get(self.meter(key), ())])

    def commit(self, key):
        """What came since hold() is good: write it, and yield behind each part, for each costs an erase or two.

        Others may run then. Raises OSError, and what was not written is given up.
        """
        meter = self.meter(key)
        if self._meter is meter:
            self.flush()
        waiting = self._held.get(meter, [])
        waiting.sort()  # what grows in its place goes first
        try:
            while waiting:
                self.flush()  # of another meter: where its part is would be forgotten
                self._meter = None
                _, chunk, part, self._at, self._size, self._start = waiting.pop(0)
                meter.last = None  # until all is written
                self._store(meter, part, chunk)
                yield
        finally:
            self._held.pop(meter, None)

    def give_up(self, key):
        """What came since hold() is void. Nothing happens if there was no hold()."""
        meter = self.meter(key)
        waiting = self._held.pop(meter, None)
        if waiting is not None:
            waiting.clear()  # a commit() that is under way ends
            meter.last = None
            if self._meter is meter:
                self._is_dirty = False
                self._meter = None

    def forget(self, key):
        """Remove all that is kept of a meter, events too; yield behind each file. Raises OSError: some of it is still there."""
        name = safe(key)
        for meter in self._folder.meters.get(name, ()):
            if self._meter is meter:
                self._is_dirty = False
                self._meter = None
            if meter in self._held:
                self._held[meter].clear()
            while meter.starts:
                meter.last = None
                remove(meter)
                yield
            meter.last = meter.told = None
        if name in self._folder.logs:
            os.remove(self._folder.log(name))
            self._folder.logs.remove(name)
        if not any([meter in self._held for meter in self._folder.meters.get(name, ())]):
            self._folder.meters.pop(name, None)

    def settle(self):
        """flush(), and give back the RAM of what is written. What the flash does not take is given up, to be read again."""
        try:
            self.flush()
        except OSError:
            pass  # `failure` has it
        self._drop()

    def log(self, key, events):
        """Keep (UTC, code, text) events of a meter; return how many were not there yet. One writing. Raises OSError."""
        name = safe(key)
        count = self._module("lib.store.profile_log").add(self._folder.log(name), events)
        if count and name not in self._folder.logs:
            self._folder.logs.append(name)
        return count

    @property
    def is_settled(self):
        """Whether nothing is in RAM, of no meter: all that came is on flash, as far as that took it."""
        return self._meter is None and not self._held

    # What others ask

    def logged(self, key):
        """Yield (UTC, code, text) of the events kept of a meter, in the order in which they came."""
        return self._module("lib.store.profile_log").read(self._folder.log(safe(key)))

    def keys(self):
        """Return the keys of all meters that there is something of, sorted."""
        return self._folder.keys()

    def troubles(self):
        """Yield, once, what was found damaged, a sentence each."""
        for meters in self._folder.meters.values():
            for meter in meters:
                if meter.trouble:
                    yield meter.trouble
                    meter.trouble = ""

    def meter(self, key):
        """Return what is known of a meter: period, columns, path; None if nothing is."""
        meters = self._folder.meters.get(safe(key))
        return meters[0] if meters else None

    def query(self, key, first, last):
        """Yield (time, status, values) of all records from UTC `first` to `last` in their order, and None now and then.

        When it yields None, others may run, also those who write. `values` is one list, filled anew for each record, with a
        (mantissa, exponent) or None for each channel of the present description.
        """
        return self._reader().query(self._written(key), first, last)

    def gaps(self, key, first, last):
        """Yield (first time, last time) of the records that are missing, from UTC `first` to `last`; None now and then.

        What had to go for newer records is not missing. A record of an odd time is an extra one and fills no gap.
        """
        meter = self._written(key)
        if meter and meter.starts and self._folder.is_full():
            first = max(first, meter.starts[0] * meter.span)
        return self._reader().gaps(meter, first, last)

    def extent(self, key):
        """Yield None now and then, and in the end (UTC of the first record, count of all), (None, 0) without one."""
        return self._reader().extent(self._written(key))

    def _written(self, key):
        """Return a meter whose records are all on flash, if that takes them."""
        meter = self.meter(key)
        if meter and meter is self._meter:
            try:
                self.flush()
            except OSError:
                pass  # what is there is told
        if meter and meter.text is None:
            newest(meter)
        return meter

    def _reader(self):
        return self._module("lib.store.profile_reader")

    def _module(self, name):
        return self._load(name) if self._load else __import__(name, None, None, ("x",))

    # Writing

    def _begin(self, meter, chunk):
        """Get ready for records of a chunk: find those that are there."""
        channels = meter.text.count(",") + 1
        if self._part is None or self._part.channels != channels:
            self._part = None  # so that its RAM serves
            self._part = Part(channels)
        self._meter, self._at = meter, None
        part, self._times = self._part, []
        if meter.starts and chunk <= self._last(meter) // meter.span:
            place = meter.place(chunk)
            start = meter.starts[place]
            parts, texts = [], []
            for _ in scan(meter, place, parts, texts, chunk, chunk):
                pass
            for _, offset, text, _ in parts:
                is_ours = channels_of(texts, text, meter) == channels
                other = part if is_ours else Part(channels_of(texts, text, meter))
                if not load(meter, start, offset, other):
                    continue
                self._note(other)
                self._at = None
                if is_ours and texts and text == len(texts) - 1 and texts[text] == meter.text:
                    self._at, self._start = offset, start
                    self._size = self._end_of(meter, place, offset)
        if not self._is_in_place(meter, chunk):
            part.clear(chunk)
            self._at = None
        waiting = self._held.get(meter, ())
        last = None
        for one in waiting:
            if one[1] == chunk and part.decode(one[2], len(one[2])):
                self._note(part)
                last = one
        if last:  # it goes on
            waiting.remove(last)
            self._is_dirty = True
            self._at, self._size, self._start = last[3:]

    def _note(self, part):
        """Its records are there."""
        for row in range(part.rows):
            if part.time(row) not in self._times:
                self._times.append(part.time(row))

    def _is_in_place(self, meter, chunk):
        """Whether what grows is still the last of its file, so that it may be written there again."""
        place = meter.place(chunk)
        return self._at is not None and meter.starts[place] == self._start and self._at + self._size == meter.sizes[place]

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
            meter.last = newest(meter)
        return meter.last

    def _store(self, meter, part, chunk):
        """_write(), with room made if there is none."""
        try:
            self._write(meter, part, chunk)
        except OSError:
            # Full, perhaps: the oldest goes, and it is tried once more.
            try:
                if not self._folder.remove_oldest():
                    raise
                self._write(meter, part, chunk)
            except OSError as error:
                self.failure = error
                raise
        self.failure = None

    def _write(self, meter, part, chunk):
        place = meter.place(chunk)
        if self._is_in_place(meter, chunk):
            with open(meter.name(place), "r+b") as file:
                file.seek(self._at)
                file.write(part)
            meter.sizes[place] = self._at + len(part)
            return
        size = meter.sizes[place] if place >= 0 else 0
        is_new = place < 0 or (size + len(part) > _SEGMENT and self._is_at_an_end(meter, chunk))
        if is_new:
            self._folder.make_room(meter, chunk)
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
        meter.told = self._start = meter.starts[place]
        self._at = size + len(told)
        meter.sizes[place] = self._at + len(part)

    def _is_at_an_end(self, meter, chunk):
        """Whether a chunk is newer than all there are, or older."""
        if chunk < meter.starts[0]:
            return True
        if chunk <= meter.starts[-1]:
            return False
        parts = []
        for _ in scan(meter, len(meter.starts) - 1, parts, [], chunk):
            pass
        return not parts

    def _untold(self, meter, place, size):
        """Return the description if a file does not end with parts of it yet, else nothing."""
        texts = []
        if size and meter.told != meter.starts[place]:
            for _ in scan(meter, place, [], texts, 1, 0):
                pass
        elif size:
            texts.append(meter.text)
        return b"" if texts and texts[-1] == meter.text else description(meter.period, meter.text.encode())

    def _drop(self):
        if self._is_dirty:
            self._meter.last = None  # it is what is on flash
        self._is_dirty = False
        self._part = self._meter = None
        self._times = []


def _plain(text):
    return text.replace("*", "").replace(",", "")
