"""The wrapper of TCP port 4059, the server's end: the contract of ServerLink for a stream. No I/O, no clock.

Source: IEC 62056-47, 5 (wrapper); DLMS UA 1000-2, 7.3.
"""

from lib.dlms.station import REQUEST, SEND
from lib.dlms.wrapper import Stream


class ServerWrapper(Stream):
    """As ServerLink; see there. What differs: there is no OPENED nor CLOSED, and nothing is sent twice.

    FrameError: the connection is to be closed. A request to a port that is not ours is left alone.
    """

    physical = 0

    def __init__(self, addresses, most_apdu=1024):
        """addresses: anything that tells `(port, 0) in addresses`; most_apdu: octets of an APDU in either direction."""
        super().__init__(most_apdu)
        self._hears = addresses
        self.client = self.logical = 0
        self.request = b""
        self._is_due = False

    def answer(self, apdu):
        """Answer the REQUEST with bytes or a view, which is copied."""
        self._make(self.logical, self.client, apdu)
        self._is_due = True

    def notify(self, apdu, logical, client):
        """Send an APDU that nobody asked for, while none is to be answered."""
        self._make(logical, client, apdu)
        self._is_due = True

    def next(self):
        """Return SEND, REQUEST or None."""
        if self._is_due:
            self._is_due = False
            return SEND
        while True:
            apdu = self._message()
            if apdu is None:
                return None
            if (self._ports[1], 0) in self._hears:
                self.client, self.logical = self._ports
                self.request = apdu
                return REQUEST
