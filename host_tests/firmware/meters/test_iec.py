"""What a read-out of an IEC 62056-21 meter becomes: active power with its sign, phases of a meter that was exchanged."""

from firmware.meters.iec import IecMeters
from firmware.meters.iec_device import IecDevice
from firmware.state import iec_meters
from firmware.state.events import Events
from firmware.state.readings import Readings
from host_tests.fakes.clock import NOW_MS, clock_at

POWER = 7


class Field:
    def __init__(self):
        clock, _ = clock_at(NOW_MS)
        self.device = IecDevice(1, "rs485", "", "")
        readings = Readings()
        readings.devices = [self.device]
        self.meters = IecMeters([self.device], [iec_meters.checked({})], clock, readings, Events(clock))

    def read(self, *values):
        self.meters.begin()
        for address, text, unit in values:
            self.meters.take(address, 0, text, unit)
        assert self.meters.done(0, self.meters.plan(0), None) == ""
        return self.device.group("measurements")

    def power(self, *values):
        group = self.read(*[(address, text, b"kW") for address, text in values])
        return group.mantissa[POWER] * 10 ** group.exponent[POWER] if group.has(POWER) else None


def test_active_power_has_its_sign_in_whatever_order_import_and_export_come():
    for values, watts in (
        (((b"1.7.0", b"0.500"), (b"2.7.0", b"0.000")), 500),
        (((b"1.7.0", b"0.000"), (b"2.7.0", b"0.500")), -500),
        (((b"2.7.0", b"0.500"), (b"1.7.0", b"0.000")), -500),
        (((b"2.7.0", b"0.000"), (b"1.7.0", b"0.500")), 500),
        (((b"1.7.0", b"0.500"), (b"2.7.0", b"")), 500),
        (((b"1.7.0", b"0.500"), (b"2.7.0", b"-")), 500),
        (((b"16.7.0", b"-0.500"), (b"1.7.0", b"0.000"), (b"2.7.0", b"0.500")), -500),
        (((b"2.7.0", b"0.500"),), -500),
        (((b"1.7.0", b"0.000"), (b"2.7.0", b"0.000")), 0),
    ):
        assert Field().power(*values) == watts, values
    assert Field().read((b"1.7.0", b"0.5", b"kW"), (b"2.7.0", b"0.5", b"kvar")).mantissa[POWER] == 5, "another unit"


def test_phases_are_those_of_the_meter_that_is_there():
    field = Field()
    field.read((b"0.0.0", b"1111", b""), (b"32.7.0", b"230", b"V"))
    assert field.device.phases == 1
    field.read((b"0.0.0", b"2222", b""), (b"32.7.0", b"230", b"V"), (b"52.7.0", b"231", b"V"))
    assert field.device.phases == 3
