"""What the master of a wire knows of one unit on it: how fast it answers, how well, and when to try a silent one again."""

from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

_FIRST_BACKOFF_MS = const(1000)
_DOUBLINGS = const(6)
_LONGEST_BACKOFF_MS = const(60000)
_SHORTEST_TIMEOUT_MS = const(150)  # as long as our own loop may be held, twice
_PATIENT = const(8)  # so many probes, then a long one
_LATE_MS = const(2000)  # an answer may still come so long after the question


class Unit:
    """Counters: asked, answered, refused (exceptions), silent (no answer in time), damaged (no good frame)."""

    def __init__(self, unit_id):
        self.unit_id = unit_id
        self.asked = self.answered = self.refused = self.silent = self.damaged = 0
        self.last_error = ""
        self.latency_ms = 0  # of the last answer, from the end of the question
        self._slowest_ms = 0  # recent slowest, slowly forgotten; 0 not known
        self._stretch = 1  # timeouts grow while answers fail to come
        self.failures = 0  # polls in a row that failed after all tries, of a unit nobody polls any question
        self.is_polled = False
        self._due = 0  # ticks of the next probe while failures
        self._late_size = -1  # size of the replies that a late answer could be taken for, -1 none
        self._late_function = 0
        self._late_adu = b""
        self._late_until = 0

    def timeout_ms(self, longest_ms):
        """How long to wait for the first byte: four times what it took lately, within bounds."""
        if not self._slowest_ms:
            return longest_ms
        return min(longest_ms, max(_SHORTEST_TIMEOUT_MS, 4 * self._slowest_ms) * self._stretch)

    def short_ms(self, least_ms):
        """How long to wait for the first byte when others wait for the wire.

        One that never answered may be slower than anybody thinks: now and then it has all the time.
        """
        if not self.answered and self.failures % _PATIENT == _PATIENT - 1:
            return _LONGEST_BACKOFF_MS
        return max(least_ms, 2 * self._slowest_ms)

    def good(self, latency_ms):
        """It answered, be it with an exception."""
        self.latency_ms = latency_ms
        self._slowest_ms = max(latency_ms, self._slowest_ms - (self._slowest_ms >> 4) - 1, 1)
        self._stretch = 1
        self.failures = 0

    def missed(self, request):
        """It did not answer in time; it may still, and then its answer could pass for one to another request."""
        self._stretch = min(2 * self._stretch, 16)
        is_second = self._late_size >= 0 and request.adu != self._late_adu and ticks_diff(self._late_until, ticks_ms()) > 0
        self._late_size = 0 if is_second else request.reply_size  # 0: an answer of any size could be a late one
        self._late_function = 0 if is_second and request.function != self._late_function else request.function  # 0: any
        self._late_adu = request.adu
        self._late_until = ticks_add(ticks_ms(), _LATE_MS)

    def failed(self):
        """A question failed after all tries: probe it later and later."""
        delay_ms = min(_FIRST_BACKOFF_MS << min(self.failures, _DOUBLINGS), _LONGEST_BACKOFF_MS)
        self.failures += 1
        self._due = ticks_add(ticks_ms(), delay_ms)

    def wait_ms(self):
        """Milliseconds until the next probe of a silent unit, 0 for one that answers."""
        if not self.failures:
            return 0
        left = ticks_diff(self._due, ticks_ms())
        return left if 0 < left <= _LONGEST_BACKOFF_MS else 0

    def ambiguous_ms(self, request):
        """Milliseconds to wait because an answer to an earlier question, come late, would look like one to this."""
        if self._late_size < 0:
            return 0
        left = ticks_diff(self._late_until, ticks_ms())
        if not 0 < left <= _LATE_MS:
            self._late_size = -1
            return 0
        if request.adu == self._late_adu or (request.reply_size and self._late_size and request.reply_size != self._late_size):
            return 0
        if self._late_function and request.function != self._late_function:
            return 0  # an answer names its function
        return left
