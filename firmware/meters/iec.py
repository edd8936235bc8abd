"""Keeps the readings of the IEC 62056-21 meters of one wire: takes values as they come, shows them when the meter is done.

One for all meters of the wire: what a meter has of its own are its Device and its line in the list. What is on its way lies
in one scratch for whoever is read now, for values are void until their block has been checked.
"""

from array import array

from micropython import const

from firmware.meters import iec_codes as codes
from firmware.state.iec_meters import Plan
from firmware.state.readings import NOT_DETECTED, PRESENT, SILENT, Device, Group
from lib.clock import calendar
from lib.iec62056.errors import FormatError
from lib.iec62056.times import clock, date, date_time
from lib.iec62056.values import is_same_number, number

_VALUES = const(23)  # rows of VALUES
_COUNTERS = const(18)
_NONE = const(-128)
_MINUTE_MS = const(60000)
_ROUNDS = const(3)  # a round is good for so many periods
_SLACK_MS = const(120000)  # ... and this, for there may be a queue
_LEAST_DIGITS = const(6)  # an address with fewer is no meter number
_MODEL = const(20)  # characters of model and version that are kept
_MOST_31 = const(0x3FFFFFFF)


class IecDevice(Device):
    """A slot with an IEC 62056-21 meter. What all have in common is the class's: 32 of them have to fit."""

    is_sparse = is_swapped = True
    is_switch = False
    relay = 255
    switch = None
    software = tariff = resettable = non_resettable = 0
    hardware = description = location = ""
    phases_of = quadrants = tariffs = b""

    def __init__(self, slot, port, address, name):
        self.slot = slot
        self.port = port
        self.address = address
        self.status = NOT_DETECTED
        self.model = ""
        self.serial = ""
        self.phases = 0
        self.groups = {}
        if name:
            self.description = name

    async def interval(self, name):
        """These meters have no values of the last interval beside the demand."""
        return None


class IecMeters:
    """`devices` and `lines` belong together, one for each meter. `drifts`: seconds that a meter's clock is ahead, None if not
    known; `errors`: what went wrong at the last turn, "" if nothing; `readings`, `events`: of the gateway.
    """

    def __init__(self, devices, lines, gateway_clock, readings, events):
        self.devices = devices
        self.lines = lines
        self.drifts: list = [None] * len(devices)
        self.errors = ["not read yet"] * len(devices)
        self._clock = gateway_clock
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
        self._serial = b""
        self._date = self._time = None
        self._local = None  # our time when the meter's was told

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

    def _put(self, row, value, unit):
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
        self._mantissas[at] = mantissa
        self._exponents[at] = exponent

    def _take_other(self, row, value, unit):
        if row == codes.NUMBER:
            self._serial = self._serial or bytes(value).strip()
        elif row == codes.EXPORT:
            before = self._exponents[7], self._mantissas[7]
            self._put(7, value, unit)
            if self._mantissas[7] == 0 and before[0] != _NONE:
                self._exponents[7], self._mantissas[7] = before
            else:
                self._mantissas[7] = -self._mantissas[7]
        else:
            self._local = self._clock.local()
            if row == codes.TIME:
                self._time = clock(value)[3:6]
            elif row == codes.DATE:
                self._date = date(value)[:3]
            else:
                told = date_time(value)
                self._date, self._time = told[:3], told[3:6]

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
        is_new = device.status != PRESENT
        if (device.model, device.serial) != (model, serial):
            device.model, device.serial = model, serial
            device.groups = {}
        fresh_ms = _ROUNDS * plan.period * _MINUTE_MS + _SLACK_MS
        self._show(device, "measurements", 0, codes.VALUES, fresh_ms)
        self._show(device, "counters", _VALUES, codes.COUNTERS, fresh_ms)
        self._look_at_clock(index)
        self.errors[index] = ""
        device.status = PRESENT
        if is_new:
            self._events.add("meter", f"{device.port} {device.slot}: {model} #{serial} found")
        self._readings.untried.discard(device)
        self._readings.changed()
        return ""

    def _show(self, device, name, first, rows, fresh_ms):
        group = device.groups.get(name)
        is_counters = first > 0
        count = len(rows)
        exponents = self._exponents
        if group is None:
            for at in range(first, first + count):
                if exponents[at] != _NONE:
                    break
            else:
                if is_counters:
                    return  # it may have some some day
            group = device.groups[name] = Group(rows, is_counters)
            if not is_counters:
                group.unit = codes.UNITS
                phases = [at for at in (2, 3, 5, 6, 9, 10) if exponents[at] != _NONE]
                device.phases = 3 if phases or exponents[1] == _NONE else 1
            else:
                device.phases_of, device.quadrants, device.tariffs = codes.PHASES, codes.QUADRANTS, codes.TARIFFS
                device.non_resettable = codes.NON_RESETTABLE
                device.resettable = _COUNTERS - codes.NON_RESETTABLE
        for at in range(count):
            exponent = exponents[first + at]
            group.put(at, self._mantissas[first + at], exponent)
            if is_counters and exponent != _NONE:
                group.unit[at] = codes.COUNTER_UNITS[at]
        group.read(self._clock.utc(), fresh_ms)

    def _look_at_clock(self, index):
        self.drifts[index] = None
        if self._time and self._date and self._clock.is_set:
            try:
                told = calendar.to_unix(*self._date, *self._time)
            except ValueError:
                return
            self.drifts[index] = told - calendar.to_unix(*self._local)

    def failed(self, index, reason):
        """The meter did not answer, or what it said could not be used, after all tries."""
        device = self.devices[index]
        self.errors[index] = reason
        for group in device.groups.values():
            group.failed()
        if device.status == PRESENT:
            device.status = SILENT
            self._events.add("meter", f"{device.port} {device.slot}: {device.model} #{device.serial} lost, {reason}")
            self._readings.changed()
        elif reason == "password" or reason == "other meter":
            self._events.add("meter", f"{device.port} {device.slot}: {reason}")
        self._readings.untried.discard(device)

    def event(self, index, text):
        """Tell a person of something that was done to a meter."""
        self._events.add("meter", f"{self.devices[index].port} {self.devices[index].slot}: {text}")
