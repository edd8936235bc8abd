"""The gateway's own inputs: pulse counter and Pt1000, as readings of the gateway itself.

The counter's state is kept in two files written in turn, so that a power cut leaves at least one.
"""

import asyncio

from micropython import const

from firmware.state.readings import PULSES, TEMPERATURE, Group
from lib.inputs.debounce import PulseInput
from lib.inputs.pt1000 import temperature
from lib.inputs.pulse_counter import RECORD_SIZE, PulseCounter

_ROWS = const((("temperature",), ("pulses",)))
_CELSIUS = const(10)
_PERIOD_MS = const(1000)
_FRESH_MS = const(10000)


class Inputs:
    """`ohm()` gives the sensor's resistance in milliohm; it and the pulse contact come from the platform, by main."""

    def __init__(self, readings, settings, clock, events, ohm, path, beat):
        self._readings = readings
        self._settings = settings
        self._clock = clock
        self._events = events
        self._ohm = ohm
        self._beat = beat
        self._paths = (path + "/pulses.0", path + "/pulses.1")
        self._contact = PulseInput()
        self._counting = settings.get("pulse_cnt_en")
        self._untold = True  # the next failure to save is news
        records = [_load(name) for name in self._paths]
        self.counter = PulseCounter(records)
        self._turn = 1 if self.counter.record() == records[1] else 0  # the newest: the other one is written next
        self.group = readings.gateway = Group(_ROWS)
        self.group.unit[TEMPERATURE] = _CELSIUS
        self.fault = ""  # of the sensor: "", "open", "short", "range", "off"

    def edge(self, closed, now_ms):
        """An edge of the pulse contact; may be called from a scheduled interrupt handler."""
        pulses = self._contact.edge(closed, now_ms)
        if self._counting:
            self.counter.add(pulses)

    def reset_pulses(self):
        """Start counting from zero. Raises OSError if that cannot be kept."""
        self._events.add("input", f"pulse counter reset at {self.counter.total}")
        self.counter.reset()
        self.save()

    def save(self):
        """Write the counter if flash lacks something; for an orderly shutdown too."""
        if not self.counter.is_unwritten():
            return
        record = self.counter.record()
        self._turn ^= 1
        with open(self._paths[self._turn], "wb") as file:
            file.write(record)
        self.counter.written(record, self._clock.uptime_s())

    async def run(self):
        """Keep the readings fresh and the flash not too far behind."""
        group = self.group
        while True:
            self._beat.beat()
            self._measure()
            self._counting = self._settings.get("pulse_cnt_en")
            if self._counting:
                group.put(PULSES, self.counter.total & 0x7FFFFFFF, 0)
                if self.counter.is_due(self._clock.uptime_s()):
                    self._save_or_tell()
            else:
                group.put_none(PULSES)
            group.read(self._clock.utc(), _FRESH_MS)
            self._readings.changed()
            await asyncio.sleep_ms(_PERIOD_MS)

    def _save_or_tell(self):
        """A flash that does not take the counter is told of once; the total in RAM goes on."""
        try:
            self.save()
            self._untold = True
        except OSError as error:
            if self._untold:
                self._events.add("input", f"the flash did not take the pulse counter: error {error.errno}")
            self._untold = False

    def _measure(self):
        if self._settings.get("adc_enabled"):
            hundredths, fault = temperature(self._ohm(), self._settings.get("pt1000_lead_mohm"))
        else:
            hundredths, fault = None, "off"
        if fault != self.fault:
            self.fault = fault
            if fault not in ("", "off"):
                self._events.add("input", "temperature sensor: " + fault)
        if hundredths is None:
            self.group.put_none(TEMPERATURE)
        else:
            self.group.put(TEMPERATURE, hundredths, -2)


def _load(path):
    try:
        with open(path, "rb") as file:
            return file.read(RECORD_SIZE)
    except OSError:
        return None
