"""The XML document of "Standard TCP", in the form of the early gateway firmware; no document of it is public.

Lines end in LF CR, in this order. Energy goes out as the meter's mantissa and exponent. Values are meant to be the averages
of the last interval; a meter that has none sends counters only. Source: the device sheet, 11. Renderer:
firmware/services/pieces.py.
"""

from micropython import const

from firmware.state.readings import GOOD, UNITS, WATT_HOURS
from lib.clock import calendar

# Stem of the values' names, digits behind it, name in the document, unit, decimals: in the document's order
_IDENTS = const("""frequency|0|f|Hz|2
U|1|U|V|1
U|2|U|V|1
I|1|I|A|2
P|1|P|W|1
Q|1|Q|var|1
S|1|S|VA|1
Tint|0|Tint|deg|2
THDUp|1|U|%|2
THDI|1|I|%|2""")
_LONGEST_S = const(900)  # longer intervals are told in minutes
_MOST_EXPONENT = const(12)


def document(out, log_id, interval_s, readings):
    """One meter's readings of one time, measurements and counters; `log_id` counts the documents since the start."""
    first = readings[0]
    out.put(b'<?xml version="1.0" encoding="utf-8"?>\n\r<data logId="')
    out.put_int(log_id)
    out.put(b'" controlUnit="')
    out.put(_plain(first.serial))
    out.put(b'" deviceType="')
    out.put(_plain(first.model))
    out.put(b'" part="1">\n\r<measurement dateTime="')
    if first.utc:
        out.put("%04d-%02d-%02dT%02d:%02d:%02dZ" % calendar.from_unix(first.utc)[:6])
    else:
        out.put(b"now")
    out.put(b'" tInterval="PT')
    if interval_s > _LONGEST_S:
        out.put_int(interval_s // 60)
        out.put(b'M">\n\r')
    else:
        out.put_int(interval_s, 3)
        out.put(b'S">\n\r')
    yield
    for reading in readings:
        yield from (_counters if reading.kind == "counters" else _measurements)(out, reading.rows)
    out.put(b"</measurement>\n\r</data>\n\r")
    yield


def _measurements(out, rows):
    for row in _IDENTS.split("\n"):
        stem, digits, ident, unit, decimals = row.split("|")
        length = len(stem) + int(digits)
        for name, mantissa, exponent, _, quality in rows:
            if quality != GOOD or len(name) != length or name.rstrip("0123456789") != stem:
                continue
            if exponent > _MOST_EXPONENT:
                continue  # no quantity that a meter can mean
            number = name[len(stem) :]
            if number == "0" and stem != "S":
                number = ""  # the total, which only apparent power writes with its 0
            _put_begin(out, ident + number + ("%" if unit == "%" else ""), unit)
            _put_rounded(out, mantissa, exponent, int(decimals))
            out.put(b"</value>\n\r")
            yield


def _counters(out, rows):
    for name, mantissa, exponent, unit, quality in rows:
        if quality != GOOD or unit < WATT_HOURS:
            continue
        _put_begin(out, "E" + name[7:], UNITS[unit])
        out.put_int(mantissa)
        if exponent:
            out.put(b"e+" if exponent > 0 else b"e-")
            out.put_int(abs(exponent))
        out.put(b"</value>\n\r")
        yield


def _put_begin(out, ident, unit):
    out.put(b'<value ident="')
    out.put(ident)
    out.put(b'" unit="')
    out.put(unit)
    out.put(b'">')


def _put_rounded(out, mantissa, exponent, decimals):
    """A number with so many decimals, rounded half up."""
    shift = exponent + decimals
    size = abs(mantissa)
    if shift >= 0:
        size *= 10**shift
    else:
        power = 10**-shift
        size = (size + power // 2) // power
    if mantissa < 0 and size:
        out.put(b"-")
    power = 10**decimals
    out.put_int(size // power)
    out.put(b".")
    out.put_int(size % power, decimals)


def _plain(text):
    """Return a text without what means something in XML."""
    return "".join([sign for sign in text if ord(sign) >= 32 and sign not in '&<>"'])
