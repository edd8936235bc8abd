"""The objects of a simulated DLMS meter, by class and logical name (the sheet, sections 11 and 12)."""

from typing import NamedTuple

from tools.rig.families import dlms_profiles as profiles
from tools.rig.families import dlms_values as values
from tools.rig.families.dlms_data import (
    NULL,
    Malformed,
    array,
    boolean,
    dotted,
    enum,
    i8,
    i16,
    i32,
    name,
    octets,
    scaler_unit,
    structure,
    u8,
    u16,
    u32,
    u64,
)

W, VA, VAR, WH, VARH, VAH, AMPERE, VOLT, HERTZ, NONE = 27, 28, 29, 30, 32, 31, 33, 35, 44, 255
_ENERGY_UNITS = {1: WH, 2: WH, 9: VAH}
_POWER_UNITS = {1: W, 2: W, 9: VA}
_DENIED, _UNDEFINED, _TYPE, _OTHER_CLASS = 3, 4, 12, 9
PROFILES = {"load": "1.0.99.1.0.255", "daily": "1.0.98.2.0.255", "monthly": "1.0.98.1.0.255", "maxima": "1.0.98.3.0.255"}
LOAD_COLUMNS = ("1.0.1.8.0.255", "1.0.2.8.0.255", "1.0.3.8.0.255", "1.0.4.8.0.255")
_DAILY = ("1.0.1.8.0.255", "1.0.1.8.1.255", "1.0.1.8.2.255", "1.0.1.8.3.255", "1.0.2.8.0.255", "1.0.5.8.0.255", "1.0.8.8.0.255")
_DAYLIGHT = bytes.fromhex("FFFFFFFFFF02000000800000")  # no summer time
_DEMAND_S = 900
_CONTEXT = 2, 16, 117, 5, 8  # joint-iso-ccitt country country-name organisation DLMS-UA, as the association tells it


class Refusal(Exception):
    """A data-access-result other than success."""

    def __init__(self, result):
        super().__init__(result)
        self.result = result


class Object(NamedTuple):
    """Attributes and methods by number: read(selector), write(value), act(value)."""

    version: int
    read: dict
    write: dict
    act: dict
    is_public: bool


class Objects:
    """What `meter`, a DlmsMeter, has."""

    def __init__(self, meter):
        self.meter = meter
        self._objects = {}
        self._values = {}  # (name, attribute): value(utc), of what profiles may capture
        number, zone, now = meter.number, meter.zone, meter.now
        self.periods = profiles.Periods(now, meter.days, meter.holes, meter.cuts, zone.offset_s)
        self.logs = {log: profiles.EventLog(number, log, self.periods, now) for log in values.LOGS}
        self._identity()
        self._clock()
        self._energies()
        self._instantaneous()
        self._profiles()
        self._relay()
        self._communication()

    # Access, for an Application.

    def _find(self, target):
        class_id, ln, _ = target
        found = self._objects.get((class_id, ln))
        if found is None:
            other = any(ln == known for _, known in self._objects)
            raise Refusal(_OTHER_CLASS if other else _UNDEFINED)
        return found

    def get(self, target, selector, association):
        """The octets of an attribute."""
        found = self._find(target)
        attribute = target[2]
        if self.meter.is_public(association.client) and not found.is_public:
            raise Refusal(_DENIED)
        if attribute == 1:
            return octets(target[1])
        if attribute not in found.read:
            raise Refusal(_UNDEFINED if target[0] != 15 else _DENIED)
        if target[0] == 15:
            return found.read[attribute](association)
        return found.read[attribute](selector)

    def set(self, target, value, association):
        self._do(self._find(target).write, target, value, association)

    def act(self, target, value, association):
        self._do(self._find(target).act, target, value, association)

    def _do(self, known, target, value, association):
        if target[2] not in known or self.meter.is_public(association.client):
            raise Refusal(_DENIED)
        try:
            known[target[2]](value)
        except (Malformed, TypeError, ValueError) as error:
            raise Refusal(_TYPE) from error

    def value(self, ln, attribute, utc):
        """The octets a register has, or had, at an instant; a pinned value is the same at all times."""
        text = dotted(ln)
        if attribute == 2 and text in self.meter.pins:
            pinned = self.meter.pins[text]
            if pinned is None:
                return NULL
            return i32(pinned) if pinned < 0 else u64(pinned) if pinned >> 32 else u32(pinned)
        return self._values[ln, attribute](utc)

    # Making them.

    def _add(self, class_id, text, read, write=None, act=None, version=0, is_public=False):
        self._objects[class_id, name(text)] = Object(version, read, write or {}, act or {}, is_public)

    def _data(self, text, data, is_public=False):
        self._add(1, text, {2: lambda _: data() if callable(data) else data}, is_public=is_public)

    def _register(self, text, value, scaler, unit, more=None, class_id=3):
        """`value(utc)` gives octets; `more` are further attributes of an extended register, each of an instant, too."""
        ln = name(text)
        read = {3: lambda _: scaler_unit(scaler, unit)}
        for attribute, function in {2: value, **(more or {})}.items():
            self._values[ln, attribute] = function
            read[attribute] = lambda _, attribute=attribute: self.value(ln, attribute, self.meter.now())
        self._add(class_id, text, read)

    def _identity(self):
        meter = self.meter

        def serial():
            return octets(b"00000099" if meter.fault == "wrong_number" else meter.serial.encode())

        self._data("0.0.96.1.0.255", serial, is_public=True)
        self._data("0.0.42.0.0.255", octets(meter.device_name), is_public=True)
        self._data("1.0.0.2.0.255", octets(meter.firmware.encode()))
        self._data("0.0.96.7.0.255", lambda: u32(len(meter.cuts)))
        self._data("0.0.97.97.0.255", u32(0))
        self._data("0.0.97.98.0.255", u32(0))
        self._data("1.0.0.4.2.255", u16(1))
        self._data("1.0.0.4.3.255", u16(1))
        self._data("0.0.43.1.0.255", lambda: u32(meter.client_counter), is_public=True)

    def _clock(self):
        meter = self.meter
        read = {
            2: lambda _: octets(meter.zone.time(meter.now(), meter.clock_status)),
            3: lambda _: i16(-meter.zone.offset_s // 60),
            4: lambda _: u8(meter.clock_status),
            5: lambda _: octets(_DAYLIGHT),
            6: lambda _: octets(_DAYLIGHT),
            7: lambda _: i8(0),
            8: lambda _: boolean(False),
            9: lambda _: enum(1),
        }
        act = {6: meter.shift_clock}
        self._add(8, "0.0.1.0.0.255", read, {2: lambda text: meter.set_clock(meter.zone.utc(text))}, act, is_public=True)

    def _energies(self):
        meter, number, offset_s = self.meter, self.meter.number, self.meter.zone.offset_s

        def energy(kind, tariff):
            return lambda utc: meter.energy(values.energy_wh(number, utc, tariff, kind, offset_s))

        for kind in values.PERCENTS:
            for tariff in range(5) if kind < 3 else (0,):
                unit = _ENERGY_UNITS.get(kind, VARH)
                self._register(f"1.0.{kind}.8.{tariff}.255", energy(kind, tariff), meter.scaler, unit)
        for kind in (1, 2):
            self._maximum(kind)
            self._demand(kind)

    def _maximum(self, kind):
        meter = self.meter

        def maximum(utc):
            return values.maximum_demand(meter.number, int(utc), kind, _DEMAND_S, meter.zone.offset_s)

        more = {4: lambda _: u8(0), 5: lambda utc: octets(meter.zone.time(maximum(utc)[1]))}
        self._register(f"1.0.{kind}.6.0.255", lambda utc: u32(maximum(utc)[0]), 0, W, more, 4)

    def _demand(self, kind):
        meter = self.meter

        def begin():
            return int(meter.now()) // _DEMAND_S * _DEMAND_S

        def demand(utc):
            return u32(values.demand_w(meter.number, utc, kind, _DEMAND_S, meter.zone.offset_s))

        read = {
            2: lambda _: demand(int(meter.now())),
            3: lambda _: demand(begin()),
            4: lambda _: scaler_unit(0, W),
            5: lambda _: u8(0),
            6: lambda _: octets(meter.zone.time(begin())),
            7: lambda _: octets(meter.zone.time(begin())),
            8: lambda _: u32(_DEMAND_S),
            9: lambda _: u16(1),
        }
        self._add(5, f"1.0.{kind}.4.0.255", read)

    def _instantaneous(self):
        for kind, percent in values.PERCENTS.items():
            if percent > 4 and kind not in (5, 6):
                self._present(f"1.0.{kind}.7.0.255", u32, values.power_w, kind, 0, _POWER_UNITS.get(kind, VAR))
        for phase in (1, 2, 3):
            first = 10 + 20 * phase
            self._present(f"1.0.{first + 1}.7.0.255", u32, values.current_ma, phase, -3, AMPERE)
            self._present(f"1.0.{first + 2}.7.0.255", u16, values.voltage_dv, phase, -1, VOLT)
            self._present(f"1.0.{first + 3}.7.0.255", u16, values.power_factor, phase, -3, NONE)
        self._present("1.0.13.7.0.255", u16, values.power_factor, 0, -3, NONE)
        self._present("1.0.14.7.0.255", u16, values.frequency_chz, 0, -2, HERTZ)

    def _present(self, text, encoded, function, of, scaler, unit):
        self._register(text, lambda utc: encoded(function(self.meter.number, utc, of)), scaler, unit)

    def _profiles(self):
        meter, periods = self.meter, self.periods
        daily = _registers(_DAILY)
        maximum = [(4, name(f"1.0.{kind}.6.0.255"), attribute, 0) for kind in (1, 2) for attribute in (2, 5)]
        head = [profiles.CLOCK, profiles.STATUS]
        period_s, day_s = meter.profile_s, values.DAY_S
        self._profile("load", head + _registers(meter.columns), period_s, lambda: periods.every(period_s))
        self._profile("daily", head + daily, day_s, lambda: periods.every(day_s))
        self._profile("monthly", head + daily + maximum, 0, periods.months, most=12)
        self._profile("maxima", [profiles.CLOCK, *maximum], 0, periods.months, most=12)
        self._data("1.0.0.8.4.255", lambda: u16(period_s // 60))
        for log, events in self.logs.items():
            code = (1, name(f"0.0.96.11.{log}.255"), 2, 0)
            self._data(f"0.0.96.11.{log}.255", lambda events=events: u8(events.last()))
            columns = [profiles.CLOCK, code]
            profile = profiles.Profile(columns, 0, events.stamps, lambda _, event: u8(event.code), meter.zone, events.most)
            self._generic(f"0.0.99.98.{log}.255", profile)

    def _profile(self, kind, columns, period_s, stamps, most=0):
        text = self.meter.profiles.get(kind, PROFILES[kind])
        if not text:
            return

        def cell(column, utc):
            if column == profiles.STATUS:
                return self.periods.status(utc, period_s or values.DAY_S)
            if column not in columns:
                raise Refusal(_UNDEFINED)
            # A month's maximum is that of the month that ends here
            return self.value(column[1], column[2], utc - 1 if column[0] == 4 else utc)

        most = most or self.meter.days * values.DAY_S // period_s
        self._generic(text, profiles.Profile(columns, period_s, stamps, cell, self.meter.zone, most, self.meter.has_nulls))

    def _generic(self, text, profile):
        def column(one):
            class_id, ln, attribute, index = one
            return structure(u16(class_id), octets(ln), i8(attribute), u16(index))

        read = {
            2: profile.buffer,
            3: lambda _: array(column(one) for one in profile.columns),
            4: lambda _: u32(profile.period_s),
            5: lambda _: enum(1),
            6: lambda _: column(profile.columns[0]),
            7: lambda _: u32(len(profile.stamps())),
            8: lambda _: u32(profile.most),
        }
        self._add(7, text, read, version=1)

    def _relay(self):
        relay = self.meter.relay
        read = {2: lambda _: boolean(relay.output), 3: lambda _: enum(relay.state), 4: lambda _: enum(relay.mode)}
        act = {1: lambda _: relay.disconnect(), 2: lambda _: relay.reconnect()}
        self._add(70, "0.0.96.3.10.255", read, {4: relay.set_mode}, act)

    def _communication(self):
        meter = self.meter
        baud = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200).index(meter.fastest)
        sizes = {2: enum(baud), 3: u8(1), 4: u8(1), 5: u16(meter.most_info), 6: u16(meter.most_info)}
        rest = {7: u16(25), 8: u16(meter.inactivity_s), 9: u16(meter.address)}
        self._add(23, "0.0.22.0.0.255", {n: lambda _, data=data: data for n, data in (sizes | rest).items()}, version=1)
        names = array([structure(u16(meter.logical), octets(meter.device_name))])
        self._add(17, "0.0.41.0.0.255", {2: lambda _: names}, is_public=True)
        read = {
            2: self._list,
            3: lambda association: structure(i8(association.client), u16(meter.logical)),
            4: lambda association: structure(*map(u8, (*_CONTEXT, 1, 3 if association.is_ciphered else 1))),
            6: lambda association: structure(*map(u8, (*_CONTEXT, 2, association.mechanism))),
            8: lambda association: enum(1 if association.is_pending else 2),
        }
        self._add(15, "0.0.40.0.0.255", read, version=1, is_public=True)

    def _list(self, association):
        """The object list: of what this client may read."""
        is_public = self.meter.is_public(association.client)

        def access(one):
            attributes = array(
                structure(i8(number), enum(3 if number in one.write else 1), NULL) for number in (1, *sorted(one.read))
            )
            return structure(attributes, array(structure(i8(number), enum(1)) for number in sorted(one.act)))

        return array(
            structure(u16(class_id), u8(one.version), octets(ln), access(one))
            for (class_id, ln), one in self._objects.items()
            if one.is_public or not is_public
        )


def _registers(texts):
    """Columns of a profile."""
    return [(3, name(text), 2, 0) for text in texts]


def energy_octets(wh, scaler, is_wide):
    """A counter as the meter sends it."""
    size = wh // 10**scaler if scaler >= 0 else wh * 10**-scaler
    return u64(size) if is_wide else u32(size)
