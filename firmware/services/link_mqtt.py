"""One link by MQTT: what waits in the journal, what Home Assistant is to see, commands. docs/mqtt.md has the topics.

In RAM while the link is on; what renders messages is loaded for each of them.
"""

import asyncio
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

import board
from firmware.services import pieces, push_connect
from firmware.services import push_topics as topics
from firmware.state.readings import PRESENT, SILENT
from lib.aio.connect import ConnectionFailed
from lib.mqtt.client import Client
from lib.store.journal import AGAIN
from lib.store.journal_record import ROOM

_IDLE_MS = const(50)
_LOOK_MS = const(2000)  # between two looks whether devices came or went
_ALL_GONE_MS = const(10000)  # that the broker has to take the removals
_PROVEN_MS = const(60000)  # a server that we were connected to for so long is one
_AGAIN_MS = const(60000)  # after the flash did not take what was to be announced
_LARGE = const(256)  # bytes of a message that comes in, the latter with commands
_LARGEST = const(1200)
_MOST_COMMANDS = const(4)  # that wait
_REMOVAL = const(-1)  # what messages with QoS 1 are told apart by; a record has its sequence number
_PROFILE = const(-2)
_ERRORS = const(("dns", "refused", "unreachable", "timeout", "closed", "memory"))  # causes that pass by themselves


async def serve(gateway, load, link, journal):
    """Serve a link, for ever."""
    await _Mqtt(gateway, load, link, journal).run()


class _Mqtt:
    def __init__(self, gateway, load, link, journal):
        self._gateway = gateway
        self._load = load
        self._link = link
        self._journal = journal
        self._number = number = link.number
        self._index = number - 1
        link.buffers = link.buffers or (bytearray(ROOM), pieces.Pieces())
        self._buffer, self._pieces = link.buffers
        self._held = None  # what read() gave, until it is sent
        self._flying = []  # sequence numbers of records that were sent, in order
        self._landed = set()  # those of them that arrived before an earlier one
        self._removals = 0  # that the broker has not taken yet
        self._commands = []
        if "dlms" in board.PROTOCOLS:
            self._order = None  # the task of the command that is being carried out
        self._firmware = None  # what was told of upgrades
        self._known = None  # devices that were announced last
        self._failed_ms = None  # when the flash did not take them
        self._shown = {}  # slot: whether it was told to be online
        settings = gateway.settings
        self._base = topics.base(gateway, number)
        self._has_hass = settings.get(f"hass{number}_discovery")
        self._orders = topics.commands(gateway, number) if settings.get(f"push{number}_commands") else ""
        self._birth = settings.get(f"hass{number}_prefix") + "/status"
        self._retain = settings.get(f"push{number}_retain") == 1
        self._qos = settings.get(f"mqtt{number}_qos")
        user = settings.get(f"mqtt{number}_username").encode() or None
        self._client = Client(
            f"{gateway.identity.serial}-{number}".encode(),
            self._take,
            self._settled,
            gateway.clock.uptime_s,
            user,
            settings.get(f"mqtt{number}_password").encode() if user else None,
            (self._base.encode() + b"/status", topics.OFFLINE, True, 1),
            largest=_LARGEST if self._orders else _LARGE,
        )
        self._client.timeout_ms = 1000 * settings.get(f"push{number}_resp_time")
        wanted = [(self._orders.encode(), 1)] if self._orders else []
        self._client.subscriptions = tuple(wanted + ([(self._birth.encode(), 0)] if self._has_hass else []))

    async def run(self):
        link, client = self._link, self._client
        runner = self._connect()
        link.end = self._say_goodbye
        try:
            while True:
                if runner.done():
                    await runner  # raises what it ended with
                    if not link.is_returning:
                        await asyncio.Event().wait()  # it has said goodbye: whoever wanted that ends this task too
                    client.cause = ""
                    runner = self._connect()
                self._tell()
                if client.state == "connected":
                    try:
                        await self._converse()
                    except ConnectionFailed:
                        pass  # the client knows why, and tries again
                    finally:
                        self._commands.clear()  # meant for that moment, not for when there is a connection again
                await asyncio.sleep_ms(_IDLE_MS)
        finally:
            link.end = None
            runner.cancel()

    def _connect(self):
        return asyncio.create_task(self._client.run(lambda: push_connect.open_next(self._gateway, self._link)))

    def _tell(self):
        """Have the link's state known."""
        client = self._client
        cause = client.cause
        state = "Connected" if client.state == "connected" else "Connecting" if not cause else "Disconnected"
        if state == "Disconnected" and cause not in _ERRORS:
            state = "Error"
        if client.state == "connected":
            cause = ""
        push_connect.tell(self._gateway, self._link, state, cause)

    async def _converse(self):
        """Do what is to be done on a connection, until it ends."""
        client = self._client
        self._journal.rewind(self._index)
        self._flying, self._landed, self._held = [], set(), None
        self._removals = 0
        if "profile" in board.PARTS and self._link.feed:
            self._link.feed.is_flying = False
        self._shown = {}
        self._known = self._firmware = None
        self._tell()
        await self._greet()
        self._began_ms = ticks_ms()
        self._looked_ms = ticks_add(self._began_ms, -_LOOK_MS)
        while client.state == "connected":
            try:
                if not await self._step():
                    await asyncio.sleep_ms(_IDLE_MS)
            except MemoryError:  # half a message would have ended the connection; what is not out yet is sent later
                self._complain("no memory for a message now")
                await asyncio.sleep_ms(_LOOK_MS)

    async def _step(self):
        """One of each that is to be done, so that none waits for the end of the others; return whether there is more."""
        link = self._link
        if link.is_returning and not self._flying:
            await self._say_goodbye()
            return True
        now = ticks_ms()
        if ticks_diff(now, self._looked_ms) >= _LOOK_MS or link.is_changed:
            self._looked_ms = now
            await self._look()
        if "dlms" in board.PROTOCOLS:
            await self._serve_orders()
        elif self._commands:
            await self._answer(self._commands.pop(0))
        if link.due:
            await self._show(link.due.pop())
        more = await self._send_record() or link.due or self._commands
        if "profile" in board.PARTS and link.feed and not more:
            return await self._send_profile(link.feed)
        return more

    async def _greet(self):
        flat = self._load("firmware.services.payload_flat")
        await self._render("/status", flat.greeting(self._gateway), 1, True)
        if self._has_hass:
            await self._show_firmware()
            self._want_all()
        else:
            self._link.due.clear()
            await self._announce(())  # what was announced when it was on

    async def _show_firmware(self):
        """Home Assistant's update entity is told what runs, what is new, and how an upgrade goes."""
        upgrade = self._gateway.upgrade
        known = (upgrade.phase, upgrade.percent, upgrade.latest)
        if known != self._firmware:
            await self._render("/firmware", self._load("firmware.services.payload_flat").firmware(upgrade), 1, True)
            self._firmware = known

    def _want_all(self):
        """Home Assistant is to see all values of now."""
        due = self._link.due
        due.add(None)
        for device in self._gateway.readings.devices:
            if topics.is_pushed(self._gateway.settings, device.slot, self._number):
                due.add(device.slot)

    async def _look(self):
        """See whether devices came, went, fell silent."""
        gateway, link = self._gateway, self._link
        devices = [each for each in gateway.readings.devices if topics.is_pushed(gateway.settings, each.slot, self._number)]
        if ticks_diff(self._looked_ms, self._began_ms) > _PROVEN_MS:
            link.is_trying = False
        if link.is_changed:
            link.is_changed = False  # first: there may be more of it meanwhile
            self._known = None
        if self._has_hass:
            await self._show_firmware()
        if self._has_hass and (self._failed_ms is None or ticks_diff(ticks_ms(), self._failed_ms) > _AGAIN_MS):
            known = []
            for device in devices:
                known.append(_appearance(device))
                await asyncio.sleep_ms(0)
            if known != self._known:
                is_told = await self._announce(self._load("firmware.services.hass").announced(gateway, self._number))
                self._known = known if is_told else None
                self._failed_ms = None if is_told else ticks_ms()
        for device in devices:
            is_there = device.status == PRESENT
            if self._shown.get(device.slot) != is_there and (device.model or device.slot in self._shown or is_there):
                text = topics.ONLINE if is_there else topics.OFFLINE
                await self._publish("/status/" + topics.place(device.slot), text, 1, True)
                if not is_there and device.slot in self._shown:
                    await self._publish("/error", topics.silence(device.slot).encode(), 0, False)
                self._shown[device.slot] = is_there
        there = [device.slot for device in devices]
        for slot in [slot for slot in self._shown if slot not in there]:
            await self._publish("/status/" + topics.place(slot), topics.OFFLINE, 1, True)
            self._shown.pop(slot)

    async def _announce(self, announced):
        """Tell Home Assistant what there is, and take back what is no more; False: the flash does not take the note of it."""
        gateway, number, client = self._gateway, self._number, self._client
        announced = list(announced)
        kept = self._load("firmware.services.hass_announced")
        try:
            gone = kept.begin(gateway, number, [(topic, slot) for topic, slot, _ in announced])
        except OSError as error:
            self._complain(f"nothing can be announced to Home Assistant, {error!r}")
            return False
        for topic in gone:
            self._removals += 1
            await client.publish(topic.encode(), b"", 1, True, _REMOVAL)
        for topic, slot, device in announced:
            if slot is not None and not device.groups:
                continue  # another meter answers there meanwhile
            render = self._load("firmware.services.hass").message(gateway, number, device)
            await self._send(topic, render, 1, True)
        since = ticks_ms()
        while self._removals and client.state == "connected":
            if ticks_diff(ticks_ms(), since) > _ALL_GONE_MS:
                return True
            await asyncio.sleep_ms(_IDLE_MS)
        if not self._removals:
            try:
                kept.end(gateway, number, gone)
            except OSError:
                pass  # they are taken back once more
        return True

    def _complain(self, text):
        """Have an event, if the last was another one."""
        if self._link.is_new(text):
            self._gateway.events.add("push", f"link {self._number}: {text}")

    async def _show(self, slot):
        """Home Assistant sees the present values, however many wait in the journal."""
        if not self._has_hass:
            return
        device = None if slot is None else self._gateway.readings.device(slot)
        if slot is None or (device is not None and (device.is_switch or device.groups)):
            place = "/state" if slot is None else "/state/" + topics.place(slot)
            await self._render(
                place, self._load("firmware.services.payload_flat").state(self._gateway, device), 0, self._retain
            )

    async def _send_record(self):
        """Send one of the journal; return whether there is more to do at once."""
        if not self._held:
            if self._link.is_returning:
                return False  # the main server gets it
            found = self._journal.read(self._index, self._buffer)
            if found is None:
                return False
            await asyncio.sleep_ms(0)
            if found == AGAIN:
                return True
            self._held = found
            self._flying.append(found[0])
        sequence, view = self._held
        try:
            topic, render = self._load("firmware.services.push_record").message(self._gateway, self._number, view)
            length = await pieces.length(render, self._pieces)
        except MemoryError:
            raise
        except Exception as error:  # whatever is wrong with it: the others are not to wait for it for ever
            self._complain(f"a record cannot be told, {error!r}")
            self._held = None
            self._arrived(sequence)
            return True
        retain = self._retain and "/history/" not in topic
        await self._publish_pieces(topic, render, self._qos, retain, sequence, length)
        self._held = None
        if not self._qos:
            self._arrived(sequence)
        return True

    async def _send_profile(self, feed):
        """Send a message with load profiles, while nothing else is on its way; return whether there was one."""
        if feed.is_flying or self._flying or self._link.is_returning:
            return False
        found = await feed.next()
        if found is None:
            return False
        topic, render = found
        length = await pieces.length(render, self._pieces)
        feed.is_flying = True
        try:
            await self._publish_pieces(self._base + "/" + topic, render, 1, False, _PROFILE, length)
        except MemoryError:
            feed.is_flying = False
            raise
        return True

    def _settled(self, token, is_acknowledged):
        """The client tells what became of a message with QoS 1."""
        if is_acknowledged and token is not None:
            if token == _REMOVAL:
                self._removals -= 1
            elif "profile" in board.PARTS and token == _PROFILE:
                self._link.is_trying = False
                self._link.feed.arrived()
            else:
                self._arrived(token)

    def _arrived(self, sequence):
        """The journal hears of records in their order only."""
        flying, landed = self._flying, self._landed
        landed.add(sequence)
        last = None
        while flying and flying[0] in landed:
            last = flying.pop(0)
            landed.remove(last)
            self._link.sent += 1
            self._link.is_trying = False
        if last is not None:
            self._journal.acknowledge(self._index, last)

    def _take(self, topic, payload, is_retained):
        """A message has come. A command that the broker keeps was meant for another time."""
        if topic == self._birth:
            if payload is not None and bytes(payload) == b"online":
                self._link.is_changed = True
                self._want_all()
        elif self._orders and topic == self._orders and not is_retained and len(self._commands) < _MOST_COMMANDS:
            self._commands.append(None if payload is None else bytes(payload))

    async def _answer(self, command):
        """Carry out a command; None is one that was too long."""
        run = self._load("firmware.services.commands").run
        render = await run(self._gateway, self._number, command, self._refresh)
        await self._render("/reply", render, 1, False)

    async def _serve_orders(self):
        """Have one command after the other carried out while all else goes on: a meter may take a minute."""
        if self._order and self._order.done():
            order, self._order = self._order, None
            await self._render("/reply", await order, 1, False)
        if not self._order and self._commands:
            run = self._load("firmware.services.commands").run
            self._order = asyncio.create_task(run(self._gateway, self._number, self._commands.pop(0), self._refresh))
        elif self._commands:
            await asyncio.sleep_ms(_IDLE_MS)  # who has more to do does not wait by itself

    def _refresh(self):
        self._gateway.push.refresh(self._number)

    async def _render(self, place, render, qos, retain):
        await self._send(self._base + place, render, qos, retain)

    async def _send(self, topic, render, qos, retain):
        await self._publish_pieces(topic, render, qos, retain, None, await pieces.length(render, self._pieces))

    async def _publish_pieces(self, topic, render, qos, retain, token, length):
        send = pieces.send
        await self._client.publish(topic.encode(), lambda put: send(render, put, self._pieces), qos, retain, token, length)

    async def _publish(self, place, text, qos, retain):
        await self._client.publish((self._base + place).encode(), text, qos, retain)

    async def _say_goodbye(self):
        if self._client.state == "connected":
            await self._publish("/status", topics.OFFLINE, 0, True)
            await self._client.disconnect()


def _appearance(device):
    """Return what an announcement shows of a device, so that it is made anew when that is another one."""
    is_known = device.status in (PRESENT, SILENT)
    counters, measured = device.groups.get("counters"), device.groups.get("measurements")
    missing = device.is_sparse and measured and bytes(measured.exponent).count(b"\x80")  # values that it does not tell
    units = counters and bytes(counters.unit)
    return device.slot, device.model, device.serial, is_known, units, bytes(device.quadrants), missing
