"""Who may change this gateway over Modbus, and what is waiting to be saved: Modbus itself knows no login.

An administrator opens a window of some minutes. What is written meanwhile is staged here until the client saves it, so that
values that belong together are checked together.
"""

from micropython import const

MOST_MINUTES = 10
_KEPT_S = const(600)  # staged values are kept for so long after the last of them, but not longer than the window


class ModbusAccess:
    """`staged`: values by the name of their setting. Times are those of Clock.uptime_s(), so no step of the clock matters."""

    def __init__(self):
        self.staged = {}
        self._open_until = 0
        self._staged_until = 0

    def open(self, now_s, minutes):
        """Allow changes for so many minutes from now on."""
        self._open_until = now_s + 60 * minutes

    def left_s(self, now_s):
        """Return for how many seconds the window is open; 0: it is closed."""
        return max(0, self._open_until - now_s)

    def stage(self, values, now_s):
        """Keep values until they are saved, dropped, or forgotten."""
        self.staged.update(values)
        self._staged_until = now_s + _KEPT_S
        if self._open_until > now_s:
            self._staged_until = min(self._staged_until, self._open_until)

    def is_over(self, now_s):
        """Forget what was staged too long ago; return whether there is nothing left for which this has to be kept."""
        if now_s >= self._staged_until:
            self.staged = {}
        return not self.staged and now_s >= self._open_until


def current(gateway):
    """Return the gateway's ModbusAccess, None if there is none or it has just run out."""
    access = gateway.modbus_access
    if access is not None and access.is_over(gateway.clock.uptime_s()):
        access = gateway.modbus_access = None
    return access


def needed(gateway):
    """Return the gateway's ModbusAccess, made if there is none."""
    access = current(gateway)
    if access is None:
        access = gateway.modbus_access = ModbusAccess()
    return access
