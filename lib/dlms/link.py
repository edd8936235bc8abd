"""The HDLC link to one meter, the client's side: opens it, carries APDUs there and back, closes it. No I/O, no clock.

Source: IEC 62056-46, 5.2 (LLC octets), 6.4 (frames and procedures of HDLC: unbalanced, normal response mode, window 1);
DLMS UA 1000-2, 8.
"""

from micropython import const

from lib.dlms import frames
from lib.dlms.errors import FrameError
from lib.dlms.station import CLOSED, OCTET_MS, OPENED, PUSH, REPLY, SEND, Station

_REPLY_MS = const(3000)
_BUSY_MS = const(500)  # between two questions to a meter that is not ready
_TRIES = const(3)
_BUSY_TRIES = const(20)
_MOST_NOISE = const(8192)  # bytes without an answer after which a line that is never silent counts as silent
_NOTHING = const(-1)  # the kind of no frame
_CALLING = const((0x7E, 0x3FFE))  # physical addresses of whoever is there


class Link(Station):
    """A link to one meter. Say which with address(), start something, then do what next() returns until it is done.

    SEND    write `to_send`, a view, and call next() when its last stop bit has left the wire
    None    read into room(), a view, and tell filled(n); call silence() if no byte came for wait_ms
    OPENED  open() or keep_alive() is done
    REPLY   exchange() is done: `reply` is a view of the whole APDU without LLC octets, valid until something else is called
    PUSH    an APDU that nobody asked for (UI frame), in `reply` like one; `source` is (logical, physical) of its sender
    CLOSED  close() is done

    When nothing is under way, next() returns None and PUSH only, so a link that was never opened listens.
    FrameError: it is over; what was sent may have been done or not. Only open() goes on from there.

    reply_ms      the longest time to the first byte of a reply, transmission included; 3000 unless it is set
    max_info_tx   octets of information in a frame to the meter, and from it, as agreed when OPENED
    max_info_rx
    is_open       whether exchange() is possible
    """

    def __init__(self, most_info=512, most_apdu=1024):
        """most_info: octets of information in a frame, 128 to 2030; most_apdu: of an APDU from the meter."""
        super().__init__(frames.REQUEST_LLC, most_info, most_apdu)
        self.reply_ms = self._first_ms = _REPLY_MS
        self.reply = b""
        self.source = None
        self.address(1, 0, 16)

    def address(self, server_logical, server_physical, client, size=0):
        """Say whose link it is. size: 1, 2 or 4 octets of server address, 0: as few as hold it (1 if the physical is 0).

        Closes nothing: a link to another meter that is open is forgotten. ValueError: an address that this size cannot hold.
        """
        self._addresses = frames.address(server_logical, server_physical, size) + frames.address(client)
        self._server = server_logical, server_physical
        self._is_calling = server_physical in _CALLING
        self._client = client, 0
        self._reader.clear()
        self._script = None
        self.is_open = self._is_silent = self._has_echo = self._is_lost = False

    def open(self):
        """Begin: SNRM, UA; OPENED. The last try is made with an empty SNRM behind a DISC."""
        self._script = self._open()

    def exchange(self, apdu):
        """Send an APDU, bytes or a view that stays as it is until REPLY, and await its answer: REPLY.

        FrameError("disconnected"): it is not open.
        """
        self._check_open()
        self._script = self._exchange(memoryview(apdu))

    def keep_alive(self):
        """Ask whether the meter still has the link: RR, RR; OPENED. Some meters want it between services.

        FrameError("disconnected"): it is not open.
        """
        self._check_open()
        self._script = self._keep_alive()

    def close(self):
        """End it: DISC, then UA, DM or nothing; CLOSED in any case."""
        self._script = self._close()

    @property
    def wait_ms(self):
        """How long to wait for a byte before silence() is due."""
        return OCTET_MS if self._reader.is_within else self._first_ms

    def filled(self, count):
        """As of a Station; a line that is never silent, and brings no answer, counts as silent in the end."""
        super().filled(count)
        if self._reader.received > _MOST_NOISE:
            self._is_silent = True

    def silence(self):
        """Report that wait_ms have passed without a byte; next() says what becomes of it."""
        if self._reader.is_within:
            self._reader.silence()
        else:
            self._is_silent = True

    def next(self):
        """Return what to do next; see above."""
        script = self._script
        self._script = None  # every error ends it
        if script is not None:
            try:
                event = next(script)
                self._script = script
                return event
            except StopIteration:
                pass
            except FrameError:
                self.is_open = False
                self._used = 0
                raise
        while self._reader.next():
            if self._is_push(True):
                return PUSH
        return None

    # What is started is a generator: it yields what next() returns, and goes on where it was.

    def _open(self):
        self.is_open = self._has_echo = False
        self._reader.clear()
        most = self._reader.most_info
        self._make(frames.SNRM, frames.parameters(most, most) if most > frames.LEAST_INFO else b"")
        answer = yield from self._ask(frames.UA, _TRIES - 1)
        if answer != frames.UA:
            most = frames.LEAST_INFO
            self._make(frames.DISC)
            yield from self._ask(frames.UA, 1)
            self._make(frames.SNRM)
            answer = yield from self._ask(frames.UA, 1)
            self._check(answer, frames.UA)
        self._begin(most, self._reader.information)
        self.is_open = True
        yield OPENED

    def _close(self):
        self.is_open = False
        self._make(frames.DISC)
        yield from self._ask(frames.UA, _TRIES - 1)
        yield CLOSED

    def _keep_alive(self):
        self._make(frames.RR)
        yield from self._expect(frames.RR)
        yield OPENED

    def _exchange(self, apdu):
        self._is_lost |= self._used > 0  # the beginning of a push
        at = self._used = 0
        while at < len(apdu):
            at = self._segment(apdu, at)
            yield from self._expect(frames.RR if at < len(apdu) else frames.I)
        while True:
            self._taken = self._taken + 1 & 7
            self._take()
            if not self._reader.has_more:
                break
            self._make(frames.RR)
            yield from self._expect(frames.I)
        self.reply = self._taken_whole()
        yield REPLY

    def _check_open(self):
        if not self.is_open:
            raise FrameError("disconnected")

    def _expect(self, wanted):
        """Send `to_send` and wait for an answer of the kind `wanted`."""
        self._check((yield from self._ask(wanted, _TRIES)), wanted)

    def _check(self, answer, wanted):
        if answer == frames.DM:
            raise FrameError("disconnected")
        if answer == frames.FRMR:
            raise FrameError("refused")
        if answer == frames.RNR:
            raise FrameError("busy")
        if answer != wanted:
            raise FrameError("damaged" if self._reader.is_damaged else "no answer")

    def _ask(self, wanted, tries):
        """Send `to_send`, up to `tries` times; return the kind of what ended it.

        That is `wanted`; or DM, FRMR; or RNR: the meter was not ready to the last; or _NOTHING.
        """
        reader = self._reader
        reader.is_damaged = False
        busy_tries = _BUSY_TRIES
        answer = _NOTHING
        while tries:
            self._first_ms = self.reply_ms
            yield SEND
            self._is_silent = False
            reader.received = 0
            answer = _NOTHING
            echo = self._control if self._has_echo else 0
            while True:
                if not reader.next():
                    if self._is_silent:
                        break
                    yield None
                elif self._is_push(False):
                    yield PUSH
                elif self._is_ours():
                    if reader.control == echo:
                        echo = 0
                        continue
                    found = self._answer(wanted)
                    if found == frames.RNR:
                        answer = found
                        self._first_ms = _BUSY_MS
                    elif found != _NOTHING:
                        return found
            if answer == frames.RNR and busy_tries:
                busy_tries -= 1
            else:
                tries -= 1
        return answer

    def _is_ours(self):
        """Whether a frame came from our meter to us."""
        logical, physical = self._reader.source
        is_known = logical == self._server[0] and (physical == self._server[1] or self._is_calling)
        return is_known and self._reader.destination == self._client

    def _answer(self, wanted):
        """Return what a frame of our meter means for who wants `wanted`; see _ask()."""
        control = self._reader.control
        kind = frames.kind(control)
        if kind in (frames.DM, frames.FRMR):
            return kind
        if kind == frames.SNRM:  # no meter sends it: the line echoes, and the meter's address is that of the client
            self._has_echo = True
        if kind == wanted == frames.UA or (kind == wanted == frames.I and self._is_next()):
            return kind
        if wanted == frames.UA or kind not in (frames.RR, frames.RNR):
            return _NOTHING
        has_taken = control >> 5 == self._sent
        if kind == frames.RR:
            if not has_taken or wanted == frames.RR:
                return wanted if has_taken else _NOTHING
        if has_taken:  # it has what was sent, and will answer when asked
            self._make(frames.RR)
        return frames.RNR

    def _is_push(self, may_gather):
        """Whether the frame that came ends an APDU that nobody asked for. Only while nothing is under way can it have parts."""
        reader = self._reader
        if frames.kind(reader.control) != frames.UI or not len(reader.information):
            return False
        has_more = reader.has_more
        was_lost = self._is_lost
        self.source = reader.source
        if not may_gather or was_lost:
            self._is_lost = has_more
            self.reply = frames.without_llc(reader.information)
            return not has_more and not was_lost
        try:
            self._take()
        except FrameError:
            self._used = 0
            self._is_lost = has_more
            return False
        if has_more:
            return False
        self.reply = self._taken_whole()
        return True
