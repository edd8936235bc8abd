"""Decodes compact arrays: one description of what all elements are made of, then their bare contents.

Source: DLMS UA 1000-2 (Green Book), 9.5 (compact-array, TypeDescription).
"""

from array import array

from micropython import const

from lib.dlms.data_kernels import COUNTED, CUT, PLANS, UNKNOWN, head, numbers
from lib.dlms.elements import ARRAY, BEGIN_ARRAY, BEGIN_STRUCTURE, COMPACT_ARRAY, END, MOST_DEPTH, STRUCTURE, Elements
from lib.dlms.errors import FormatError

_ENDLESS = const(0x3FFFFFFF)
_DONT_CARE = const(0xFF)


def describe(types, at, end, depth=0):
    """Read the description of a type in types[at:end]: return (offset behind, least octets of a value, all have so many).

    The offset is -1 if it is cut. FormatError: "tag", "depth", "compact array" (of arrays without end that take no octets).
    """
    if at >= end:
        return -1, 0, True
    if depth > MOST_DEPTH:
        raise FormatError("depth")
    tag = types[at]
    at += 1
    if tag == ARRAY:
        if at + 2 > end:
            return -1, 0, True
        count = types[at] << 8 | types[at + 1]
        at, least, is_fixed = describe(types, at + 2, end, depth + 1)
        if at >= 0 and not least:
            raise FormatError("compact array")
        return at, count * least, is_fixed
    if tag == STRUCTURE:
        if at >= end:
            return -1, 0, True
        total, are_fixed = 0, True
        count = types[at]
        at += 1
        for _ in range(count):
            at, least, is_fixed = describe(types, at, end, depth + 1)
            if at < 0:
                return at, 0, True
            total += least
            are_fixed = are_fixed and is_fixed
        return at, total, are_fixed
    if tag == _DONT_CARE:
        return at, 0, True
    plan = PLANS[tag] if tag < len(PLANS) else UNKNOWN
    if plan == UNKNOWN or tag == COMPACT_ARRAY:
        raise FormatError("tag")
    return (at, 1, False) if plan & COUNTED else (at, plan & 15, True)


class CompactArray(Elements):
    """Tells take(event, value) what the contents are, as if each element had its tag.

    types: the description, bytes; contents: octets that follow; count: of elements, None if it is not known; depth: of what
    it stands in.
    """

    def __init__(self, take, lent_octets, depth, types, contents, count):
        super().__init__(take, lent_octets, MOST_DEPTH - depth)
        self._types = types
        self._contents = contents
        self._next = array("b", [0] * len(self._left))  # where the type of the next element is described
        self._is_structure = bytearray(len(self._left))
        self._left[0] = _ENDLESS
        if depth == MOST_DEPTH:
            raise FormatError("depth")
        take(BEGIN_ARRAY, count)

    def feed(self, view, at, end):
        """Take the next octets of view[at:end] that belong here; return the offset behind."""
        end = min(end, at + self._contents)
        self._contents -= end - at
        while at < end:
            at = self._some(view, at, end)
        return at

    def is_over(self):
        """Tell whether all contents were told. FormatError: the last element is cut."""
        if self._contents:
            return False
        if self._depth or self._kept or self._missing:
            raise FormatError("compact array")
        self._take(END, None)
        return True

    def _run(self, view, at, end):
        found, left = self._found, self._left
        while True:
            self._close()
            depth = self._depth
            if not depth and at >= end:
                return at
            place = self._next[depth]
            tag = self._types[place]
            count = 1 if self._is_structure[depth] else left[depth]
            at = numbers(self._take, view, at, end, tag, count, PLANS, found)
            done = count - found[0]
            if done:
                self._passed(depth, place, done)
            elif tag == ARRAY or tag == STRUCTURE:
                self._passed(depth, place, 1)
                self._describe(place, tag)
            else:
                start = head(view, at, end, tag, PLANS, found)
                if start == CUT:
                    return self._keep(view, at, end)
                if start < 0:
                    raise FormatError("length")
                self._passed(depth, place, 1)
                at = self._value(view, start, end, tag, found[1])
                if self._missing:
                    return at

    def _passed(self, depth, place, done):
        """So many elements of a level are dealt with."""
        self._left[depth] -= done
        if self._is_structure[depth] and self._left[depth]:
            self._next[depth] = describe(self._types, place, len(self._types))[0]

    def _describe(self, place, tag):
        if tag == ARRAY:
            count = self._types[place + 1] << 8 | self._types[place + 2]
            self._open(BEGIN_ARRAY, count)
        else:
            count = self._types[place + 1]
            self._open(BEGIN_STRUCTURE, count)
        self._next[self._depth] = place + (3 if tag == ARRAY else 2)
        self._is_structure[self._depth] = tag == STRUCTURE
