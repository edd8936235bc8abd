"""The other side of Modbus: takes requests apart and writes replies. Those with values of any list: other_replies.py.

A PDU is written into a buffer of at least 253 bytes; hand in adu[1:] of a memoryview for RTU, and close with close_adu().
Source: Modbus Application Protocol V1.1b3, 6 and 7.
"""

from lib.modbus.collector import Collector
from lib.modbus.crc import append_crc, crc16
from lib.modbus.errors import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, PeerError
from lib.modbus.framing import find_request
from lib.modbus.limits import MAX_ADU, MAX_WRITE_WITH_READ, most


class RequestReader(Collector):
    """Collect one request to `unit` or to all units, among the frames of others and noise.

    Use room(), filled(n) and pdu(); silence() after 3.5 characters without a byte; restart() once answered. On a wire that
    hears what it sends, restart() after sending: the reply to function 6 is a request too. FrameError is never raised, a
    slave keeps silent about what it does not understand.

    broadcast  the request was for all units: execute, do not answer
    damaged    silences behind bytes that were no good frame, not even one of others
    """

    def __init__(self, unit):
        super().__init__()
        self.unit = unit
        self.damaged = 0
        self.broadcast = False
        self._pdu = None

    def restart(self):
        """Forget all and expect the next request."""
        self._clear()
        self._pdu = None

    def pdu(self):
        """Return the PDU of a request, or None; one of unknown length comes with silence() only.

        The view is valid until room(), silence() or restart() is called.
        """
        return self._pdu or self._read(0)

    def silence(self):
        """Say that the line was silent: return the PDU, of any function, or None and expect the next request."""
        pdu = self._pdu or self._read(1)
        if pdu is None:
            if self._used and crc16(self._adu, 0, self._used):
                self.damaged += 1
            self.restart()
        return pdu

    def _read(self, ended):
        while self._start < self._used:
            found = find_request(self._adu, self._start, self._used, self.unit, ended)
            if found >= 0:
                return self._taken(found >> 16, found & 0xFFFF)
            self._start = -1 - found
            if not ended:
                if self._start or self._used < MAX_ADU:
                    return None
                # It fills the buffer, and only silence could have told its end.
                if not crc16(self._adu, 0, MAX_ADU):
                    return self._taken(0, MAX_ADU)
                self._start = 1
        return None

    def _taken(self, at, size):
        self.broadcast = self._adu[at] == 0
        self._start = at + size
        self._pdu = self._adu[at + 1 : at + size - 2]
        return self._pdu


def decode(pdu):
    """Return (function, address, count, values) of a request with function 1 to 6, 15, 16 or 23.

    `values` is a view of the bytes to be written: registers, high byte first; coils, eight to a byte, lowest bit first;
    FF00 or 0000 for function 5; None for the reads. Function 23: address and count of what is read; see write_range().
    Raises PeerError with the code to refuse with.
    """
    pdu = memoryview(pdu)
    function = pdu[0]
    length = len(pdu)
    if not most(function):
        raise PeerError(ILLEGAL_FUNCTION)
    if length < 5:
        raise PeerError(ILLEGAL_VALUE)
    address = pdu[1] << 8 | pdu[2]
    count = pdu[3] << 8 | pdu[4]
    head = 5  # bytes in front of the values
    if function in b"\x05\x06":
        if function == 5 and count not in (0, 0xFF00):
            raise PeerError(ILLEGAL_VALUE)
        count = 1
        head = 3
    elif function in b"\x0f\x10":
        head = 6
        size = (count + 7) // 8 if function == 15 else 2 * count
        if length != 6 + size or pdu[5] != size:
            raise PeerError(ILLEGAL_VALUE)
    elif function == 23:
        head = 10
        if length < 12 or length != 10 + pdu[9]:
            raise PeerError(ILLEGAL_VALUE)
        write_address, write_count = write_range(pdu)
        if not 1 <= write_count <= MAX_WRITE_WITH_READ or pdu[9] != 2 * write_count:
            raise PeerError(ILLEGAL_VALUE)
        if write_address + write_count > 0x10000:
            raise PeerError(ILLEGAL_ADDRESS)
    if not 1 <= count <= most(function) or (head in (3, 5) and length != 5):
        raise PeerError(ILLEGAL_VALUE)
    if address + count > 0x10000:
        raise PeerError(ILLEGAL_ADDRESS)
    return function, address, count, None if head == 5 else pdu[head:]


def write_range(pdu):
    """Return (address, count) of the registers that a request with function 23 writes."""
    return pdu[5] << 8 | pdu[6], pdu[7] << 8 | pdu[8]


def encode_written(buffer, pdu):
    """Write the reply to a request with function 5, 6, 15 or 16, its first five bytes; return the PDU's length."""
    buffer[:5] = pdu[:5]
    return 5


def encode_exception(buffer, function, code):
    """Write an exception reply; return the PDU's length, 2."""
    buffer[0] = function | 0x80
    buffer[1] = code
    return 2


def close_adu(adu, unit, length):
    """Make the PDU of `length` bytes at adu[1] a frame of `unit`; return the frame's length."""
    adu[0] = unit
    return append_crc(adu, 1 + length)
