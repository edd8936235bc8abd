"""What values of a DLMS meter are: columns of the archive, and measurements and counters of a meter that is shown.

Value times ten to the scaler; both stay integers, for a float of the ESP32 has 24 bits.
Source: DLMS UA 1000-1 (Blue Book), 4.3.2 (register), 6 (logical names).
"""

from array import array

from micropython import const

from firmware.meters import iec_codes as codes
from firmware.meters.dlms_small import values_of
from firmware.state.readings import NOT_DETECTED, PRESENT, SILENT, Group
from lib.dlms.columns import NO_UNIT, Columns
from lib.dlms.errors import FormatError
from lib.dlms.times import utc

_AT_ONCE = const(12)  # scalers: those of a wide profile would take kilobytes on their way
_REGISTER = const(3)
_EXTENDED = const(4)
_DEMAND = const(5)
_POWER = const(7)  # row of active power: import, less export
_NONE = const(-128)
_MOST_31 = const(0x3FFFFFFF)
# DLMS codes of units, each where UNITS of firmware/state/readings.py has it: Hz, V, A, W, var, VA, then Wh, varh, VAh
_UNITS = const(b"\x00\x2c\x23\x21\x1b\x1d\x1c\x00\x00\x00\x00\x00\x1e\x20\x1f")


def scaler_attribute(class_id, attribute):
    """Return the attribute with scaler and unit of a value, 0 if it has none."""
    if class_id in (_REGISTER, _EXTENDED) and attribute == 2:
        return 3
    return 4 if class_id == _DEMAND and attribute in (2, 3) else 0


async def read_scalers(session, columns):
    """Read exponent and unit code of Columns from the meter, and tell them.

    What has no scaler, or does not tell it, has the exponent 0 and no unit.
    """
    place = 0
    while place < len(columns):
        first = place
        items = Columns()
        while place < len(columns) and len(items) < _AT_ONCE:
            class_id, ln, attribute = columns[place][:3]
            scaler = scaler_attribute(class_id, attribute)
            if scaler:
                items.append(class_id, ln, scaler)
            place += 1
        told = iter(await values_of(session, items) if len(items) else ())
        for at in range(first, place):
            class_id, _, attribute = columns[at][:3]
            columns.tell(at, *scaler_of(next(told) if scaler_attribute(class_id, attribute) else None))


def scaler_of(told):
    """Return (exponent, unit code) of the attribute scaler_unit as a meter told it, None: it did not."""
    if told is None:
        return 0, NO_UNIT
    if not isinstance(told, list) or len(told) != 2 or not -100 < told[0] < 100:
        raise FormatError("scaler")
    return told[0], told[1]


def plain(value, is_time, offset_minutes, is_reversed):
    """Return a value as the archive keeps it: an integer that counts units of its column, or None for no value.

    Times become UTC. `is_time`: its column has such, by lib/dlms/times.py is_moment().
    """
    if isinstance(value, int) or value is None:
        return value
    if isinstance(value, list):
        return None
    if isinstance(value, tuple):  # a float: mantissa and exponent
        mantissa, exponent = value
        return mantissa * 10**exponent if exponent >= 0 else mantissa // 10**-exponent
    if is_time and len(value) == 12:
        return utc(value, offset_minutes, is_reversed)
    return int.from_bytes(value, "big") if len(value) < 8 else None


class Shown:
    """Puts the values of one reading among those of a device: begin, put() each, end."""

    def __init__(self):
        count = len(codes.VALUES)
        self._values = count
        self._mantissas = array("q", [0] * (count + len(codes.COUNTERS)))
        self._exponents = array("b", [_NONE] * (count + len(codes.COUNTERS)))

    def begin(self):
        """Forget the reading before."""
        for at in range(len(self._exponents)):
            self._exponents[at] = _NONE

    def put(self, column, value):
        """Take a value, an integer, of a column with exponent and unit. What the tables do not know is passed over."""
        _, ln, _, _, exponent, unit = column
        row = codes.row_of(b"%d.%d.%d" % (ln[2], ln[3], ln[4])) if ln[0] == 1 and ln[5] == 255 else -1
        sign = 1
        if row == codes.EXPORT:
            row, sign = _POWER, -1
        if row < 0 or row >= codes.NUMBER:
            return
        kind = codes.UNITS[row] if row < 100 else codes.COUNTER_UNITS[row - 100]
        at = row if row < 100 else row - 100 + self._values
        if 16 <= row <= 19:  # power factors are ten-thousandths
            value = value * 10 ** (exponent + 4) if exponent >= -4 else value // 10 ** (-4 - exponent)
            exponent = -4
        elif _UNITS[kind] != unit:
            return  # another quantity than the name says: rather none
        most = _MOST_31 if row < 100 else 1 << 62
        if not -most <= value <= most or row == _POWER and not value and self._exponents[at] != _NONE:
            return  # of import and export one is zero, in whatever order they come
        self._mantissas[at] = sign * value
        self._exponents[at] = exponent

    def end(self, device, now, fresh_ms):
        """Show what was put: good for so long from now."""
        self._show(device, "measurements", 0, codes.VALUES, codes.UNITS, now, fresh_ms)
        self._show(device, "counters", self._values, codes.COUNTERS, codes.COUNTER_UNITS, now, fresh_ms)
        if not device.phases:
            exponents = self._exponents
            device.phases = 3 if exponents[2] != _NONE or exponents[3] != _NONE or exponents[5] != _NONE else 1
        device.status = PRESENT

    def _show(self, device, name, first, rows, units, now, fresh_ms):
        count = len(rows)
        exponents = self._exponents[first : first + count]
        if max(exponents) == _NONE:
            return
        group = device.groups.get(name)
        if group is None:
            group = device.groups[name] = Group(rows)
        group.unit = bytearray(units)
        group.exponent = array("b", exponents)
        mantissas = self._mantissas[first : first + count]
        if max(mantissas) > _MOST_31 or min(mantissas) < -_MOST_31:
            group.widen()
        for at in range(count):
            if exponents[at] != _NONE:
                group.mantissa[at] = mantissas[at]
            else:
                group.unit[at] = 0  # the meter does not measure it
        group.read(now, fresh_ms)


def failed(device):
    """A reading failed: what was shown is stale."""
    for group in device.groups.values():
        group.failed()
    if device.status != NOT_DETECTED:
        device.status = SILENT
