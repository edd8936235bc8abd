"""How the SG writes numbers: the text forms of the manual's samples (3.6.1, 3.6.2), done in integers.

Each function puts one JSON string, quotes included, into `out` (a response with put and put_int); put_exact puts a JSON
number. The rules are those of the device sheet, 6.3 and 6.4, of put_base and put_exact 7.4 and 7.6; where the original cut,
these round half up.
"""

from micropython import const

from firmware.state.readings import CAPACITIVE, UNITS

_PREFIXES = const(("", "k", "M", "G", "T"))
_POWERS = const((1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000))
_HERTZ = const(1)
_VOLT = const(2)
_AMPERE = const(3)
_DEGREES = const(9)  # from here on units (deg, C, %) are of values in hundredths
_LONGEST_EXPONENT = const(12)
LEAST_EXPONENT = const(-9)  # what put_exact takes
MOST_EXPONENT = const(11)  # beyond is no quantity that a meter can mean


def put_measurement(out, name, mantissa, exponent, unit):
    """A measurement by its name and unit (index in UNITS)."""
    if name.startswith("PF"):
        put_power_factor(out, mantissa, unit)
    elif unit >= _DEGREES:
        put_hundredths(out, mantissa)
    else:
        put_value(out, mantissa, exponent, unit)


def put_value(out, mantissa, exponent, unit):
    """A measurement with unit (index in UNITS): "220.5 V", "50.01 ", "12.346 k W"."""
    places = 2 if unit == _HERTZ else 3 if unit in (_VOLT, _AMPERE) else 4
    size = abs(mantissa)
    if exponent > _LONGEST_EXPONENT:
        out.put(b'"N/A"')
        return
    prefix = 0
    while True:
        decimals, number = _rounded(size, exponent - 3 * prefix)
        if number < _POWERS[places] * _POWERS[decimals] or prefix == len(_PREFIXES) - 1:
            break
        prefix += 1
    while decimals > 1 and number % 10 == 0:
        number //= 10
        decimals -= 1
    out.put(b'"-' if mantissa < 0 and number else b'"')
    _put_fixed(out, number, decimals)
    out.put(b" ")
    if prefix:
        out.put(_PREFIXES[prefix])
        if unit >= _AMPERE:
            out.put(b" ")  # a client that multiplies looks for "k W"; voltages are written "6.35 kV"
    if unit != _HERTZ:
        out.put(UNITS[unit])
    out.put(b'"')


def _rounded(size, exponent):
    """Return (decimals, integer) that stand for size * 10**exponent with the decimals its integer part leaves room for."""
    decimals = 3
    while True:
        shift = exponent + decimals
        if shift >= 0:
            number = size * 10**shift
        elif shift < -9:
            number = 0
        else:
            number = (size + _POWERS[-shift] // 2) // _POWERS[-shift]
        whole = number // _POWERS[decimals]
        allowed = 3 if whole < 100 else 2 if whole < 10000 else 1 if whole < 100000 else 0
        if decimals <= allowed:
            return decimals, number
        decimals = allowed


def _put_fixed(out, number, decimals):
    """Digits with so many of them behind the point."""
    power = _POWERS[decimals]
    out.put_int(number // power)
    if decimals:
        out.put(b".")
        out.put_int(number % power, decimals)


def put_power_factor(out, mantissa, unit):
    """Ten-thousandths and a side: "0.2124 Cap"; "1.0 Ind". The sign, which is the direction, is not shown."""
    size = abs(mantissa)
    out.put(b'"')
    if size in (0, 10000):
        _put_fixed(out, size // 1000, 1)
    else:
        _put_fixed(out, size, 4)
    out.put(b' Cap"' if unit == CAPACITIVE else b' Ind"')


def put_hundredths(out, mantissa):
    """An angle, a temperature, a distortion: "-76.91"."""
    out.put(b'"-' if mantissa < 0 else b'"')
    _put_fixed(out, abs(mantissa), 2)
    out.put(b'"')


def put_counter(out, mantissa, exponent, unit):
    """An energy: "0.2 kWh". The decimals tell the exponent, as the meter's own display does; no unit: "0.00 k"."""
    if not -3 <= exponent <= 11:
        out.put(b'"N/A"')
        return
    prefix = (exponent + 3) // 3
    out.put(b'"-' if mantissa < 0 else b'"')
    _put_fixed(out, abs(mantissa), 3 * prefix - exponent)
    out.put(b" ")
    out.put(_PREFIXES[prefix])
    out.put(UNITS[unit])
    out.put(b'"')


def put_base(out, mantissa, exponent, unit):
    """A measurement as the text "12345.6 W": no prefix, for the client does not scale; one to three decimals, rounded half up.

    Text even when it is zero, which the client takes for missing as a number. A frequency has no unit: "50.01".
    """
    size = abs(mantissa)
    if exponent >= -3:
        size *= 10 ** (exponent + 3)
    else:
        power = 10 ** (-3 - exponent)
        size = (size + power // 2) // power
    out.put(b'"-' if mantissa < 0 and size else b'"')
    out.put_int(size // 1000)
    out.put(b".")
    decimals, width = size % 1000, 3
    while width > 1 and not decimals % 10:
        decimals //= 10
        width -= 1
    out.put_int(decimals, width)
    if unit != _HERTZ:
        out.put(b" ")
        out.put(UNITS[unit])
    out.put(b'"')


def put_exact(out, mantissa, exponent):
    """The JSON number mantissa * 10**exponent with all its digits; null without an exponent or with a senseless one."""
    if exponent is None or not LEAST_EXPONENT <= exponent <= MOST_EXPONENT:
        out.put(b"null")
    elif exponent >= 0:
        out.put_int(mantissa * 10**exponent)
    else:
        power = 10**-exponent
        if mantissa < 0:
            out.put(b"-")
        out.put_int(abs(mantissa) // power)
        out.put(b".")
        out.put_int(abs(mantissa) % power, -exponent)
