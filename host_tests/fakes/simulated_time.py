"""Time that passes only while everybody waits, so that an hour takes as long as what happens in it.

    @simulated(modules)
    async def test_something(time): ...

The modules named see this clock as ticks_ms and ticks_us, and so does asyncio. In it one can await tasks, events, sleeps, flags
that an interrupt sets, but no socket and no file. A task that ends by an error fails the test, as does one that would wait for
ever.
"""

import asyncio
from asyncio import core
from time import ticks_add, ticks_diff, ticks_ms

_AHEAD_MS = 3600000  # of the true time, by which asyncio orders what need not wait
_LONGEST_MS = 86400000  # a test that goes on for longer waits for something that never comes


class SimulatedTime:
    """`ms()` and `us()` are the ticks, `passed_ms()` tells the time since the start."""

    def __init__(self):
        self.map = {}  # as in an IOQueue of asyncio, of ThreadSafeFlags: id -> (flag, task that waits for it)
        self._began = ticks_add(ticks_ms(), _AHEAD_MS)
        self._now = self._began
        self.errors = []  # of tasks that nobody waits for

    def ms(self):
        return self._now

    def us(self):
        return self._now * 1000 & ticks_add(0, -1)  # which is the period less 1

    def passed_ms(self):
        return ticks_diff(self._now, self._began)

    def wait_io_event(self, wait_ms):
        """The loop has nothing to do for so long."""
        if self.errors:
            raise self.errors[0]
        if self._wake() or wait_ms == 0:
            return
        assert 0 < wait_ms < _LONGEST_MS - self.passed_ms(), "the test waits for what never comes"
        self._now = ticks_add(self._now, wait_ms)

    def queue_read(self, flag):
        self.map[id(flag)] = (flag, core.cur_task)
        core.cur_task.data = self

    def remove(self, task):
        self.map = {key: entry for key, entry in self.map.items() if entry[1] is not task}

    def _wake(self):
        """Have those go on whose flag is set; return whether there are any."""
        ready = [entry for entry in self.map.values() if entry[0].state]
        for _, task in ready:
            self.remove(task)
            core._task_queue.push(task)
        return ready

    def run(self, test):
        ended = []

        async def whole():
            await test(self)
            ended.append(True)

        loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda _, context: self.errors.append(context["exception"]))
        before = core.ticks
        core.ticks, core._io_queue = self.ms, self
        try:
            asyncio.run(whole())
        finally:
            core.ticks = before
            loop.set_exception_handler(None)
            asyncio.new_event_loop()
        for error in self.errors:
            raise error
        assert ended, "the test waits for what never comes"


def simulated(*modules):
    def decorate(test):
        def run():
            time = SimulatedTime()
            clocks = (("ticks_ms", time.ms), ("ticks_us", time.us))
            true = [(module, name, getattr(module, name)) for module in modules for name, _ in clocks if hasattr(module, name)]
            for module, name, _ in true:
                setattr(module, name, dict(clocks)[name])
            try:
                time.run(test)
            finally:
                for module, name, function in true:
                    setattr(module, name, function)

        return run

    return decorate
