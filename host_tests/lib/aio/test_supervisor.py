"""Tasks that crash, end, hang and are cancelled, under a supervisor; hours of it in simulated time."""

import asyncio

from host_tests.fakes.simulated_time import simulated
from lib.aio import supervisor
from lib.aio.supervisor import Supervisor


class Told:
    """What the supervisor tells: (name, error) of each crash."""

    def __init__(self):
        self.crashes = []

    def __call__(self, name, error):
        self.crashes.append((name, repr(error)))


class Crashing:
    """A task that runs for so many milliseconds at its first start, its second, ... the last of them for all that follow."""

    def __init__(self, time, *runs_ms):
        self._time = time
        self._runs_ms = runs_ms
        self._ended = 0
        self.pauses_ms = []  # from an end to the next start

    async def run(self):
        if self._ended:
            self.pauses_ms.append(self._time.passed_ms() - self._ended)
        await asyncio.sleep_ms(self._runs_ms[min(len(self.pauses_ms), len(self._runs_ms) - 1)])
        self._ended = self._time.passed_ms()
        raise ValueError("broken")


@simulated(supervisor)
async def test_a_task_that_crashes_starts_again_later_each_time(time):
    told = Told()
    watched = Supervisor(told)
    crashing = Crashing(time, 10)
    task = watched.start("meter", crashing.run)
    await asyncio.sleep_ms(300000)
    task.cancel()
    assert crashing.pauses_ms == [500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000], crashing.pauses_ms
    assert watched.crashes == len(told.crashes) == 11
    assert told.crashes[0] == ("meter", "ValueError('broken',)")


@simulated(supervisor)
async def test_calm_is_rewarded(time):
    watched = Supervisor(Told())
    crashing = Crashing(time, 10, 10, 10, 60001, 10)
    task = watched.start("meter", crashing.run)
    await asyncio.sleep_ms(70000)
    task.cancel()
    assert crashing.pauses_ms[:6] == [500, 1000, 2000, 500, 1000, 2000], crashing.pauses_ms


@simulated(supervisor)
async def test_a_task_that_ends_starts_again_too(time):
    told = Told()
    watched = Supervisor(told)
    started = []

    async def ends():
        started.append(time.passed_ms())

    task = watched.start("short", ends)
    await asyncio.sleep_ms(1000)
    task.cancel()
    assert started == [0, 500]
    assert told.crashes == [("short", "None")] * 2


@simulated(supervisor)
async def test_one_that_crashes_does_not_disturb_the_others(time):
    watched = Supervisor(Told())
    turns = [0]

    async def works():
        while True:
            turns[0] += 1
            await asyncio.sleep_ms(10)

    tasks = [watched.start("works", works)]
    for kind in (ValueError, MemoryError, OSError, AssertionError, RuntimeError, asyncio.TimeoutError, StopIteration):

        async def crashes(kind=kind):
            await asyncio.sleep_ms(1)
            raise kind()

        tasks.append(watched.start("crashes", crashes))
    await asyncio.sleep_ms(10000)
    for task in tasks:
        task.cancel()
    assert turns[0] >= 1000
    assert watched.crashes == 7 * 5  # at once and behind 500, 1000, 2000, 4000 ms


@simulated(supervisor)
async def test_cancel_ends_it_for_good(time):
    told = Told()
    watched = Supervisor(told)
    closed = []

    async def runs():
        try:
            await asyncio.sleep_ms(100000)
        finally:
            closed.append(time.passed_ms())

    running = watched.start("runs", runs)
    crashing = Crashing(time, 10)
    pausing = watched.start("pauses", crashing.run)
    await asyncio.sleep_ms(100)
    for task in (running, pausing):
        task.cancel()
        try:
            await task
            raise AssertionError("not cancelled")
        except asyncio.CancelledError:
            pass
    await asyncio.sleep_ms(200000)
    assert closed == [100]
    assert crashing.pauses_ms == [] and told.crashes == [("pauses", "ValueError('broken',)")]


@simulated(supervisor)
async def test_a_silent_task_is_late(time):
    watched = Supervisor(Told())
    assert watched.late() is None
    quick = watched.beat("quick", 1000)
    slow = watched.beat("slow", 5000)
    await asyncio.sleep_ms(1000)
    assert watched.late() is None
    await asyncio.sleep_ms(1)
    assert watched.late() == "quick"
    quick.beat()
    assert watched.late() is None
    for _ in range(20):
        await asyncio.sleep_ms(900)
        quick.beat()
    assert watched.late() == "slow"
    watched.forget(slow)
    assert watched.late() is None
    await asyncio.sleep_ms(1001)
    assert watched.late() == "quick"
