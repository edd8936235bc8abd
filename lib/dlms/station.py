"""What both ends of an HDLC link have in common: buffers, numbers of frames, segments of an APDU.

Source: IEC 62056-46, 6.4 (unbalanced operation, normal response mode, window 1).
"""

from micropython import const

from lib.dlms import frames
from lib.dlms.errors import FrameError
from lib.dlms.frame_reader import FrameReader

# What next() returns beside None
SEND = const(1)
OPENED = const(2)
REPLY = const(3)
REQUEST = const(3)
PUSH = const(4)
CLOSED = const(5)

OCTET_MS = const(100)  # longest time between two octets of a frame


class Station:
    """One of the two ends; see Link and ServerLink.

    to_send       the frame to be sent, a view that is valid until next() is called
    buffer        where an APDU that comes is put together; until its first frame comes, one to be sent may be in it
    max_info_tx   octets of information in a frame that is sent, and that comes, as agreed when the link was opened
    max_info_rx
    """

    def __init__(self, llc, most_info, most_apdu):
        """llc: what its own APDUs begin with; most_info: 128 to 2030; most_apdu: octets of one that comes."""
        self._llc = llc
        self._reader = FrameReader(most_info)
        self._frame = memoryview(bytearray(self._reader.most_info + frames.OVERHEAD))
        self.use(bytearray(most_apdu + frames.LLC_OCTETS))
        self._addresses = self.to_send = b""
        self._control = 0  # octet of to_send
        self._begin(frames.LEAST_INFO, b"")

    def _begin(self, most, information):
        """The link is open: `most` octets of information are what this end said, `information` is the other one's answer."""
        their_tx, their_rx = frames.agreed(information)
        self.max_info_tx = min(most, their_rx)
        self.max_info_rx = min(most, their_tx)
        self._sent = self._taken = self._used = 0  # the next I-frame to send, and to take; octets of an APDU that came

    def use(self, buffer):
        """Have another buffer, between two links: as large as an APDU that comes may be, and frames.LLC_OCTETS more."""
        self.buffer = buffer
        self._apdu = memoryview(buffer)

    def room(self):
        """Return a view of where to read bytes into, never empty; valid until another method is called."""
        return self._reader.room()

    def filled(self, count):
        """Report how many bytes were put into room(); None, as a UART without data answers, counts as 0."""
        self._reader.filled(count)

    def _make(self, control, information=b"", llc=b"", has_more=False):
        """Make the next frame to be sent, with the number of the next one to take if its kind has one."""
        if control & 3 != 3:
            control |= self._taken << 5
        self._control = control | frames.POLL
        size = frames.make(self._frame, self._addresses, self._control, llc, information, has_more)
        self.to_send = self._frame[:size]

    def _segment(self, apdu, at):
        """Make the frame of an APDU that begins at `at`; return where the next one does."""
        llc = b"" if at else self._llc
        end = min(at + self.max_info_tx - len(llc), len(apdu))
        self._make(self._sent << 1, apdu[at:end], llc, end < len(apdu))
        self._sent = self._sent + 1 & 7
        return end

    def _is_next(self):
        """Whether the I-frame that came is the one due: it has the number, it answers the last one sent, and says something."""
        control = self._reader.control
        return control >> 1 & 7 == self._taken and control >> 5 == self._sent and len(self._reader.information) > 0

    def _take(self):
        """Add the information of the frame that came to that of those before it. FrameError: endless."""
        information = self._reader.information
        end = self._used + len(information)
        if end > len(self._apdu):
            raise FrameError("endless")
        self._apdu[self._used : end] = information
        self._used = end

    def _taken_whole(self):
        """Return the APDU that came, as a view, and begin another one."""
        end = self._used
        self._used = 0
        return frames.without_llc(self._apdu[:end])
