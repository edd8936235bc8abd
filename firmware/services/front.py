"""The gateway's front: its button and its green-red light. Decisions only: how the contact stands, and when, is told.

The button is that of the SG manual's 3.8, which goes before the shorter story of 1.2: a short press restarts; holding for ten
seconds, letting go when green blinks, and holding for ten seconds again resets to the factory's settings. The lights are those
of 4.3. Orange is both colours at once. What the manual leaves open is told in docs/hardware.md.
"""

from time import ticks_diff

from micropython import const

_BOUNCE_MS = const(30)  # for so long a contact must stay as it is; ours
_SHORT_MS = const(2000)  # a press up to this restarts; ours
_HOLD_MS = const(10000)
_PATIENCE_MS = const(10000)  # to let go in (ours), and to press again in

# Steps of the procedure; from FIRST on the button is down. OVER: the reset was begun. IGNORED: nothing comes of this press.
_IDLE = const(0)
_AGAIN = const(1)
_FIRST = const(2)
_LET_GO = const(3)
_SECOND = const(4)
_IGNORED = const(5)
_OVER = const(6)


class Front:
    """`gateway` has platform.leds, events, restart() and factory_reset(by)."""

    def __init__(self, gateway):
        self._gateway = gateway
        self._mode = "connecting"
        self._is_upgrading = False
        self._operational = ("slow", "off")
        self._step = None  # until it was told of the contact
        self._since_ms = 0  # when the step began
        self._turned_ms = None  # when the contact was seen to turn; None: it stands as the step has it
        self._shown = None

    def show(self, mode):
        """What goes on: "connecting", "operational", "provisioning"; before these "upgrading", until "upgrade failed"."""
        if mode.startswith("upgrad"):
            self._is_upgrading = mode == "upgrading"
        else:
            self._mode = mode
        self._light()

    def tell(self, green, red):
        """In operation the lights show this, on boards whose lights tell of more: front_server.py."""
        self._operational = (green, red)
        self._light()

    def button(self, is_down, now_ms):
        """The contact is closed or open, bouncing included; now_ms in ticks. While something is upgraded it does nothing.

        A button that is down when this is called first is not pressed: it may be the end of a factory reset.
        Return whether this waits for time to pass: then it is to be called every 100 ms at least.
        """
        if self._step is None:
            self._step = _IGNORED if is_down else _IDLE
        has_turned = is_down != (self._step >= _FIRST)
        if has_turned:
            if self._turned_ms is None:
                self._turned_ms = now_ms
            if ticks_diff(now_ms, self._turned_ms) < _BOUNCE_MS:
                return True
            now_ms = self._turned_ms
        self._turned_ms = None
        step = self._passed(self._step, ticks_diff(now_ms, self._since_ms))
        if has_turned:
            step = self._turned(step, ticks_diff(now_ms, self._since_ms))
            self._since_ms = now_ms
        if step != self._step:
            self._step = step
            self._light()
        return _IDLE < step < _IGNORED

    def _passed(self, step, passed_ms):
        """Return the step that time alone leads to."""
        if self._is_upgrading and step != _OVER:
            return _IGNORED if step >= _FIRST else _IDLE
        if step == _FIRST and passed_ms >= _HOLD_MS:
            step = _LET_GO
        if step == _LET_GO and passed_ms > _HOLD_MS + _PATIENCE_MS:
            return _IGNORED
        if step == _AGAIN and passed_ms > _PATIENCE_MS:
            return _IDLE
        if step == _SECOND and passed_ms >= _HOLD_MS:
            try:
                self._gateway.factory_reset("button")
                return _OVER
            except (OSError, MemoryError) as error:
                self._gateway.events.add("start", f"factory reset failed: {error!r}")
                return _IGNORED
        return step

    def _turned(self, step, passed_ms):
        """Return the step that comes of a press, if the button was up, or of letting go."""
        if step < _FIRST:
            return _IGNORED if self._is_upgrading else _SECOND if step == _AGAIN else _FIRST
        if step == _FIRST and passed_ms < _SHORT_MS:
            self._gateway.events.add("start", "restart asked for by button")
            self._gateway.restart()
        return _AGAIN if step == _LET_GO else _OVER if step == _OVER else _IDLE

    def _light(self):
        step, mode = self._step, self._mode
        if step in (_FIRST, _SECOND):
            lights = ("slow", "slow")
        elif step in (_LET_GO, _AGAIN):
            lights = ("fast", "off")
        elif step == _OVER or self._is_upgrading:
            lights = ("off", "fast")
        elif mode == "provisioning":
            lights = ("fast", "fast")
        else:
            lights = ("fast", "off") if mode == "connecting" else self._operational
        if lights != self._shown:
            self._shown = lights
            self._gateway.platform.leds(*lights)
