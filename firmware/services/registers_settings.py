"""The holding registers of the gateway's own unit as bytes: settings as they are saved, or staged to be saved."""

from struct import pack

from firmware.services.registers_own import HOLDING_BLOCKS, holding
from firmware.state import schema
from firmware.state.modbus_access import current
from firmware.state.schema import ip_number
from lib.clock.zones import zone_of
from lib.modbus.errors import ILLEGAL_ADDRESS, PeerError
from lib.modbus.window import text_bytes


class Values:
    """What the registers hold now. The settings are looked up by the schema's rows, which many registers share."""

    def __init__(self, gateway):
        self._gateway = gateway
        self._access = current(gateway)
        self._rows = {}  # those that have a number in their name
        self._table = 0  # of the schema, in which the last one was found: the next is often in the same

    def setting(self, name, number):
        """Return the schema's Setting of a row."""
        setting = self._rows.get(name)
        if setting is None:
            begin = "\n" + name + "|"
            for _ in schema.TABLES:
                if begin in schema.TABLES[self._table][1]:
                    break
                self._table = (self._table + 1) % len(schema.TABLES)
            page, rows, _ = schema.TABLES[self._table]
            start = rows.find(begin) + 1
            setting = schema.Setting(page, rows[start : rows.find("\n", start)], None)
            if number:
                self._rows[name] = setting
        if number:
            setting.name = name.replace("#", str(number))
        return setting

    def bytes_of(self, registers, kind, name, number, is_shown=True):
        """Return the bytes of a row's registers: of what is staged, else of what is saved; a secret is blank if it `is_shown`,
        or not staged."""
        if kind == "command":
            return pack(">H", name == "relay" and _relay(self._gateway))
        if kind == "state":
            return pack(">H", self._state(name))
        if kind == "constant":
            return pack(">H", int(name))
        setting = self.setting(name, number)
        value = None if self._access is None else self._access.staged.get(setting.name)
        if kind == "secret" and (is_shown or value is None):
            value = ""
        elif value is None:
            value = self._gateway.settings.value(setting)
        if kind == "minutes":
            return pack(">H", self._minutes(value) & 0xFFFF)
        if kind == "uint16":
            return pack(">H", value)
        if kind == "hex":
            return pack(">I", ip_number(value) or 0)
        return text_bytes(value, 2 * registers)

    def _state(self, name):
        if name == "unlocked":
            return is_unlocked(self._gateway, self._access)
        if name == "restart_needed":
            return self._gateway.settings.restart_needed
        if self._access is None:
            return 0
        return len(self._access.staged) if name == "staged" else self._access.left_s(self._gateway.clock.uptime_s())

    def _minutes(self, value):
        """Return how many minutes a time zone is ahead of UTC: as set, or at present if it is a name or a rule."""
        try:
            return int(value)
        except ValueError:
            return zone_of(value).offset_s(self._gateway.clock.utc()) // 60


def read(gateway, _, window):
    """Fill a window of holding registers; raise PeerError unless it lies in one block."""
    if not window.is_within(HOLDING_BLOCKS):
        raise PeerError(ILLEGAL_ADDRESS)
    values = Values(gateway)
    for address, registers, kind, name, number in holding(window.first, window.count):
        window.put(address, values.bytes_of(registers, kind, name, number))


def decode(kind, data):
    """Return the value that a row's registers stand for: the reverse of Values.bytes_of(). Raises ValueError."""
    if kind == "uint16":
        return data[0] << 8 | data[1]
    if kind == "minutes":
        return str(((data[0] << 8 | data[1]) ^ 0x8000) - 0x8000)
    if kind == "hex":
        return "%d.%d.%d.%d" % tuple(data) if any(data) else ""
    return bytes(data).split(b"\0")[0].rstrip(b" ").decode()


def is_unlocked(gateway, access):
    """Whether settings may be changed over Modbus now."""
    return not gateway.settings.get("locked") or access is not None and access.left_s(gateway.clock.uptime_s()) > 0


def _relay(gateway):
    switch = gateway.readings.device("rir")
    return switch is not None and switch.relay == 1
