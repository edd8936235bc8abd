"""The bistable switch, on RS-485 and behind the right infrared port: known, switched, read back."""

import asyncio

from firmware.meters import bicom
from firmware.state import readings
from firmware.state.readings import NOT_DETECTED, PRESENT, SILENT, Device
from host_tests.fakes.simulated_time import simulated
from host_tests.firmware.meters.bench import Bench
from host_tests.firmware.meters.image import Image
from lib.modbus.errors import FrameError, PeerError

MODULES = (bicom, readings)
NO_ANSWER = 250


class Switch(Image):
    """Its state is in an input register; a write to the holding register moves it, unless it is stuck."""

    def __init__(self, state_register, switch_register, model="BICOM432"):
        super().__init__(model, "B0000001")
        self._state_register = state_register
        self._switch_register = switch_register
        self.is_stuck = False
        self.alsos = []  # what else than function 6 may answer the writes
        self.written = self._written
        self.move(0)

    def move(self, state):
        self.put(self._state_register, "%04x" % state)

    def _written(self, address, value):
        assert address == self._switch_register % 10000
        if not self.is_stuck:
            self.move(value)

    async def ask(self, request, *_):
        if request.function == 6:
            self.alsos.append(request.also)
        return await super().ask(request)


def on_rs485(image=None):
    return Bench(image or Switch(30101, 40141), device=Device(2, "rs485", 5, is_switch=True))


def on_infrared():
    return Bench(Switch(30197, 40015), device=Device("rir", "ir_right", 33, is_switch=True))


async def outcome(awaitable):
    """The state, or the kind and content of the error."""
    try:
        return await awaitable
    except PeerError as error:
        return error.code
    except FrameError as error:
        return error.reason


@simulated(*MODULES)
async def test_on_rs485_it_tells_who_it_is(time):
    bench = on_rs485()
    device = bench.device
    assert (device.status, device.relay) == (NOT_DETECTED, 255)
    await asyncio.sleep_ms(500)
    assert (device.status, device.relay, device.model, device.serial) == (PRESENT, 0, "BICOM432", "B0000001")
    assert bench.events() == ["rs485 5: BICOM432 #B0000001 found"]


@simulated(*MODULES)
async def test_without_an_identity_it_works_too(time):
    image = Switch(30101, 40141)
    image.refused.add((4, 1))
    bench = on_rs485(image)
    await asyncio.sleep_ms(500)
    assert (bench.device.status, bench.device.model, bench.device.serial) == (PRESENT, "Bicom", "")
    assert await bench.device.switch("on") == 1


@simulated(*MODULES)
async def test_on_infrared_it_is_not_asked_who_it_is(time):
    bench = on_infrared()
    await asyncio.sleep_ms(500)
    assert (bench.device.status, bench.device.relay, bench.device.model) == (PRESENT, 0, "IR Bicom")
    assert set(bench.image.asked) == {(4, 197, 1)}


@simulated(*MODULES)
async def test_switching(time):
    for made in (on_rs485, on_infrared):
        bench = made()
        await asyncio.sleep_ms(500)
        for wanted, state in (("on", 1), ("on", 1), ("off", 0), ("toggle", 1), ("toggle", 0), ("toggle", 1), ("off", 0)):
            assert await bench.device.switch(wanted) == state, wanted
            assert bench.device.relay == state, wanted
        relay_events = [text.split(": ")[1] for text in bench.events()[1:]]
        assert relay_events == ["on", "off", "on", "off", "on", "off"]
        bench.task.cancel()


@simulated(*MODULES)
async def test_the_infrared_one_may_answer_with_0x2a(time):
    """Its answer to a write carries another function; the one on RS-485 answers as the standard says."""
    for made, also in ((on_infrared, 0x2A), (on_rs485, 0)):
        bench = made()
        await bench.device.switch("on")
        assert bench.image.alsos == [also]
        bench.task.cancel()


@simulated(*MODULES)
async def test_toggle_goes_by_the_state_of_now(time):
    bench = on_rs485()
    await asyncio.sleep_ms(500)
    bench.image.move(1)  # by hand, since it was polled
    assert bench.device.relay == 0
    assert await bench.device.switch("toggle") == 0


@simulated(*MODULES)
async def test_a_switch_that_does_not_follow(time):
    bench = on_rs485()
    await asyncio.sleep_ms(500)
    bench.image.is_stuck = True
    assert await outcome(bench.device.switch("on")) == 4
    assert (bench.device.relay, bench.device.status) == (0, PRESENT)
    bench.image.is_stuck = False
    assert await outcome(bench.device.switch("on")) == 1


@simulated(*MODULES)
async def test_a_switch_that_is_silent_or_refuses(time):
    bench = on_rs485()
    device = bench.device
    await asyncio.sleep_ms(500)
    bench.image.refused.add((6, 141))
    assert await outcome(device.switch("on")) == 2
    bench.image.refused.clear()
    bench.image.is_silent = True
    assert await outcome(device.switch("on")) == "no answer"
    await asyncio.sleep_ms(3000)
    assert (device.status, device.relay, device.model) == (SILENT, NO_ANSWER, "BICOM432")
    bench.image.is_silent = False
    bench.image.move(1)
    await asyncio.sleep_ms(3000)
    assert (device.status, device.relay) == (PRESENT, 1)
    assert [text.split("5: ")[1] for text in bench.events()] == [
        "BICOM432 #B0000001 found",
        "BICOM432 lost, no answer",
        "BICOM432 #B0000001 found",
    ]


@simulated(*MODULES)
async def test_a_switch_that_never_answered(time):
    bench = on_infrared()
    bench.image.is_silent = True
    await asyncio.sleep_ms(5000)
    assert (bench.device.status, bench.device.relay) == (NOT_DETECTED, NO_ANSWER)
    assert bench.events() == []


@simulated(*MODULES)
async def test_moved_by_hand(time):
    bench = on_infrared()
    await asyncio.sleep_ms(500)
    revision = bench.readings.revision
    await asyncio.sleep_ms(5000)
    assert bench.readings.revision == revision, "nothing changed"
    bench.image.move(1)
    await asyncio.sleep_ms(2000)
    assert bench.device.relay == 1 and bench.readings.revision > revision
    assert bench.events()[-1] == "ir_right 33: on"
