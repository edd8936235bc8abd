"""What was read of a device, and its JSON as in the SG manual, 3.6: the same text for /get_command and for a push.

Renderers are those of firmware/services/pieces.py. They render a Reading, whether it was made now or kept until a link was
there again. Only good values are shown: what is stale or absent is left out.
"""

from array import array

from micropython import const

from firmware.services import sg_text
from firmware.state.readings import ABSENT, GOOD, PRESENT, STALE
from lib.http.json_text import put_value

_NOT_SHOWN = const(("U12", "U23", "U31"))  # the original does not have them
_NONE = const(-128)  # the exponent of a value that is not there (firmware/state/readings.py)
_YEAR_2001_S = const(1000000000)  # what is earlier was timed by a clock that nobody had set


class Reading:
    """Values of one device, read together, and what belongs to them; later changes of the device do not show.

    `device`: a Device of firmware/state/readings.py; for a kept reading one with that model, serial number and counters.
    `kind`: "measurements" or "counters". `rows`, to be gone through: (name, mantissa, exponent, unit, quality), unit an index
    in UNITS; all rows of the meter's family, in order. `utc`: Unix seconds when it was read, 0 if that is not known.
    `quality`: of all. `local_time`: the text for the header. `tariff`: the active one, 0 if that is not known.
    """

    def __init__(self, device, kind, rows, utc, quality, local_time, tariff):
        self.model = device.model
        self.serial = device.serial
        self.kind = kind
        self.rows = rows
        self.utc = utc if utc >= _YEAR_2001_S else 0
        self.quality = quality
        self.local_time = local_time
        self.tariff = tariff
        self.resettable = device.resettable
        self.non_resettable = device.non_resettable
        self.phases_of = device.phases_of
        self.tariffs = device.tariffs


class _Rows:
    """The rows of a Group as they are now, made one by one: a list of them would take more than a kilobyte."""

    def __init__(self, group):
        self._rows = group.rows
        self._mantissas = group.mantissa[:]
        self._exponents = array("b", group.exponent)
        self._units = bytes(group.unit)

    def __iter__(self):
        for index in range(len(self._rows)):
            exponent = self._exponents[index]
            quality = ABSENT if exponent == _NONE else GOOD
            yield self._rows[index][0], self._mantissas[index], exponent, self._units[index], quality


def live(device, kind, clock):
    """Return the Reading of what is known now, with rows only while they are good."""
    group = device.groups.get(kind)
    quality = ABSENT if group is None else group.quality()
    if quality == GOOD and device.status != PRESENT:
        quality = STALE
    return of_group(device, kind, group, quality, clock)


def of_group(device, kind, group, quality, clock):
    """Return the Reading of a Group that has this quality; None for a group stands for no values."""
    rows = _Rows(group) if group is not None and quality == GOOD else []
    tariff = device.tariff if rows else 0
    return Reading(device, kind, rows, group.utc if group else 0, quality, clock.local_text(), tariff)


def kept(device, kind, rows, utc, clock):
    """Return the Reading of rows that were kept since `utc`."""
    quality = ABSENT
    for row in rows:
        quality = max(quality, row[4])
    return Reading(device, kind, rows, utc, quality, clock.local_text(utc), 0)


def json(out, reading):
    """The answer to get_measurements or get_counters, by the reading's kind."""
    return (counters if reading.kind == "counters" else measurements)(out, reading)


def measurements(out, reading):
    _put_header(out, "get_measurements", reading)
    out.put(b'},"measurements":{')
    comma = b'"'
    for name, mantissa, exponent, unit, quality in reading.rows:
        if quality == GOOD and name not in _NOT_SHOWN:
            yield
            out.put(comma)
            out.put(name)
            out.put(b'":')
            sg_text.put_measurement(out, name, mantissa, exponent, unit)
            comma = b',"'
    if reading.tariff:
        out.put(comma)
        out.put(b'tariff":')
        out.put_int(reading.tariff)
    out.put(b"}}")
    yield


def counters(out, reading):
    _put_header(out, "get_energy_counters", reading)
    out.put(b',"resetable_counters":')
    out.put_int(reading.resettable)
    out.put(b',"non_resetable_counters":')
    out.put_int(reading.non_resettable)
    out.put(b'},"counters":{')
    comma = b'"'
    for name, mantissa, exponent, unit, quality in reading.rows:
        if quality == GOOD:
            yield
            out.put(comma)
            out.put(name)
            out.put(b'":')
            sg_text.put_counter(out, mantissa, exponent, unit)
            comma = b',"'
    out.put(b'},"settings":{')
    comma = b'"phase'
    for index, row in enumerate(reading.rows):
        if row[4] == GOOD:
            yield
            out.put(comma)
            out.put(row[0][7:])
            phase = reading.phases_of[index] if index < len(reading.phases_of) else 0
            out.put(b'":"')
            if phase:
                out.put(b"Phase ")
                out.put_int(phase)
            out.put(b'"')
            comma = b',"phase'
    for index, row in enumerate(reading.rows):
        if row[4] == GOOD:
            yield
            out.put(b',"tariff')
            out.put(row[0][7:])
            out.put(b'":"')
            tariffs = reading.tariffs[index] if index < len(reading.tariffs) else 0
            for tariff in range(6):
                if tariffs >> tariff & 1:
                    out.put_int(tariff + 1)
                    out.put(b" ")
            out.put(b'"')
    out.put(b"}}")
    yield


def bicom(reading, state, description):
    """Return render(out) of a switch: its state as in get_bicoms, 0 off, 1 on, 250 no answer, 255 not connected."""

    def render(out):
        _put_header(out, "get_bicom", reading)
        out.put(b'},"bicom":{"state":')
        out.put_int(state)
        out.put(b',"description":')
        out.put_json(description)
        out.put(b"}}")
        yield

    return render


def object_of(pairs):
    """Return render(out) of the (key, simple value) pairs that pairs() gives, the same each time, as an object."""

    def render(out):
        comma = b"{"
        for key, value in pairs():
            out.put(comma)
            out.put_json(key)
            out.put(b":")
            put_value(out, value)
            comma = b","
            yield
        out.put(b"}")

    return render


def _put_header(out, command, reading):
    """The four keys of the manual; the object stays open."""
    out.put(b'{"header":{"cmd":"')
    out.put(command)
    out.put(b'","local_time":"')
    out.put(reading.local_time)
    out.put(b'","model":')
    out.put_json(reading.model)
    out.put(b',"serial_number":')
    out.put_json(reading.serial)
