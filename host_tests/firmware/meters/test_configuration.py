"""Which configuration block a counter's unit and direction come from, above all those of a WM3; and that changes are seen."""

import asyncio

from firmware.meters import detection, meter
from firmware.state import readings
from host_tests.fakes.simulated_time import simulated
from host_tests.firmware.meters.bench import Bench
from host_tests.firmware.meters.image import Image, pack

MODULES = (detection, meter, readings)

WH, VARH, VAH = 1, 2, 3


def blocks(image, **by_number):
    """Set configuration blocks 0 to 7 of the WM layout: b4=(parameter, quadrants, tariffs)."""
    for name, (parameter, quadrants, tariffs) in by_number.items():
        image.put(40421 + 10 * int(name[1:]), pack((parameter, quadrants, 0, tariffs)).hex())


def seen(bench, name):
    """(unit, quadrants, tariffs) of a counter."""
    group = bench.device.groups["counters"]
    index = [row[0] for row in group.rows].index(name)
    device = bench.device
    return readings.UNITS[group.unit[index]], device.quadrants[index], device.tariffs[index]


# what, registers per request, blocks, what is seen of counter1nr and of counter1
WM3 = (
    ("own blocks", {"b0": (WH, 6, 1), "b4": (VARH, 9, 3)}, ("varh", 9, 3), ("Wh", 6, 1)),
    ("own block is empty", {"b0": (WH, 6, 1)}, ("Wh", 6, 1), ("Wh", 6, 1)),
    ("own block names no parameter", {"b0": (VAH, 6, 1), "b4": (0, 9, 3)}, ("VAh", 6, 1), ("VAh", 6, 1)),
    ("the other is empty", {"b4": (WH, 9, 3)}, ("Wh", 9, 3), ("", 0, 0)),
    ("both are empty", {}, ("", 0, 0), ("", 0, 0)),
)


@simulated(*MODULES)
async def test_counters_of_a_wm3(time):
    for what, given, non_resettable, resettable in WM3:
        for most in (120, 74, 40, 20, 10):
            image = Image("WM3", "W3")
            image.put(30099, "%04x" % most)
            blocks(image, **given)
            bench = Bench(image)
            await asyncio.sleep_ms(2000)
            assert seen(bench, "counter1nr") == non_resettable, (what, most)
            assert seen(bench, "counter1") == resettable, (what, most)
            bench.task.cancel()


@simulated(*MODULES)
async def test_a_wm3_that_refuses_its_upper_blocks(time):
    """Then the lower ones serve for both."""
    image = Image("WM3", "W3")
    blocks(image, b0=(WH, 6, 1), b3=(VARH, 9, 3))
    image.put(30099, "0028")
    image.refused.add((3, 461))
    bench = Bench(image)
    await asyncio.sleep_ms(2000)
    assert seen(bench, "counter1nr") == seen(bench, "counter1") == ("Wh", 6, 1)
    assert seen(bench, "counter4nr") == seen(bench, "counter4") == ("varh", 9, 3)


@simulated(*MODULES)
async def test_changes_are_seen_within_the_hour(time):
    for most in (120, 40):
        image = Image("WM3", "W3")
        image.put(30099, "%04x" % most)
        blocks(image, b0=(WH, 6, 1))
        bench = Bench(image, 60000)
        await asyncio.sleep_ms(2000)
        for given, expected in (
            ({"b0": (VARH, 9, 3)}, ("varh", 9, 3)),
            ({"b4": (VAH, 15, 2)}, ("VAh", 15, 2)),
            ({"b4": (0, 0, 0)}, ("varh", 9, 3)),
            ({"b0": (0, 0, 0)}, ("", 0, 0)),
        ):
            blocks(image, **given)
            await asyncio.sleep_ms(61 * 60000)
            assert seen(bench, "counter1nr") == expected, (most, given)
        bench.task.cancel()


@simulated(*MODULES)
async def test_the_exchange_of_directions(time):
    for word, expected in (("0000", "export"), ("0002", "import"), ("fffd", "export"), ("ffff", "import")):
        image = Image("WM3M4C", "W3")
        blocks(image, b0=(WH, 9, 1))
        image.put(40151, word)
        bench = Bench(image)
        await asyncio.sleep_ms(1000)
        assert bench.device.direction(0) == expected, word
        bench.task.cancel()


@simulated(*MODULES)
async def test_a_meter_that_is_busy_for_once_keeps_its_units(time):
    image = Image("WM3", "W3")
    blocks(image, b0=(WH, 9, 1), b4=(VARH, 9, 3))
    bench = Bench(image, 60000)
    await asyncio.sleep_ms(2000)
    image.refused.add((3, 431))
    await asyncio.sleep_ms(61 * 60000)
    assert seen(bench, "counter1nr") == ("varh", 9, 3) and seen(bench, "counter1") == ("Wh", 9, 1)
