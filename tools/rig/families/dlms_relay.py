"""The disconnector of a simulated DLMS meter: class 70 (the sheet, section 11)."""

from tools.rig.families.dlms_data import Malformed

DISCONNECTED, CONNECTED, READY = 0, 1, 2
_LOG = 2
_REMOTE_OFF, _REMOTE_ON = 62, 63  # event codes
_BUTTON_NEEDED = (1, 3, 5, 6)  # modes in which a reconnection waits for the button


class Relay:
    """`output` and `state` as attributes 2 and 3 tell them; `mode` 0 ignores all commands."""

    def __init__(self, meter):
        self._meter = meter
        self.output, self.state, self.mode = True, CONNECTED, 4

    def disconnect(self):
        if self._obeys():
            self.output, self.state = False, DISCONNECTED
            self._meter.objects.logs[_LOG].note(_REMOTE_OFF)

    def reconnect(self):
        if self._obeys() and not self.output:
            self.state = READY if self.mode in _BUTTON_NEEDED else CONNECTED
            self.output = self.state == CONNECTED
            self._meter.objects.logs[_LOG].note(_REMOTE_ON)

    def _obeys(self):
        return self.mode and self._meter.fault != "stuck"

    def set_mode(self, mode):
        if mode not in range(7):
            raise Malformed("control mode")
        self.mode = mode

    def pin(self, name, value):
        """What somebody at the meter does: the button, or another mode."""
        if name == "mode":
            self.set_mode(value)
        else:
            self.output, self.state = bool(value), CONNECTED if value else DISCONNECTED
