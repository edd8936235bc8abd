"""Units that do not answer: how often they are asked, what they cost the others, and how they come back."""

import asyncio
from time import ticks_add

from firmware.bus import modbus_master, queue, unit
from firmware.bus.queue import COMMAND, INTERACTIVE, POLL
from host_tests.fakes.simulated_time import simulated
from host_tests.firmware.bus.wire import Wire, read, words
from host_tests.modbus_oracle import rtu
from lib.modbus.request import raw

MODULES = (modbus_master, queue, unit)
DAY_MS = 86400000


def poll(wire, *units):
    """Have these units polled for ever, as meters are; return the tasks and the number of answers that each gave."""
    answers = {}

    async def ask_on(number):
        request = read(number)
        while True:
            if await wire.ask(request, POLL, number) == words(100):
                answers[number] = answers.get(number, 0) + 1

    return [asyncio.create_task(ask_on(number)) for number in units], answers


def pauses(moments):
    return [later - earlier for earlier, later in zip(moments, moments[1:])]


@simulated(*MODULES)
async def test_three_tries_and_no_more(time):
    good = [(20, rtu("01040400640065"))]
    for answers, expected in (
        ((good,), words(100)),
        (((), good), words(100)),
        (((), (), good), words(100)),
        (((), (), ()), "no answer"),
    ):
        wire = Wire(time)
        wire.script = list(answers)
        assert await wire.ask(read(1)) == expected, len(answers)
        assert len(wire.uart.sent) == len(answers)
        known = wire.master.units[1]
        silent = answers.count(())
        assert (known.asked, known.answered, known.silent) == (len(answers), len(answers) - silent, silent)
        assert known.last_error == ("no answer" if silent else "")
        wire.task.cancel()


@simulated(*MODULES)
async def test_it_is_tried_again_later_and_later(time):
    wire = Wire(time, {1: None}, longest_ms=100)
    tasks, _ = poll(wire, 1)
    await asyncio.sleep_ms(400000)
    moments = wire.moments(1)
    assert [pause < 200 for pause in pauses(moments[:3])] == [True, True]  # the tries of the first question
    waited = [pause // 1000 for pause in pauses(moments[2:])]
    assert waited == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60], waited
    # It comes back: asked as often as ever, at once.
    wire.units[1] = 20
    await asyncio.sleep_ms(61000)
    before = len(wire.moments(1))
    await asyncio.sleep_ms(1000)
    assert len(wire.moments(1)) - before > 10
    assert wire.master.units[1].failures == 0
    # The next silence starts from the beginning.
    wire.units[1] = None
    began = time.passed_ms()
    await asyncio.sleep_ms(4500)
    waited = [pause // 1000 for pause in pauses([moment for moment in wire.moments(1) if moment > began + 500])]
    assert waited == [1, 2] or waited == [2], waited
    for task in tasks:
        task.cancel()


@simulated(*MODULES)
async def test_what_a_mute_unit_costs_the_others(time):
    for present, mute in (((1, 2), (3,)), ((1,), (2, 3, 4, 5, 6))):
        rates = []
        for silent in (False, True):
            wire = Wire(time, dict.fromkeys(present + mute, 20))
            if silent:
                for number in mute:
                    wire.units[number] = None
            tasks, answers = poll(wire, *(present + mute if silent else present))
            await asyncio.sleep_ms(30000)  # the first silence of each is behind
            before = answers[present[0]]
            await asyncio.sleep_ms(60000)
            rates.append(answers[present[0]] - before)
            for task in tasks + [wire.task]:
                task.cancel()
        assert rates[1] >= 0.9 * rates[0], (mute, rates)


@simulated(*MODULES)
async def test_who_asks_for_it_explicitly_is_not_put_off(time):
    wire = Wire(time, {1: None, 2: 20}, longest_ms=500)
    tasks, _ = poll(wire, 1, 2)
    await asyncio.sleep_ms(23000)  # the answer to the last probe can no longer come late
    for priority in (INTERACTIVE, COMMAND):
        before, began = len(wire.moments(1)), time.passed_ms()
        assert await wire.ask(read(1, 7), priority, "client") == "no answer"
        asked = wire.moments(1)[before:]
        assert len(asked) == 1 and asked[0] - began < 100, (asked, began)
        assert time.passed_ms() - began < 700
        await asyncio.sleep_ms(100)
    wire.units[1] = 20
    began = time.passed_ms()
    assert await wire.ask(read(1, 7, 3), INTERACTIVE, "client") == words(7, 3)
    assert time.passed_ms() - began < 200
    before = len(wire.moments(1))
    await asyncio.sleep_ms(3000)  # the answers missed before might have come until now
    assert len(wire.moments(1)) - before > 10, "it is back"
    for task in tasks:
        task.cancel()


@simulated(*MODULES)
async def test_a_refusal_is_an_answer(time):
    wire = Wire(time)
    wire.script = [[(20, rtu("018402"))] for _ in range(5)]
    for _ in range(5):
        assert await wire.ask(read(1)) == 2
    known = wire.master.units[1]
    assert (known.asked, known.refused, known.failures) == (5, 5, 0)
    assert known.last_error == "illegal data address (2)"


@simulated(*MODULES)
async def test_after_days_without_a_fault_a_silent_unit_is_still_tried(time):
    """Ticks wrap after 12 days, and differences of them after 6."""
    for days in (1, 6, 7, 10, 12, 13):
        wire = Wire(time, {1: 20}, longest_ms=100)
        assert await wire.ask(read(1)) == words(100)
        for module in MODULES:
            module.ticks_ms = lambda days=days: time.ms() + days * DAY_MS & ticks_add(0, -1)
        wire.units[1] = None
        tasks, _ = poll(wire, 1)
        await asyncio.sleep_ms(10000)
        assert len(wire.moments(1)) > 5, (days, len(wire.moments(1)))
        for task in tasks + [wire.task]:
            task.cancel()
        for module in MODULES:
            module.ticks_ms = time.ms


@simulated(*MODULES)
async def test_a_wire_that_rested_is_at_work_at_once(time):
    """Microseconds wrap after 18 minutes, and differences of them after 9."""
    wire = Wire(time, {1: 20})
    for minutes in (0, 1, 8, 9, 12, 17, 18, 30):
        await asyncio.sleep_ms(minutes * 60000)
        began = time.passed_ms()
        assert await wire.ask(read(1), INTERACTIVE) == words(100)
        assert time.passed_ms() - began < 100, (minutes, time.passed_ms() - began)


@simulated(*MODULES)
async def test_how_long_an_answer_is_waited_for(time):
    for what, latency_ms, longest_ms, expected in (
        # milliseconds from one try to the next, once the unit is known and then falls silent
        ("a quick unit", 1, 1000, (150, 300)),
        ("a usual one", 40, 1000, (160, 320)),
        ("a slow one", 300, 1000, (1000, 1000)),
        ("within the setting", 40, 100, (100, 100)),
    ):
        wire = Wire(time, {1: latency_ms}, longest_ms)
        for _ in range(5):
            assert await wire.ask(read(1)) == words(100)
        wire.units[1] = None
        before = len(wire.uart.sent)
        assert await wire.ask(read(1)) == "no answer"
        found = pauses(wire.moments(1)[before:])
        for pause, least in zip(found, expected):
            assert least <= pause <= least + 40, (what, found)
        wire.task.cancel()


@simulated(*MODULES)
async def test_a_unit_that_grew_slow_is_waited_for(time):
    wire = Wire(time, {1: 10})
    for _ in range(5):
        await wire.ask(read(1))
    wire.units[1] = 250
    assert await wire.ask(read(1)) == words(100)
    before = len(wire.uart.sent)
    for _ in range(3):
        assert await wire.ask(read(1)) == words(100)
    assert len(wire.uart.sent) - before == 3, "one question each, now that it is known"


@simulated(*MODULES)
async def test_an_unknown_unit_is_given_the_time_of_the_setting(time):
    wire = Wire(time, {1: 900})
    assert await wire.ask(read(1)) == words(100)
    assert len(wire.uart.sent) == 1


@simulated(*MODULES)
async def test_scanning_all_addresses_keeps_memory_bounded(time):
    wire = Wire(time, {200: 5}, longest_ms=50)
    for number in range(1, 248):
        expected = words(100) if number == 200 else "no answer"
        found = await wire.ask(read(number), INTERACTIVE)
        assert found == expected, (number, found)
        assert len(wire.master.units) <= 48
    assert await wire.ask(read(200), INTERACTIVE) == words(100)


@simulated(*MODULES)
async def test_a_dead_unit_does_not_make_programs_wait_for_others(time):
    """At most 300 ms for each of its tries while somebody waits for a unit that lives, and others in between."""
    wire = Wire(time, {1: None, 2: 20, 3: 20})
    tasks, _ = poll(wire, 1, 3)
    waits = []
    for number in range(200):
        if number % 8 == 0:  # somebody asks for the dead one, too
            tasks.append(wire.asking(read(1, number), INTERACTIVE, "third"))
        began = time.passed_ms()
        assert await wire.ask(read(2, number), INTERACTIVE, "second") == words(number)
        waits.append(time.passed_ms() - began)
        await asyncio.sleep_ms(37)
    assert max(waits) < 300 + 200, max(waits)
    for task in tasks:
        task.cancel()


@simulated(*MODULES)
async def test_a_slow_unit_is_waited_for_as_long_as_it_is_known_to_take(time):
    wire = Wire(time, {1: 700, 2: 20})
    assert await wire.ask(read(1), INTERACTIVE, "first") == words(100)
    slow = wire.asking(read(1, 7), INTERACTIVE, "first")
    await asyncio.sleep_ms(50)
    assert await wire.ask(read(2), INTERACTIVE, "second") == words(100)
    assert await slow == words(7) and wire.master.units[1].silent == 0


@simulated(*MODULES)
async def test_who_has_gone_is_not_asked_for_again(time):
    wire = Wire(time, {1: None, 2: 20}, longest_ms=500)
    asked = wire.asking(read(1), INTERACTIVE, "gone")
    await asyncio.sleep_ms(100)
    asked.cancel()
    await asyncio.sleep_ms(3000)
    assert len(wire.moments(1)) == 1
    assert await wire.ask(read(2), INTERACTIVE, "there") == words(100)


@simulated(*MODULES)
async def test_a_unit_that_never_answered_is_asked_once_when_somebody_waits(time):
    wire = Wire(time, {1: None}, longest_ms=500)
    began = time.passed_ms()
    assert await wire.ask(read(1), INTERACTIVE, "client") == "no answer"
    assert len(wire.moments(1)) == 1 and time.passed_ms() - began < 700


@simulated(*MODULES)
async def test_programs_learn_within_a_second_that_a_unit_is_silent(time):
    """Whatever the response timeout is, and though a late answer to the last question could pass for one to the next."""
    wire = Wire(time, {1: 20}, longest_ms=3000)
    assert await wire.ask(read(1), POLL, "poll") == words(100)
    wire.units[1] = None
    tasks, _ = poll(wire, 1)
    await asyncio.sleep_ms(10000)
    for number in range(20):
        began = time.passed_ms()
        assert await wire.ask(read(1, number), INTERACTIVE, "client") == "no answer"
        assert time.passed_ms() - began < 1000, (number, time.passed_ms() - began)
        await asyncio.sleep_ms(150 * number)
    # It is back, and that is seen as soon as no late answer is to be feared.
    wire.units[1] = 20
    await asyncio.sleep_ms(2000)
    assert await wire.ask(read(1, 7), INTERACTIVE, "client") == words(7)
    for task in tasks:
        task.cancel()


@simulated(*MODULES)
async def test_what_a_unit_is_silent_about_does_not_end_its_polling(time):
    """A program asks again and again with a function that the unit leaves unanswered."""
    wire = Wire(time, {1: 20}, longest_ms=500)
    tasks, answers = poll(wire, 1)
    await asyncio.sleep_ms(2000)
    answer = wire.uart._answer
    wire.uart._answer = lambda frame: () if frame[1] == 43 else answer(frame)

    async def insist():
        while True:
            await wire.ask(raw(1, b"\x2b\x0e\x01\x00"), INTERACTIVE, "client", 2500)

    tasks.append(asyncio.create_task(insist()))
    before = answers[1]
    await asyncio.sleep_ms(20000)
    assert answers[1] - before > 10 and wire.master.units[1].failures == 0, (answers[1] - before, wire.master.units[1].failures)
    for task in tasks:
        task.cancel()


@simulated(*MODULES)
async def test_a_slow_unit_is_found_beside_busy_programs(time):
    wire = Wire(time, {1: 20, 2: 500})

    async def insist(number):
        count = 0
        while True:
            count += 1
            await wire.ask(read(1, 1000 * number + count % 100), INTERACTIVE, number, 2500)

    tasks = [asyncio.create_task(insist(number)) for number in range(2)]
    polling, answers = poll(wire, 2)
    await asyncio.sleep_ms(300000)
    assert answers.get(2, 0) > 50, answers
    for task in tasks + polling:
        task.cancel()
