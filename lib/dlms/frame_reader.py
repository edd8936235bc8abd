"""Finds good HDLC frames in received bytes, one after the other: no I/O, no clock, no growth.

Source: IEC 62056-46, 6.4.2; octets are not stuffed, so that only length, closing flag and check sequences tell a frame.
"""

from lib.dlms.frames import LEAST_INFO, MOST_INFO, OVERHEAD, address_at
from lib.dlms.kernels import find_frame


class FrameReader:
    """One buffer for whatever comes. Read into room(), tell filled(n), and ask next() until it is false.

    A bad frame is given up and a good one looked for behind its opening flag, so noise never hides one for longer than until
    silence(). What next() found is valid until another method is called:

    control      octet of the frame
    has_more     more frames of this information follow
    destination  (logical, physical); physical is 0 in an address of a single octet
    source
    size         octets of the destination's address
    information  view, empty for a frame without

    most_info    octets of information in the longest frame
    received     bytes since clear(), or since it was set to 0
    is_damaged   some were in no good frame since clear(), or since it was set to False
    """

    def __init__(self, most_info=512):
        """most_info: octets of information in a frame, 128 to 2030; longer ones are noise."""
        self.most_info = min(max(most_info, LEAST_INFO), MOST_INFO)
        self._most = self.most_info + OVERHEAD
        self._buffer = memoryview(bytearray(self._most))
        self.clear()

    def clear(self):
        """Forget all that came."""
        self._start = self._used = self._is_over = self.received = 0
        self.is_damaged = False

    def room(self):
        """Return a view of the free part, valid until another method is called; not empty after next() was false."""
        start = self._start
        if start:
            self._used -= start
            self._buffer[: self._used] = self._buffer[start : start + self._used]
            self._start = 0
        return self._buffer[self._used :]

    def filled(self, count):
        """Report how many bytes were put into room(). None, as a UART without data answers, counts as 0."""
        if count:
            self._used += count
            self.received += count

    @property
    def is_within(self):
        """Whether a frame seems to have begun and not ended."""
        return self._used - self._start > 1

    def silence(self):
        """Report that the frame under way will not go on."""
        self._is_over = 1

    def next(self):
        """Take the next good frame; False if there is none yet."""
        start = self._start
        found = find_frame(self._buffer, start, self._used, self._most, self._is_over)
        at = -1 - found if found < 0 else found >> 12
        if at > start + 1 and bytes(self._buffer[start:at]).strip(b"\x7e"):
            self.is_damaged = True
        if found < 0:
            self._start = at
            self._is_over = 0
            return False
        end = at + (found & 0xFFF) - 1
        self._start = end  # this flag may open the next one
        frame = self._buffer
        logical, physical, here = address_at(frame, at + 3)
        self.destination = logical, physical
        self.size = here - at - 3
        logical, physical, here = address_at(frame, here)
        self.source = logical, physical
        self.control = frame[here]
        self.has_more = bool(frame[at + 1] & 8)
        here += 3
        self.information = frame[here : max(end - 2, here)]
        return True
