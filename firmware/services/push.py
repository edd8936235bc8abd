"""Readings on their way out: at each device's turn what it says goes to the journal, from which the links take it.

A device's turn comes at multiples of its interval by the clock, and a first time a minute after the start; a switch has one
with each change too, a meter with changes beyond the dead band of a link that has one.
In RAM while a link is on. docs/mqtt.md tells more.
"""

import asyncio
import gc
from time import ticks_diff, ticks_ms

from micropython import const

import board
from firmware.services import push_connect
from firmware.services import push_topics as topics
from firmware.state.links import MQTT, POST, XML, Link
from firmware.state.readings import PRESENT
from firmware.state.schema import IEC, RS485_DEVICES
from lib.aio.connect import ConnectionFailed
from lib.store.journal import Journal

_LOOK_MS = const(200)
_FIRST_S = const(60)  # after the start, a device has its first turn
_UNSAVED_MS = const(10000)  # what no link has taken for so long goes to flash
_FLUSH_MS = const(30000)  # between two times of that, however short the intervals are
_GOODBYE_MS = const(2000)
_AT_ONCE = const(8)  # devices looked at before others run


class _Outlet:
    """One device: a slot, or None for the gateway's own inputs. `masks`: of links that take values, and those that take XML."""

    def __init__(self, slot, interval_s, masks, deadband, now):
        self.slot = slot
        self.interval_s = interval_s
        self.masks = masks
        self.deadband = deadband  # thousandths, 0 for none
        self.turn = now // interval_s
        self.is_first = True
        self.is_owed = False  # its turn has come; it is over when there is a reading that was not taken before
        self.taken = [0, 0]  # when measurements and counters were read that were taken last
        self.is_failing = False  # told once, until it goes again
        self.before = None  # what was taken last: of a switch its state; with a dead band mantissas and exponents


class Push:
    """`links`: both Links. `journal`: what waits for them."""

    def __init__(self, gateway, load):
        self._gateway = gateway
        self._load = load
        self.links = (Link(1), Link(2))
        self.journal = Journal(gateway.platform.root + "/journal")
        self._stale = 3  # mask of links whose settings have changed
        self._paused = 0  # mask of links
        self._is_changed = True
        self._outlets = []
        self._tasks = ([], [])  # of each link
        self._devices = None  # the list that they were made for: with IEC meters, the settings alone do not tell it
        self._is_ending = False
        self._flushed_ms = self._marked_ms = ticks_ms()
        self.jobs = None  # firmware/services/push_jobs.py, while one is set
        self._are_jobs_new = True
        self._marks = [0, 0]  # how many a link has to have sent until all that was there then has arrived
        self._trouble = ""

    def refresh(self, number):
        """Have everything that goes over a link told at once."""
        mask = 1 << (number - 1)
        for outlet in self._outlets:
            if (outlet.masks[0] | outlet.masks[1]) & mask:
                outlet.is_owed = True
                outlet.taken = [0, 0]
        self.links[number - 1].is_changed = True

    def changed(self, names):
        """These settings have changed: of links, or of the devices."""
        for name in names:
            if name[:3] == "job":
                self._are_jobs_new = True
            if "dlms" in board.PROTOCOLS and name == "dlms_pushlink":
                self._stale = 3
            if name[:4] in ("mqtt", "push", "hass"):
                self._stale |= int(name[4])
                self.links[int(name[4]) - 1].context = None  # whoever connects next has other files, perhaps
        self._is_changed = True

    async def run(self):
        """Serve the links, for ever."""
        try:
            while True:
                self._is_changed = self._is_changed or self._devices is not self._gateway.readings.devices
                if self._is_changed and not self._is_ending:
                    await self._take_up()
                await asyncio.sleep_ms(_LOOK_MS)
                try:
                    await self._look()
                except MemoryError:
                    pass  # the next look makes up for this one
        finally:
            self._stale, self._is_changed = 3, True  # should it be started again
            self._stop(3)

    async def end(self):
        """Say goodbye on all links, and bring to flash what waits: the gateway is about to restart."""
        self._is_ending = True
        await self._end(3)
        while self.journal.flush():
            await asyncio.sleep_ms(0)

    async def pause(self):
        """Say goodbye on links with TLS, until resume(): others need the memory of theirs. Readings wait in the journal."""
        for link in self.links:
            if link.context:
                self._paused |= link.number
                await self._end(link.number)
                link.context = link.buffers = None
                link.tell("Disconnected", "", self._gateway.clock.utc())

    def resume(self):
        self._stale |= self._paused
        self._is_changed = self._is_changed or self._paused != 0
        self._paused = 0

    async def _take_up(self):
        """Begin anew with links whose settings have changed; the other goes on with the devices as they are now."""
        self._is_changed = False
        stale, self._stale = self._stale & ~self._paused, self._stale & self._paused
        if stale:
            await self._end(stale)
            await asyncio.sleep_ms(0)  # the tasks come to their end
            self._gateway.router.make_room()  # for what lasts, before what comes and goes lies around it
            gc.collect()
        for link in self.links:
            if stale & link.number:
                self._begin(link)
            link.is_changed = True
        self._list()
        if self._are_jobs_new and "server" in board.PARTS:
            self._are_jobs_new = False
            self.jobs = None
            if any([self._gateway.settings.get(f"job{number}_when") for number in range(1, 5)]):
                self.jobs = _kept("push_jobs").Jobs(self._gateway, self._send)

    def _begin(self, link):
        gateway, settings, number = self._gateway, self._gateway.settings, link.number
        link.protocol = settings.get(f"push{number}_protocol") if settings.get(f"mqtt{number}_server") else 0
        self.journal.want(number - 1, link.protocol != 0)
        link.due.clear()
        link.begin()
        link.reserve = None
        if "profile" in board.PARTS:
            link.feed = None
            if link.protocol in (MQTT, POST) and (settings.get("rs485_protocol") == IEC or settings.get("ir_protocol") == 1):
                link.feed = _kept("push_profile").Feed(gateway, link)
            elif gateway.profiles:
                gateway.profiles.untrack(number)
        if "dlms" in board.PROTOCOLS:
            self._feed_archive(link)
        link.tell("Connecting" if link.protocol else "Disabled", "", gateway.clock.utc())
        if not link.protocol:
            link.buffers = None
            return
        tasks, start = self._tasks[number - 1], gateway.supervisor.start
        if "server" in board.PARTS and settings.get(f"mqtt{number}_reserve_server"):
            link.reserve = _kept("push_reserve").Reserve(gateway, link)
            tasks.append(start(f"link {number} main", link.reserve.run))
        serve = _kept("link_mqtt" if link.protocol == MQTT else "link_post").serve
        try:
            push_connect.prepare(gateway, number)  # before anything else takes the room
        except (ConnectionFailed, MemoryError):
            pass  # whoever connects is told so again
        tasks.append(start(f"link {number}", lambda: serve(gateway, self._load, link, self.journal)))

    def _feed_archive(self, link):
        dlms, mask = self._gateway.field.dlms, self._gateway.settings.get("dlms_pushlink")
        is_wanted = link.protocol in (MQTT, POST) and mask & link.number > 0
        if is_wanted:
            link.feed = _kept("dlms_push").Feed(self._gateway, link, link.feed)
        elif dlms and dlms.unsent:
            dlms.unsent.want(link.number, False)

    def _list(self):
        """Make the outlets: whose values go where, and how often."""
        settings, now = self._gateway.settings, self._now()
        before = {outlet.slot: outlet for outlet in self._outlets}
        self._outlets = []
        self._devices = devices = self._gateway.readings.devices
        numbers = [device.slot for device in devices if isinstance(device.slot, int)]
        if settings.get("rs485_protocol") != IEC:
            numbers = list(range(1, RS485_DEVICES + 1)) + [slot for slot in numbers if slot > RS485_DEVICES]
        for slot in [None, "lir", "rir"] + numbers:
            values = documents = deadband = 0
            for link in self.links:
                if link.protocol and topics.is_pushed(settings, slot, link.number):
                    if link.protocol == XML:
                        documents |= 1 << (link.number - 1)
                    else:
                        values |= 1 << (link.number - 1)
                    band = settings.get(f"push{link.number}_deadband")
                    deadband = min(band, deadband) if band and deadband else band or deadband
            if values or documents:
                outlet = _Outlet(slot, topics.interval_s(settings, slot), (values, documents), deadband, now)
                last = before.get(slot)
                if last and last.masks == outlet.masks:  # what is told already stays so
                    outlet.is_first, outlet.is_owed, outlet.taken = last.is_first, last.is_owed, last.taken
                    if last.interval_s == outlet.interval_s:
                        outlet.turn = last.turn
                self._outlets.append(outlet)

    async def _end(self, mask):
        for link in self.links:
            if link.end and mask & link.number:
                try:
                    await asyncio.wait_for_ms(link.end(), _GOODBYE_MS)
                except Exception:  # it does not matter any more
                    pass
        self._stop(mask)

    def _stop(self, mask):
        for index in (0, 1):
            if mask >> index & 1:
                for task in self._tasks[index]:
                    task.cancel()
                self._tasks[index].clear()

    def _now(self):
        clock = self._gateway.clock
        return clock.utc() if clock.is_set else clock.uptime_s()

    async def _look(self):
        """Give turns to those who have one, and see to the flash."""
        if self._is_ending:
            return
        now = self._now()
        is_late = self._gateway.clock.uptime_s() > _FIRST_S
        for number, outlet in enumerate(self._outlets):
            if not (number + 1) % _AT_ONCE:
                await asyncio.sleep_ms(0)
            try:
                await self._turn(outlet, now, is_late)
                outlet.is_failing = False
            except MemoryError:
                pass  # the next look makes up for it
            except Exception as error:  # the others go on, and this one at its next turn
                outlet.is_owed = False
                if not outlet.is_failing:
                    outlet.is_failing = True
                    self._gateway.crashed(f"push of {outlet.slot or 'inputs'}", error)
        if self.jobs:
            await self.jobs.look()
        await self._keep()

    async def _turn(self, outlet, now, is_late):
        device = None if outlet.slot is None else self._gateway.readings.device(outlet.slot)
        turn = now // outlet.interval_s
        is_turn = turn != outlet.turn or (is_late and outlet.is_first) or self._is_news(outlet, device)
        if is_turn:
            outlet.turn = turn
            outlet.is_first = False
            outlet.is_owed = True
        if outlet.is_owed and (device or outlet.slot is None):
            outlet.is_owed = not await self._record("take", self._gateway, outlet, device, self._append)
            if not outlet.is_owed or is_turn:
                self._tell(outlet)

    async def _send(self, device, mask, only_counters):
        """Keep what was read of a meter last for the links of a mask, once: those that get its turns may have it already."""
        groups = (device.group("measurements"), device.group("counters"))
        values = documents = 0
        for link in self.links:
            if link.protocol == XML:
                documents |= mask & link.number
            else:
                values |= mask & link.number
        for outlet in self._outlets:
            if outlet.slot == device.slot:
                if [at for at in (0, 1) if groups[at] and groups[at].utc != outlet.taken[at]]:
                    outlet.is_owed = True
                values &= ~outlet.masks[0]
                documents &= ~outlet.masks[1]
        outlet = _Outlet(device.slot, 1, (values, documents), 0, 0)
        if only_counters and groups[0]:
            outlet.taken[0] = groups[0].utc
        await self._record("take", self._gateway, outlet, device, self._append)

    def _record(self, name, *arguments):
        return getattr(self._load("firmware.services.push_record"), name)(*arguments)

    def _tell(self, outlet):
        """The links may show what is known of the device now."""
        for link in self.links:
            if outlet.masks[0] >> (link.number - 1) & 1:
                link.due.add(outlet.slot)

    def _is_news(self, outlet, device):
        """Return whether a switch changed its state, or a meter's values went beyond the dead band."""
        if device is None or device.status != PRESENT:
            return False
        if device.is_switch:
            before, outlet.before = outlet.before, device.relay
            return before not in (None, device.relay)
        group = device.group("measurements") if outlet.deadband else None
        return group is not None and self._record("is_beyond", group, outlet)

    async def _append(self, view, mask):
        journal = self.journal
        while journal.tidy():
            await asyncio.sleep_ms(0)
        journal.append(view, mask)

    async def _keep(self):
        """Bring to flash what was not taken in time; tell what is wrong with the flash."""
        journal, now = self.journal, ticks_ms()
        if self._has_arrived():
            self._mark(now)
        elif ticks_diff(now, self._marked_ms) > _UNSAVED_MS and ticks_diff(now, self._flushed_ms) > _FLUSH_MS:
            while journal.flush():
                await asyncio.sleep_ms(0)
            self._flushed_ms = now
            if not journal.failure:
                self._trouble = ""
                self._mark(now)
        trouble = journal.trouble or (repr(journal.failure) if journal.failure else "")
        journal.trouble = ""
        if trouble and trouble != self._trouble:
            self._trouble = trouble
            self._gateway.events.add("push", "journal: " + trouble)

    def _has_arrived(self):
        """Whether the links have sent all that was there at the time of the marks."""
        for link in self.links:
            if link.sent < self._marks[link.number - 1] and self.journal.backlog(link.number - 1):
                return False
        return True

    def _mark(self, now):
        for link in self.links:
            self._marks[link.number - 1] = link.sent + self.journal.backlog(link.number - 1)
        self._marked_ms = now


def _kept(name):
    """Return a module that serves links, for good: it lasts."""
    return __import__("firmware.services." + name, None, None, ("*",))
