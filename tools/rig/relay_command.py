"""A meter on the left infrared port that commands the switch on the right: for a moment it is the master of its line.

It sends the frame that writes register 40015 of unit 33 when the line is at rest, and again until it is answered as a switch
answers: with the same frame, whose function may be 0x2A (sheet, 5.2).
"""

from tools.rig.rtu import seal

_UNIT = 33
_REST_S = 0.01  # the line is at rest when nobody sent for so long
_PATIENCE_S = 1.0  # from one try to the next
_TRIES = 30


class RelayCommand:
    """One command to switch the relay to `state`; `told(state)` is called once it is answered.

    `result`: "waiting", "answered" or "unanswered".
    """

    def __init__(self, state, told):
        self._state = state
        self._told = told
        self._tries = 0
        self._next_at = 0.0
        self.result = "waiting"

    def due(self, quiet_since):
        """When to send, on a line that is quiet since then; None when there is no more to send."""
        return max(self._next_at, quiet_since + _REST_S) if self.result == "waiting" else None

    def frame(self, now):
        """The frame to send now; b"" when it was sent in vain often enough."""
        if self._tries >= _TRIES:
            self.result = "unanswered"
            return b""
        self._tries += 1
        self._next_at = now + _PATIENCE_S
        return self._adu(6)

    def takes(self, adu):
        """Whether this frame, heard on the line, is the answer; the command is over then."""
        if self.result != "waiting" or not self._tries or adu not in (self._adu(6), self._adu(0x2A)):
            return False
        self.result = "answered"
        self._told(self._state)
        return True

    def _adu(self, function):
        return seal(bytes((_UNIT, function, 0, 15, 0, self._state)))
