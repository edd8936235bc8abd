"""Wires with DLMS meters share the memory: they take turns where there is little, and none of them is forgotten."""

import asyncio

from firmware.bus.dlms_gate import Gate
from firmware.bus.dlms_reader import COMMAND, INTERACTIVE, ROUND, DlmsReader
from firmware.bus.dlms_serial import SerialWire
from firmware.bus.dlms_session import DlmsSession
from firmware.meters.dlms import reason_of
from firmware.meters.dlms_jobs import read
from firmware.meters.dlms_rounds import DlmsRounds
from host_tests.fakes.dlms_line import DlmsLine
from host_tests.fakes.simulated_time import simulated
from host_tests.firmware.bus.dlms_wire import MODULES, Wire
from lib.dlms.client import Client
from lib.dlms.errors import PeerError
from lib.dlms.link import Link
from lib.dlms.names import octets

ENERGY = octets("1.0.1.8.0")


class Who:
    """Counts how often it was woken."""

    def __init__(self):
        self.woken = 0

    def wake(self):
        self.woken += 1


class Room:
    """For so many sessions."""

    def __init__(self, most):
        self.most = most
        self.asked = 0

    def has(self, sessions):
        self.asked += 1
        return sessions <= self.most


class Beat:
    def __init__(self):
        self.count = 0

    def beat(self):
        self.count += 1


def test_the_first_begins_whatever_the_memory():
    room = Room(0)
    gate = Gate(room.has)
    first, second = Who(), Who()
    assert gate.enter(first, ROUND) and gate.enter(first, ROUND) and not room.asked
    assert not gate.enter(second, COMMAND) and not second.woken
    gate.leave(first)
    assert second.woken == 1 and gate.enter(second, ROUND)


def test_who_waits_comes_in_turn():
    gate = Gate(Room(1).has)
    wires = [Who() for _ in range(3)]
    order = []
    for _ in range(7):
        for at, wire in enumerate(wires):
            if gate.enter(wire, ROUND):
                order.append(at)
                inside = wire
        gate.leave(inside)
    assert order == [0, 1, 2, 0, 1, 2, 0], order


def test_what_is_urgent_comes_first_and_others_in_their_order():
    gate = Gate(Room(1).has)
    a, b, c, d, e = [Who() for _ in range(5)]
    assert gate.enter(a, ROUND)
    for who, priority in ((b, ROUND), (c, ROUND), (d, INTERACTIVE), (e, COMMAND)):
        assert not gate.is_awaited(priority)
        assert not gate.enter(who, priority)
    assert gate.is_awaited(ROUND) and gate.is_awaited(INTERACTIVE) and not gate.is_awaited(COMMAND)
    assert not gate.enter(c, COMMAND)  # somebody asked for something there
    assert not gate.enter(d, INTERACTIVE)  # who asks again keeps its place
    waiting = [(e, COMMAND), (c, COMMAND), (d, INTERACTIVE), (b, ROUND)]
    last = a
    while waiting:
        assert not any([gate.enter(*one) for one in waiting])
        gate.leave(last)
        last, priority = waiting.pop(0)
        assert not any([gate.enter(*one) for one in waiting])
        assert gate.enter(last, priority)


def test_who_waits_no_longer_is_in_nobodys_way():
    gate = Gate(Room(1).has)
    a, b, c = [Who() for _ in range(3)]
    gate.enter(a, ROUND)
    gate.enter(b, ROUND)
    gate.enter(c, ROUND)
    gate.leave(b)
    woken = c.woken
    gate.leave(b)  # once more does nothing
    assert c.woken == woken
    gate.leave(a)
    assert c.woken > woken and gate.enter(c, ROUND)


def test_with_room_the_next_is_woken_at_once():
    gate = Gate(Room(2).has)
    a, b, c = [Who() for _ in range(3)]
    assert gate.enter(a, ROUND) and gate.enter(b, ROUND) and not gate.enter(c, ROUND)
    gate.leave(a)
    assert c.woken and gate.enter(c, ROUND)


class Two:
    """Two wires with a meter on each, the second one the optical head, and a gate that has room for so many."""

    def __init__(self, time, most, settings=None):
        self.room = Room(most)
        self.gate = Gate(self.room.has)
        plans = {"10000002": {"port": 1}}
        self.first = Wire(time, 2, settings, plans, gate=self.gate)
        wire = self.first
        self.beat = Beat()
        self.session = DlmsSession(SerialWire(DlmsLine(time, wire.meters[1:]), 9600), Link(512, 1024), Client(1024), self.beat)
        self.reader = DlmsReader("ir_left", self.session, DlmsRounds(wire.kept, 1), print, self.gate)
        self.task = asyncio.create_task(self.reader.run())
        self.readers = (wire.reader, self.reader)

    def both(self):
        return all([reader.active for reader in self.readers])

    async def watch(self, seconds):
        """Whether both had a session at once in that time."""
        found = False
        for _ in range(50 * seconds):
            found = found or self.both()
            await asyncio.sleep_ms(20)
        return found

    def end(self):
        self.task.cancel()
        self.first.end()


@simulated(*MODULES)
async def test_with_little_memory_wires_take_turns(time):
    two = Two(time, 1, {"dlms_present_min": 1})
    assert not await two.watch(600)
    sessions = [meter.sessions for meter in two.first.meters]
    assert min(sessions) >= 9 and max(sessions) - min(sessions) <= 1, sessions
    assert all([two.first.state(at).good_utc and not two.first.state(at).failures for at in range(2)])
    two.room.most = 2
    assert await two.watch(300)
    two.end()


@simulated(*MODULES)
async def test_a_command_comes_before_the_round_of_another_wire(time):
    two = Two(time, 1, {"dlms_profile_days": 40})
    wire = two.first
    await wire.until(lambda: wire.reader.active and wire.meters[0].ranges)
    assert not two.reader.active
    began = time.passed_ms()
    assert await two.reader.ask(wire.ids[1], read(3, ENERGY, 2), COMMAND) == 1234567
    assert time.passed_ms() - began < 30000 and not wire.meters[1].ranges
    await wire.until(lambda: all([wire.state(at).good_utc for at in range(2)]), 3600)
    two.end()


@simulated(*MODULES)
async def test_a_wire_that_waits_lives_and_can_be_lent(time):
    two = Two(time, 1, {"dlms_profile_days": 40})
    wire = two.first
    await wire.until(lambda: wire.reader.active and wire.meters[0].ranges)
    await asyncio.sleep_ms(2000)
    beats, began = two.beat.count, time.passed_ms()
    await asyncio.sleep_ms(5000)
    assert wire.reader.active and not two.reader.active and two.beat.count - beats >= 4
    await two.reader.pause()
    assert wire.reader.active and time.passed_ms() - began < 6000
    await wire.until(lambda: wire.state().good_utc, 3600)
    assert not wire.meters[1].sessions
    await wire.reader.pause()  # a lent wire has no place, and waits for none
    two.reader.resume()
    await wire.until(lambda: wire.state(1).good_utc)
    two.end()


@simulated(*MODULES)
async def test_a_session_that_was_cancelled_or_failed_frees_its_place(time):
    two = Two(time, 1, {"dlms_profile_days": 40})
    wire = two.first
    await wire.until(lambda: wire.reader.active and wire.meters[0].ranges)
    wire.end()
    await wire.until(lambda: wire.state(1).good_utc, 3600)
    two.end()

    two = Two(time, 1)
    wire = two.first

    async def fail(*arguments):
        raise ValueError("a bug")

    wire.session.get_list = fail
    errors = []

    async def run():
        try:
            await wire.reader.run()
        except ValueError as error:  # such a task does end: its supervisor starts it again
            errors.append(error)

    wire.end()
    task = asyncio.create_task(run())
    await wire.until(lambda: errors)
    assert task.done() and reason_of(wire.state().reason) == "error"
    await wire.until(lambda: wire.state(1).good_utc)
    assert await two.reader.ask(wire.ids[1], read(3, ENERGY, 2)) == 1234567
    two.end()


@simulated(*MODULES)
async def test_without_memory_a_session_ends_and_the_next_is_tried(time):
    wire = Wire(time, 2)
    get_list, failed = wire.session.get_list, []

    async def fail(*arguments):
        failed.append(time.passed_ms())
        if len(failed) > 1:
            wire.session.get_list = get_list
        raise MemoryError

    wire.session.get_list = fail
    await wire.until(lambda: wire.state().in_a_row)
    assert reason_of(wire.state().reason) == "no memory" and not wire.session.is_open
    await wire.until(lambda: wire.state(1).in_a_row)
    assert failed[1] - failed[0] >= 2000 and wire.meters[0].sessions == 1  # not at once, and the others come first
    await wire.until(lambda: all([wire.state(at).good_utc for at in range(2)]))
    assert all([wire.state(at).failures == 1 for at in range(2)])

    async def work(session, plan):
        raise MemoryError

    try:
        await wire.reader.ask(wire.ids[0], work)
        raise AssertionError("it was done")
    except PeerError as error:
        assert error.reason == "busy"
    await asyncio.sleep_ms(5000)
    assert await wire.reader.ask(wire.ids[0], read(3, ENERGY, 2)) == 1234567

    due = wire.rounds.due

    def fail_once(may_probe):
        wire.rounds.due = due
        raise MemoryError

    wire.rounds.due = fail_once
    good = wire.state().good_utc
    await wire.until(lambda: wire.state().good_utc > good, 3600)
    wire.end()
