"""Tariff time blocks: which meters have some, and that they are read when asked for, whole and not twice."""

import asyncio

from firmware.meters import detection, meter, time_blocks
from firmware.state import readings
from host_tests.fakes.simulated_time import simulated
from host_tests.firmware.meters.bench import Bench, ie38
from host_tests.firmware.meters.image import Image
from lib.modbus.errors import FrameError, PeerError

MODULES = (detection, meter, readings, time_blocks)
VALUES = bytes(range(120))  # 24 bytes of each block
HOUR_MS = 3600000


def image_with_blocks(most=125):
    image = ie38()
    image.most = most
    image.put(30099, f"{most:04x}")
    image.put(36761, "0005FFFF0003")
    for block in range(5):
        image.put(36796 + 42 * block, VALUES[24 * block : 24 * (block + 1)].hex())
    return image


async def found(image):
    bench = Bench(image)
    await asyncio.sleep_ms(2000)
    assert bench.device.status == readings.PRESENT
    return bench


async def failure(device):
    try:
        await device.blocks()
    except (FrameError, PeerError) as error:
        return type(error)
    return None


@simulated(*MODULES)
async def test_who_has_some(time):
    bench = await found(image_with_blocks())
    assert bench.device.blocks is not None
    for words in ("0000", "0004", None):
        image = image_with_blocks()
        if words is None:
            image.refused.add((4, 6761))
        else:
            image.put(36761, words)
        bench = await found(image)
        assert bench.device.blocks is None, words
    image = Image("WM3-6")
    image.put(36761, "0005")
    bench = await found(image)
    assert bench.device.blocks is None
    assert (4, 6761, 1) not in image.asked  # other families are not even asked


@simulated(*MODULES)
async def test_values(time):
    for most in (125, 120, 40, 20):
        bench = await found(image_with_blocks(most))
        assert await bench.device.blocks() == (3, -1, VALUES), most
        bench.task.cancel()


@simulated(*MODULES)
async def test_what_was_read_just_now_serves_again(time):
    bench = await found(image_with_blocks())
    before = bench.image.asked.count((4, 6761, 89))
    for _ in range(4):
        assert await bench.device.blocks() == (3, -1, VALUES)
        await asyncio.sleep_ms(1000)
    assert bench.image.asked.count((4, 6761, 89)) == before + 1
    bench.image.put(36763, "0001")
    await asyncio.sleep_ms(2000)
    assert (await bench.device.blocks())[0] == 1


@simulated(*MODULES)
async def test_they_cannot_be_read(time):
    bench = await found(image_with_blocks())
    bench.image.refused.add((4, 6880))
    assert await failure(bench.device) is PeerError
    bench.image.refused.clear()
    assert await bench.device.blocks() == (3, -1, VALUES)
    await asyncio.sleep_ms(6000)
    bench.image.is_silent = True
    assert await failure(bench.device) is FrameError


@simulated(*MODULES)
async def test_they_come_and_go(time):
    bench = await found(image_with_blocks())
    bench.image.put(36761, "0000")
    assert await bench.device.blocks() is None
    await asyncio.sleep_ms(HOUR_MS + 2000)
    assert bench.device.blocks is None
    bench.image.put(36761, "0005")
    await asyncio.sleep_ms(HOUR_MS + 2000)
    assert await bench.device.blocks() == (3, -1, VALUES)
    bench.image.is_silent = True  # and another meter is put in its place
    await asyncio.sleep_ms(60000)
    bench.image = Image("IE38MD", "X0000125")
    await asyncio.sleep_ms(60000)
    assert bench.device.serial == "X0000125" and bench.device.blocks is None


@simulated(*MODULES)
async def test_who_was_asked_is_no_longer_untried(time):
    for is_silent in (False, True):
        image = ie38()
        image.is_silent = is_silent
        bench = Bench(image)
        bench.readings.untried = {bench.device}
        await asyncio.sleep_ms(5)
        assert bench.readings.untried  # its first answer is not there yet
        await asyncio.sleep_ms(2000)
        assert not bench.readings.untried, is_silent
