"""Decodes data of COSEM objects (A-XDR) as a stream: octets in, events out, whatever the pieces. No I/O, nothing kept.

Source: DLMS UA 1000-2 (Green Book), 9.5 (type Data); DLMS UA 1000-1 (Blue Book), 4.1.5 (types), 4.1.6.1 (date-time).
"""

from micropython import const

from lib.dlms.data_kernels import CUT, PLANS, head, numbers
from lib.dlms.elements import (  # noqa: F401
    ARRAY,
    BEGIN_ARRAY,
    BEGIN_STRUCTURE,
    BITS,
    COMPACT_ARRAY,
    DELTA,
    END,
    FLOAT,
    INTEGER,
    MOST_DEPTH,
    NULL,
    OCTETS,
    STRUCTURE,
    TEXT,
    TIME,
    Elements,
    lent,
)
from lib.dlms.errors import FormatError

MOST_VALUES = const(2000)  # that whole() makes a tree of
_MOST_CONTENTS = const(0xFFFFFF)  # octets of a compact array


class Decoder(Elements):
    """Tells take(event, value) what the octets of one value are, as feed() gets them; is_whole after the last one.

    Events and their values are told in elements.py; compact arrays come as plain ones. With `lends`, strings of up to 12
    octets come in a bytearray that is used again for the next: for consumers that keep nothing.
    """

    def __init__(self, take, lends=False):
        super().__init__(take, lent() if lends else None, MOST_DEPTH)
        self.restart()

    def restart(self):
        """Begin with another value."""
        self._clear()
        self._left[0] = 1
        self._compact = None

    @property
    def is_whole(self):
        return not self._depth and not self._left[0] and not self._missing and self._compact is None

    def feed(self, view):
        """Take the next octets, any number of them: bytes or a view. All events of them are told before it returns.

        FormatError, and nothing more may be fed: "tag", "length" (a length or count that cannot be), "depth", "compact array",
        "trailing octets".
        """
        at = 0
        end = len(view)
        while at < end:
            compact = self._compact
            if compact is None:
                at = self._some(view, at, end)
            else:
                at = compact.feed(view, at, end)
                if compact.is_over():
                    self._compact = None
                    self._close()

    def _run(self, view, at, end):
        found, left = self._found, self._left
        while True:
            self._close()
            depth = self._depth
            if not left[depth]:
                if at < end:
                    raise FormatError("trailing octets")
                return at
            at = numbers(self._take, view, at, end, CUT, left[depth], PLANS, found)
            left[depth] = found[0]
            if not found[0]:
                continue
            start = head(view, at, end, CUT, PLANS, found)
            if start == CUT:
                return self._keep(view, at, end)
            tag = found[0]
            if start < 0:
                raise FormatError("length" if found[1] else "tag")
            if tag == COMPACT_ARRAY:
                start = self._begin_compact(view, start, end)
                if start == CUT:
                    return self._keep(view, at, end)
                if self._compact is not None:
                    return start
                at = start
                continue
            left[depth] -= 1
            if tag == ARRAY or tag == STRUCTURE:
                self._open(BEGIN_ARRAY if tag == ARRAY else BEGIN_STRUCTURE, found[1])
                at = start
            else:
                at = self._value(view, start, end, tag, found[1])
                if self._missing:
                    return at

    def _begin_compact(self, view, at, end):
        """Read the description of a compact array; return the offset of its contents, CUT if that is cut."""
        from lib.dlms.compact import CompactArray, describe  # noqa: PLC0415 - RAM that few meters need

        begin = at
        at, least, is_fixed = describe(view, at, end)
        if at < 0:
            return CUT
        types = bytes(view[begin:at])
        at = head(view, at, end, ARRAY, PLANS, self._found)  # a length is written as a count is
        if at == CUT:
            return CUT
        contents = self._found[1]
        if at < 0 or contents > _MOST_CONTENTS:
            raise FormatError("length")
        if contents and (not least or contents < least or (is_fixed and contents % least)):
            raise FormatError("compact array")
        count = None  # strings within make elements of any size
        if is_fixed or not contents:
            count = contents and contents // least
        self._left[self._depth] -= 1
        compact = CompactArray(self._take, self._lent, self._depth + 1, types, contents, count)
        if not compact.is_over():
            self._compact = compact
        return at


class _Tree:
    """Makes nested lists of events."""

    def __init__(self):
        self._above = []
        self._list = []
        self._count = 0

    def take(self, event, value):
        self._count += 1
        if self._count > MOST_VALUES:
            raise FormatError("too large")
        if event == END:
            self._list = self._above.pop()
        elif event in (BEGIN_ARRAY, BEGIN_STRUCTURE):
            self._above.append(self._list)
            self._list = []
            self._above[-1].append(self._list)
        else:
            self._list.append(value)

    def root(self):
        return self._list[0]


def whole(view):
    """Return a small value: arrays and structures as lists, all others as the events have them (int, bytes, None, tuples).

    FormatError: as of Decoder.feed(), "truncated", or "too large" for more than 2000 elements.
    """
    tree = _Tree()
    decoder = Decoder(tree.take)
    decoder.feed(view)
    if not decoder.is_whole:
        raise FormatError("truncated")
    return tree.root()
