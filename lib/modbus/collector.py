"""The fixed buffer in which a frame is collected: no I/O, no clock, no growth."""

from lib.modbus.errors import LocalError
from lib.modbus.framing import copy
from lib.modbus.limits import MAX_ADU


class Collector:
    """256 bytes that fill up; what cannot belong to a frame any more is dropped when room is needed.

    Reserve with room(), read the UART into it, report with filled(). Neither filled() nor a search allocates; room() takes
    one memoryview (16 bytes on 32-bit ports) unless the buffer is empty.
    """

    def __init__(self):
        self._adu = memoryview(bytearray(MAX_ADU))
        self._clear()

    def _clear(self):
        self._used = 0  # bytes in the buffer
        self._start = 0  # nothing before this offset can start a frame
        self._dropped = 0  # bytes moved out of the buffer

    @property
    def received(self):
        """Bytes reported since the last restart."""
        return self._used + self._dropped

    def room(self):
        """Return a view of the free part, valid until another method is called; never empty while pdu() gives None."""
        if self._used == MAX_ADU and self._start:
            copy(self._adu, 0, self._adu, self._start, self._used)
            self._dropped += self._start
            self._used -= self._start
            self._start = 0
        return self._adu[self._used :] if self._used else self._adu

    def view(self):
        """Return what is in the buffer, noise and echo included, as a view that is valid until another method is called."""
        return self._adu[: self._used]

    def filled(self, count):
        """Report how many bytes were put into room(). None, as a UART without data answers, counts as 0."""
        if count:
            if not 0 < count <= MAX_ADU - self._used:
                raise LocalError("more filled than there was room")
            self._used += count
