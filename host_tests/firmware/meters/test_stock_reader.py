"""What a stock board tells of its meters: boards/STOCK/reader.py over a table of registers."""

import asyncio
import json
import sys

sys.path.append("boards/STOCK")

import reader  # noqa: E402
from host_tests.firmware.meters.bench import ie38  # noqa: E402


async def test_each_round_is_a_line_of_json():
    told = asyncio.Event()
    lines = []

    def tell(line):
        lines.append(line)
        if len(lines) == 2:
            told.set()

    task = asyncio.create_task(reader.read(ie38(), (33,), 20, tell))
    await told.wait()
    task.cancel()
    said = json.loads(lines[1])
    assert (said["address"], said["model"], said["serial"]) == (33, "IE38MD", "X0000124")
    assert said["values"]["U1"] == [22050, -2, "V"]
    assert said["values"]["counter1nr"] == [123456, -1, "Wh"]


async def test_a_meter_that_does_not_answer_says_nothing():
    image = ie38()
    image.is_silent = True
    ended = False
    task = asyncio.create_task(reader.read(image, (33,), 5, lambda line: 1 / 0))
    while len(image.asked) < 3:
        await asyncio.sleep_ms(1)
    ended = task.done()
    task.cancel()
    assert not ended
