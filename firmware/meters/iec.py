"""Keeps the readings of the IEC 62056-21 meters of one wire: takes values as they come, shows them when the meter is done.

One for all meters of the wire: what a meter has of its own are its Device and its line in the list. What is on its way lies
in one scratch for whoever is read now, for values are void until their block has been checked.
"""

from array import array

from micropython import const

from firmware.meters import iec_codes as codes
from firmware.meters.iec_time import IecTime
from firmware.state.iec_meters import Plan
from firmware.state.readings import PRESENT, SILENT, Group
from lib.iec62056.errors import FormatError
from lib.iec62056.meter_numbers import is_same_number
from lib.iec62056.times import clock, date, date_time
from lib.iec62056.values import number, word

_VALUES = const(23)  # rows of VALUES
_COUNTERS = const(18)
_NONE = const(-128)
_POWER = const(7)  # the row of active power: import, less export
_MINUTE_MS = const(60000)
_ROUNDS = const(3)  # a round is good for so many periods
_SLACK_MS = const(120000)  # ... and this, for there may be a queue
_LEAST_DIGITS = const(6)  # an address with fewer is no meter number
_MODEL = const(20)  # characters of model and version that are kept
_MOST_31 = const(0x3FFFFFFF)


class IecMeters(IecTime):
    """`devices` and `lines` belong together, one for each meter. `errors`: what went wrong at the last turn, "" if nothing;
    `faults`, `states`: error word (F.F), status word (C.5.0), None if not told; `readings`, `events`: of the gateway.
    """

    def __init__(self, devices, lines, gateway_clock, readings, events, profiles=lambda: None, refused=None):
        """profiles(): what keeps load profiles, None where nothing does; refused(plan, until, now) keeps that of a password."""
        self.devices = devices
        self.lines = lines
        IecTime.__init__(self, len(devices), gateway_clock)
        self.faults: list = [None] * len(devices)
        self.states: list = [None] * len(devices)
        self.profiles = profiles
        self._keep_refusal = refused
        self.rounds = {}  # of reading load profiles: iec_profile.py
        self.errors = ["not read yet"] * len(devices)
        self._readings = readings
        self._events = events
        self._mantissas = array("q", [0] * (_VALUES + _COUNTERS))
        self._exponents = array("b", [_NONE] * (_VALUES + _COUNTERS))
        self.begin()

    def plan(self, index):
        """Return what is to be done with a meter."""
        return Plan(self.lines[index])

    def begin(self):
        """Forget what was taken: a round begins, or what came of this one is void."""
        for at in range(_VALUES + _COUNTERS):
            self._exponents[at] = _NONE
            self._mantissas[at] = 0
        self._fresh_ms = 0
        self._has_colons = False
        self._serial = b""
        self._date = self._time = self._season = None
        self._told = 0  # UTC when the meter told its time
        self._fault = self._state = None

    def take(self, address, index, value, unit):
        """Take a value: its address, the number of its group in the line, text and unit as they came."""
        if index:
            return
        row = codes.row_of(address)
        if row < 0:
            return
        try:
            if row >= codes.NUMBER:
                self._take_other(row, value, unit)
            else:
                self._put(row, value, unit)
        except FormatError:
            pass  # the value is not there; the others are

    def _put(self, row, value, unit, sign=1):
        at = row if row < 100 else row - 100 + _VALUES
        kind = codes.UNITS[row] if row < 100 else codes.COUNTER_UNITS[row - 100]
        shift = codes.exponent_of(kind, unit)
        found = number(value)
        if found is None or shift is None:
            return
        mantissa, exponent = found[0], found[1] + shift
        if 16 <= row <= 19:  # power factors are ten-thousandths
            mantissa = mantissa * 10 ** (exponent + 4) if exponent >= -4 else mantissa // 10 ** (-4 - exponent)
            exponent = -4
        most = _MOST_31 if row < 100 else 1 << 62
        if not -most <= mantissa <= most or not -100 <= exponent <= 100:
            return  # no quantity: rather none than a wrong one
        if row == _POWER and not mantissa and self._exponents[at] != _NONE:
            return  # of import and export one is zero, in whatever order they come
        self._mantissas[at] = sign * mantissa
        self._exponents[at] = exponent

    def _take_other(self, row, value, unit):
        if row == codes.NUMBER:
            self._serial = self._serial or bytes(value).strip()
        elif row == codes.EXPORT:
            self._put(_POWER, value, unit, -1)
        elif row == codes.FAULT:
            self._fault = word(value)
        elif row == codes.STATE:
            self._state = word(value)
        else:
            if row == codes.TIME:
                told = clock(value)
                self._has_colons = b":" in bytes(value)
            else:
                told = date(value) if row == codes.DATE else date_time(value)
            if told is None:
                return  # zeros: it has none
            if row != codes.DATE:
                self._told = self._clock.utc()
                self._time = told[3:6]
            if row != codes.TIME:
                self._date = told[:3]
            if told[6] is not None:
                self._season = told[6]

    def done(self, index, plan, identification):
        """All values are good: show them. Return "" or why they are nobody's: the meter is another one."""
        device = self.devices[index]
        serial = self._serial or plan.address.encode()
        if len(plan.address) >= _LEAST_DIGITS and self._serial and not is_same_number(self._serial, plan.address.encode()):
            return "other meter"
        if identification:
            told = identification.maker + b" " + identification.text
            model = "".join([chr(byte) if 32 <= byte < 127 else "?" for byte in told[:_MODEL]])
        else:
            model = device.model
        serial = "".join([chr(byte) if 32 <= byte < 127 else "?" for byte in serial])
        if serial == device.address:
            serial = device.address  # one text for both
        for other in self.devices:
            if other.model == model:
                model = other.model
                break
        is_new = device.status != PRESENT
        if (device.model, device.serial) != (model, serial):
            device.model, device.serial = model, serial
            self.rounds.pop(index, None)
            device.groups = {}
            device.phases = 0
        self._fresh_ms = _ROUNDS * plan.period * _MINUTE_MS + _SLACK_MS
        utc = self._clock.utc()
        self._show(device, "measurements", 0, codes.VALUES, codes.UNITS, utc)
        self._show(device, "counters", _VALUES, codes.COUNTERS, codes.COUNTER_UNITS, utc)
        if not device.phases:
            has = [self._exponents[at] != _NONE for at in (1, 2, 3, 4, 5, 6)]
            device.phases = 1 if (has[0] or has[3]) and not (has[1] or has[2] or has[4] or has[5]) else 3
        self.judge(index, self._date, self._time, self._season, self._has_colons, self._told)
        self._judge_words(index, plan)
        self.errors[index] = ""
        device.status = PRESENT
        if is_new:
            self._events.add("meter", f"{device.port} {device.slot}: {model} #{serial} found")
        self._readings.untried.discard(device)
        self._readings.changed()
        return ""

    def _show(self, device, name, first, rows, units, utc):
        count = len(rows)
        exponents = array("b", self._exponents[first : first + count])
        group = device.groups.get(name)
        if group is None:
            if max(exponents) == _NONE:
                return  # it may have some some day
            group = device.groups[name] = Group(rows)
            group.unit = units if first == 0 else bytes(count)  # pyright: ignore[reportAttributeAccessIssue] - shared
        if first:
            seen = bytes([units[at] if exponents[at] != _NONE else group.unit[at] for at in range(count)])
            group.unit = self._shared(name, "unit", seen)  # pyright: ignore[reportAttributeAccessIssue]
        group.exponent = self._shared(name, "exponent", exponents)
        mantissas = self._mantissas[first : first + count]
        if max(mantissas) > _MOST_31 or min(mantissas) < -_MOST_31:
            group.widen()
        for at in range(count):
            if exponents[at] != _NONE:
                group.mantissa[at] = mantissas[at]
        group.read(utc, self._fresh_ms)

    def _shared(self, name, column, wanted):
        """Return what another meter has of the same content, so that there is one of it: most meters of a wire are alike."""
        for device in self.devices:
            group = device.groups.get(name)
            if group is not None and getattr(group, column) == wanted:
                return getattr(group, column)
        return wanted

    def failed(self, index, reason):
        """The meter did not answer, or what it said could not be used, after all tries."""
        device = self.devices[index]
        before, self.errors[index] = self.errors[index], reason
        for group in device.groups.values():
            group.failed()
        if device.status == PRESENT:
            device.status = SILENT
            self._events.add("meter", f"{device.port} {device.slot}: {device.model} #{device.serial} lost, {reason}")
            self._readings.changed()
        elif reason != before and reason in ("password", "other meter"):
            self._events.add("meter", f"{device.port} {device.slot}: {reason}")
        self._readings.untried.discard(device)

    def _judge_words(self, index, plan):
        """Keep error and status word; that a meter is not healthy any more is an event, for reading may clear the word."""
        before, self.faults[index], self.states[index] = self.faults[index], self._fault, self._state
        if not self._fault or self._fault == before:
            return
        if not before:
            self.event(index, f"the meter reports a fault, {self._fault:x}")
        profiles = self.profiles() if plan.events else None
        if profiles is not None and self._clock.is_set and self.devices[index].serial:
            try:
                profiles.log(self.devices[index].serial, ((self._clock.utc(), "F.F", f"{self._fault:x}"),))
            except OSError:
                pass  # the event tells of it

    def refused(self, plan, until):
        """The meter refused its password, which is not to be sent until that minute."""
        if self._keep_refusal:
            self._keep_refusal(plan, until, self.minute())

    def more(self, reader, index, job=2):
        """A profile, or the job given, has more than fits a turn."""
        reader.jobs[index] |= job

    def event(self, index, text):
        """Tell a person of something that was done to a meter."""
        self._events.add("meter", f"{self.devices[index].port} {self.devices[index].slot}: {text}")
