"""One link by MQTT: what waits in the journal, what Home Assistant is to see, commands. docs/mqtt.md has the topics.

In RAM while the link is on; what renders messages is loaded for each of them.
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from firmware.services import pieces, push_connect
from firmware.services import push_topics as topics
from firmware.state.readings import PRESENT
from lib.aio.connect import ConnectionFailed
from lib.mqtt.client import Client
from lib.store.journal import AGAIN, ROOM

_IDLE_MS = const(50)
_LOOK_MS = const(2000)  # between two looks whether devices came or went
_ALL_GONE_MS = const(10000)  # that the broker has to take the removals
_LARGE, _LARGEST = const(256), const(1200)  # bytes of a message that comes in, the latter with commands
_MOST_COMMANDS = const(4)  # that wait
_ERRORS = ("dns", "refused", "unreachable", "timeout", "closed", "memory")  # causes that pass by themselves
_OFFLINE = b'{"state":"offline"}'
_ONLINE = b'{"state":"online"}'


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
        self._buffer = bytearray(ROOM)
        self._flying = []  # sequence numbers of records that were sent, in order
        self._landed = set()  # those of them that arrived before an earlier one
        self._removals = 0  # that the broker has not taken yet
        self._commands = []
        self._known = None  # devices that were announced last
        self._shown = {}  # slot: whether it was told to be online
        settings = gateway.settings
        self._base = topics.base(gateway, number)
        self._has_hass = settings.get(f"hass{number}_discovery")
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
            (self._base.encode() + b"/status", _OFFLINE, True, 1),
            largest=_LARGEST if settings.get(f"push{number}_commands") else _LARGE,
        )
        self._client.timeout_ms = 1000 * settings.get(f"push{number}_resp_time")
        wanted = [(topics.commands(gateway, number).encode(), 1)] if settings.get(f"push{number}_commands") else []
        self._client.subscriptions = tuple(wanted + ([(self._birth.encode(), 0)] if self._has_hass else []))

    async def run(self):
        link, client = self._link, self._client
        runner = asyncio.create_task(client.run(lambda: push_connect.open_link(self._gateway, self._number)))
        link.end = self._say_goodbye
        try:
            while True:
                if runner.done():
                    await runner  # raises what it ended with
                    return
                self._tell()
                if client.state == "connected":
                    try:
                        await self._converse()
                    except ConnectionFailed:
                        pass  # the client knows why, and tries again
                await asyncio.sleep_ms(_IDLE_MS)
        finally:
            link.end = None
            runner.cancel()

    def _tell(self):
        """Have the link's state known; each change that people should know of is an event."""
        client, link = self._client, self._link
        cause = client.cause
        state = "Connected" if client.state == "connected" else "Connecting" if not cause else "Disconnected"
        if state == "Disconnected" and cause not in _ERRORS:
            state = "Error"
        if client.state == "connected":
            cause = ""
        was = link.state
        if link.tell(state, cause, self._gateway.clock.utc()) and (cause or state == "Connected" != was):
            text = push_connect.SENTENCES.get(cause, cause) or "connected"
            self._gateway.events.add("push", f"link {self._number}: {text}")

    async def _converse(self):
        """Do what is to be done on a connection, until it ends."""
        link, journal, client = self._link, self._journal, self._client
        journal.rewind(self._index)
        self._flying, self._landed = [], set()
        self._removals = 0
        self._commands = []
        self._shown = {}
        self._known = None
        self._tell()
        await self._greet()
        looked_ms = ticks_ms() - _LOOK_MS
        while client.state == "connected":
            now = ticks_ms()
            if ticks_diff(now, looked_ms) >= _LOOK_MS or link.is_changed:
                looked_ms = now
                await self._look()
            if self._commands:
                await self._answer(self._commands.pop(0))
            elif link.due:
                await self._show(link.due.pop())
            elif not await self._send_record():
                await asyncio.sleep_ms(_IDLE_MS)

    async def _greet(self):
        flat = self._load("firmware.services.payload_flat")
        await self._render("/status", flat.greeting(self._gateway), 1, True)
        if self._has_hass:
            await self._render("/firmware", flat.firmware(), 1, True)
            for outlet in self._gateway.readings.devices:
                if topics.is_pushed(self._gateway.settings, outlet.slot, self._number):
                    self._link.due.add(outlet.slot)
            self._link.due.add(None)
        else:
            self._link.due.clear()
            await self._announce(())  # what was announced when it was on

    async def _look(self):
        """See whether devices came, went, fell silent."""
        gateway = self._gateway
        devices = [each for each in gateway.readings.devices if topics.is_pushed(gateway.settings, each.slot, self._number)]
        known = [(each.slot, each.model, each.serial) for each in devices if each.model]
        if self._has_hass and (known != self._known or self._link.is_changed):
            self._known = known
            await self._announce(self._load("firmware.services.hass").announced(gateway, self._number))
        self._link.is_changed = False
        for device in devices:
            is_there = device.status == PRESENT
            if self._shown.get(device.slot) != is_there and (device.model or device.slot in self._shown or is_there):
                text = _ONLINE if is_there else _OFFLINE
                await self._publish("/status/" + topics.place(device.slot), text, 1, True)
                if not is_there and device.slot in self._shown:
                    await self._publish("/error", topics.silence(device.slot).encode(), 0, False)
                self._shown[device.slot] = is_there

    async def _announce(self, announced):
        """Tell Home Assistant what there is, and take back what is no more."""
        gateway, number, client = self._gateway, self._number, self._client
        announced = list(announced)
        kept = self._load("firmware.services.hass_announced")
        gone = kept.begin(gateway, number, [(topic, slot) for topic, slot, _ in announced])
        for topic in gone:
            self._removals += 1
            await client.publish(topic.encode(), b"", 1, True, -1)
        for topic, _, device in announced:
            render = self._load("firmware.services.hass").message(gateway, number, device)
            await self._send(topic, render, 1, True)
        since = ticks_ms()
        while self._removals and client.state == "connected":
            if ticks_diff(ticks_ms(), since) > _ALL_GONE_MS:
                return
            await asyncio.sleep_ms(_IDLE_MS)
        if not self._removals:
            kept.end(gateway, number, gone)

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
        found = self._journal.read(self._index, self._buffer)
        if found is None:
            return False
        await asyncio.sleep_ms(0)
        if found == AGAIN:
            return True
        sequence, view = found
        self._flying.append(sequence)
        try:
            topic, render = self._load("firmware.services.push_record").message(self._gateway, self._number, view)
        except ValueError as error:
            self._gateway.events.add("push", f"link {self._number}: a record cannot be told, {error}")
            self._arrived(sequence)
            return True
        await self._send(topic, render, self._qos, self._retain and "/history/" not in topic, sequence)
        if not self._qos:
            self._arrived(sequence)
        return True

    def _settled(self, token, is_acknowledged):
        """The client tells what became of a message with QoS 1: -1 is a removal, else a record's sequence number."""
        if is_acknowledged and token is not None:
            if token < 0:
                self._removals -= 1
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
        if last is not None:
            self._journal.acknowledge(self._index, last)

    def _take(self, topic, payload, is_retained):
        """A message has come. A command that the broker keeps was meant for another time."""
        if topic == self._birth:
            if payload is not None and bytes(payload) == b"online":
                self._link.is_changed = True
                self._link.due.add(None)
                for device in self._gateway.readings.devices:
                    self._link.due.add(device.slot)
        elif not is_retained and len(self._commands) < _MOST_COMMANDS:
            self._commands.append(None if payload is None else bytes(payload))

    async def _answer(self, command):
        """Carry out a command; None is one that was too long."""
        run = self._load("firmware.services.commands").run
        render = await run(self._gateway, self._number, command, self._refresh)
        await self._render("/reply", render, 1, False)

    def _refresh(self):
        self._gateway.push.refresh(self._number)

    async def _render(self, place, render, qos, retain):
        await self._send(self._base + place, render, qos, retain)

    async def _send(self, topic, render, qos, retain, token=None):
        length = await pieces.length(render)
        await self._client.publish(topic.encode(), lambda put: pieces.send(render, put), qos, retain, token, length)

    async def _publish(self, place, text, qos, retain):
        await self._client.publish((self._base + place).encode(), text, qos, retain)

    async def _say_goodbye(self):
        if self._client.state == "connected":
            await self._publish("/status", _OFFLINE, 0, True)
            await self._client.disconnect()
