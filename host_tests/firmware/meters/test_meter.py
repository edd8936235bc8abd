"""A meter's task: finds out what it is, keeps reading it, and says so when it is gone, changed or unwilling."""

import asyncio

from firmware.meters import detection, meter
from firmware.state import readings
from firmware.state.readings import ABSENT, GOOD, NOT_DETECTED, PRESENT, SILENT, STALE
from host_tests.fakes.clock import NOW_MS
from host_tests.fakes.simulated_time import simulated
from host_tests.firmware.meters.bench import INTERVAL_MS, Bench, ie38
from host_tests.firmware.meters.image import Image, text_words
from lib.modbus.errors import FrameError, PeerError

MODULES = (detection, meter, readings)


@simulated(*MODULES)
async def test_it_is_found_and_read(time):
    bench = Bench(ie38())
    device = bench.device
    assert device.status == NOT_DETECTED
    await asyncio.sleep_ms(500)
    assert device.status == PRESENT
    assert (device.model, device.serial, device.software, device.hardware) == ("IE38MD", "X0000124", 123, "A")
    assert (device.description, device.location, device.phases) == ("Main meter", "Cabinet 1", 3)
    assert (device.non_resettable, device.resettable, device.tariff) == (4, 16, 3)
    assert bench.value("U1") == (22050, -2, "V") and bench.value("P0") == (123456, -1, "W")
    assert bench.value("counter1nr", "counters") == (123456, -1, "Wh")
    assert (device.quadrants[0], device.tariffs[0], device.direction(0)) == (9, 15, "export")
    assert device.groups["measurements"].utc == NOW_MS // 1000
    assert bench.events() == ["rs485 35: IE38MD #X0000124 found"]


@simulated(*MODULES)
async def test_two_requests_a_round_at_its_interval(time):
    bench = Bench(ie38())
    await asyncio.sleep_ms(1000)
    bench.image.asked.clear()
    revision = bench.readings.revision
    await asyncio.sleep_ms(10 * INTERVAL_MS)
    assert bench.image.asked == [(4, 101, 90), (4, 401, 61)] * 10
    assert bench.readings.revision - revision == 10


@simulated(*MODULES)
async def test_values_follow_the_meter(time):
    bench = Bench(ie38())
    await asyncio.sleep_ms(500)
    for volts in (1, 23000, 0):
        bench.image.put(30107, "FE%06x" % volts)
        await asyncio.sleep_ms(2 * INTERVAL_MS)
        assert bench.value("U1") == (volts, -2, "V")


@simulated(*MODULES)
async def test_a_round_without_memory_is_made_up_for_by_the_next(time):
    bench = Bench(ie38())
    await asyncio.sleep_ms(500)
    ask, group = bench.image.ask, bench.device.groups["measurements"]

    async def starved(*_):
        raise MemoryError

    bench.image.ask = starved
    await asyncio.sleep_ms(INTERVAL_MS)
    assert group.quality() == STALE and bench.device.status == PRESENT
    bench.image.ask = ask
    await asyncio.sleep_ms(2 * INTERVAL_MS)
    assert group.quality() == GOOD and bench.events() == ["rs485 35: IE38MD #X0000124 found"]


@simulated(*MODULES)
async def test_registers_per_request(time):
    for told, most in (("0078", 120), ("0028", 40), ("0014", 20), ("0009", 120), ("01f4", 120), ("0000", 120), (None, 120)):
        image = ie38()
        image.most = most
        if told is None:
            image.refused.add((4, 99))
        else:
            image.put(30099, told)
        bench = Bench(image)
        await asyncio.sleep_ms(5000)
        assert max([count for _, _, count in image.asked]) <= most, told
        assert bench.device.description == "Main meter" and bench.device.location == "Cabinet 1", told
        assert bench.value("U1") == (22050, -2, "V") and bench.value("counter1nr", "counters"), told
        bench.task.cancel()


@simulated(*MODULES)
async def test_a_wm1_is_asked_for_little_at_a_time(time):
    image = Image("WM1-6", "W0000001")
    image.put(40101, text_words("One phase", 20) + text_words("Cellar", 20))
    image.put(30401, "0001")
    image.put(30406, "00000007")
    image.put(40421, "0001000900010003")
    bench = Bench(image)
    await asyncio.sleep_ms(1000)
    for function, address, count in image.asked:
        if 400 < address < 500:
            assert count <= 14, (function, address, count)
        elif function == 3:
            assert count <= 20, (address, count)
    assert (bench.device.phases, bench.device.description, bench.device.location) == (1, "One phase", "Cellar")
    assert bench.value("counter1", "counters") == (7, 1, "Wh")


@simulated(*MODULES)
async def test_a_model_that_nobody_knows(time):
    bench = Bench(Image("XY100 rev 2", "S1"))
    await asyncio.sleep_ms(5000)
    device = bench.device
    assert (device.status, device.model, device.serial, device.groups) == (PRESENT, "Unknown XY100", "S1", {})
    bench.image.is_silent = True
    await asyncio.sleep_ms(3000)
    assert device.status == SILENT
    assert bench.events() == ["rs485 35: Unknown XY100 #S1 found", "rs485 35: Unknown XY100 #S1 lost, no answer"]


@simulated(*MODULES)
async def test_it_is_lost_and_comes_back(time):
    bench = Bench(ie38())
    device = bench.device
    await asyncio.sleep_ms(500)
    groups = device.groups
    bench.image.is_silent = True
    await asyncio.sleep_ms(3000)
    assert device.status == SILENT and device.model == "IE38MD"
    assert bench.value("U1") is None and bench.value("counter1nr", "counters") is None
    assert groups["measurements"].quality() == STALE
    await asyncio.sleep_ms(16 * 60000)
    assert groups["measurements"].quality() == ABSENT
    bench.image.is_silent = False
    await asyncio.sleep_ms(1500)
    assert device.status == PRESENT and device.groups is groups, "the same meter: nothing is built anew"
    assert bench.value("U1") == (22050, -2, "V") and groups["counters"].quality() == GOOD
    name = "rs485 35: IE38MD #X0000124 "
    assert bench.events() == [name + "found", name + "lost, no answer", name + "answers again"]


@simulated(*MODULES)
async def test_another_meter_at_its_address(time):
    other = Image("WM3M4C", "18230001")
    other.put(30107, "FE005990")
    same_model = ie38()
    same_model.put(30009, text_words("X0000999", 4))
    for image, model, serial, counters in ((other, "WM3M4C", "18230001", 2), (same_model, "IE38MD", "X0000999", 20)):
        bench = Bench(ie38())
        await asyncio.sleep_ms(500)
        bench.image.is_silent = True
        await asyncio.sleep_ms(3000)
        bench.image = image
        await asyncio.sleep_ms(2000)
        device = bench.device
        assert (device.status, device.model, device.serial) == (PRESENT, model, serial)
        assert len(device.quadrants) == len(device.groups["counters"].rows) == counters
        if image is other:
            assert device.description == "" and bench.value("U1") == (22928, -2, "V")
            assert bench.value("counter1nr", "counters") == (0, 0, ""), "nothing of the meter before"
        assert bench.events()[-1] == f"rs485 35: {model} #{serial} found"
        bench.task.cancel()


@simulated(*MODULES)
async def test_what_a_meter_may_refuse(time):
    for what, refused, events in (
        ("texts", (3, 101), 1),
        ("direction", (3, 151), 1),
        ("registers per request", (4, 99), 1),
        ("configuration of counters", (3, 421), 2),
    ):
        image = ie38()
        image.refused.add(refused)
        bench = Bench(image)
        await asyncio.sleep_ms(3000)
        assert bench.device.status == PRESENT and bench.value("U1") == (22050, -2, "V"), what
        assert bench.value("counter1nr", "counters")[:2] == (123456, -1), what
        assert len(bench.events()) == events, (what, bench.events())
        bench.task.cancel()


@simulated(*MODULES)
async def test_a_group_that_is_refused_takes_nothing_else_with_it(time):
    for refused, lost, kept in (((4, 410), "counters", "measurements"), ((4, 150), "measurements", "counters")):
        image = ie38()
        bench = Bench(image)
        await asyncio.sleep_ms(500)
        image.refused.add(refused)
        await asyncio.sleep_ms(60000)
        assert bench.device.status == PRESENT, lost
        assert bench.device.group(lost) is None and bench.device.group(kept) is not None, lost
        assert len(bench.events()) == 2 and "refused" in bench.events()[1], bench.events()
        image.refused.clear()
        await asyncio.sleep_ms(15000)
        assert bench.device.group(lost) is not None, lost
        bench.task.cancel()


@simulated(*MODULES)
async def test_a_meter_that_refuses_its_identity_is_not_asked_without_pause(time):
    image = ie38()
    image.refused.add((4, 1))
    bench = Bench(image)
    await asyncio.sleep_ms(60000)
    assert bench.device.status == NOT_DETECTED and len(image.asked) <= 61
    image.refused.clear()
    await asyncio.sleep_ms(15000)
    assert bench.device.status == PRESENT


@simulated(*MODULES)
async def test_phases_that_the_meter_calls_invalid(time):
    """Not for a moment is there a value of such a phase, however many requests a round takes."""
    for told in ("0078", "0028", "0014"):
        image = ie38()
        image.put(30099, told)
        image.put(30101, "0006")
        bench = Bench(image)
        await asyncio.sleep_ms(2000)
        for _ in range(200):
            await asyncio.sleep_ms(7)
            for name in ("U2", "U3", "I2", "P3", "Q2", "S3", "PF2", "PA3", "THDI2", "THDUp3"):
                assert bench.value(name) is None, (told, name)
            for name in ("U1", "I1", "P0", "P1", "PF0", "THDUp1", "Tint", "frequency"):
                assert bench.value(name) is not None, (told, name)
        image.put(30101, "0000")
        await asyncio.sleep_ms(2 * INTERVAL_MS)
        assert bench.value("U2") == (0, 0, "V"), told
        bench.task.cancel()


@simulated(*MODULES)
async def test_values_of_the_last_interval(time):
    image = ie38()
    bench = Bench(image)
    await asyncio.sleep_ms(500)
    assert await bench.device.interval("average") is None, "no interval is through"
    image.put(35502, "0001")
    for name, register in (("average", 35507), ("maximum", 35607), ("minimum", 35707)):
        image.put(register, "FE%06x" % register)
        group = await bench.device.interval(name)
        assert (group.mantissa[1], group.exponent[1], group.quality()) == (register, -2, GOOD), name
    assert bench.value("U1") == (22050, -2, "V"), "those of now stay"
    image.refused.add((4, 5502))
    for refusal in ("refused", "silent"):
        image.is_silent = refusal == "silent"
        try:
            await bench.meter.interval("average")
        except (PeerError, FrameError):
            continue
        raise AssertionError(refusal)


@simulated(*MODULES)
async def test_a_meter_without_intervals_is_not_asked_for_them(time):
    bench = Bench(Image("MC666"))
    assert await bench.meter.interval("average") is None
    await asyncio.sleep_ms(500)
    assert await bench.meter.interval("average") is None
    assert [entry for entry in bench.image.asked if entry[1] > 5000] == []
