"""Local time from the rules of a POSIX TZ string, as in `CET-1CEST,M3.5.0,M10.5.0/3`.

Source: IEEE Std 1003.1, Base Definitions, 8.3 "TZ"; hours of a rule from -167 to 167 as in RFC 8536, 3.3.1.
Offsets here are seconds to ADD to UTC: east is positive, the other way round than in the string.
"""

from micropython import const

from lib.clock import calendar

_HOUR_S = const(3600)
_LONGEST = const(64)  # characters of a whole string
_LONGEST_NAME = const(16)

# Kinds of a rule's day; a rule is (kind, month or day of year, week, weekday, seconds after local midnight).
_JULIAN = const(0)  # Jn: 1 to 365, 29 February is never counted
_DAY_OF_YEAR = const(1)  # n: 0 to 365, 29 February counts
_WEEKDAY = const(2)  # Mm.w.d: week 5 is the last, weekday 0 is Sunday


class Zone:
    """Offset from UTC at any instant from 1970 to 2105. Made by parse() or fixed().

    The span between the last change and the next is kept, so that a call inside it costs two comparisons.
    """

    def __init__(self, name, offset_s, dst_name="", dst_offset_s=0, start=None, end=None):
        self._names = (name, dst_name)
        self._offsets = (offset_s, dst_offset_s)
        self._start = start  # None: no summer time
        self._end = end
        self._from = 0  # the span for which _dst is true, in Unix seconds
        self._until = 0 if start else 1 << 40
        self._dst = 0

    def offset_s(self, utc):
        """Return the seconds to add to Unix time `utc` to read local time."""
        return self._offsets[self._season(utc)]

    def offsets(self):
        """Return that of normal time and that of summer time, the same without one."""
        return self._offsets if self._start else (self._offsets[0], self._offsets[0])

    def is_dst(self, utc):
        """Tell whether the second of the two names is in use."""
        return self._season(utc) == 1

    def name(self, utc):
        """Return the abbreviation in use, as `CEST` or `+03`."""
        return self._names[self._season(utc)]

    def _season(self, utc):
        if not self._from <= utc < self._until:
            self._find_span(utc)
        return self._dst

    def _find_span(self, utc):
        year = calendar.date((utc + self._offsets[0]) // calendar.DAY_S)[0]
        changes = []
        for y in (year - 1, year, year + 1):
            changes.append((_instant(self._start, y) - self._offsets[0], 1))
            changes.append((_instant(self._end, y) - self._offsets[1], 0))
        # Where an end meets the next start, summer time goes on: 1 sorts behind 0.
        changes.sort()
        self._from = self._until = 0
        for instant, dst in changes:
            if instant > utc:
                self._until = instant
                return
            self._from = instant
            self._dst = dst


def _instant(rule, year):
    """Return when a rule strikes in a year: local time, as Unix seconds."""
    kind, number, week, weekday, second = rule
    if kind == _WEEKDAY:
        day = calendar.days(year, number, 1)
        ahead = (weekday + 6 - calendar.weekday(day)) % 7 + 7 * (week - 1)
        if ahead >= calendar.month_days(year, number):
            ahead -= 7
    else:
        day = calendar.days(year, 1, 1)
        ahead = number
        if kind == _JULIAN and (number < 60 or not calendar.is_leap(year)):
            ahead -= 1
    return (day + ahead) * calendar.DAY_S + second


def fixed(minutes):
    """Return a Zone that is always `minutes` ahead of UTC. Raises ValueError beyond 15 hours."""
    if not -900 <= minutes <= 900:
        raise ValueError("time zone beyond 15 hours")
    name = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}"
    if minutes % 60:
        name += f"{abs(minutes) % 60:02d}"
    return Zone(name, minutes * 60)


def parse(text):
    """Return the Zone of a POSIX TZ string. Raises ValueError that says what is wrong and at which character (from 1)."""
    if len(text) > _LONGEST:
        raise ValueError(f"time zone: more than {_LONGEST} characters")
    reader = _Reader(text)
    name = reader.name()
    offset_s = -reader.clock(24)
    if reader.ended():
        return Zone(name, offset_s)
    dst_name = reader.name()
    dst_offset_s = offset_s + _HOUR_S
    if reader.peek() in "+-0123456789" and not reader.ended():
        dst_offset_s = -reader.clock(24)
    if reader.ended():
        raise reader.error("rules of summer time missing")
    start = reader.rule()
    end = reader.rule()
    if not reader.ended():
        raise reader.error("end expected")
    return Zone(name, offset_s, dst_name, dst_offset_s, start, end)


class _Reader:
    """A position in the string, and what can stand there."""

    def __init__(self, text):
        self._text = text
        self._at = 0

    def error(self, what):
        return ValueError(f"time zone: {what} at character {self._at + 1}")

    def ended(self):
        return self._at == len(self._text)

    def peek(self):
        """Return the next character, "" at the end."""
        return self._text[self._at : self._at + 1]

    def took(self, character):
        """Step over the character and tell so, if it is the next."""
        if self.peek() != character:
            return False
        self._at += 1
        return True

    def expect(self, character):
        if not self.took(character):
            raise self.error(f"'{character}' expected")

    def name(self):
        """Read three or more letters, or anything of letters, digits and signs between < and >."""
        quoted = self.took("<")
        begin = self._at
        while not self.ended() and (_is_letter(self.peek()) or quoted and self.peek() in "+-0123456789"):
            self._at += 1
        if not 3 <= self._at - begin <= _LONGEST_NAME:
            self._at = begin
            raise self.error(f"name of 3 to {_LONGEST_NAME} characters expected")
        name = self._text[begin : self._at]
        if quoted:
            self.expect(">")
        return name

    def number(self, lowest, highest):
        """Read decimal digits."""
        begin = self._at
        value = 0
        while not self.ended() and self.peek() in "0123456789" and self._at - begin < 3:
            value = value * 10 + ord(self.peek()) - 48
            self._at += 1
        if self._at == begin or not lowest <= value <= highest:
            self._at = begin
            raise self.error(f"number from {lowest} to {highest} expected")
        return value

    def clock(self, most_hours):
        """Read [+-]hh[:mm[:ss]] and return signed seconds."""
        negative = self.took("-")
        if not negative:
            self.took("+")
        seconds = self.number(0, most_hours) * _HOUR_S
        if self.took(":"):
            seconds += self.number(0, 59) * 60
            if self.took(":"):
                seconds += self.number(0, 59)
        return -seconds if negative else seconds

    def rule(self):
        """Read ,date[/time]; the time is 02:00 unless it is given."""
        self.expect(",")
        week = weekday = 0
        if self.took("M"):
            kind = _WEEKDAY
            number = self.number(1, 12)
            self.expect(".")
            week = self.number(1, 5)
            self.expect(".")
            weekday = self.number(0, 6)
        elif self.took("J"):
            kind = _JULIAN
            number = self.number(1, 365)
        else:
            kind = _DAY_OF_YEAR
            number = self.number(0, 365)
        second = self.clock(167) if self.took("/") else 2 * _HOUR_S
        return kind, number, week, weekday, second


def _is_letter(character):
    return "a" <= character <= "z" or "A" <= character <= "Z"
