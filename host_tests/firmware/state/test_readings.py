"""Values and how long they count: good, then stale, then gone, never zero."""

from time import ticks_add

from firmware.state import readings
from firmware.state.readings import ABSENT, DISABLED, GOOD, NOT_DETECTED, PRESENT, SILENT, STALE, Device, Group, Readings
from host_tests.fakes.clock import Ticks

ROWS = (("U1", 30107), ("P0", 30140))
MINUTE = 60000

# quadrants, the meter's exchange bit, direction: the maker's rule
DIRECTIONS = (
    (9, False, "export"),
    (9, True, "import"),
    (3, False, "export"),
    (3, True, "import"),
    (6, False, "import"),
    (6, True, "export"),
    (12, False, "import"),
    (12, True, "export"),
    (15, False, "bidirectional"),
    (15, True, "bidirectional"),
    (0, False, ""),
    (0, True, ""),
    (1, False, ""),
    (5, True, ""),
    (14, False, ""),
)


class Time(Ticks):
    """Ticks that the readings see, wrapping as the interpreter's do; put right again at the end."""

    def __call__(self):
        return self.now_ms & ticks_add(0, -1)

    def __enter__(self):
        self._true = readings.ticks_ms
        readings.ticks_ms = self
        return self

    def __exit__(self, *_):
        readings.ticks_ms = self._true


def test_units_are_where_the_outputs_look_for_them():
    for index, name in ((readings.WATT_HOURS, "Wh"), (readings.INDUCTIVE, "Ind"), (readings.CAPACITIVE, "Cap")):
        assert readings.UNITS[index] == name
    assert readings.UNITS[readings.WATT_HOURS :] == ("Wh", "varh", "VAh")


def test_quality_over_time():
    for start in (0, (1 << 29) - 1000, (1 << 30) - 1000):  # ticks that wrap
        with Time(start) as time:
            group = Group(ROWS)
            assert group.quality() == ABSENT
            group.read(1790000000, 8000)
            began = time.now_ms
            for after_ms, expected in (
                (0, GOOD),
                (8000, GOOD),
                (8001, STALE),
                (15 * MINUTE, STALE),
                (15 * MINUTE + 1, ABSENT),
                (60 * MINUTE, ABSENT),
                (24 * 60 * MINUTE, ABSENT),
            ):
                time.now_ms = began + after_ms
                assert group.quality() == expected, (start, after_ms)
            # What is gone does not come back by itself, be the ticks what they may.
            time.now_ms = began + (1 << 30) + 1000
            assert group.quality() == ABSENT
            group.read(1790001000, 8000)
            assert group.quality() == GOOD and group.utc == 1790001000 and group.age_ms() == 0


def test_failed_round():
    with Time() as time:
        group = Group(ROWS)
        group.failed()
        assert group.quality() == ABSENT, "a failure makes nothing known"
        group.read(1790000000, 8000)
        time.now_ms += 1000
        group.failed()
        assert group.quality() == STALE and group.utc == 1790000000 and group.age_ms() == 1000
        group.failed()
        assert group.quality() == STALE
        group.read(1790000002, 8000)
        assert group.quality() == GOOD
        time.now_ms += 16 * MINUTE
        group.failed()
        assert group.quality() == ABSENT


def test_forgotten():
    with Time():
        group = Group(ROWS)
        group.read(1790000000, 8000)
        group.forget()
        assert group.quality() == ABSENT


def test_values_are_absent_until_they_are_put():
    group = Group(ROWS)
    assert not group.has(0) and not group.has(1)
    group.put(0, -2147483648, -127)
    group.put(1, 2147483647, 127)
    assert group.has(0) and group.has(1)
    assert (group.mantissa[0], group.exponent[0]) == (-2147483648, -127)
    assert (group.mantissa[1], group.exponent[1]) == (2147483647, 127)
    group.put_none(0)
    assert not group.has(0) and group.has(1)
    group.put(0, 0, 0)
    assert group.has(0), "zero is a value"


def test_only_present_and_good_values_are_handed_out():
    with Time() as time:
        device = Device("lir", "ir_left", 33)
        assert device.status == NOT_DETECTED and device.group("measurements") is None
        group = device.groups["measurements"] = Group(ROWS)
        for status in (DISABLED, NOT_DETECTED, SILENT, PRESENT):
            device.status = status
            assert device.group("measurements") is None, "nothing was read yet"
            group.read(1790000000, 8000)
            assert device.group("measurements") is (group if status == PRESENT else None), status
            assert device.group("counters") is None
            group.forget()
        group.read(1790000000, 8000)
        group.failed()
        assert device.group("measurements") is None
        group.read(1790000000, 8000)
        time.now_ms += 8001
        assert device.group("measurements") is None


def test_another_device_inherits_nothing():
    device = Device(1, "rs485", 35)
    fresh = {name: getattr(device, name) for name in dir(device) if name[0] != "_" and not callable(getattr(device, name))}
    device.model, device.serial, device.hardware = "WM3M4C", "18230001", "A"
    device.description = device.location = "here"
    device.software, device.phases, device.tariff, device.resettable, device.non_resettable = 123, 3, 1, 0, 2
    device.is_swapped = True
    device.phases_of = device.quadrants = device.tariffs = b"\x01"
    device.groups = {"measurements": Group(ROWS)}
    device.clear()
    for name, value in fresh.items():
        assert getattr(device, name) == value, name
    assert (device.slot, device.port, device.address) == (1, "rs485", 35)


def test_direction_of_a_counter():
    device = Device("lir", "ir_left", 33)
    for quadrants, swapped, expected in DIRECTIONS:
        device.quadrants = bytes((0, quadrants))
        device.is_swapped = swapped
        assert device.direction(1) == expected, (quadrants, swapped)


def test_slots():
    table = Readings()
    left, switch, first, other = (
        Device("lir", "ir_left", 33),
        Device("rir", "ir_right", 33, is_switch=True),
        Device(1, "rs485", 35),
        Device(16, "rs485", 36),
    )
    table.devices = [left, switch, first, other]
    assert table.device("lir") is left and table.device(16) is other and table.device("rir") is switch
    assert table.device(2) is None and table.device("16") is None
    assert table.meters() == [left, first, other]


def test_revision_tells_of_changes_and_stays_a_small_number():
    table = Readings()
    table.changed()
    assert table.revision == 1
    table.revision = (1 << 30) - 1
    table.changed()
    assert table.revision == 0
