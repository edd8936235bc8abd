"""The list of IEC 62056-21 meters: one document, /iec_meters.json, kept as a text of a line per meter.

A line has the values of FIELDS between `|`, in their order: text that costs 32 meters 2 KB. The slot of a meter is its number
in the list, from 1; a meter on the infrared port has the slot "lir".
Rows of FIELDS are those of firmware/state/schema.py.
"""

from micropython import const

from firmware.state.schema import Setting

MOST = 32  # standard loads of one RS-485 segment
_BAUDS = const("300=300,600=600,1200=1200,2400=2400,4800=4800,9600=9600,19200=19200,115200=115200")
FIELDS = (
    "port|choice|0|0=RS-485,1=Left infrared||Port",
    "address|text||32||Meter number or address, empty for the only meter",
    "name|text||20||Name",
    "password|text||32|secret|Password of the programming mode",
    "level|choice|1|1=P1,2=P2,3=P3||Level of the password",
    "period|int|15|1..240||Time from one reading to the next, min",
    "opening|choice|300|" + _BAUDS + "||Speed of the sign-on",
    "fastest|choice|9600|" + _BAUDS + "||Highest speed",
    "parity|flag|1|||7 bits with even parity",
    "wakes|flag|0|||Battery meter: woken first",
    "clock|flag|0|||Set the meter's clock",
    "read|text||120||What to read: empty, a packet (7), a table (/2), D: what comes unasked, or command and codes (R5 1.8.0)",
    "profile|text||60||Load profile: empty, auto, or command, code and form of time (R5 P.01 zYYMMDDhhmm)",
    "events|text||60||Event log: empty, auto, packets (0 or 89), or command, code and form of time (R5 P.98 zYYMMDDhhmm)",
)
_SPEEDS = const((300, 600, 1200, 2400, 4800, 9600, 19200, 115200))


def fields():
    """Yield the Setting of each field."""
    for row in FIELDS:
        yield Setting("", row, None)


class Plan:
    """One meter's line as attributes, named as in FIELDS."""

    def __init__(self, line):
        """ValueError: the line is not in order."""
        values = line.split("|")  # one by one, for a list of 32 is gone through at once
        port, self.address, self.name, self.password, level, period, opening, fastest, *values = values
        parity, wakes, clock, self.read, self.profile, self.events = values
        self.port, self.level, self.period = int(port), int(level), int(period)
        self.opening, self.fastest = int(opening), int(fastest)
        self.parity, self.wakes, self.clock = int(parity), int(wakes), int(clock)
        if self.opening not in _SPEEDS or self.fastest not in _SPEEDS or not 0 < self.period <= 240:
            raise ValueError("values")


def load(document):
    """Return (lines, sentence on what is wrong or ""). MemoryError, OSError: they may be there, but cannot be read now."""
    stored = document.load()
    if document.failure:
        raise document.failure  # nobody shall take them for none, or the former ones for these, and save that
    if stored is None:
        return [], document.trouble
    lines = stored.get("meters") if isinstance(stored, dict) else None
    if not isinstance(lines, list):
        return [], "the meters are not in the form expected"
    good = []
    for line in lines[:MOST]:
        try:
            Plan(line)
            good.append(line)
        except (ValueError, AttributeError):
            pass  # one that was edited by hand
    return good, "" if len(good) == len(lines) else "a meter in the list is not in order"


def save(document, lines):
    """Keep the lines; OSError: the flash did not take them, and the former stay."""
    document.save({"meters": lines})


class Wrong(ValueError):
    """`field` and the sentence on it."""

    @property
    def field(self):
        return self.args[0]

    @property
    def sentence(self):
        return self.args[1]


def checked(values, before=None):
    """Return the line of a meter: `values` by name, of others those of the line `before`, or the defaults. Raises Wrong."""
    old = Plan(before) if before else None
    found = {}
    for field in fields():
        value = values.get(field.name, getattr(old, field.name) if old else field.default)
        try:
            value = field.check(value)
            if isinstance(value, str):
                if any([ord(sign) > 126 for sign in value]) and field.name != "name" or "|" in value:
                    raise ValueError("plain letters without a vertical bar are expected")
                if field.name in _CHECKS:
                    _CHECKS[field.name](value)
        except ValueError as error:
            raise Wrong(field.name, str(error))
        found[field.name] = value
    for name in values:
        if name not in found:
            raise Wrong(str(name), "there is no such field")
    if found["fastest"] < found["opening"]:
        raise Wrong("fastest", "at least the speed of the sign-on is expected")
    return "|".join([str(found[row[: row.find("|")]]) for row in FIELDS])


def check_together(lines):
    """Return {field: sentence} on meters that cannot be told apart."""
    seen = set()
    for line in lines:
        words = line.split("|", 2)
        seen.add("|".join(words[:2]))
    if len(seen) < len(lines):
        return {"address": "another meter of the port has this address"}
    if len([line for line in lines if line[0] == "1"]) > 1:
        return {"port": "one meter can be on this port"}
    return {}


def _address(value):
    for sign in value:
        if not (sign.isalpha() or sign.isdigit() or sign == " "):
            raise ValueError("letters, digits and blanks are expected")


def _password(value):
    if "(" in value or ")" in value:
        raise ValueError("no brackets are expected")


def _is_command(word):
    return len(word) == 2 and word[0] == "R" and word[1] in "123456"


def _read(value):
    words = value.split(" ")
    is_list = len(words) > 1 and _is_command(words[0])
    is_code = len(value) == 1 and value in "6789D"
    is_table = len(value) == 2 and value[0] == "/" and value[1] in "1234"
    if value and not (is_list or is_code or is_table) or "(" in value or ")" in value:
        raise ValueError("6 to 9, /1 to /4, D, or a command such as R5 and codes are expected")


def _profile(value):
    words = value.split(" ")
    is_right = len(words) == 3 and _is_command(words[0]) and ("YY" in words[2] or words[2] == ";")
    if is_right and words[2].endswith("()"):  # some want empty brackets behind those of the time
        value = value[:-2]
    if value not in ("", "auto") and (not is_right or "(" in value or ")" in value):
        raise ValueError("auto, or such as R5 P.01 zYYMMDDhhmm is expected")


def _events(value):
    if not value.isdigit() or "1" in value or "2" in value:
        _profile(value if value[-1:] != ";" else "?")  # which asks for all there is: of a profile only


_CHECKS = {"address": _address, "password": _password, "read": _read, "profile": _profile, "events": _events}
