"""Pulses of a contact, cleaned of its bouncing: no I/O, no clock, no allocation."""

from micropython import const

_TICKS_MASK = const(0x3FFFFFFF)  # what all ports have of their millisecond ticks


class PulseInput:
    """Count the pulses of one contact from its edges, from regular samples, or from both.

    A pulse counts once the contact was closed for `closed_ms` without a break, and the next not before it was open for
    `open_ms` without a break. 15 ms each suit S0 outputs (IEC 62053-31: 30 ms or more closed and open, the first 10 of them
    may bounce). An input that sees the half waves of an alternating voltage needs `break_ms`: breaks up to that length do
    not count as such while the contact is closing; `open_ms` must be longer than they are.

    With edges alone a pulse counts at the edge that ends it, with samples as soon as it is long enough. The first call only
    tells where the contact stands: one that is closed at the start was counted before. Calls should not be more than six
    days apart, or one pulse may be missed. Times are ticks in milliseconds and may wrap at any power of two from 2**30.
    """

    def __init__(self, closed_ms=15, open_ms=15, break_ms=0):
        self._closed_ms = closed_ms
        self._open_ms = open_ms
        self._break_ms = break_ms
        self._level = None  # as seen by the last call, True = closed; None before the first
        self._since = 0  # when it closed
        self._left = 0  # when it opened
        self._counted = True  # the pulse that goes on, or that ended less than open_ms ago, is counted

    def edge(self, closed, now_ms):
        """Take the contact's level now, changed or not; return 1 if this shows a pulse to be complete, else 0."""
        if self._level is None:
            self._level = closed
            self._counted = bool(closed)
            self._left = (now_ms - self._break_ms - 1) & _TICKS_MASK
            self._since = now_ms
            return 0
        pulse = 0
        if self._level:
            if not self._counted and ((now_ms - self._since) & _TICKS_MASK) >= self._closed_ms:
                self._counted = True
                pulse = 1
            if not closed:
                self._left = now_ms
        else:
            open_ms = (now_ms - self._left) & _TICKS_MASK
            if open_ms >= self._open_ms:
                self._counted = False
            if closed and open_ms > self._break_ms:
                self._since = now_ms
        self._level = closed
        return pulse
