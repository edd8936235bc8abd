"""Which unit of Modbus TCP is which: the gateway itself, a device on one of its wires, or a meter's registers as floats.

Source: device sheet, 9.1; offsets and the meters' own units are ours.
"""

from micropython import const

import board
from firmware.state.schema import DLMS, IEC, IR_DLMS, RS485_DEVICES

OWN = "own"
METER = "meter"
_HIGHEST = const(247)
MOST_IEC = 32
_MOST_SHOWN = const(16)  # DLMS meters among the readings
_MOST_SLOT = const(32)
_SWITCH = const(3)  # the type of an RS-485 device that is a bistable switch


class Units:
    """The settings that every request needs, looked up once; `revision`: of the settings that they were taken from."""

    def __init__(self, settings):
        get = settings.get
        self.revision = settings.revision
        self.max_age_ms = get("modbus_max_age")
        self.wait_ms = get("modbus_wait_ms")
        self.idle_ms = get("modbus_idle_s") * 1000
        self.writes = get("modbus_writes")
        self._own = get("sg_modbus_addr")
        self._own_too = b"\0\xff" if get("modbus_own_255") else b""
        is_iec = "iec62056" in board.PROTOCOLS and get("ir_protocol") == 1
        self._infrared = get("ir_counter_addr") if get("left_ir_enabled") and not is_iec else 0
        if "dlms" in board.PROTOCOLS and get("ir_protocol") == IR_DLMS:
            self._infrared = 0
        self._infrared_unit = self._infrared + get("modbus_offset_ir") if self._infrared else -1
        self._rs485_offset = get("modbus_offset_485")
        self._meters = get("modbus_meters")
        slots = [slot for slot in range(1, RS485_DEVICES + 1) if get(f"rs485_type_{slot}") not in (0, _SWITCH)]
        if "iec62056" in board.PROTOCOLS and get("rs485_protocol") == IEC:
            slots = list(range(1, MOST_IEC + 1))
        if "dlms" in board.PROTOCOLS:
            slots = _with_dlms(get, slots)
        self._slots = bytes([0] + slots if self._infrared or is_iec else slots)

    def find(self, unit):
        """Return (where, what) of a unit, 0 to 255: (OWN, 0), (METER, slot), or (port, address on it), address 0 for all.

        Whoever has the same number as another comes in this order: the gateway, the infrared meter, meters as floats, RS-485.
        (None, 0): there is no such unit.
        """
        if unit == self._own or unit in self._own_too:
            return OWN, 0
        if unit == self._infrared_unit and unit <= _HIGHEST:
            return "ir_left", self._infrared
        slot = unit - self._meters if self._meters else -1
        if slot >= 0 and slot in self._slots:
            return METER, slot or "lir"
        address = unit - self._rs485_offset if unit else 0
        return ("rs485", address) if 0 <= address <= _HIGHEST and (address or not unit) else (None, 0)


def collisions(settings):
    """Yield a sentence for each device that nobody reaches by Modbus TCP because its unit is somebody else's."""
    get = settings.get
    units = Units(settings)
    is_iec = "iec62056" in board.PROTOCOLS and get("ir_protocol") == 1
    if get("left_ir_enabled") and not is_iec:
        unit = get("ir_counter_addr") + get("modbus_offset_ir")
        if unit > _HIGHEST:
            yield f"the IR meter would be unit {unit}: modbus_offset_ir is too large"
        elif units.find(unit)[0] != "ir_left":
            yield f"the IR meter would be unit {unit}, which is the gateway: set modbus_offset_ir"
    if "iec62056" in board.PROTOCOLS and get("rs485_protocol") == IEC:
        first = get("modbus_meters")
        for slot in range(1, MOST_IEC + 1) if first else ():
            if first + slot > _HIGHEST or units.find(first + slot) != (METER, slot):
                yield f"meter {slot} as floats would be unit {first + slot}, which is no free one: set modbus_meters"
                break
        return
    for slot in range(1, RS485_DEVICES + 1):
        if get(f"rs485_type_{slot}"):
            unit = get(f"rs485_addr_{slot}") + get("modbus_offset_485")
            where, what = units.find(unit)
            if unit > _HIGHEST:
                yield f"RS485 device {slot} would be unit {unit}: modbus_offset_485 is too large"
            elif where == METER:
                yield f"RS485 device {slot} is unit {unit}, as is a meter's floats: set modbus_meters"
            elif where != "rs485":
                who = "the gateway" if where == OWN else "the IR meter"
                yield f"RS485 device {slot} is unit {unit}, as is {who}: set modbus_offset_485"


def _with_dlms(get, slots):
    """Return the slots with meters, those too that DLMS meters of any wire may have: see DlmsMeters.list_devices()."""
    protocol = get("rs485_protocol")
    if protocol == DLMS:
        return list(range(1, _MOST_SHOWN + 1))
    if protocol == IEC or not get("dlms_network") and get("ir_protocol") != IR_DLMS:
        return slots
    free = [slot for slot in range(1, _MOST_SLOT + 1) if slot > RS485_DEVICES or not get(f"rs485_type_{slot}")]
    return slots + free[:_MOST_SHOWN]
