"""The meter on the left infrared port commands the switch on the right one, through the gateway."""

import asyncio

from firmware.bus import modbus_master, queue, relay_bridge, unit
from firmware.bus.queue import INTERACTIVE
from firmware.bus.relay_bridge import RelayBridge
from host_tests.fakes.simulated_time import simulated
from host_tests.fakes.uart import reply
from host_tests.firmware.bus.wire import Wire, read, words
from host_tests.modbus_oracle import rtu

MODULES = (modbus_master, queue, unit, relay_bridge)

# Frames of the device sheet, 5.2
STATE = bytes.fromhex("210400C500012697")
STATE_IS_ON = bytes.fromhex("2104020001F937")
ON = bytes.fromhex("2106000F00017F69")
OFF = bytes.fromhex("2106000F0000BEA9")
ON_DONE = bytes.fromhex("212A000F0001EEAF")
OFF_DONE = bytes.fromhex("212A000F00002F6F")


class Bridge:
    """Two wires and the bridge between them. `answers`: what the switch answers to a frame, nothing if it is not there."""

    def __init__(self, time, answers=(), after_ms=20):
        self.left = Wire(time)
        self.left.uart._answer = lambda frame: [(20, reply(frame))] if frame == read(33).adu else ()
        self.right = Wire(time)
        answers = dict(answers)
        self.right.uart._answer = lambda frame: [(after_ms, answers[frame])] if frame in answers else ()
        self.bridge = RelayBridge(self.right.master.ask)
        self.left.master.listener = self.bridge.listen
        self.left.master.wake()  # it waited for a question

    def meter_says(self, *frames):
        for frame in frames:
            self.left.uart.hear(frame)

    def answered(self):
        """What the meter on the left got."""
        return [frame for _, frame in self.left.uart.sent]

    def commanded(self):
        """What the switch on the right got."""
        return [frame for _, frame in self.right.uart.sent]


@simulated(*MODULES)
async def test_commands_go_over_and_answers_come_back(time):
    bridge = Bridge(time, {STATE: STATE_IS_ON, ON: ON_DONE, OFF: OFF_DONE})
    for question, answer in ((STATE, STATE_IS_ON), (ON, ON_DONE), (OFF, OFF_DONE), (OFF, OFF_DONE)):
        before = len(bridge.answered())
        began = time.passed_ms()
        bridge.meter_says(question)
        while len(bridge.answered()) == before:
            await asyncio.sleep_ms(1)
        assert bridge.answered()[-1] == answer and bridge.commanded()[-1] == question
        assert time.passed_ms() - began < 100, "a meter does not wait for long"
        await asyncio.sleep_ms(100)
    assert bridge.bridge.forwarded == len(bridge.commanded()) == 4


@simulated(*MODULES)
async def test_an_answer_with_function_6_serves_too(time):
    bridge = Bridge(time, {ON: ON})
    bridge.meter_says(ON)
    await asyncio.sleep_ms(500)
    assert bridge.answered() == [ON] and bridge.commanded() == [ON]


@simulated(*MODULES)
async def test_the_head_that_hears_itself_does_not_command_again(time):
    """The answer with function 6 is the same frame as the command."""
    bridge = Bridge(time, {ON: ON})
    bridge.left.uart.echo = True
    bridge.meter_says(ON)
    await asyncio.sleep_ms(3000)
    assert bridge.commanded() == [ON] and bridge.answered() == [ON]


@simulated(*MODULES)
async def test_a_command_in_pieces_or_behind_noise(time):
    bridge = Bridge(time, {ON: ON_DONE})
    for pieces in ((ON[:3], ON[3:]), (b"\xff\x21", ON), (ON[:5], b"", ON)):
        before = len(bridge.answered())
        for piece in pieces:
            bridge.meter_says(piece)
            await asyncio.sleep_ms(5 if piece is not pieces[-1] else 300)
        assert bridge.answered()[before:] == [ON_DONE], pieces


@simulated(*MODULES)
async def test_a_switch_that_does_not_answer_is_silence(time):
    bridge = Bridge(time)
    bridge.meter_says(ON)
    await asyncio.sleep_ms(2000)
    assert bridge.commanded() and bridge.answered() == [] and bridge.bridge.forwarded == 0
    # And the meter is polled on.
    assert await bridge.left.ask(read(33), INTERACTIVE) == words(100)


@simulated(*MODULES)
async def test_what_is_no_command_is_not_forwarded(time):
    bridge = Bridge(time, {ON: ON_DONE})
    for frame in (
        b"\x21",
        ON[:-1] + b"\x00",
        rtu("2206000F0001"),
        rtu("0006000F0001"),
        rtu("21030001000E"),
        rtu("2110000F0001020001"),
        rtu("2104020001"),
        bytes(range(200)),
    ):
        bridge.meter_says(frame)
        await asyncio.sleep_ms(1000)
        assert bridge.commanded() == bridge.answered() == [], frame
    bridge.meter_says(ON)
    await asyncio.sleep_ms(300)
    assert bridge.answered() == [ON_DONE]


@simulated(*MODULES)
async def test_the_meter_is_polled_meanwhile(time):
    bridge = Bridge(time, {ON: ON_DONE})
    answers = []

    async def poll():
        while True:
            answers.append(await bridge.left.ask(read(33)))
            await asyncio.sleep_ms(100)

    task = asyncio.create_task(poll())
    for _ in range(10):
        before = len(answers)
        while len(answers) == before:
            await asyncio.sleep_ms(1)
        bridge.meter_says(ON)  # between two questions of ours
        await asyncio.sleep_ms(90)
    task.cancel()
    assert set(answers) == {words(100)}
    assert bridge.answered().count(ON_DONE) == len(bridge.commanded()) == 10


@simulated(*MODULES)
async def test_a_line_that_is_gone_and_comes_back(time):
    bridge = Bridge(time, {ON: ON_DONE})
    bridge.left.uart.broken = True
    await asyncio.sleep_ms(5000)
    bridge.left.uart.broken = False
    await asyncio.sleep_ms(1000)
    bridge.meter_says(ON)
    await asyncio.sleep_ms(300)
    assert bridge.answered() == [ON_DONE]
