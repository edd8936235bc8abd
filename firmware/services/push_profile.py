"""Load profiles on their way out: of one link what it has not got yet, a message at a time, read from where they are kept.

Nothing waits in RAM or in the journal: firmware/state/profile_unsent.py notes how far the link is. A message was sent when
arrived() is called, else it is made anew, perhaps with more in it. In RAM while a link is on that may have profiles.
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from firmware.services import pieces, profile_message
from firmware.services import push_topics as topics

_TEXT = const(1536)  # bytes of the records in a message
_LOOK_MS = const(5000)  # between two looks at all meters, when there was nothing
_AT_ONCE = const(4)  # records before others run


class Feed:
    """Of one link. `is_flying`: a message was given out; who sends it sets that."""

    def __init__(self, gateway, link):
        self._gateway = gateway
        self._link = link
        self._number = link.number
        self._turns = []  # keys that have their turn in this round
        self._has_found = False  # in this round
        self._looked_ms = None
        self._last = 0  # UTC that the message goes up to
        self.is_flying = False

    async def next(self):
        """Return (topic below the base, render(out)) of a message, None for nothing now."""
        if not self._turns and not await self._begin_round():
            return None
        profiles = self._gateway.profiles
        while self._turns and profiles.is_settled:  # else what writes has need of the memory
            key = self._turns.pop()
            if key in profiles.unsent.keys(self._number):
                message = await self._made(profiles, key)
                if message:
                    self._has_found = True
                    return message
            await asyncio.sleep_ms(0)
        return None

    def arrived(self):
        """The message that was given out last has arrived."""
        self.is_flying = False
        self._gateway.profiles.unsent.sent(self._number, self._last)

    async def _begin_round(self):
        """Give each meter that the link wants a turn; return whether there are any."""
        now = ticks_ms()
        if not self._has_found and self._looked_ms is not None and ticks_diff(now, self._looked_ms) < _LOOK_MS:
            return False
        self._looked_ms, self._has_found = now, False
        gateway, number = self._gateway, self._number
        profiles = gateway.profiles or gateway.open_profiles(False)
        if profiles is None:
            return False
        unsent = profiles.unsent
        for device in gateway.readings.devices:
            await asyncio.sleep_ms(0)
            if device.serial and topics.is_pushed(gateway.settings, device.slot, number) and profiles.meter(device.serial):
                unsent = profiles.track()
                unsent.want(number, device.serial, device.slot)
        for key in unsent.keys(number) if unsent else ():
            if topics.is_pushed(gateway.settings, unsent.place(number, key), number) and profiles.meter(key):
                self._turns.append(key)
            else:
                unsent.drop(number, key)
        return len(self._turns) > 0

    async def _made(self, profiles, key):
        try:
            return await self._message(profiles, key)
        except MemoryError:
            raise
        except Exception as error:  # whatever is wrong with it: readings and other meters are not to wait for it
            text = f"link {self._number}: the load profile of {key} cannot be told, {error!r}"
            if self._link.is_new(text):
                self._gateway.events.add("push", text)

    async def _message(self, profiles, key):
        """Return (topic below the base, render(out)) of what is next of a meter, None for nothing."""
        unsent, number = profiles.unsent, self._number
        span = unsent.begin(number, key, profiles.last(key) or 0)
        if span is None:
            return None
        text = pieces.Pieces(_TEXT)
        self._last = span[1]
        last = end = count = 0
        records, meter = profiles.query(key, *span), profiles.meter(key)
        for record in records:
            if record is None or not count % _AT_ONCE:
                await asyncio.sleep_ms(0)
                if not profiles.is_settled or profiles.meter(key) is not meter:
                    return None  # there may be more in it, it has other columns, or it was removed
            if record is None:
                continue
            try:
                profile_message.put(text, record)
            except ValueError:  # it is full
                self._last = last
                break
            last, end = record[0], text.used
            count += 1
        if not count:
            self._has_found = True  # there is nothing in it, or not any more; perhaps in the next
            unsent.sent(number, self._last)
            return None
        items = (("key", key), ("period_min", meter.period))
        topic = topics.of_kind("profile", unsent.place(number, key))
        return topic, profile_message.renderer(items, meter.columns, text, end)
