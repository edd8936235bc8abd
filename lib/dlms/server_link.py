"""The HDLC link to one client, the meter's side: for a server of our own, and for clients whose words are passed on.

Source: IEC 62056-46, 6.4 (secondary station, normal response mode, window 1); DLMS UA 1000-2, 8.
"""

from lib.dlms import frames
from lib.dlms.errors import FrameError
from lib.dlms.station import CLOSED, OCTET_MS, OPENED, REQUEST, SEND, Station


class ServerLink(Station):
    """A link to whoever opens it; one at a time, the newest. Do what next() returns:

    SEND     write `to_send`, a view, and call next() when its last stop bit has left the wire
    None     read into room() and tell filled(n); call silence() if no byte came for wait_ms
    OPENED   a client has opened it anew: associations of the old one are void. client, logical and physical say who calls whom
    REQUEST  `request` is a view of an APDU without LLC octets, valid until answer(), which is due; who asks as above
    CLOSED   the client has closed it, or sent too much

    No error is raised: what is wrong is answered, or left alone as noise and frames for others are.
    wait_ms       of silence after which a frame has broken off; 0: none is under way, wait as long as you like
    is_open       whether a client has it open
    """

    def __init__(self, addresses, most_info=512, most_apdu=1024):
        """addresses: anything that tells `(logical, physical) in addresses`, for those it answers to.

        most_info: octets of information in a frame, 128 to 2030; most_apdu: of an APDU from the client.
        """
        super().__init__(frames.REPLY_LLC, most_info, most_apdu)
        self._hears = addresses
        self.client = self.logical = self.physical = 0
        self.request = self._answer = b""
        self._at = 0  # octets of the answer that were sent
        self._due = None  # what next() returns next
        self.is_open = self._is_asked = False

    @property
    def wait_ms(self):
        return OCTET_MS if self._reader.is_within else 0

    def silence(self):
        """Report that wait_ms have passed without a byte."""
        self._reader.silence()

    def answer(self, apdu):
        """Answer the REQUEST with bytes or a view that stays as it is until the next REQUEST; nothing if it was given up."""
        if self._is_asked:
            self._is_asked = False
            self._answer = memoryview(apdu)
            self._at = self._segment(self._answer, 0)
            self._due = SEND

    def next(self):
        """Return what to do next; see above."""
        event = self._due
        self._due = None
        reader = self._reader
        while event is None and reader.next():
            if reader.destination in self._hears and reader.control & frames.POLL:
                event = self._came(frames.kind(reader.control))
        return event

    def _came(self, kind):
        reader = self._reader
        logical, physical = reader.destination
        client = reader.source[0]
        is_known = self.is_open and (client, logical, physical) == (self.client, self.logical, self.physical)
        if kind == frames.SNRM:
            return self._opened(client, logical, physical)
        if not is_known:
            if self.is_open or kind == frames.UI:
                return None  # two frames at once are not ours to send
            self._addresses = self._reply_addresses()
            return self._send(frames.DM)
        if kind == frames.DISC:
            return self._closed(frames.UA)
        if self._is_asked:
            return None  # asked once more; the answer is under way
        control = reader.control
        has_taken = control >> 5 == self._sent
        if kind == frames.I:
            if self._is_next():
                return self._requested()
            return SEND if control >> 1 & 7 == self._taken - 1 & 7 else None  # it did not hear what was sent last
        if kind != frames.RR and kind != frames.RNR:
            return None
        if not has_taken:
            return SEND
        if kind == frames.RR and self._at < len(self._answer):
            self._at = self._segment(self._answer, self._at)
            return SEND
        return self._send(frames.RR)

    def _reply_addresses(self):
        """Destination and source, in the form the client used."""
        reader = self._reader
        return frames.address(*reader.source) + frames.address(*reader.destination, reader.size)

    def _send(self, control, information=b""):
        self._make(control, information)
        return SEND

    def _opened(self, client, logical, physical):
        self.client = client
        self.logical = logical
        self.physical = physical
        self._addresses = self._reply_addresses()
        self._begin(self._reader.most_info, self._reader.information)
        self._answer = b""
        self._at = 0
        self.is_open = True
        self._is_asked = False
        self._due = OPENED
        return self._send(frames.UA, frames.parameters(self.max_info_tx, self.max_info_rx))

    def _closed(self, control):
        self.is_open = self._is_asked = False
        self._due = CLOSED
        return self._send(control)

    def _requested(self):
        self._taken = self._taken + 1 & 7
        try:
            self._take()
        except FrameError:
            return self._closed(frames.FRMR)
        if self._reader.has_more:
            return self._send(frames.RR)
        self.request = self._taken_whole()
        self._is_asked = True
        return REQUEST
