"""The ring of dated events: what happened to the device, newest last. In RAM; a restart begins it anew."""

from micropython import const

_KEPT = 24  # with texts of full length 3 KB
_LONGEST_TEXT = const(80)


class Events:
    """`clock.utc()` dates them. Kinds in use: start, time, settings, login, relay, bus, meter, task, input,
    network, history, modbus, upgrade."""

    def __init__(self, clock):
        self._clock = clock
        self._ring = [(0, "", "")] * _KEPT
        self._listeners = []
        self.count = 0  # since the start

    def add(self, kind, text):
        """Keep an event. `text` is one sentence for a person and never holds a secret."""
        event = (self._clock.utc(), kind, text[:_LONGEST_TEXT])
        self._ring[self.count % _KEPT] = event
        self.count += 1
        for told in self._listeners:
            told(event)

    def on_event(self, told):
        """Have told((utc, kind, text)) called with each event to come."""
        self._listeners.append(told)

    def recent(self):
        """Yield the events kept, oldest first, as (utc, kind, text)."""
        for number in range(max(0, self.count - _KEPT), self.count):
            yield self._ring[number % _KEPT]
