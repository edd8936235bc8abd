"""An energy meter: measurements that follow a wandering load, counters that add it up, and the meter's own clock.

The families (tools.rig.families) add their areas, their counters' places and what their settings do.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from tools.rig.device import BAUDS, Device
from tools.rig.energy import Counter, milliwatts
from tools.rig.families.day_log import AREA as DAY_LOG
from tools.rig.families.day_log import DayLog
from tools.rig.families.measurements import measurement_words
from tools.rig.interval import Interval
from tools.rig.load import Load
from tools.rig.words import t1, t3, t4, t16, t_unix
from tools.rig.world import local

_BOTH = (6, 16)
_STEP_S = 1.0  # the meters refresh their measurements every second (sheet, section 2)
_STEPS_PER_S = 20  # at most, however fast the wall clock runs
WATT_HOUR, VAR_HOUR, VOLT_AMPERE_HOUR = 1, 2, 3
IMPORT, EXPORT, INDUCTIVE, CAPACITIVE = (0b1001, 0b0110, 0b0011, 0b1100)  # quadrants IV..I


@dataclass(frozen=True)
class CounterPlace:
    """One counter: its name, where its configuration stands and what that is to begin with."""

    name: str
    block: int
    parameter: int
    quadrants: int
    exponent: int
    tariffs: int


class Meter(Device):
    PHASES = 3
    AREAS = (*Device.AREAS, (30100, 30201), DAY_LOG, (40015, 40015), (40141, 40200))
    WRITABLE = (*Device.WRITABLE, (40015, 40015, (6,)), (40143, 40160, _BOTH))
    AREAS_INTERVAL = ((35500, 35801), (41990, 41991))
    WRITABLE_INTERVAL = ((41990, 41991, _BOTH),)
    HAS_INTERVAL = True
    DECIMALS: ClassVar = {"f": 3, "U": 2, "I": 4, "P": 1}
    NOMINAL = (230.0, 5.0)  # volts, amperes
    COUNTERS = ()

    def prepare(self, entry):
        load = entry.get("load", {})
        self._load = Load(self.PHASES, self.random, load.get("I", 4.0), load.get("angle", 20.0))
        self._relay = entry.get("relay")
        self.relay_command: object = None  # the RelayCommand asked for last
        self._clock_offset_s = 0.0
        self._clock_set = entry.get("clock_set", True)
        self._settings()
        starts = entry.get("counters", {})
        self.counters = {}
        for place in self.COUNTERS:
            self.registers.put(place.block, [place.parameter, place.quadrants, place.exponent & 0xFFFF, place.tariffs])
            start = starts.get(place.name, self._start(place))
            self.counters[place.name] = Counter(place.name, place.block, self.registers, start)
        now = self.world.elapsed()
        self._next_step = now + _STEP_S
        self._counted_at = now
        self.interval = Interval()
        self._values = self._load.values({})
        self._day_log = DayLog(self.world.unix(), self._values["P0"] / self.nominal_w(), self.random)
        self._dirty = True

    def _start(self, place):
        """What a counter of a used meter shows, for those that count at all."""
        if self.frozen or not place.parameter or not place.tariffs:
            return 0
        largest = {IMPORT: 4_000_000, EXPORT: 300_000}.get(place.quadrants, 900_000)
        return round(self.random.uniform(0.2, 1.0) * largest, 3)

    def _settings(self):
        put = self.registers.put
        put(30015, self.calibration(self.NOMINAL[0]))
        put(30017, self.calibration(self.NOMINAL[1]))
        put(40143, t1(5 if self.PHASES == 3 else 1))  # connection 4u, or 1b
        put(40148, t16(100.0))  # current and voltage range in percent
        put(40149, t16(100.0))
        put(40150, t1(50))
        # What the vendor's client reads import and export by; only with bit 1 set its rule makes sense (sheet, 4.6).
        put(40151, t1(2))

    def calibration(self, value):
        """30015 and 30017: T4, or T16 on IE (sheet, 4.1)."""
        return t4(value)

    def line_settings(self, first):
        """Address, baud index, stop bits, parity and data bits as five registers from `first`."""
        self.registers.put(
            first,
            [self.address, BAUDS.index(self.line.baud), self.line.stop - 1, {"N": 0, "O": 1, "E": 2}[self.line.parity], 8],
        )

    def nominal_w(self):
        return self.PHASES * self.NOMINAL[0] * self.NOMINAL[1]

    @property
    def tariff(self):
        return int(self._values["tariff"])

    def advance(self):
        with self.lock:
            now = self.world.elapsed()
            step = max(_STEP_S, self.world.scale / _STEPS_PER_S)
            while now >= self._next_step:
                self._count(self._next_step)
                unix = self.world.unix() - (now - self._next_step)
                if not self.frozen:
                    self._load.step(step)
                    self._values = self._load.values(self.pins)
                if self.HAS_INTERVAL:
                    self.interval.add(self._values, step, unix)
                self._day_log.add(self._values["P0"] / self.nominal_w(), step, unix)
                self.stepped(step, unix)
                self._next_step += step
                self._dirty = True
            self._count(now)

    def _count(self, now):
        microseconds = int((now - self._counted_at) * 1e6)
        if microseconds <= 0:
            return
        self._counted_at += microseconds / 1e6
        if not self.frozen:
            powers = milliwatts(self._values, self.PHASES)
            for counter in self.counters.values():
                counter.count(powers, microseconds, self.tariff)

    def refresh(self):
        put = self.registers.put
        if self._dirty:
            self._dirty = False
            for register, words in self.measurements():
                put(register, words)
        put(30103, t3(self.world.elapsed()))
        put(30197, t1(255 if self._relay is None else self._relay))
        put(30405, t1(self.tariff))
        self.put_counters(put)

    def measurements(self):
        """Yield (register, words) of what moves with the measurements."""
        yield from measurement_words(self._values, self.DECIMALS)
        yield from self._day_log.words()
        if self.HAS_INTERVAL:
            yield from self._interval_words()

    def _interval_words(self):
        interval = self.interval
        if interval.finished:
            for offset, values in ((5400, interval.average), (5500, interval.maximum), (5600, interval.minimum)):
                yield from measurement_words(values, self.DECIMALS, offset)
        yield 35500, t1(interval.last_s * 10)
        yield 35501, t1(min(interval.since_s() * 10, 0x7FFF))
        yield 35502, t1(interval.finished)
        yield 35503, t_unix(interval.ended_unix)
        yield 41990, t1(interval.length_s * 10)
        yield 41991, t1(interval.left_s * 10)

    def written(self, number, word):
        if number == 40015 and self._relay is not None:
            self._relay = word & 1
        elif number == 40030:
            self.pin({"tariff": word})
        elif number == 40031:
            self.reset_counters(word)
        elif number == 41990:
            self.interval.length_s = word / 10
        elif number == 41991:
            self.interval.left_s = word / 10
        self._dirty = True

    def reset_counters(self, bits):
        """Bit k resets resettable counter k + 1."""
        for k in range(16):
            counter = self.counters.get(f"counter{k + 1}")
            if counter and bits >> k & 1:
                counter.set(0)

    def show_relay(self, state):
        """The relay on this meter's infrared port is known to be like this (30197)."""
        self._relay = state

    def set_clock(self, moment: datetime):
        """A master set the meter's clock (local time)."""
        self._clock_offset_s = (moment - self.clock(0)).total_seconds()
        self._clock_set = True

    def clock(self, offset_s=None):
        """The meter's own local time as a datetime."""
        return local(self.world.unix()) + timedelta(seconds=self._clock_offset_s if offset_s is None else offset_s)

    def present(self):
        with self.lock:
            self.advance()
            return {**self._values, **{name: counter.units() for name, counter in self.counters.items()}}

    def hold(self, name, value):
        if name in self.counters:
            self.counters[name].set(value)
            self.counters[name].pinned = True
        else:
            self.pins[name] = value

    def changed(self):
        self._values = self._load.values(self.pins)
        self._dirty = True

    # What a family adds.

    def put_counters(self, put):
        """Put exponents and mantissas where the family has them."""

    def stepped(self, seconds, unix):
        """Another step of simulated time went by."""
