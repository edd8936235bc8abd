"""Who is asked next on a wire: priorities, fairness, questions that are asked once for many, deadlines, limits."""

import asyncio
from time import ticks_add

from firmware.bus import modbus_master, queue, unit
from firmware.bus.queue import COMMAND, INTERACTIVE, POLL
from host_tests.fakes.simulated_time import simulated
from host_tests.fakes.uart import reply
from host_tests.firmware.bus.wire import Wire, read, words
from host_tests.modbus_oracle import rtu
from lib.modbus.errors import DEVICE_BUSY, GATEWAY_PATH
from lib.modbus.other_requests import read_coils
from lib.modbus.request import read_holding_registers, write_register

MODULES = (modbus_master, queue, unit)


@simulated(*MODULES)
async def test_commands_go_before_programs_and_these_before_polls(time):
    wire = Wire(time, {1: 20})
    tasks = [wire.asking(read(1, 1), POLL, "first")]
    await asyncio.sleep_ms(1)  # it is on the wire
    for address, priority in ((2, POLL), (3, INTERACTIVE), (4, COMMAND), (5, POLL), (6, INTERACTIVE), (7, COMMAND)):
        tasks.append(wire.asking(read(1, address), priority, address))
    await asyncio.gather(*tasks)
    assert [address for _, address in wire.questions()] == [1, 4, 7, 3, 6, 2, 5]


@simulated(*MODULES)
async def test_a_poll_still_gets_a_turn(time):
    wire = Wire(time, {1: 20, 2: 20})

    async def insist(address):
        while True:
            await wire.ask(read(1, address), COMMAND, address)

    busy = [asyncio.create_task(insist(address)) for address in range(3)]
    await asyncio.sleep_ms(200)
    before = len(wire.questions())
    assert await wire.ask(read(2), POLL, "poll") == words(100)
    assert 0 < len(wire.questions()) - before <= 10
    for task in busy:
        task.cancel()


@simulated(*MODULES)
async def test_turns_go_round_between_clients(time):
    wire = Wire(time, {1: 20})
    tasks = [wire.asking(read(1, 10 + number), POLL, "greedy") for number in range(5)]
    tasks += [wire.asking(read(1, 20 + number), POLL, "modest") for number in range(2)]
    tasks += [wire.asking(read(1, 30), POLL, "shy")]
    await asyncio.gather(*tasks)
    clients = [address // 10 for _, address in wire.questions()]
    assert sorted(clients[:3]) == [1, 2, 3] and sorted(clients[3:5]) == [1, 2] and clients[5:] == [1, 1, 1], clients


@simulated(*MODULES)
async def test_turns_go_round_after_many_clients_have_come_and_gone(time):
    wire = Wire(time, {1: 20})
    for number in range(100):
        await wire.ask(read(1, 1000 + number), POLL, f"passer-by {number}")
    before = len(wire.questions())
    tasks = [wire.asking(read(1, 100 * turn + client), POLL, client) for client in range(14) for turn in (0, 1)]
    await asyncio.gather(*tasks)
    clients = [address % 100 for _, address in wire.questions()[before:]]
    assert sorted(clients[:14]) == sorted(clients[14:]) == list(range(14)), clients


@simulated(*MODULES)
async def test_the_same_question_is_asked_once(time):
    for what, questions, frames in (
        ("twice the same", (read(1), read(1)), 1),
        ("from many", [read(1) for _ in range(10)], 1),
        ("a part of it", (read(1, 100, 10), read(1, 104, 2)), 1),
        ("the larger one comes later", (read(1, 104, 2), read(1, 100, 10)), 2),
        ("another unit", (read(1), read(2)), 2),
        ("overlapping", (read(1, 100, 10), read(1, 105, 10)), 2),
        ("another kind", (read(1), read_holding_registers(1, 100, 2)), 2),
        ("the same write", (write_register(1, 100, 5), write_register(1, 100, 5)), 2),
    ):
        for meanwhile in (0, 5):  # the second comes while the first waits, or while it is on the wire
            wire = Wire(time, {1: 20, 2: 20})
            tasks = [wire.asking(questions[0], POLL, "first")]
            await asyncio.sleep_ms(meanwhile)
            tasks += [wire.asking(question, POLL, number) for number, question in enumerate(questions[1:])]
            answers = await asyncio.gather(*tasks)
            for question, answer in zip(questions, answers):
                if question.is_read:
                    assert answer[2:] == words(question.address, question.count)[2:], (what, meanwhile)
            assert len(wire.uart.sent) == frames, (what, meanwhile, wire.questions())
            wire.task.cancel()


@simulated(*MODULES)
async def test_coils_asked_for_by_two(time):
    wire = Wire(time, {1: 20})
    answers = await asyncio.gather(wire.ask(read_coils(1, 0, 8), client=1), wire.ask(read_coils(1, 0, 8), client=2))
    assert answers == ["010100"] * 2


@simulated(*MODULES)
async def test_all_who_share_a_question_share_its_failure(time):
    wire = Wire(time, {1: None})
    assert await asyncio.gather(wire.ask(read(1)), wire.ask(read(1)), wire.ask(read(1, 101, 1))) == ["no answer"] * 3
    assert len(wire.uart.sent) == 3  # the tries of one


@simulated(*MODULES)
async def test_who_shares_lends_its_priority(time):
    wire = Wire(time, {1: 20, 2: 20})
    tasks = [wire.asking(read(1, 1), POLL, 1)]
    await asyncio.sleep_ms(1)
    tasks += [wire.asking(read(1, 2), POLL, 2), wire.asking(read(2, 3), POLL, 3), wire.asking(read(2, 3), COMMAND, 4)]
    await asyncio.gather(*tasks)
    assert [address for _, address in wire.questions()] == [1, 3, 2]


@simulated(*MODULES)
async def test_a_client_that_leaves_does_not_hold_up_the_others(time):
    for leaves, address in (("waiting", 2), ("on the wire", 1)):
        wire = Wire(time, {1: 20})
        first = wire.asking(read(1, 1), POLL, 1)
        await asyncio.sleep_ms(2)
        second = wire.asking(read(1, 2), POLL, 2)
        same = wire.asking(read(1, address), POLL, 3)
        third = wire.asking(read(1, 3), POLL, 4)
        await asyncio.sleep_ms(2)
        (second if leaves == "waiting" else first).cancel()
        assert await same == words(address), leaves
        assert await third == words(3), leaves
        wire.task.cancel()
    wire = Wire(time, {1: 20})
    first = wire.asking(read(1, 1))
    await asyncio.sleep_ms(2)
    gone = wire.asking(read(1, 2))
    await asyncio.sleep_ms(2)
    gone.cancel()
    await first
    await asyncio.sleep_ms(1000)
    assert wire.questions() == [(1, 1)], "nobody wants the second any more"


@simulated(*MODULES)
async def test_a_recent_reply_may_serve(time):
    wire = Wire(time, {1: 20})
    poll = read(1, 100, 10)
    await wire.ask(poll)
    await asyncio.sleep_ms(500)
    for what, request, max_age_ms, frames in (
        ("young enough", read(1, 100, 10), 600, 0),
        ("a part", read(1, 108, 2), 600, 0),
        ("too old", read(1, 100, 11), 400, 1),
        ("what another asked who takes such ones", read(1, 110, 1), 400, 0),
        ("no age is allowed", read(1, 100, 10), 0, 1),
        ("more than was asked for", read(1, 108, 4), 600, 1),
        ("another unit", read(2), 600, 1),
    ):
        before = len(wire.uart.sent)
        wire.units[2] = 20
        answer = await wire.ask(request, INTERACTIVE, "client", max_age_ms=max_age_ms)
        assert answer == words(request.address, request.count), what
        assert len(wire.uart.sent) - before == frames, what
    # A write may have changed anything of its unit.
    await wire.ask(write_register(1, 5, 7), COMMAND, "client")
    before = len(wire.uart.sent)
    assert await wire.ask(read(1, 108, 2), INTERACTIVE, "client", max_age_ms=60000) == words(108)
    assert len(wire.uart.sent) == before + 1
    assert await wire.ask(read(2), INTERACTIVE, "client", max_age_ms=60000) == words(100)
    assert len(wire.uart.sent) == before + 1, "the other unit's may serve on"
    # It is the last poll that counts, and a failed one leaves nothing.
    wire.units[1] = None
    assert await wire.ask(poll) == "no answer"
    assert await wire.ask(read(1, 100, 10), INTERACTIVE, "client", max_age_ms=60000) == "no answer"


@simulated(*MODULES)
async def test_a_recent_reply_serves_while_the_same_is_asked_anew(time):
    wire = Wire(time, {1: 20})
    poll = read(1, 100, 10)
    await wire.ask(poll)
    wire.units[1] = 900
    again = wire.asking(poll)
    await asyncio.sleep_ms(100)
    began = time.passed_ms()
    assert await wire.ask(read(1, 102, 3), INTERACTIVE, "client", max_age_ms=1000) == words(102, 3)
    assert time.passed_ms() == began
    assert await again == words(100, 10)
    # What the unit refuses now is not served from before.
    wire.script = [[(20, rtu("018402"))]]
    assert await wire.ask(poll) == 2
    wire.units[1] = 20
    before = len(wire.uart.sent)
    assert await wire.ask(read(1, 102, 3), INTERACTIVE, "client", max_age_ms=1000) == words(102, 3)
    assert len(wire.uart.sent) == before + 1


@simulated(*MODULES)
async def test_a_reply_is_not_recent_again_when_ticks_have_wrapped(time):
    wire = Wire(time, {1: 20})
    await wire.ask(read(1))
    wire.task.cancel()
    now = time.ms()
    for days in (1, 5, 7, 12):
        modbus_master.ticks_ms = lambda days=days: now + days * 86400000 & ticks_add(0, -1)
        asked = wire.asking(read(1), max_age_ms=1000)
        await asyncio.sleep_ms(10)
        assert not asked.done(), days
        asked.cancel()


@simulated(*MODULES)
async def test_a_full_queue_is_reported_and_empties(time):
    wire = Wire(time, {1: 20})
    tasks = [wire.asking(read(1, address), INTERACTIVE, address) for address in range(40)]
    await asyncio.sleep_ms(1)
    polled = wire.asking(read(1, 77), POLL, "a meter")  # what the gateway itself wants to know is never refused
    answers = await asyncio.gather(*tasks)
    served = [answer for answer in answers if answer != DEVICE_BUSY]
    assert served == [words(address) for address in range(len(served))] and 32 <= len(served) < 40
    assert await polled == words(77)
    assert await wire.ask(read(1)) == words(100)


@simulated(*MODULES)
async def test_a_closed_port(time):
    wire = Wire(time, {1: 20})
    tasks = [wire.asking(read(1, address), POLL, address) for address in range(3)]
    await asyncio.sleep_ms(10)
    wire.master.close()
    assert await wire.ask(read(1)) == GATEWAY_PATH
    wire.task.cancel()
    answers = await asyncio.gather(*tasks)
    assert answers == ["interrupted", GATEWAY_PATH, GATEWAY_PATH], answers
    assert len(wire.uart.sent) == 1


@simulated(*MODULES)
async def test_deadlines(time):
    for what, units, deadline_ms, expected, within_ms in (
        ("answered in time", {1: 20, 2: 20}, 1000, words(7), 1000),
        ("while another unit is silent", {1: None, 2: 20}, 200, "deadline", 200),
        ("long after its turn", {1: None, 2: 20}, 10000, words(7), 4000),
        ("while the unit itself is silent", {1: 20, 2: None}, 500, "deadline", 500),
        ("before it began", {1: 20, 2: 20}, 0, "deadline", 1),
    ):
        wire = Wire(time, units)
        wire.asking(read(1), POLL, 1)
        await asyncio.sleep_ms(1)
        began = time.passed_ms()
        assert await wire.ask(read(2, 7), INTERACTIVE, 2, deadline_ms) == expected, what
        assert time.passed_ms() - began <= within_ms + 50, (what, time.passed_ms() - began)
        await asyncio.sleep_ms(5000)
        assert len(wire.moments(2)) <= 2, (what, "asked on when nobody waits any more")
        wire.task.cancel()


def insist(wire, unit, client, priority, answers, address=0):
    """Ask for ever, each time for something else; count what came by client."""

    async def ask_on():
        number = 0
        while True:
            number += 1
            answer = await wire.ask(read(unit, address + number % 100), priority, client, 2500)
            key = client if answer == words(address + number % 100) else answer
            answers[key] = answers.get(key, 0) + 1

    return asyncio.create_task(ask_on())


@simulated(*MODULES)
async def test_commands_polls_and_programs_all_get_turns(time):
    wire = Wire(time, {1: 20})
    answers = {}
    tasks = [insist(wire, 1, f"command {n}", COMMAND, answers, 1000 * n) for n in range(2)]
    tasks += [insist(wire, 1, f"poll {n}", POLL, answers, 5000 + 1000 * n) for n in range(3)]
    tasks.append(insist(wire, 1, "program", INTERACTIVE, answers, 9000))
    await asyncio.sleep_ms(20000)
    assert min([answers.get(name, 0) for name in ("command 0", "command 1", "poll 0", "poll 1", "poll 2", "program")]) > 3, (
        answers
    )
    assert "deadline" not in answers, answers
    for task in tasks:
        task.cancel()


@simulated(*MODULES)
async def test_who_comes_anew_does_not_overtake_who_stays(time):
    """A client that connects for each request has another name each time."""
    wire = Wire(time, {1: 20})
    answers = {}
    stays = insist(wire, 1, "stays", INTERACTIVE, answers)
    count = 0

    async def come_anew(number):
        nonlocal count
        while True:
            count += 1
            await wire.ask(read(1, 1000 * number + count % 100), INTERACTIVE, f"new {number} {count}")

    tasks = [asyncio.create_task(come_anew(number)) for number in range(1, 4)]
    await asyncio.sleep_ms(20000)
    assert answers["stays"] > 0.8 * count / 3, (answers, count)
    for task in tasks + [stays]:
        task.cancel()


@simulated(*MODULES)
async def test_a_short_deadline_of_one_takes_nothing_from_another(time):
    """A poll follows a program's question; the program gives up, the poll still has its tries."""
    wire = Wire(time, {1: 20})
    assert await wire.ask(read(1)) == words(100)
    wire.script = [[], [], [(20, reply(read(1).adu))]]
    hasty = wire.asking(read(1), INTERACTIVE, "hasty", 100)
    await asyncio.sleep_ms(10)
    assert await wire.ask(read(1), POLL, "poll") == words(100)
    assert await hasty == "deadline" and wire.master.units[1].failures == 0


@simulated(*MODULES)
async def test_a_wire_that_is_lent_lets_polls_wait_and_refuses_others(time):
    wire = Wire(time, {1: 20, 2: None})
    assert await wire.ask(read(1)) == words(100)
    going = wire.asking(read(2), INTERACTIVE, "program")  # a unit that does not answer
    await asyncio.sleep_ms(5)
    waiting = wire.asking(read(1, 7), INTERACTIVE, "program")
    poll = wire.asking(read(1, 9), POLL, "meter")
    await wire.master.pause()
    assert await waiting == DEVICE_BUSY
    assert await going in ("no answer", DEVICE_BUSY)
    count = len(wire.uart.sent)
    began = time.passed_ms()
    assert await wire.ask(read(1), INTERACTIVE, "program") == await wire.ask(read(1), COMMAND, "page") == DEVICE_BUSY
    assert time.passed_ms() - began < 5
    await asyncio.sleep_ms(60000)
    assert len(wire.uart.sent) == count and not poll.done()
    wire.master.resume()
    assert await poll == words(9)
    assert await wire.ask(read(1), INTERACTIVE, "program") == words(100)
    assert wire.master.unit(1).failures == 0
    wire.master.resume()  # does nothing
    await wire.master.pause()
    wire.master.resume()
    assert await wire.ask(read(1)) == words(100)


@simulated(*MODULES)
async def test_a_poll_that_a_program_joined_waits_all_the_same(time):
    wire = Wire(time, {1: 20})
    first = wire.asking(read(1, 50))
    await asyncio.sleep_ms(1)
    poll, joined = wire.asking(read(1, 7), POLL, "meter"), wire.asking(read(1, 7), INTERACTIVE, "program")
    await asyncio.sleep_ms(1)
    await wire.master.pause()
    assert await first == words(50) and await joined == DEVICE_BUSY
    wire.master.resume()
    assert await poll == words(7)
