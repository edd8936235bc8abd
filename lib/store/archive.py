"""The archive of up to 1000 meters on flash: what each recorded, by kind and time, whole after a power cut, oldest out first.

Kinds: 0 profile (15, 30 or 60 minutes), 1 daily, 2 monthly, 3 maxima, 4 present values of each hour, 5 events. Each kind has a
share of the flash, and files of its own to whose end all meters' records are put (lib/store/archive_segments.py). RAM does not
depend on how many meters there are.

Meters are numbers from 1 to 65535, never used again for another one. Times are UTC in seconds. One task writes at a time, from
begin() to the end of commit() or give_up(), log(), forget(), or one step of tidy(): who calls sees to that. Others may read
meanwhile.
"""

from struct import pack

from micropython import const

from lib.store.archive_file import room
from lib.store.archive_segments import EVENTS, KINDS, Segments

PROFILE, DAILY, MONTHLY, MAXIMA, PRESENT = const(0), const(1), const(2), const(3), const(4)

_PIECE = const(128)
_FORGOTTEN = const(4)  # bytes for each meter: its number, and what that is not
_MOST_METER = const(65535)


class Archive:
    """`failure` is what the last writing raised, None after one that was good.

    `load(name)` returns a module that may be dropped afterwards, for reading and for events. Without it they stay.
    """

    def __init__(self, folder, most_bytes, load=None):
        self.failure = None
        self.floor = lambda kind: None  # who reads in the order of arrival sets it: lowest rank not read yet, None for all
        self._folder = folder
        self._load = load
        self._segments = Segments(folder, most_bytes)
        self._part = None  # lib/store/archive_part.py, while records come
        self._layout = self._width = 0  # the one used last, and how many columns it has
        self._kind = 0

    # What a reader of meters calls

    def layout(self, columns):
        """Return the number of a layout: columns are (class, logical name, attribute, index, exponent, unit code) each.

        The same columns have the same number for good. Raises OSError, and ValueError: no columns, too many, too many layouts.
        """
        return self._layouts().number(columns)

    def columns(self, layout):
        """Return the columns of a layout, None if it is not known."""
        return self._layouts().columns(layout)

    def begin(self, meter, kind, layout):
        """Records of a meter will come, with the columns of this layout."""
        if layout != self._layout:
            self._width = self._layouts().count(layout)
            self._layout = layout
        if not 0 < meter <= _MOST_METER or not 0 <= kind < EVENTS or not self._width:
            raise ValueError("archive")
        self._part = self._module("lib.store.archive_part").Part()
        self._part.begin(meter, layout, self._width)
        self._kind = kind

    def add(self, time_utc, status, values):
        """Take a record; one of a time that is there already is dropped, sooner or later.

        Status and values are integers of up to 64 bits, or None. Records are in RAM until commit(). If there is no room for one
        more, or its values are far from those before, all are written at once, which takes long; what is written stays. Raises
        OSError, and ValueError: other columns, numbers too large.
        """
        part = self._part
        if part is None or len(values) != part.columns:
            raise ValueError("archive")
        if part.has(time_utc):
            return
        if not part.add(time_utc, status, values):
            for _ in self._store():
                pass
            if not part.add(time_utc, status, values):
                raise ValueError("archive")

    def room(self, columns):
        """Return how many records with so many columns may come before there is no room for one more."""
        return room(columns)

    def commit(self):
        """Write what came since begin(), in steps; an erase or two of flash in one of them. When it ends all is on flash.

        Raises OSError: what was not written is given up.
        """
        try:
            yield from self._store()
        finally:
            self.give_up()

    def give_up(self):
        """What is in RAM is void; what was written before stays."""
        self._part = None

    def log(self, meter, log, rows):
        """Keep (UTC, code, text) events of a meter's log, 0 to 255, that are not there yet; in steps. Raises OSError.

        Yields None now and then, and in the end how many were new. Code: an integer of up to 32 bits; a text of more than 24
        bytes is cut.
        """
        return self._written(self._module("lib.store.archive_events").add(self._segments, meter, log, rows))

    def forget(self, meter):
        """Of this meter nothing is told any more; what is stored of it goes when its turn has come. Raises OSError."""
        if not self._is_forgotten(meter):
            with open(self._folder + "/forgotten", "ab") as file:
                file.write(_forgotten(meter))

    def tidy(self):
        """Merge parts that are small, where there are many: yields None now and then. To be called once a day or so.

        It takes an erase for each part that it writes, of which each replaces many. Raises OSError: all is as it was. What is
        of a rank of its `floor(kind)` or more stays as it is: somebody reads it in the order in which it came.
        """
        return self._module("lib.store.archive_merge").tidy(self._segments, self._is_forgotten, self.floor)

    # What others ask

    def rows(self, meter, kind, since, until):
        """Yield (time, status, layout, values) of the records from UTC since to until in the order of time, each time once.

        When it yields None, others may run, also those who write. `values` is one list, filled anew for each record.
        """
        return self._read("rows", meter, kind, since, until)

    def times(self, meter, kind, since, until):
        """Yield the times of what rows() yields, which is quicker; None now and then."""
        return self._read("times", meter, kind, since, until)

    def gaps(self, meter, kind, period_s, since, until):
        """Yield (first, last time) of the records that are missing from UTC since to until; None now and then.

        A record of a time that is off the period's grid is an extra one and fills no gap.
        """
        return self._reader().gaps(self._segments, meter, kind, period_s, since, until)

    def newest(self, meter, kind):
        """Yield None now and then, and in the end UTC of the newest record, 0 without one."""
        return self._reader().newest(self._segments, meter, kind)

    def layouts(self, meter, kind, since, until):
        """Yield None now and then, and in the end the set of the layouts of the records from since to until.

        Meter 0 is all of them.
        """
        return self._reader().layouts(self._segments, meter, kind, since, until)

    def following(self, kind, place):
        """Yield None now and then, and in the end (segment, ends of parts) behind a place in the order in which parts came.

        None: there are none. A place is [rank of a segment, end of a part], at first [0, 0]: lib/store/archive_arrival.py.
        """
        return self._arrival().following(self._segments, kind, place)

    def part(self, segment, end):
        """Return what following() told of, a Part, or Events; None: it went, or is damaged. It is some KB large."""
        part = self._arrival().load(self._segments, segment, end)
        return part if part and not self._is_forgotten(part.meter) else None

    def rank(self, segment):
        """Return the place of a segment among those of its kind."""
        return self._arrival().rank(segment)

    def logged(self, meter, since, until):
        """Yield (UTC, log, code, text) of the events from UTC since to until in their order, each once; None now and then."""
        if self._is_forgotten(meter):
            return iter(())
        return self._module("lib.store.archive_events").logged(self._segments, meter, since, until)

    def learn(self):
        """Find out, in steps, what sizes() tells of times: after a start not all is known."""
        for kind in range(KINDS):
            for segment in self._segments.of(kind):
                try:
                    if not self._segments.span(segment):
                        yield from self._segments.learn(segment)
                except OSError:
                    pass  # it went, or is not readable

    def sizes(self):
        """Return (blocks used, blocks that it may have, UTC of the oldest record, of the newest) of each kind; 0: not known."""
        told = []
        for kind in range(KINDS):
            first = last = 0
            for segment in self._segments.of(kind):
                span = self._segments.span(segment)
                if span:
                    first, last = min(first or span[0], span[0]), max(last, span[1])
            told.append(self._segments.blocks(kind) + (first, last))
        return told

    def troubles(self):
        """Yield, once, what was found damaged, a sentence."""
        if self._segments.trouble:
            yield self._segments.trouble
            self._segments.trouble = ""

    def _read(self, name, meter, kind, since, until):
        if self._is_forgotten(meter):
            return iter(())
        return getattr(self._reader(), name)(self._segments, meter, kind, since, until)

    def _layouts(self):
        return self._module("lib.store.archive_layouts").Layouts(self._folder + "/layouts")

    def _arrival(self):
        return self._module("lib.store.archive_arrival")

    def _reader(self):
        return self._module("lib.store.archive_reader")

    def _module(self, name):
        return self._load(name) if self._load else __import__(name, None, None, ("x",))

    # Writing

    def _store(self):
        part = self._part
        if part is None or not part.rows:
            return
        part.sort()
        yield from self._drop_known(part)
        segments = self._segments
        while part.piece(segments.buffer):
            part.turn = segments.next_turn()
            yield
            yield from self._written(segments.append(self._kind, 0, part))
            yield
        part.begin(part.meter, part.layout, part.columns)

    def _drop_known(self, part):
        """Drop the records of times that are stored already."""
        fresh, row, first, last = [], 0, part.time(0), part.time(part.rows - 1)
        for found in self._reader().times(self._segments, part.meter, self._kind, first, last):
            if found is None:
                yield
                continue
            while part.time(row) < found:
                fresh.append(row)
                row += 1
            if part.time(row) == found:
                row += 1
            if row == part.rows:
                break
        if len(fresh) < row:
            fresh.extend(range(row, part.rows))
            part.keep(fresh)

    def _written(self, steps):
        try:
            yield from steps
        except OSError as error:
            self.failure = error
            raise
        self.failure = None

    def _is_forgotten(self, meter):
        wanted, piece = _forgotten(meter), bytearray(_PIECE)
        try:
            with open(self._folder + "/forgotten", "rb") as file:
                count = _PIECE
                while count == _PIECE:
                    count = file.readinto(piece) or 0
                    at = piece.find(wanted, 0, count)
                    while at >= 0:
                        if not at % _FORGOTTEN:
                            return True
                        at = piece.find(wanted, at + 1, count)
        except OSError:
            pass  # there is none
        return False


def _forgotten(meter):
    return pack("<HH", meter, meter ^ 0xFFFF)
