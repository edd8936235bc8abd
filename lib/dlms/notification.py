"""Pushes: the head of a DataNotification, and APDUs that come in blocks.

Source: DLMS UA 1000-2 (Green Book), 9.3.10 (DataNotification), 9.3.5 and 9.4.4.9 (general block transfer).
"""

from array import array

from micropython import const

from lib.dlms.data_kernels import PLANS, copy, head
from lib.dlms.errors import FormatError

DATA_NOTIFICATION = const(0x0F)
GENERAL_BLOCK_TRANSFER = const(0xE0)

_OCTET_STRING = const(9)
_LAST = const(0x80)


def data_notification(apdu):
    """Return (invoke id, time, offset of the body): time 12 octets or None, the body is one value for a Decoder.

    apdu: bytes or view. FormatError: "not a notification", "truncated", "time".
    """
    if not len(apdu) or apdu[0] != DATA_NOTIFICATION:
        raise FormatError("not a notification")
    if len(apdu) < 6:
        raise FormatError("truncated")
    at = 5
    if apdu[at] == _OCTET_STRING:  # some write its tag too
        at += 1
    size = apdu[at] if at < len(apdu) else 0
    at += 1
    if size not in (0, 12):
        raise FormatError("time")
    if at + size >= len(apdu):
        raise FormatError("truncated")
    time = bytes(apdu[at : at + size]) if size else None
    return int.from_bytes(apdu[1:5], "big"), time, at + size


class Blocks:
    """Puts an APDU together that comes in blocks, in `buffer`."""

    def __init__(self, buffer):
        self._buffer = memoryview(buffer)
        self._found = array("i", (0, 0))
        self.restart()

    def restart(self):
        """Forget what came."""
        self._used = 0
        self._number = 0

    def take(self, apdu):
        """Take one block; return the APDU, a view valid until the next call, or None while blocks are missing.

        A block that comes once more is passed over, and block 1 begins anew. FormatError, and what came before is void: "not a
        block", "truncated", "block missing", "no room".
        """
        try:
            return self._taken(apdu)
        except FormatError:
            self.restart()
            raise

    def _taken(self, apdu):
        end = len(apdu)
        if not end or apdu[0] != GENERAL_BLOCK_TRANSFER:
            raise FormatError("not a block")
        at = head(apdu, 6, end, _OCTET_STRING, PLANS, self._found)
        size = self._found[1]
        if at < 0 or at + size != end:
            raise FormatError("truncated")
        number = apdu[2] << 8 | apdu[3]
        if number == 1:
            self.restart()
        elif number == self._number:
            return None
        if number != self._number + 1:
            raise FormatError("block missing")
        used = self._used + size
        if used > len(self._buffer):
            raise FormatError("no room")
        copy(apdu, at, self._buffer, self._used, size)
        self._used, self._number = used, number
        if not apdu[1] & _LAST:
            return None
        self.restart()
        return self._buffer[:used]
