"""Finds messages in received bytes, and hands out their values one by one while they come: no I/O, no clock, no growth.

Source: IEC 62056-21, 5.8 and 6 (messages, data block, block check); DSMR 5, 6 (CRC of a telegram without STX).
"""

from array import array

from micropython import const

from lib.iec62056.errors import FrameError, LocalError
from lib.iec62056.kernels import crc16, parity, run, seek

# What next() returns
VALUE = const(1)  # a value in brackets
TEXT = const(2)  # a line, or its end, without brackets
ROW = const(3)  # the end of a line that had values; if asked for
IDENTIFIED = const(4)  # an identification
BLOCK = const(5)  # the end of a data message: its check was right
PART = const(6)  # the same, but more follows when it is acknowledged
ACK = const(7)
NAK = const(8)

# What may come: bit n for the control character n, bit 0 for an identification
WANT_IDENTIFICATION = const(1)
WANT_SOH = const(1 << 1)
WANT_STX = const(1 << 2)
WANT_ACK = const(1 << 6)
WANT_NAK = const(1 << 0x15)

_STARTS = const(b"/\x01\x02\x06\x15")  # of messages
_MOST_IDENTIFICATION = const(64)
_MOST_ADDRESS = const(32)

# Places in the sums of run()
_BCC = const(0)
_SUM = const(1)
_STAR = const(2)
_VISIBLE = const(3)

_SEEK = const(0)
_IDENTIFICATION = const(1)
_HEAD = const(2)  # behind SOH
_CHECK = const(3)  # at the block check
_TAIL = const(4)  # behind the `!` of a read-out without STX
_OUTSIDE = const(5)  # of brackets
_INSIDE = const(6)


class MessageReader:
    """One buffer for whatever a meter sends; a value is all of it that is ever kept, so that a block may be of any length.

    Reserve with room(), read the UART into it, report with filled(), and ask next() until it returns None. **Values are
    void until BLOCK or PART has come**: only then was the block check right. Whatever is wrong with a block is told at its end.

    address     bytes of the last address, tag included (`1.8.0*01`); b"" when a block gave none
    command     the two characters of a message with SOH (b"P0"), b"" for any other
    index       which group of its line a value is, from 0
    line        lines since the address: 0 in its own
    is_cut      the value or text was longer than the buffer has room for, and is half a buffer of its beginning
    is_checked  the block that ended had a block check or CRC; false for one that ends with a mere `!`
    has_parity  characters come with even parity in bit 7 that is to be checked here
    is_summed   the block check is the sum (Energomera)
    tells_rows  ROW is wanted
    received    bytes since expect() or the end of the last message, echo not counted
    """

    def __init__(self, size=512, most_bytes=1000000):
        """size: of the buffer, 128 or more, and so of the longest value; most_bytes: longer messages are endless."""
        self._buffer = memoryview(bytearray(size))
        self._size = size
        self._most = most_bytes
        self._sums = array("i", (0, 0, 0, 0))
        self.has_parity = self.is_summed = self.tells_rows = False
        self.address = self.command = b""
        self.expect(0)

    def expect(self, wanted, is_plain=False, echo=b""):
        """Forget all that came, and wait for a message of the kinds `wanted`.

        is_plain: data without STX may follow an identification (mode D). echo: bytes that may come first and are no answer.
        """
        self._used = self._at = self._mark = 0
        self._phase = _SEEK
        self._echo = echo
        self.is_echoed = False
        self.received = 0
        self._begin(False)
        self.then(wanted, is_plain)

    def then(self, wanted, is_plain=False):
        """Say what may come next without forgetting what came already."""
        self._wanted = wanted
        self._is_plain = is_plain

    def _begin(self, is_plain):
        """Begin a block."""
        self._plain = is_plain  # without STX
        self._bad = ""  # what is wrong with it
        self._is_over = False  # `!` has come
        self._is_fresh = True  # no group in this line yet
        self._has_told = False  # anything of this block
        self.index = self.line = 0
        self.is_cut = False
        self._reset()

    def _reset(self):
        sums = self._sums
        sums[_BCC] = sums[_SUM] = sums[_VISIBLE] = sums[_STAR] = 0

    def room(self):
        """Return a view of the free part, valid until another method is called; not empty after next() returned None."""
        if self._used == self._size and self._at == self._used:
            shift = self._mark
            if shift:
                self._buffer[: self._size - shift] = self._buffer[shift:]
                self._mark = 0
                self._sums[_STAR] -= min(shift, self._sums[_STAR])
            else:
                shift = self._size // 2  # a value too long: its beginning stays
                self.is_cut = True
            self._used = self._at = self._used - shift
        return self._buffer[self._used :] if self._used else self._buffer

    def filled(self, count):
        """Report how many bytes were put into room(). None, as a UART without data answers, counts as 0."""
        if count:
            if not 0 < count <= self._size - self._used:
                raise LocalError("more filled than there was room")
            if self.has_parity:
                parity(self._buffer, self._used, self._used + count, 0)
            self._used += count
            self.received += count

    @property
    def is_within(self):
        """Whether a message has begun and not ended."""
        return self._phase != _SEEK

    @property
    def value(self):
        """The value without its unit, as a view that is valid until another method is called."""
        star = self._sums[_STAR]
        return self._buffer[self._start : star - 1 if star else self._end]

    @property
    def unit(self):
        """What stands behind the first `*` of the value, as a view that is valid until another method is called."""
        star = self._sums[_STAR]
        return self._buffer[star or self._end : self._end]

    @property
    def text(self):
        """All of the group (a list has a `*` in each item), line or identification, as a view like the others."""
        return self._buffer[self._start : self._end]

    def next(self):
        """Return what comes next, None if bytes are missing. FrameError: the block is void; call again for what follows.

        After IDENTIFIED and TEXT, `text` is what came.
        """
        if self.received > self._most:
            raise self._void("endless")
        if self._echo and not self._past_echo():
            return None
        while self._at < self._used:
            phase = self._phase
            if phase >= _OUTSIDE:
                event = self._inside() if phase == _INSIDE else self._outside()
            elif phase == _SEEK:
                event = self._seek()
            elif phase == _IDENTIFICATION:
                event = self._identify()
            elif phase == _HEAD:
                event = self._head()
            else:
                event = self._check() if phase == _CHECK else self._tail()
            if event:
                return event
        if self._mark == self._used:
            self._used = self._at = self._mark = 0
        return None

    def silence(self):
        """Report that no more bytes come. Always raises FrameError: no answer, noise (no message began), truncated."""
        raise self._void("truncated" if self.is_within else "noise" if self.received else "no answer")

    def _void(self, reason):
        self._phase = _SEEK
        self._mark = self._at
        self.received = self._used - self._at
        return FrameError(reason)

    def _past_echo(self):
        """Whether what was sent has come back, or will not."""
        while self._at < self._used and self._buffer[self._at] not in _STARTS:
            self._at += 1
        got = bytes(self._buffer[self._at : min(self._used, self._at + len(self._echo))])
        if got == self._echo:
            self._at += len(got)
            self.received -= len(got)
            self.is_echoed = True
        elif self._echo.startswith(got):
            return False
        self._echo = b""
        self._mark = self._at
        return True

    def _seek(self):
        at = self._at = self._mark = seek(self._buffer, self._at, self._used, self._wanted)
        if at == self._used:
            self._mark = at
            return None
        self._at = at + 1
        byte = self._buffer[at]
        if byte == 0x2F:
            self._phase = _IDENTIFICATION
            return None
        self._mark = at + 1
        if byte > 2:
            return ACK if byte == 6 else NAK
        self._phase = _HEAD if byte == 1 else _OUTSIDE
        self.command = self.address = b""
        self._begin(False)
        return None

    def _identify(self):
        at = run(self._buffer, self._at, self._used, 1, self._sums)
        end = self._used if at < 0 else at
        self._at = end
        byte = self._buffer[end - 1]
        if byte != 10:
            if end - self._mark > _MOST_IDENTIFICATION or (at > 0 and byte != 0x28 and byte != 0x29):
                # Too long or damaged: no identification. The byte that tells may be a start itself.
                self._phase = _SEEK
                self._at = max(self._mark + 1, end - 1)
            return None
        start = end - 1
        while self._buffer[start] != 0x2F:  # what stands before the last one was noise
            start -= 1
        self._start = start
        self._end = end
        self._mark = end
        self._phase = _SEEK
        if end - start < 7 or not bytes(self._buffer[start + 1 : start + 4]).isalpha():
            return None
        if self._is_plain:
            self._begin(True)
            self.address = self.command = b""
            self._crc = crc16(self._buffer, start, end, 0)
            self._phase = _OUTSIDE
        return IDENTIFIED

    def _head(self):
        """Behind SOH: two characters, then STX and a data set, or ETX."""
        at = self._at
        byte = self._buffer[at]
        self._sums[_BCC] ^= byte
        self._sums[_SUM] += byte
        self._at = at + 1
        if at - self._mark < 2:
            if 0x30 <= byte <= 0x5A:
                return None
        elif byte == 2 or byte == 3:
            self.command = bytes(self._buffer[self._mark : at])
            self._mark = at + 1
            self._last = byte
            self._phase = _OUTSIDE if byte == 2 else _CHECK
            return None
        self._phase = _SEEK  # no message; this byte may be a start itself
        self._at = at
        return None

    def _run(self, inside):
        """The next character that is not ordinary text, 0 if it has not come."""
        before = self._at
        at = run(self._buffer, before, self._used, inside, self._sums)
        self._at = self._used if at < 0 else at
        if self._plain:
            self._crc = crc16(self._buffer, before, self._at, self._crc)
        return 0 if at < 0 else self._buffer[at - 1] or 1

    def _inside(self):
        byte = self._run(1)
        if byte == 0x29:
            self._outward()
            if self._bad:
                return None
            self._has_told = True
            return VALUE
        if byte > 0x7F:
            self._bad = self._bad or "parity"
        elif byte:
            self._bad = self._bad or "format"
            if byte < 0x28:
                return self._ended(byte)
        return None

    def _outward(self):
        """A group or text has ended."""
        self._start = self._mark
        self._end = self._at - 1
        if self.is_cut:  # what stands behind its first half are pieces
            self._end = self._size // 2
            if self._sums[_STAR] > self._end:
                self._sums[_STAR] = 0
        self._phase = _OUTSIDE
        self._mark = self._at
        self._sums[_VISIBLE] = 0

    def _outside(self):
        """Between groups: an address, a line end, the end of the block, or damage."""
        if self._sums[_VISIBLE] == 0 and self._mark == self._at:
            self.is_cut = False
            self._sums[_STAR] = 0
        byte = self._run(0)
        if byte == 0x28:
            self._open()
        elif byte > 0x7F:
            self._bad = self._bad or "parity"
        elif 0 < byte <= 0x21:
            return self._ended(byte)
        elif byte:
            if self._plain and byte == 0x2F:  # the next one begins before this one has ended
                self._at -= 1
                raise self._void("truncated")
            self._bad = self._bad or "format"
        return None

    def _open(self):
        if self._sums[_VISIBLE]:
            address = bytes(self._buffer[self._mark : self._at - 1]).strip()
            if len(address) > _MOST_ADDRESS:
                self._bad = self._bad or "format"
            else:
                self.address = address
            self.index = self.line = 0
        elif self._is_fresh:
            self.index = 0
            self.line += 1
        else:
            self.index += 1
        if self._is_over:
            self._bad = self._bad or "format"
        self._is_fresh = False
        self._sums[_STAR] = 0
        self._mark = self._at
        self._phase = _INSIDE

    def _ended(self, byte):
        """A line or the block ends, or a control character has no business here. What came before is told first."""
        if byte == 2 and not self._has_told:  # what looked like the start was noise, or data follow the identification at once
            self._begin(False)
            self._outward()
            return None
        is_row = self.tells_rows and not self._is_fresh
        is_text = self._phase == _OUTSIDE and self._sums[_VISIBLE] and not self._is_over and byte != 0x21
        if byte == 10 or byte == 0x21:
            self._is_fresh = True
            if byte == 0x21:
                self._is_over = True
                if self._plain:
                    self._last = byte
        elif byte == 3 or byte == 4:
            self._last = byte
            if self._plain:
                self._bad = self._bad or "format"
        else:
            self._bad = self._bad or "format"
            return None
        self._outward()
        if byte < 10:
            self._phase = _CHECK
        elif byte == 0x21 and self._plain:
            self._phase = _TAIL
        if self._bad:
            return None
        if is_row:
            return ROW
        if is_text:
            self._has_told = True
            return TEXT
        return None

    def _check(self):
        got = self._buffer[self._at]
        self._at += 1
        expected = self._sums[_SUM] & 0x7F if self.is_summed else self._sums[_BCC]
        return self._finished(got == expected, True)

    def _tail(self):
        """Behind `!`: CR LF, or four hexadecimal digits before it."""
        at = self._at
        byte = self._buffer[at]
        if byte == 0x2F:
            raise self._void("truncated")
        self._at = at + 1
        if byte != 10:
            if at - self._mark > 6:
                raise self._void("format")
            return None
        digits = bytes(self._buffer[self._mark : at]).strip()
        if not digits:
            return self._finished(True, False)
        try:
            return self._finished(len(digits) == 4 and int(digits, 16) == self._crc, True)
        except ValueError:
            raise self._void("check") from None

    def _finished(self, is_good, is_checked):
        if self._bad or not is_good:
            raise self._void(self._bad or "check")
        self._phase = _SEEK
        self._mark = self._at
        self.received = self._used - self._at
        self.is_checked = is_checked
        return PART if self._last == 4 else BLOCK
