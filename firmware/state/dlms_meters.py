"""The list of DLMS meters, up to 1000 in constant RAM: lines of text in pages of flash, their order in RAM, states beside them.

A meter's id is a number from 1 to 65535, given when it is added and never again. Lines: firmware/state/dlms_fields.py; changes
of the list: firmware/state/dlms_batch.py; states and invocation counters: firmware/state/dlms_states.py.
"""

import asyncio
import os
from time import ticks_diff, ticks_ms

from micropython import const

from firmware.state.dlms_order import Order
from firmware.state.dlms_plan import Plan
from firmware.state.dlms_states import States
from lib.store.pages import Block, Pages

FOLDER = const("/dlms")
MOST = const(1000)
_MOST_ID = const(65535)
_SPAN = const(256)  # ids of a page at most: behind damage, so many are left out
_LOOK_MS = const(1000)
_COMING_MS = const(5000)  # after a piece of a list the next one is waited for
BLACK_DAYS = const(3)


class Taken:
    """What came of a batch: what firmware/services/dlms_batch.py says of it, without that, whose RAM is wanted."""

    is_over = True

    def __init__(self, upload):
        self.lines, self.added, self.changed = upload.lines, upload.added, upload.changed
        self.cause, self.refusals, self.refused = upload.cause, upload.refusals, upload.refused


class Meters:
    """Whoever changes it does so by a Batch (firmware/state/dlms_batch.py) or a removal, one at a time: `is_busy` then.

    `is_loaded`: before, it is empty and nothing may be changed; `await ready()`. `black_days`: see State.is_black().
    `upload`: what takes a batch in pieces, or what came of the last one. `on_change(id)` is called after each change, with None
    when all went: who wants to know sets it.
    """

    def __init__(self, root, tell, beat=None):
        """root: where the folder is, or is made. tell(text): is called with each trouble. beat.beat(): every second."""
        self._folder = root + FOLDER
        self._tell = tell
        self._beat = beat
        try:
            os.mkdir(self._folder)
        except OSError:
            pass  # it is there
        block = Block()
        self._pages = Pages(self._folder + "/m", _SPAN, block)
        self._order = Order(MOST)
        self._states = States(root, self._folder, block, self._order.has)
        self._ready = asyncio.Event()
        self._is_failing = False
        self.shown = 0  # meters among the readings
        self.next_id = 1
        self.is_loaded = self.is_busy = False
        self.black_days = BLACK_DAYS
        self.upload = None
        self.on_change = lambda number: None

    def is_coming(self):
        """Whether a list is just being taken: until it is over its RAM is wanted, and the next meters may be other ones."""
        upload = self.upload
        return upload is not None and not upload.is_over and 0 <= ticks_diff(ticks_ms(), upload.since) < _COMING_MS

    @property
    def count(self):
        """How many meters there are."""
        return self._order.count

    async def run(self):
        """Read the list, then write what waits, for good."""
        if not self.is_loaded:
            for _ in self.load():
                await asyncio.sleep_ms(0)
        while True:
            await asyncio.sleep_ms(_LOOK_MS)
            if self._beat:
                self._beat.beat()
            try:
                self._states.tick()
                self._is_failing = False
            except OSError as error:
                if not self._is_failing:
                    self._tell(f"states of DLMS meters: the flash does not take them, error {error.errno}")
                self._is_failing = True

    def load(self):
        """Read the list; yields between the steps."""
        yield from self._pages.load(self._found)
        for start in self._pages.damaged:
            last = self._pages.end(start) - 1
            self._tell(
                f"the page of DLMS meters {start} to {last} is damaged: those of them that are missing are to be added again"
            )
        self.next_id = self._pages.highest + 1
        damaged = yield from self._states.load()
        if damaged:
            self._tell(f"{damaged} pages of states of DLMS meters were damaged: counters go on a million higher")
        self.is_loaded = True
        self._ready.set()

    async def ready(self):
        """Wait until the list is read."""
        await self._ready.wait()

    def _found(self, number, view):
        self._list(number, bytes(view).decode())

    def _list(self, number, line):
        _, shown, _, sequence = line.rsplit("|", 3)
        self._order.insert(int(sequence), number)
        self.shown += int(shown)

    def has(self, number):
        """Return whether a meter is in the list, be it that it cannot be read now."""
        return self._order.has(number)

    def find(self, number):
        """Return the line of a meter, with its id in front; None if there is none, or it cannot be read."""
        try:
            view = self._pages.find(number)
        except OSError:
            return None
        return None if view is None else f"{number}|" + bytes(view).decode()

    def each(self, start=0):
        """Yield (position, id) in the order of sequence, from a position on; the list may change meanwhile."""
        while start < self.count:
            yield start, self._order.id(start)
            start += 1

    def search(self, text):
        """Yield (id, line) of meters with a text in number, name, host, table or tariff, in any case; None of others."""
        text = text.lower()
        for _, number in self.each():
            line = self.find(number)
            yield (number, line) if line and matches(line, text) else None

    def lines(self):
        """Yield the lines of all meters by id, None where a page begins: others may only run, or ask for anything, then."""
        for start in list(self._pages.starts):
            yield None
            try:
                for number, view in self._pages.records(self._pages.read(start)):
                    yield f"{number}|" + bytes(view).decode()
            except OSError:
                pass  # as find() has none of them

    def put(self, lines, shown):
        """Write lines without id: {id: line}, each page as a whole; shown: how many more are among the readings by them.

        Of use to a Batch. OSError: the flash did not take all of them.
        """
        try:
            self._pages.put({number: line.encode() for number, line in lines.items()})
        except OSError:  # which of them it has, the pages tell
            self._order.clear()
            self.shown = 0
            for line in self.lines():
                if line:
                    number, _, rest = line.partition("|")
                    self._list(int(number), rest)
            raise
        shown += self.shown
        for number, line in lines.items():
            self._order.remove(number)
            self._list(number, line)
        self.shown = shown

    def remove(self, number):
        """Take a meter from the list, and its state; it is no longer asked. OSError: the flash did not take it."""
        line = self.find(number)
        if line:
            self._states.give_up(number)
            self._pages.put({number: None})
            self._order.remove(number)
            self.shown -= Plan(line).shown
            self._states.remove(number)
            self.on_change(number)

    def remove_all(self):
        """Take all meters from the list; yields between the steps, the first of which is for good."""
        self.is_busy = True
        try:
            self._states.give_up(None)
            for number, _ in enumerate(self._pages.clear()):
                if not number:
                    self._order.clear()
                    self.shown = 0
                    self.on_change(None)
                yield
            yield from self._states.clear()
        finally:
            self.is_busy = False

    def new_id(self):
        """Return an id that nobody has or had. Raises Wrong: there is none left."""
        if self.next_id > _MOST_ID:
            from firmware.state.dlms_fields import Wrong  # noqa: PLC0415 - a Batch has it in RAM

            raise Wrong("id", "there are no more ids: the gateway has to be reset")
        self.next_id += 1
        return self.next_id - 1

    def state(self, number):
        """Return the State of a meter. OSError: it cannot be read now."""
        return self._states.get(number)

    def state_record(self, number):
        """Return what state() is made of. OSError: as there."""
        return self._states.record(number)

    def save_state(self, number, state, urgent=False):
        """Keep a state, within a minute or at once; it is passed over if the meter was removed. OSError: it is not kept."""
        if self.has(number):
            self._states.save(number, state, urgent)

    def next_counter(self, number):
        """Return the next invocation counter of a meter: see States."""
        self._check(number)
        return self._states.next_counter(number)

    def counter_at_least(self, number, value):
        """Go on behind a counter that the meter told: see States."""
        self._check(number)
        self._states.counter_at_least(number, value)

    def _check(self, number):
        if not self.has(number):
            raise ValueError("there is no such meter")

    def end(self):
        """Write all that waits, before a restart."""
        try:
            for _ in self._states.flush():
                pass
        except OSError:
            pass  # nobody can do more


def matches(line, text):
    """Return whether a line contains a text, in lower case, where there are no secrets."""
    plan = Plan(line)
    return any([text in value.lower() for value in (plan.serial, plan.name, plan.host, plan.type, plan.tariff)])
