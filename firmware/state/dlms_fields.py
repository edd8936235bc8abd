"""What the list of DLMS meters has of each of them, and what of that is in order. A line: the values of FIELDS between `|`.

Rows of FIELDS are those of firmware/state/schema.py. Before the line stands the meter's id, which it keeps for good.
"""

from binascii import unhexlify

from micropython import const

from firmware.state.dlms_plan import Plan
from firmware.state.schema import Setting

FIELDS = (
    "serial|text||20||Meter number",
    "name|text||40||Name",
    "port|choice|0|0=RS-485,1=Optical head,2=Network||Port",
    "host|text||48||Network: address, perhaps with a port as 192.168.1.20:4059",
    "logical|int|1|1..16383||Logical device of the meter (upper HDLC address, server port)",
    "physical|int|0|0..16383||Physical device of the meter (lower HDLC address), 0 for none",
    "address_size|choice|0|0=Automatic,1=1 byte,2=2 bytes,4=4 bytes||Length of the HDLC address",
    "client|int|16|1..127||Client",
    "security|choice|0|0=None,1=Password,2=HLS 2,3=HLS MD5,4=HLS SHA-1,5=HLS GMAC,6=HLS SHA-256||Authentication",
    "ciphering|choice|0|0=None,1=Service-specific,2=General||Ciphering",
    "password|text||66|secret|Password: text, or bytes as 0x3132",
    "key|text||32|secret|Encryption key, 32 hexadecimal digits",
    "auth_key|text||32|secret|Authentication key, 32 hexadecimal digits",
    "type|text|standard|16||Table of what is read",
    "tariff|text||20||Tariff mode",
    "opens|flag|0|||Opened by IEC 62056-21 mode E",
    "clock|flag|0|||Set the meter's clock",
    "relay|flag|0|||Its relay may be switched",
    "shown|flag|0|||Among the readings of the gateway",
    "active|flag|1|||Is read",
    "sequence|int|0|0..9999||Place in the order; those with the same as they were added",
)
SHOWN = const(16)  # meters that may be among the readings
_PASSWORD = const((1, 2, 3, 4, 6))  # values of security that need one
_GMAC = const(5)
_SIGNS = const("-._ ")
_HOST_SIGNS = const("-.:[]")


class Wrong(ValueError):
    """`field` and the sentence on it."""

    @property
    def field(self):
        return self.args[0]

    @property
    def sentence(self):
        return self.args[1]


def fields():
    """Yield the Setting of each field."""
    for row in FIELDS:
        yield Setting("", row, None)


def checked(values, before=None):
    """Return a meter's line without its id: `values` by name, of others those of `before`, a line with id, or the defaults.

    Numbers may be texts, for they come out of tables, too. Raises Wrong.
    """
    line = before.split("|")[1:] if before else [row.split("|", 3)[2] for row in FIELDS]
    for name in values:
        place = _place(name)
        line[place] = _value(Setting("", FIELDS[place], None), values[name])
    line = "|".join(line)
    _check_together(Plan("0|" + line))
    return line


def _place(name):
    for place, row in enumerate(FIELDS):
        if row.startswith(name) and row[len(name)] == "|":
            return place
    raise Wrong(name, "there is no such field")


def _value(field, value):
    try:
        if field.kind != "text" and isinstance(value, str):
            if not value.isdigit() or len(value) > 5:
                raise ValueError("a whole number is expected")
            value = int(value)
        value = field.check(value)
        if field.kind != "text":
            return str(value)
        if "|" in value or field.name != "name" and len(value) != len(value.encode()):
            raise ValueError("plain letters without a vertical bar are expected")
        check = _CHECKS.get(field.name)
        if check:
            check(value)
    except ValueError as error:
        raise Wrong(field.name, str(error))
    return value


def _has_only(value, signs):
    return all([sign.isalpha() or sign.isdigit() or sign in signs for sign in value])


def _serial(value):
    if not value.strip() or not _has_only(value, _SIGNS):
        raise ValueError("a number of letters, digits, dots, dashes and blanks is expected")


def _host(value):
    if not _has_only(value, _HOST_SIGNS):
        raise ValueError("an address such as 192.168.1.20:4059 is expected")


def _password(value):
    if value[:2] == "0x" and not _is_hex(value[2:]):
        raise ValueError("behind 0x two hexadecimal digits for each byte are expected")


def _key(value):
    if value and (len(value) != 32 or not _is_hex(value)):
        raise ValueError("32 hexadecimal digits are expected")


def _is_hex(value):
    try:
        unhexlify(value)
    except ValueError:
        return False
    return True


def _type(value):
    if not value or not _has_only(value, "_"):
        raise ValueError("the name of a table is expected")


_CHECKS = {"serial": _serial, "host": _host, "password": _password, "key": _key, "auth_key": _key, "type": _type}


def _check_together(plan):
    """Raise Wrong for values that do not go together."""
    is_network, size = plan.port == 2, plan.address_size
    if not plan.serial:
        raise Wrong("serial", "the meter's number is needed")
    if is_network != (plan.host != ""):
        raise Wrong("host", "an address is needed" if is_network else "only a meter in the network has one")
    if size == 1 and plan.physical or size in (1, 2) and max(plan.logical, plan.physical) > 127:
        raise Wrong("address_size", "the address does not fit in so few bytes")
    if plan.opens and is_network:
        raise Wrong("opens", "there is no such opening in the network")
    if plan.security in _PASSWORD and not plan.password:
        raise Wrong("password", "this authentication needs one")
    for name in ("key", "auth_key"):
        if (plan.ciphering or plan.security == _GMAC) and not getattr(plan, name):
            raise Wrong(name, "ciphering and HLS GMAC need it")
    if plan.relay and not plan.security:
        raise Wrong("relay", "switching needs an authentication")
