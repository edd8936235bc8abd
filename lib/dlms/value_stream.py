"""Brings the values in the pieces of a reply to their sinks, and sees to it that each is whole.

Source: IEC 62056-5-3, 9.3.3: in blocks the raw data of a GET are its Data, or its list of Get-Data-Results.
"""

from lib.dlms.ber import length
from lib.dlms.errors import FormatError
from lib.dlms.extent import Extent

_NOTHING = (lambda view: None,)


class OneValue:
    """One value for one sink, None for nobody."""

    def __init__(self, sink):
        self._sink = sink or _NOTHING[0]
        self._extent = Extent()

    @property
    def is_whole(self):
        return self._extent.is_whole

    def feed(self, view):
        """Take the next octets. FormatError: there are more than the value has, or it cannot be one."""
        count = self._extent.feed(view)
        self._sink(view[:count])
        if count < len(view):
            raise FormatError("trailing octets")


class ListedValues:
    """A list of results: each is 0 and a value for its sink, or 1 and a data-access-result. results[first:] tells of each."""

    def __init__(self, sinks, results, first, count):
        self._sinks = sinks
        self._results = results
        self._at = first
        self._end = first + count
        self._count = count
        self._extent = Extent()
        self._state = self._size

    @property
    def is_whole(self):
        return self._at == self._end and self._state != self._size

    def feed(self, view):
        while len(view):
            view = view[self._state(view) :]

    def _size(self, view):
        size, at = length(view, 0)
        if size != self._count:
            raise FormatError("length")
        self._state = self._choice
        return at

    def _choice(self, view):
        if self._at == self._end:
            raise FormatError("trailing octets")
        if view[0] > 1:
            raise FormatError("tag")
        self._state = self._result if view[0] else self._value
        self._extent.restart()
        return 1

    def _result(self, view):
        self._next(view[0])
        return 1

    def _value(self, view):
        count = self._extent.feed(view)
        (self._sinks[self._at] or _NOTHING[0])(view[:count])
        if self._extent.is_whole:
            self._next(0)
        return count

    def _next(self, result):
        self._results[self._at] = result
        self._at += 1
        self._state = self._choice
