"""The limit to guessing: pauses that grow, the count on flash, what a power cut and a full flash do."""

from firmware.services import provisioning_guard
from firmware.services.provisioning_guard import Guard
from host_tests.fakes.simulated_time import simulated


class Paper:
    """A Document in memory."""

    def __init__(self, value=None):
        self.value = value
        self.is_full = False

    def load(self):
        return self.value

    def save(self, value):
        if self.is_full:
            raise OSError(28)
        self.value = value


class Told(list):
    def add(self, kind, text):
        assert kind == "login"
        self.append(text)


async def paused_s(guard, time):
    """How long nobody may prove anything."""
    import asyncio

    began = time.passed_ms()
    while guard.is_paused():
        await asyncio.sleep_ms(100)
    return (time.passed_ms() - began) // 1000


@simulated(provisioning_guard)
async def test_pauses_grow_and_are_shorter_than_provisioning(time):
    told, pauses = Told(), []
    guard = Guard(Paper(), told)
    for _ in range(12):
        guard.failed()
        pauses.append(await paused_s(guard, time))
    assert pauses == [0, 0, 0, 0, 30, 60] + [120] * 6, pauses
    assert told[3] == "provisioning: wrong proof of possession, number 4", told[3]
    assert told[5] == "provisioning: wrong proof of possession, number 6, paused for 60 s", told[5]


@simulated(provisioning_guard)
async def test_a_start_does_not_end_a_pause(time):
    paper = Paper()
    guard = Guard(paper, Told())
    for _ in range(6):
        guard.failed()
    again = Guard(paper, Told())
    assert again.is_paused()
    assert await paused_s(again, time) == 60
    again.passed()
    assert not Guard(paper, Told()).is_paused()
    assert paper.value == {"wrong": 0}


@simulated(provisioning_guard)
async def test_a_right_proof_is_not_written_if_nothing_was_wrong(time):
    paper = Paper()
    Guard(paper, Told()).passed()
    assert paper.value is None


@simulated(provisioning_guard)
async def test_a_flash_that_is_full_or_damaged(time):
    told = Told()
    paper = Paper()
    paper.is_full = True
    guard = Guard(paper, told)
    for _ in range(5):
        guard.failed()
    assert guard.is_paused() and len(told) == 10
    for value in ([], {"wrong": "many"}, {"wrong": -3}, {}, 7):
        assert not Guard(Paper(value), told).is_paused()
