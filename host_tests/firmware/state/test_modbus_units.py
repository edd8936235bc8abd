"""Which unit of Modbus TCP is which, with all that can have the same number."""

from firmware.state import schema
from firmware.state.modbus_units import METER, OWN, Units, collisions


class Settings:
    revision = 7

    def __init__(self, **values):
        self._values = values

    def get(self, name):
        return self._values.get(name, schema.find(name).default)


FIELD = {"rs485_type_1": 2, "rs485_addr_1": 35, "rs485_type_2": 3, "rs485_addr_2": 5, "rs485_type_16": 4, "rs485_addr_16": 40}
# settings beside FIELD, {unit: (where, what)}
PLACES = (
    (
        {},
        {
            34: (OWN, 0),
            0: (OWN, 0),
            255: (OWN, 0),
            33: ("ir_left", 33),
            35: ("rs485", 35),
            99: ("rs485", 99),  # nobody configured it
            247: ("rs485", 247),
            248: (None, 0),
            200: (METER, "lir"),
            201: (METER, 1),
            202: ("rs485", 202),  # a switch has no floats
            203: ("rs485", 203),
            216: (METER, 16),
        },
    ),
    ({"sg_modbus_addr": 1, "modbus_own_255": 0}, {1: (OWN, 0), 34: ("rs485", 34), 0: ("rs485", 0), 255: (None, 0)}),
    ({"left_ir_enabled": 0}, {33: ("rs485", 33), 200: ("rs485", 200)}),
    ({"modbus_offset_ir": 50}, {83: ("ir_left", 33), 33: ("rs485", 33)}),
    (
        {"modbus_offset_485": 100, "modbus_own_255": 0},
        {135: ("rs485", 35), 35: (None, 0), 100: (None, 0), 101: ("rs485", 1), 0: ("rs485", 0), 254: ("rs485", 154)},
    ),
    ({"modbus_meters": 0}, {200: ("rs485", 200), 1: ("rs485", 1)}),
    ({"modbus_meters": 33}, {33: ("ir_left", 33), 34: (OWN, 0)}),
    ({"modbus_offset_ir": 200, "ir_counter_addr": 100}, {44: ("rs485", 44)}),
    # DLMS meters have the slots that others have not, sixteen at most
    ({"dlms_network": 1}, {201: (METER, 1), 202: ("rs485", 202), 203: (METER, 3), 219: (METER, 19), 220: ("rs485", 220)}),
    ({"ir_protocol": 2}, {200: ("rs485", 200), 201: (METER, 1), 203: (METER, 3), 219: (METER, 19)}),
    ({"rs485_protocol": 5}, {201: (METER, 1), 202: (METER, 2), 216: (METER, 16), 217: ("rs485", 217)}),
)
# settings beside FIELD, what the sentences name, one after the other
COLLISIONS = (
    ({}, ()),
    ({"rs485_addr_1": 33}, (("RS485 device 1", "unit 33", "the IR meter", "modbus_offset_485"),)),
    ({"rs485_addr_1": 33, "modbus_offset_485": 100}, ()),
    ({"rs485_addr_1": 33, "left_ir_enabled": 0}, ()),
    ({"ir_counter_addr": 34}, (("the IR meter", "unit 34", "the gateway", "modbus_offset_ir"),)),
    ({"rs485_addr_16": 34}, (("RS485 device 16", "unit 34", "the gateway"),)),
    ({"rs485_addr_2": 200}, (("RS485 device 2", "unit 200", "modbus_meters"),)),
    ({"rs485_addr_2": 100, "modbus_offset_485": 200}, (("RS485 device 2", "unit 300", "too large"),)),
    ({"ir_counter_addr": 100, "modbus_offset_ir": 200}, (("the IR meter", "unit 300", "too large"),)),
)


def test_places():
    for changes, places in PLACES:
        values = dict(FIELD)
        values.update(changes)
        units = Units(Settings(**values))
        for unit, place in places.items():
            assert units.find(unit) == place, (changes, unit, units.find(unit))


def test_collisions():
    for changes, wanted in COLLISIONS:
        values = dict(FIELD)
        values.update(changes)
        told = [
            text for text in collisions(Settings(**values)) if "RS485 device 1 would" not in text and "16 would" not in text
        ]
        assert len(told) == len(wanted), (changes, told)
        for text, words in zip(told, wanted):
            for word in words:
                assert word in text, (changes, text)


def test_what_every_request_needs():
    units = Units(Settings(modbus_wait_ms=500, modbus_max_age=250, modbus_idle_s=30, modbus_writes="33:6"))
    assert (units.wait_ms, units.max_age_ms, units.idle_ms, units.writes, units.revision) == (500, 250, 30000, "33:6", 7)
