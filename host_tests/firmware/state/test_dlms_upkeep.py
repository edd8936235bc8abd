"""Upkeep of the archive of DLMS meters: whoever is gone is forgotten, nobody else; merging once a day, when nobody is read."""

import asyncio

from firmware.state.dlms_upkeep import Upkeep

DAY_S = 86400
MIDNIGHT = 20000 * DAY_S


class World:
    """The list of meters, the clock, the archive and the wires of an Upkeep; it ends when `events` has no more of them."""

    is_set = True
    next_id = 5

    def __init__(self, listed=(), failure=None):
        self.meters = self.clock = self.archive = self
        self.lock = asyncio.Lock()
        self.listed, self.failure = listed, failure
        self.now, self.up_s, self.idle = MIDNIGHT, 600, True
        self.done, self.told, self.locked = [], [], []
        self.upkeep = Upkeep(self, self, lambda: self.idle, self.told.append)

    def has(self, number):
        return number in self.listed

    def utc(self):
        return self.now

    def uptime_s(self):
        return self.up_s

    def day_begin(self, now):
        return now - now % DAY_S

    def forget(self, number):
        self.locked.append(self.lock.locked())
        if self.failure:
            raise self.failure
        self.done.append(number)

    def tidy(self):
        for step in range(3):
            self.locked.append(self.lock.locked())
            if self.failure:
                raise self.failure
            self.done.append("tidy %d" % step)
            yield

    def looked(self, **changes):
        """What it does with things as they are then."""
        for name, value in changes.items():
            setattr(self, name, value)
        self.done.clear()

        async def look():
            task = asyncio.create_task(self.upkeep.run())
            for _ in range(40):
                await asyncio.sleep_ms(0)
            task.cancel()

        asyncio.run(look())
        assert all(self.locked), "somebody else might write meanwhile"
        return list(self.done)


TIDY = ["tidy 0", "tidy 1", "tidy 2"]


def test_who_is_gone_is_forgotten():
    world = World(listed=(2,))
    world.upkeep.changed(2)  # another name, or one that cannot be read now
    world.upkeep.changed(3)
    assert world.looked(up_s=0) == [3] and world.looked() == []


def test_the_list_tells_who_is_gone():
    for name in ("lib.dlms.axdr", "firmware.meters.iec", "firmware.meters.dlms", "firmware.meters.dlms_round"):
        __import__(name)  # one import within the other takes more stack than there is
    from firmware.dlms import Dlms

    world = World()
    world._relist = asyncio.Event()
    Dlms.changed(world, 3)
    assert world._relist.is_set() and world.looked(up_s=0) == [3]


def test_all_are_forgotten():
    world = World()
    world.upkeep.changed(None)
    assert world.looked(up_s=0) == [1, 2, 3, 4]


def test_once_a_day_and_not_right_after_the_start():
    world = World()
    assert world.looked(up_s=599) == []
    assert world.looked(up_s=600) == TIDY
    assert world.looked(now=MIDNIGHT + DAY_S - 1) == []
    assert world.looked(now=MIDNIGHT + DAY_S) == TIDY


def test_not_while_a_meter_is_read_unless_one_always_is():
    world = World()
    assert world.looked(idle=False) == []
    assert world.looked(now=MIDNIGHT + 6 * 3600) == []
    assert world.looked(now=MIDNIGHT + 6 * 3600 + 1) == TIDY


def test_not_while_nobody_knows_the_day():
    assert World().looked(is_set=False) == []


def test_flash_that_fails_is_told_and_the_next_day_another_try():
    world = World(failure=OSError(28))
    assert world.looked() == [] and world.told == ["archive of DLMS meters: error 28"]
    assert world.looked(failure=None) == []
    assert world.looked(now=MIDNIGHT + DAY_S) == TIDY
