"""The dialogue with a meter: what to send, at which speed, what comes back, how long to wait. No I/O, no clock.

Source: IEC 62056-21, 5.5, 6.3, 6.4 and annexes A to E (modes, programming, time-outs); TEDAS-MLZ/2017-062 (times).
"""

from micropython import const

from lib.iec62056 import message_reader as reading
from lib.iec62056.errors import FrameError, LocalError, PeerError
from lib.iec62056.kernels import parity
from lib.iec62056.message_reader import BLOCK, IDENTIFIED, PART, ROW, TEXT, VALUE
from lib.iec62056.messages import ACK, NAK, break_off, message
from lib.iec62056.sign_on import BINARY, PROGRAMMING, READ_OUT, Identification, request
from lib.iec62056.values import is_error

# What next() returns beside what a MessageReader says
SEND = const(16)
AGAIN = const(17)  # values since the last PART are void: they are sent once more
DONE = const(18)

_CHARACTER_MS = const(1500)  # longest time between two characters of a message
_IDENTIFICATION_MS = const(2500)
_ANSWER_MS = const(5000)
_NAK_PAUSE_MS = const(300)
_WAKE_PAUSE_MS = const(1600)
_CONFIRMATION_MS = const(1000)
_NULS = const(64)
_REPEATED = const(("check", "parity", "format", "truncated", "noise"))  # errors
_REPEATS = const(3)  # how often a damaged answer in programming mode is asked for once more


class Dialogue:
    """A session with one meter. Start something, then do what next() returns until it returns DONE.

    SEND        wait until pause_ms have passed since the last byte came, write `to_send` at `baud`, and call next() when its
                last stop bit has left the wire, no earlier: the speed may change then
    None        read into reader.room() at `baud` and tell reader.filled(); call silence() if no byte came for wait_ms
    IDENTIFIED  `identification` is known
    VALUE, TEXT, ROW, PART   as of a MessageReader, in `reader`; void until DONE or PART
    AGAIN       what came since the last PART was damaged: forget it
    DONE        what was started is done, all values are good; start the next thing

    FrameError, PeerError: it is over, and all values since the last PART are void. After a PeerError of command() the session
    goes on.

    baud             speed at which to send and to read now
    identification   of the meter, None before
    operand          what the meter sent for a password to be computed from, bytes
    has_parity       characters of 7 bits with even parity on a line of 8 bits: made and checked here
    is_summed        block checks are sums (Energomera)
    repeats          how often a damaged read-out is asked for again: 0 for meters that do not heed NAK
    """

    def __init__(self, reader):
        self.reader = reader
        self.has_parity = self.is_summed = False
        self.repeats = 1
        self.identification = None
        self.operand = b""
        self.baud = 300
        self.to_send = b""
        self.pause_ms = 0
        self._script = None

    @property
    def wait_ms(self):
        return _CHARACTER_MS if self.reader.is_within else self._first_ms

    def silence(self):
        """Report that wait_ms have passed without a byte; next() says what becomes of it."""
        self._is_silent = True

    def sign_on(self, address=b"", what=READ_OUT, opening=300, fastest=19200, table=b"?", wakes=False):
        """Start a session: read out, or enter the programming mode, or (BINARY) that of HDLC.

        address: number of the meter, b"" for the only one. what: READ_OUT, PROGRAMMING, BINARY, one of the maker's packets
        (5 to 9), or None for a table that comes without an option select. opening, fastest: bauds. table: see request().
        wakes: a meter on battery is woken first. PeerError("mode"): the meter knows no programming mode, or no HDLC.
        """
        self.baud = opening
        self._start(self._sign_on(request(address, table), what, opening, fastest, wakes))

    def listen(self, baud=2400, wait_ms=_ANSWER_MS):
        """Listen to a meter that speaks unasked (mode D, DSMR); DONE comes after each read-out, and errors end nothing.

        wait_ms: the longest pause between read-outs.
        """
        self.baud = baud
        self._start(self._hear())
        self._first_ms = wait_ms
        self._hears = True
        self.reader.expect(reading.WANT_IDENTIFICATION, True)

    def password(self, text, command=b"P1"):
        """Send a password, in clear or as the maker's rule computes it from `operand`. PeerError("password"): refused."""
        self._start(self._ask(command, b"(" + text + b")", _ANSWER_MS))

    def command(self, command, data, wait_ms=_ANSWER_MS):
        """Read, write or execute: command(b"R5", b"1.8.0()"), command(b"W2", b"0.9.1(13:30:35)"), command(b"E2", b"1.6.0()").

        wait_ms: to the first character of the answer; profiles may take 15 s. PeerError: "nak" twice, the error that the
        meter wrote, "signed off".
        """
        self._start(self._ask(command, data, wait_ms))

    def break_off(self):
        """End the session, or free a meter that somebody left in one; DONE comes without an answer."""
        self._start(self._send(break_off(self.is_summed), 0))

    def _start(self, script):
        self._script = script
        self._is_silent = self._hears = False
        self._first_ms = 0
        self._refusal = None
        self.reader.has_parity = self.has_parity
        self.reader.is_summed = self.is_summed

    def next(self):
        """Return what to do next; see above."""
        script = self._script
        if script is None:
            raise LocalError("nothing was started")
        self._script = None  # every error ends it
        try:
            event = next(script)
        except StopIteration:
            return DONE
        except FrameError:
            if self._hears:
                self._script = self._hear()
            raise
        self._script = script
        return event

    # What is started is a generator: it yields what next() returns, and goes on where it was.

    def _send(self, message, wanted, first_ms=_ANSWER_MS, pause_ms=None):
        if pause_ms is None:
            pause_ms = 20 if self.identification and self.identification.is_fast else 200
        self.pause_ms = pause_ms
        self.to_send = message
        if self.has_parity:
            self.to_send = bytearray(message)
            parity(self.to_send, 0, len(message), 1)
        yield SEND
        self._first_ms = first_ms
        self._is_silent = False
        self.reader.expect(wanted, echo=message)

    def _receive(self):
        """Return what ended the message: IDENTIFIED, BLOCK, PART, ACK or NAK."""
        reader = self.reader
        has_value = False
        self._refusal = None
        while True:
            event = reader.next()
            if event is None:
                if self._is_silent:
                    self._is_silent = False
                    reader.silence()
                yield None
            elif event == VALUE and reader.command:
                if reader.command == b"P0":
                    self.operand = bytes(reader.text)
            elif event == VALUE and self._asks and not has_value and is_error(reader.value):
                self._refusal = bytes(reader.text)
            elif event in (VALUE, TEXT, ROW):
                has_value = True
                yield event
            else:
                return event

    def _sign_on(self, message, what, opening, fastest, wakes):
        self.identification = None
        self._asks = False
        pause_ms = 0
        if wakes:
            for _ in range(opening * 22 // (100 * _NULS)):  # 2.1 to 2.2 s
                yield from self._send(bytes(_NULS), 0, 0, 0)
            pause_ms = _WAKE_PAUSE_MS
        yield from self._send(message, reading.WANT_IDENTIFICATION, _IDENTIFICATION_MS, pause_ms)
        yield from self._receive()
        is_echoed = self.reader.is_echoed
        meter = self.identification = Identification(self.reader.text)
        yield IDENTIFIED
        wanted = reading.WANT_STX
        if what in (PROGRAMMING, BINARY) or (meter.mode == "C" and what is not None):
            option, baud = meter.option(what, fastest, opening)
            if what == PROGRAMMING:
                wanted = reading.WANT_SOH | reading.WANT_STX | reading.WANT_NAK
            elif what == BINARY:
                yield from self._send(option, 0, _CONFIRMATION_MS)
                yield from self._confirmed(option, is_echoed)
                self.baud = baud
                return
            yield from self._send(option, wanted)
            self.baud = baud
        else:
            if meter.mode == "B":
                self.baud = meter.baud or opening
            self.reader.then(wanted)
            self._first_ms = _ANSWER_MS
        if what != PROGRAMMING:
            yield from self._data(self.repeats)
        elif (yield from self._receive()) == reading.NAK:
            raise PeerError("nak")
        elif self.reader.command != b"P0":
            self._check_break()
            raise FrameError("other answer")

    def _confirmed(self, option, is_echoed):
        """Wait for the meter's confirmation, the same message at the old speed; many send none."""
        self.reader.expect(reading.WANT_STX, echo=option * (2 if is_echoed else 1))
        while not self._is_silent:
            if self.reader.next() or self.reader.is_within:
                raise FrameError("other answer")
            if self.reader.is_echoed:
                break
            yield None

    def _check_break(self):
        if self.reader.command == b"B0":
            raise PeerError("signed off")

    def _hear(self):
        self._asks = False
        while True:
            event = yield from self._receive()
            if event == IDENTIFIED:
                self.identification = Identification(self.reader.text)
                yield event
            else:
                yield DONE

    def _data(self, repeats):
        """Receive a message and its parts; return what ended it. What came damaged is asked for again."""
        left = repeats
        first = None
        while True:
            try:
                event = yield from self._receive()
            except FrameError as error:
                if first and error.reason == "no answer":
                    raise first  # a meter that does not heed NAK
                first = error
                # A read-out that stops is over: the meter was reset, or the line cut. Noise is another speed.
                if not left or error.reason not in (_REPEATED if self._asks else _REPEATED[:3]):
                    raise
                left -= 1
                yield AGAIN
                yield from self._send(NAK, reading.WANT_STX)
                continue
            if event != PART:
                return event
            yield PART
            left = repeats
            first = None
            yield from self._send(ACK, reading.WANT_STX)

    def _ask(self, command, data, wait_ms):
        reads = command[:1] == b"R"
        is_password = command[:1] == b"P"
        wanted = reading.WANT_NAK | reading.WANT_STX | reading.WANT_SOH
        if not reads:
            wanted |= reading.WANT_ACK
        self._asks = True
        pause_ms = None
        while True:
            yield from self._send(message(command, data, self.is_summed), wanted, wait_ms, pause_ms)
            event = yield from self._data(_REPEATS)
            while event == BLOCK and self.reader.command == command:  # an echo that noise hid
                event = yield from self._data(_REPEATS)
            if event != reading.NAK or pause_ms or is_password:
                break
            pause_ms = _NAK_PAUSE_MS
        if is_password and event != reading.ACK:
            raise PeerError("password")  # NAK, signed off, or an error in words
        if event == reading.NAK:
            raise PeerError("nak")
        if self._refusal:
            raise PeerError(self._refusal.decode())
        is_data = event == BLOCK
        if is_data:
            self._check_break()
        if is_data != reads or (is_data and self.reader.command):
            raise FrameError("other answer")
