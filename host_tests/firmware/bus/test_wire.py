"""What a wire can bring instead of an answer, and that the next good answer is taken for what it is."""

import asyncio

from firmware.bus import modbus_master, queue, unit
from firmware.bus.queue import COMMAND, INTERACTIVE, POLL
from host_tests.fakes.simulated_time import simulated
from host_tests.fakes.uart import reply
from host_tests.firmware.bus.wire import Wire, read, words
from host_tests.modbus_oracle import rtu
from lib.modbus.other_requests import write_registers
from lib.modbus.request import raw, write_register

MODULES = (modbus_master, queue, unit)

ASKED = read(1).adu
GOOD = reply(ASKED)  # 9 bytes
REFUSED = rtu("018402")

# What comes back, a list for each time it is asked; what the asker gets
ANSWERS = (
    ("an answer", [[(20, GOOD)]], words(100)),
    ("at once", [[(0, GOOD)]], words(100)),
    ("after its echo", [[(0, ASKED), (20, GOOD)]], words(100)),
    ("together with its echo", [[(20, ASKED + GOOD)]], words(100)),
    ("behind noise", [[(20, b"\xff\x00\x01\x04" + GOOD)]], words(100)),
    ("long after noise", [[(0, b"\xff"), (700, GOOD)]], words(100)),
    ("behind an echo that has lost a bit", [[(0, b"\x41" + ASKED[1:]), (20, GOOD)]], words(100)),
    ("in pieces", [[(20, GOOD[:1]), (22, GOOD[1:4]), (30, GOOD[4:])]], words(100)),
    ("with a pause amid the frame", [[(20, GOOD[:5]), (220, GOOD[5:])]], words(100)),
    ("with more behind it", [[(20, GOOD + b"\x00\x21")]], words(100)),
    ("twice", [[(20, GOOD + GOOD)]], words(100)),
    ("exception", [[(20, REFUSED)]], 2),
    ("gateway's exception", [[(20, rtu("01840b"))]], 0x0B),
    ("exception after its echo", [[(0, ASKED), (20, REFUSED)]], 2),
    ("damaged, then good", [[(20, GOOD[:-1] + b"\x00")], [(20, GOOD)]], words(100)),
    ("short, then good", [[(20, GOOD[:-2])], [(20, GOOD)]], words(100)),
    ("silence, then good", [[], [(20, GOOD)]], words(100)),
    ("echo alone, then good", [[(0, ASKED)], [(0, ASKED), (20, GOOD)]], words(100)),
    ("noise, then exception", [[(20, b"\x55" * 12)], [(20, REFUSED)]], 2),
    ("silence", [[], [], []], "no answer"),
    ("damaged each time", [[(20, GOOD[:-1] + b"\x00")]] * 3, "crc"),
    ("always short", [[(20, GOOD[:-2])]] * 3, "short"),
    ("somebody else's", [[(20, reply(read(2).adu))]] * 3, "wrong unit"),
    ("another function", [[(20, rtu("01030400640065"))]] * 3, "wrong function"),
    ("another count", [[(20, rtu("0104020064"))]] * 3, "wrong length"),
    ("echo alone", [[(0, ASKED)]] * 3, "echo only"),
    ("a flood", [[(20, b"\xaa" * 256)] * 4] * 3, "noise"),
)


@simulated(*MODULES)
async def test_answers(time):
    for what, script, expected in ANSWERS:
        wire = Wire(time, {1: 20, 2: 20})
        wire.script = list(script)
        began = time.passed_ms()
        assert await wire.ask(read(1), POLL) == expected, what
        assert len(wire.uart.sent) == len(script), (what, len(wire.uart.sent))
        assert time.passed_ms() - began < 1500 * len(script), (what, time.passed_ms() - began)
        # Whatever that was, the next question gets its own answer.
        assert await wire.ask(read(2, 7), INTERACTIVE) == words(7), what
        assert await wire.ask(read(1, 7, 3), INTERACTIVE) == words(7, 3), what
        wire.task.cancel()


@simulated(*MODULES)
async def test_noise_is_counted(time):
    wire = Wire(time)
    wire.script = [[(20, b"\xff\xff" + GOOD + b"\xff")]]
    await wire.ask(read(1))
    assert (wire.master.noise, wire.master.frames) == (3, 2)


@simulated(*MODULES)
async def test_a_trickle_of_noise_does_not_move_the_deadline(time):
    for request in (read(1), write_registers(1, 0, range(100))):
        wire = Wire(time)
        wire.script = [[(after_ms, b"\x00") for after_ms in range(0, 60000, 900)]]
        began = time.passed_ms()
        wire.asking(request)
        while len(wire.uart.sent) < 2:
            await asyncio.sleep_ms(10)
        assert time.passed_ms() - began < 5000, (len(request.adu), time.passed_ms() - began)
        wire.task.cancel()


@simulated(*MODULES)
async def test_a_port_that_hears_itself(time):
    """The answer to a write looks like the write: that the port hears itself shows in the reads."""
    for echo in (False, True):
        wire = Wire(time, {1: 20})
        wire.uart.echo = echo
        assert await wire.ask(read(1)) == words(100)
        assert await wire.ask(write_register(1, 5, 1)) == "0600050001"
        wire.units[1] = None
        assert await wire.ask(write_register(1, 5, 1)) == ("echo only" if echo else "no answer")
        wire.task.cancel()


@simulated(*MODULES)
async def test_frames_keep_their_distance(time):
    for char_us, silence_ms in ((1000, 3.5), (9167, 32), (573, 2), (95, 1.75), (9, 1.75)):
        wire = Wire(time, {1: 20})
        wire.uart.char_us = char_us
        ends = []
        for number in range(4):
            await wire.ask(read(1, number))
            ends.append(time.passed_ms())
        starts = wire.moments(1)[1:]
        for end, start in zip(ends, starts):
            assert silence_ms <= start - end < silence_ms + 3, (char_us, start - end)
        wire.task.cancel()


@simulated(*MODULES)
async def test_a_broadcast_is_not_answered_and_takes_a_pause(time):
    wire = Wire(time, {1: 20})
    answers = await asyncio.gather(wire.ask(write_register(0, 5, 1), client=1), wire.ask(read(1), client=2))
    assert answers == [None, words(100)]
    (first, frame), (second, _) = wire.uart.sent
    assert frame == rtu("000600050001") and second - first >= 8 + 100
    assert 0 not in wire.master.units or wire.master.units[0].failures == 0


@simulated(*MODULES)
async def test_a_function_nobody_knows_ends_with_silence(time):
    wire = Wire(time, {1: 20})
    for what, body in (("a few bytes", "4101020304"), ("long", "41" + "5a" * 200), ("the same as asked", "410708")):
        wire.script = [[(20, rtu("01" + body)[:2]), (30, rtu("01" + body)[2:])]]
        began = time.passed_ms()
        assert await wire.ask(raw(1, b"\x41\x07\x08")) == body, what
        assert time.passed_ms() - began < 500, what
    wire.script = [[(20, rtu("01c101"))]]
    assert await wire.ask(raw(1, b"\x41\x07\x08")) == 1
    wire.script = [[(20, rtu("0141010203")[:-1])]] * 3
    assert await wire.ask(raw(1, b"\x41\x07\x08")) in ("crc", "short")
    assert await wire.ask(read(1)) == words(100)


@simulated(*MODULES)
async def test_a_late_answer_is_not_taken_for_the_next_ones(time):
    for what, units, first, others in (
        ("same size", {1: 1500}, (read(1, 100),), (read(1, 200), read(1, 300))),
        ("another kind of the same size", {1: 1500}, (read(1, 100),), (read(1, 200), read(1, 400, 5))),
        ("two missed, of different size", {1: 1900}, (read(1, 100), read(1, 400, 5)), (read(1, 200), read(1, 500, 5))),
    ):
        wire = Wire(time, units)
        for request in first:
            assert await wire.ask(request, COMMAND, "one", 900) == "deadline", what
        wire.units[1] = 20
        for request in others:
            found = await wire.ask(request, COMMAND, "two")
            assert found == words(request.address, request.count), (what, request.address, found)
        wire.task.cancel()


@simulated(*MODULES)
async def test_late_answers_do_not_hold_up_what_cannot_be_mistaken(time):
    wire = Wire(time, {1: None, 2: 20})
    assert await wire.ask(read(1), COMMAND, "one", 900) == "deadline"
    await asyncio.sleep_ms(200)
    wire.units[1] = 20
    for request in (read(2, 200), read(1, 200, 5), read(1, 100)):  # another unit, another size, the same once more
        began = time.passed_ms()
        assert await wire.ask(request, COMMAND, "two") == words(request.address, request.count)
        assert time.passed_ms() - began < 100, (request.unit, request.address, time.passed_ms() - began)


@simulated(*MODULES)
async def test_a_line_that_is_never_silent(time):
    wire = Wire(time, {1: 20})
    wire.uart.noisy = True
    for _ in range(2):
        began = time.passed_ms()
        assert await wire.ask(read(1), INTERACTIVE) == "line busy"
        assert time.passed_ms() - began < 2000
    assert wire.uart.sent == [] and wire.told == ["rs485: the line is never silent"]
    wire.uart.noisy = False
    assert await wire.ask(read(1), INTERACTIVE) == words(100)
    wire.uart.noisy = True
    await wire.ask(read(1), INTERACTIVE)
    assert len(wire.told) == 2, "told once for each time it begins"


@simulated(*MODULES)
async def test_a_port_that_fails_and_recovers(time):
    wire = Wire(time, {1: 20, 2: None})
    assert await wire.ask(read(1)) == words(100)
    wire.uart.broken = True
    for _ in range(3):
        assert await wire.ask(read(1), INTERACTIVE) == "port error 5"
    assert len(wire.told) == 1 and wire.told[0].startswith("rs485: port error")
    wire.uart.broken = False
    assert await wire.ask(read(1), INTERACTIVE) == words(100)
    # It breaks while an answer is waited for.
    asked = wire.asking(read(2), INTERACTIVE)
    await asyncio.sleep_ms(100)
    wire.uart.broken = True
    assert await asked == "port error 5"
    wire.uart.broken = False
    assert await wire.ask(read(1), INTERACTIVE) == words(100)


@simulated(*MODULES)
async def test_a_moment_without_memory_ends_one_question(time):
    wire = Wire(time, {1: 20})
    receive, wire.uart.receive = wire.uart.receive, no_memory
    assert await wire.ask(read(1), INTERACTIVE) == "interrupted"
    wire.uart.receive = receive
    assert await wire.ask(read(1), INTERACTIVE) == words(100)
    assert not wire.task.done()


def no_memory(_):
    raise MemoryError
