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
    software = tariff = 0
    hardware = description = location = ""
    phases_of, quadrants, tariffs = codes.PHASES, codes.QUADRANTS, codes.TARIFFS
    non_resettable = codes.NON_RESETTABLE
    resettable = len(codes.COUNTERS) - codes.NON_RESETTABLE

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

    def __init__(self, devices, lines, gateway_clock, readings, events, profiles=lambda: None):
        """profiles(): what keeps load profiles, None where nothing does."""
        self.devices = devices
        self.lines = lines
        self.drifts: list = [None] * len(devices)
        self.is_dashed = bytearray(len(devices))  # whether the meter writes hh:mm:ss, as Turkish ones do
        self.profiles = profiles
        self.rounds = {}  # of reading load profiles: iec_profile.py
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
            self._mantissas[at] = 0
        self._fresh_ms = 0
        self._has_colons = False
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
                self._has_colons = b":" in bytes(value)
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
        if serial == device.address:
            serial = device.address  # one text for both
        for other in self.devices:
            if other.model == model:
                model = other.model
                break
        is_new = device.status != PRESENT
        if (device.model, device.serial) != (model, serial):
            device.model, device.serial = model, serial
            device.groups = {}
        self._fresh_ms = _ROUNDS * plan.period * _MINUTE_MS + _SLACK_MS
        utc = self._clock.utc()
        self._show(device, "measurements", 0, codes.VALUES, codes.UNITS, utc)
        self._show(device, "counters", _VALUES, codes.COUNTERS, codes.COUNTER_UNITS, utc)
        if not device.phases:
            has = [self._exponents[at] != _NONE for at in (1, 2, 3, 4, 5, 6)]
            device.phases = 1 if (has[0] or has[3]) and not (has[1] or has[2] or has[4] or has[5]) else 3
        self._look_at_clock(index)
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

    def _look_at_clock(self, index):
        self.drifts[index] = None
        self.is_dashed[index] = self._has_colons
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

    # What iec_clock.py and iec_profile.py need of time; a meter's clock is taken for local time.

    def is_clock_set(self):
        return self._clock.is_set

    def utc(self):
        return self._clock.utc()

    def minute(self):
        return self._clock.utc() // 60

    def local(self):
        return self._clock.local()

    def civil(self, utc):
        """Return local (year, ... second) of an instant."""
        return self._clock.local(utc)

    def utc_of(self, time):
        """Return Unix seconds of a civil time of the meter; of the hour that comes twice in autumn the first."""
        civil = calendar.to_unix(*time[:6])
        if time[6] == 2:
            return civil
        for guess in (civil - 7200, civil - 3600):  # 2 h where the offset grows, to begin with the earlier one
            utc = civil - self._clock.zone.offset_s(guess)
            if self._clock.zone.offset_s(utc) == civil - utc:
                return utc
        return civil - self._clock.zone.offset_s(civil)

    @property
    def zone(self):
        return self._clock.zone

    def is_on_normal_time(self, index):
        """Whether a meter's clock was seen not to follow summer time."""
        drift_s = self.drifts[index]
        return drift_s is not None and self._clock.zone.is_dst(self._clock.utc()) and -4500 < drift_s < -2700

    def more(self, reader, index):
        """A profile has more than fits a turn."""
        reader.jobs[index] |= 2

    def event(self, index, text):
        """Tell a person of something that was done to a meter."""
        self._events.add("meter", f"{self.devices[index].port} {self.devices[index].slot}: {text}")
