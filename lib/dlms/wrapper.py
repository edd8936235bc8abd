"""The wrapper of TCP port 4059, the client's end: the contract of Link for a stream. No I/O, no clock.

`0001 | source port | destination port | length | APDU`, 16 bits each, high byte first. The ports are those of SAPs.
Source: IEC 62056-47, 5 (wrapper); DLMS UA 1000-2, 7.3.
"""

import struct

from micropython import const

from lib.dlms.errors import FrameError
from lib.dlms.station import CLOSED, OPENED, PUSH, REPLY, SEND

_HEAD = const(8)
_HEADER = const(">HHHH")
_VERSION = const(1)
_UNASKED = const(b"\x0f\xc2")  # tags of APDUs that are no answer to anything: data and event notifications


class Stream:
    """What both ends have in common: one message out, one in. room() never reaches behind the message under way.

    `buffer`: where a message is made that goes out, of an APDU that may be in it. With `shares` the one that comes is there,
    too: nothing comes before all is sent, and what came is taken before anything is made.
    """

    def __init__(self, most_apdu, shares=False):
        self.use(bytearray(_HEAD + most_apdu))
        if not shares:
            self._in = memoryview(bytearray(_HEAD + most_apdu))
        self._used = 0  # octets of the message that comes
        self._ports = 0, 0  # its source and destination
        self._end = _HEAD  # how many are known to belong to it
        self.to_send = b""

    def use(self, buffer):
        """Have another buffer for both directions, between two messages: as large as an APDU, and 8 octets more."""
        self.buffer = buffer
        self._out = self._in = memoryview(buffer)

    def room(self):
        """Return a view of what is missing of a message or its header, never empty; valid until another method is called."""
        return self._in[self._used : self._end]

    def filled(self, count):
        """Report how many bytes were put into room(). None, as a socket without data answers, counts as 0."""
        self._used += count or 0

    def _message(self):
        """Return the APDU of the message that came whole, as a view, or None. FrameError: damaged, endless."""
        while self._used == self._end:
            if self._end > _HEAD:
                apdu = self._in[_HEAD : self._end]
                self._used = 0
                self._end = _HEAD
                return apdu
            version, source, destination, length = struct.unpack(_HEADER, self._in)
            if version != _VERSION:
                raise FrameError("damaged")
            if length > len(self._in) - _HEAD:
                raise FrameError("endless")
            self._ports = source, destination
            self._end += length
            if not length:
                self._used = 0
        return None

    def _make(self, source, destination, apdu):
        """Make a message in `to_send`. FrameError("endless"): it is longer than one that comes may be."""
        end = _HEAD + len(apdu)
        if end > len(self._out):
            raise FrameError("endless")
        self._out[_HEAD:end] = apdu  # first, for it may be in the same buffer
        struct.pack_into(_HEADER, self._out, 0, _VERSION, source, destination, end - _HEAD)
        self.to_send = self._out[:end]


class Wrapper(Stream):
    """As Link; see there. What differs: open(), keep_alive() and close() say nothing to the meter, nothing is sent twice, and

    room()   never reaches behind the message under way: read no more than it holds
    PUSH     a message of other ports, one that no exchange() waits for, or a notification; `source` is (its source port, 0)
    A FrameError ends the connection too: what comes may be no message any more. Connect anew before open(), which forgets all.
    """

    def __init__(self, most_apdu=1024, shares=False):
        """most_apdu: octets of an APDU in either direction. shares: one buffer for both, for who listens to answers only."""
        super().__init__(most_apdu, shares)
        self.reply_ms = 3000
        self.reply = b""
        self.source = None
        self.max_info_tx = self.max_info_rx = most_apdu
        self.address(1, 0, 16)

    @property
    def wait_ms(self):
        return self.reply_ms

    def address(self, server_logical, server_physical, client, size=0):
        """Say whose link it is: the ports are server_logical and client; a physical address and a size mean nothing here."""
        self._server = server_logical
        self._client = client
        self._due = None
        self.is_open = self._is_waiting = self._is_silent = False

    def open(self):
        """Begin on a fresh connection: OPENED."""
        self._used = 0
        self._end = _HEAD
        self.is_open = True
        self._is_waiting = False
        self._due = OPENED

    def exchange(self, apdu):
        """Send an APDU, bytes or a view, and await its answer: REPLY. FrameError: disconnected, endless.

        FrameError("busy"): a message that nobody asked for has begun and not ended, and there is one buffer for both.
        """
        if not self.is_open:
            raise FrameError("disconnected")
        if self._used and self._in is self._out:
            self.is_open = False
            raise FrameError("busy")
        self._make(self._client, self._server, apdu)
        self._is_waiting = True
        self._is_silent = False
        self._due = SEND

    def keep_alive(self):
        """OPENED: a connection tells by itself when it is lost. FrameError: disconnected."""
        if not self.is_open:
            raise FrameError("disconnected")
        self._due = OPENED

    def close(self):
        """CLOSED; the caller closes the connection."""
        self.is_open = self._is_waiting = False
        self._due = CLOSED

    def silence(self):
        """Report that wait_ms have passed without a byte; next() says what becomes of it."""
        self._is_silent = True

    def next(self):
        """Return what to do next; see above."""
        event = self._due
        if event:
            self._due = None
            return event
        try:
            apdu = self._message()
            if apdu is None:
                if self._is_waiting and self._is_silent:
                    raise FrameError("damaged" if self._used else "no answer")
                self._is_silent = False
                return None
        except FrameError:
            self.is_open = self._is_waiting = False
            raise
        self.reply = apdu
        self.source = self._ports[0], 0
        if self._is_waiting and self._ports == (self._server, self._client) and apdu[0] not in _UNASKED:
            self._is_waiting = False
            return REPLY
        return PUSH
