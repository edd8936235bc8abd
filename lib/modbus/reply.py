"""Collects the reply to one request.

Sources: Modbus over Serial Line V1.02, 2.4.1 (what a master makes of a reply) and 2.5.1 (frames); Application Protocol
V1.1b3, 6 (what a reply repeats) and 7 (exceptions).
"""

from micropython import const

from lib.modbus.collector import Collector
from lib.modbus.crc import crc16
from lib.modbus.errors import FrameError, LocalError, PeerError
from lib.modbus.framing import alike, copy, find_reply, reply_at
from lib.modbus.limits import MAX_ADU

_MOST_BYTES = const(768)  # an echo, noise and a reply, each as long as can be: whoever sends more is not answering
# How many bytes behind the function code a good reply repeats from the request; other functions: none.
_REPEATS = const(((5, 4), (6, 4), (8, 2), (15, 4), (16, 4), (22, 6)))


class ReplyReader(Collector):
    """Collect one reply; one reader serves a wire.

    restart(request), then room(), filled(n) and pdu() until pdu() gives a view or an error; silence() when the bus has waited
    long enough. Noise before the reply and the echo of our own frame are passed over.

    echo      set by the bus: this port hears what it sends. Decides only where the reply may look like the request (such as
              functions 5 and 6): True, the first copy is the echo; False, it is the reply.
    echoed    our frame came back before the reply
    skipped   bytes of noise before the reply
    trailing  bytes that came with the reply, behind it: noise or a second answer
    The last three are valid once there is a reply or an error.
    """

    def __init__(self):
        super().__init__()
        self.echo = False
        self._request = None

    def restart(self, request):
        """Forget all and expect the reply to `request`, whose last reply is lost. LocalError for one sent to all units."""
        if request.reply_size is None:
            raise LocalError("no unit answers a broadcast")
        self._clear()
        self._request = request
        self._code = 0  # exception code that came
        self._at_start = True  # what came so far may be our echo
        self._misfit = False  # a good frame came whose repeated bytes are not ours
        self._echo_end = 0  # bytes received up to the end of the echo
        request.reply = None
        self.echoed = False
        self.skipped = 0
        self.trailing = 0

    def pdu(self):
        """Return the reply's PDU, function code first, or None while bytes are missing.

        The view belongs to the request and is valid until that is asked again. Does not allocate, unless the reply has
        another length than was expected or raises PeerError: the unit answered with an exception. FrameError: nothing good
        can come any more (too long, or endless noise).
        """
        return self._read(0)

    def silence(self):
        """Say that no more bytes will come; return the PDU, as pdu(), or raise FrameError with the reason."""
        pdu = self._read(1)
        if pdu is None:
            raise FrameError(self._reason())
        return pdu

    def _read(self, ended):
        request = self._request
        if request.reply is not None:
            return request.reply
        if self._code:
            raise PeerError(self._code)
        if self._at_start and not self._past_echo(ended):
            return None
        while self._start < self._used:
            found = find_reply(
                self._adu, self._start, self._used, request.unit, request.function, request.also, request.reply_size, ended
            )
            if found >= 0:
                at = found >> 16
                self._start = at + (found & 0xFFFF)
                if self._is_ours(at):
                    return self._taken(at)
            else:
                self._start = -1 - found
                if not ended:
                    break
        if self.received >= _MOST_BYTES:
            raise FrameError("noise")
        if self._used == MAX_ADU and not self._start:  # of unknown length, and nothing more can belong to it
            if not ended and self._read(1) is not None:
                return request.reply
            raise FrameError("too long")
        return None

    def _past_echo(self, ended):
        """Drop our own frame from the start; False while it is not yet clear whether this is it."""
        request = self._request
        same = alike(self._adu, 0, request.adu, 0, min(self._used, len(request.adu)))
        if same == len(request.adu):
            if self.echo or not request.is_mirrored:
                self.echoed = True
                self._start = self._echo_end = same
        elif same == self._used and not ended:
            return False
        self._at_start = False
        return True

    def _is_ours(self, at):
        """Whether the good frame at `at` answers our request, rather than be it or answer an earlier one."""
        request = self._request
        if self._adu[at + 1] & 0x80:
            return True
        size = self._start - at
        may_be_echo = not request.is_mirrored or (self.echo and not self.echoed)
        if may_be_echo and size == len(request.adu) and alike(self._adu, at, request.adu, 0, size) == size:
            self.echoed = True  # behind noise
            self._echo_end = self._dropped + self._start
            return False
        for function, count in _REPEATS:
            if function == request.function and alike(self._adu, at + 2, request.adu, 2, count) < count:
                self._misfit = True
                return False
        return True

    def _taken(self, at):
        """Keep the reply from `at` to _start in the request; raise PeerError if it is an exception."""
        request = self._request
        self.trailing = self._used - self._start
        self.skipped = self._dropped + at - (len(request.adu) if self.echoed else 0)
        if self._adu[at + 1] & 0x80:
            self._code = self._adu[at + 2]
            raise PeerError(self._code)
        length = self._start - at - 3
        copy(request.room, 0, self._adu, at + 1, at + 1 + length)
        request.reply = request.room if length == len(request.room) else request.room[:length]
        return request.reply

    def _reason(self):
        """Name what came instead of a reply, as FrameError lists it."""
        request, adu, used = self._request, self._adu, self._used
        first = max(0, self._echo_end - self._dropped)
        if not self.received:
            return "no answer"
        if self._misfit:
            return "wrong value"
        if first == used:
            return "echo only"
        functions = (request.function, request.also or request.function)
        if used - first >= 4 and not crc16(adu, first, used):
            if adu[first] != request.unit:
                return "wrong unit"
            return "wrong length" if adu[first + 1] & 0x7F in functions else "wrong function"
        for at in range(first, used):
            if adu[at] != request.unit or (at > first and at + 1 == used):
                continue
            for function in functions:
                found = reply_at(adu, at, used, request.unit, function, request.reply_size)
                if found != -1:
                    return "crc" if found == -2 or not request.reply_size else "short"
        return "noise"
