"""The pulse contact on a pin: each edge by interrupt, and a look now and then.

Interrupt handlers run in the interpreter's own time, some may be dropped when its queue is full: the look finds the level
that the contact was left at.
"""

from time import ticks_ms

from machine import Pin
from micropython import schedule


class PulsePin:
    """Calls contact.edge(closed, now_ms), never from within itself. `closed_level` of the pin while the contact is closed."""

    def __init__(self, gpio, closed_level, contact):
        self._pin = Pin(gpio, Pin.IN)
        self._closed_level = closed_level
        self._contact = contact
        self._handler = self._tell  # made once: an interrupt must not have to
        self._tell(self._pin)
        self._pin.irq(self._handler, Pin.IRQ_RISING | Pin.IRQ_FALLING)

    def look(self):
        """Tell the level as it is now, in the handler's place so that no edge comes in between."""
        try:
            schedule(self._handler, self._pin)
        except RuntimeError:
            pass  # the queue is full: the next time

    def _tell(self, pin):
        self._contact.edge(pin.value() == self._closed_level, ticks_ms())
