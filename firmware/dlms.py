"""Builds the readers of DLMS meters, one for each wire; others ask it for such a meter. Part of the composition root."""

import asyncio
import gc

from micropython import const

import board

# What others import comes first: imports within imports within imports take more stack than there is
import lib.dlms.axdr
import lib.dlms.elements
import lib.dlms.profile
import lib.dlms.session
import lib.store.archive  # noqa: F401
from firmware.bus.dlms_gate import Gate
from firmware.bus.dlms_reader import COMMAND, INTERACTIVE, DlmsReader
from firmware.bus.dlms_session import APDU, BUFFER, DlmsSession
from firmware.meters.dlms import DlmsMeters
from firmware.meters.dlms_access import title_of
from firmware.meters.dlms_rounds import DlmsRounds
from firmware.state import dlms_device
from firmware.state.dlms_upkeep import Upkeep
from lib.clock.dns import is_address
from lib.dlms import axdr
from lib.dlms.client import Client
from lib.dlms.errors import FormatError, PeerError

_PORTS = const(("rs485", "ir_left", "network"))  # by the port of a plan
_INFO = const(256)  # of a frame: larger ones would take more RAM
_RELAY_MS = const(60000)
_SESSION_BYTES = const(7168)  # of heap that a session takes, 32 bit
_RESERVE_BYTES = const(18432)  # for requests and all that comes and goes
_UNSENT = const("/archive_unsent.json")


class Dlms:
    """`readers` by port name, those that are on. `kept`: firmware/meters/dlms.py. `archive`: lib/store/archive.py,
    `damage`: what was found damaged in it last, a sentence.
    """

    def __init__(self, gateway):
        platform = gateway.platform
        self.meters = gateway.dlms_meters
        self.archive = archive = self._archive(gateway)
        self.kept = DlmsMeters(
            self.meters,
            archive,
            gateway.clock,
            gateway.readings,
            gateway.events,
            gateway.settings.get,
            title_of(platform.mac),
            dlms_device.random,
        )
        self.damage = ""
        self.unsent = None
        self.readers = {}
        self._gateway = gateway
        self._readings = gateway.readings
        self._rounds = []
        self._buffers = [bytearray(BUFFER)]
        self._gate = Gate(_has_room)
        self.upkeep = Upkeep(self.kept, archive, self._is_idle, lambda text: gateway.events.add("meter", text))
        self._relist = asyncio.Event()
        gateway.clock.on_step(lambda step_ms, first: self.again())

    def _archive(self, gateway):
        """Return the archive: on the SD card if there is one, else on the flash."""
        platform, load = gateway.platform, gateway.router.module
        if "sd" in board.PARTS:
            try:
                folder, size = platform.card()
                return dlms_device.on_card(folder, size, load)
            except ValueError as error:
                gateway.events.add("archive", error.args[0])
            except OSError:
                pass  # there is none
        return dlms_device.on_flash(platform.root, load)

    def serial(self, port, uart, baud, beat, told):
        """Return the DlmsReader of a UART."""
        from firmware.bus.dlms_serial import SerialWire  # noqa: PLC0415 - not all have such a wire
        from lib.dlms.link import Link  # noqa: PLC0415

        return self._reader(port, SerialWire(uart, baud, beat), Link(_INFO, 0), beat, told)

    def network(self, beat, told):
        """Return the DlmsReader of the meters behind TCP."""
        from firmware.bus.dlms_network import NetworkWire  # noqa: PLC0415
        from lib.dlms.wrapper import Wrapper  # noqa: PLC0415

        return self._reader("network", NetworkWire(self._resolve), Wrapper(0, True), beat, told)

    def _reader(self, port, wire, link, beat, told):
        session = DlmsSession(wire, link, Client(APDU, b""), beat, self._buffers)
        rounds = DlmsRounds(self.kept, _PORTS.index(port))
        self._rounds.append(rounds)
        self.readers[port] = DlmsReader(port, session, rounds, told, self._gate)
        return self.readers[port]

    async def _resolve(self, host):
        if is_address(host):
            return host
        gateway = self._gateway
        resolver = gateway.router.module("firmware.services.resolver").Resolver(
            lambda: gateway.platform.network.dns_servers, gateway.clock.uptime_s, gateway.sntp.known
        )
        return await resolver.resolve(host)

    async def run(self):
        """Put the meters that are shown among the readings, whenever the list changes."""
        await self.meters.ready()
        self._relist.set()
        while True:
            await self._relist.wait()
            self._relist.clear()
            self.meters.black_days = self._gateway.settings.get("dlms_black_days")
            mine = list(self.kept.devices.values())
            others = [device for device in self._readings.devices if device not in mine]
            for _ in self.kept.list_devices([device.slot for device in others]):
                await asyncio.sleep_ms(0)
            self._readings.devices = others + sorted(self.kept.devices.values(), key=lambda device: device.slot)
            self._readings.changed()
            self.again()

    def changed(self, number):
        """A meter of the list is new, another one or gone; None: all are gone."""
        self.upkeep.changed(number)
        self._relist.set()

    def _is_idle(self):
        return not any([reader.active for reader in self.readers.values()])

    def again(self):
        """Have all wires look who is due: settings, the list or the time have changed."""
        for rounds in self._rounds:
            rounds.again()
        self.tick()

    def tick(self):
        """To be called every second or so."""
        for reader in self.readers.values():
            reader.wake()
        if self.unsent:
            self.unsent.look()
        for text in self.archive.troubles():
            self.damage = text
            self._gateway.events.add("meter", text)

    def is_on(self, port):
        """Whether the meters of a port, by its number in a plan, are read."""
        return _PORTS[port] in self.readers

    def track(self):
        """Return what links have got of the archive: firmware/state/dlms_unsent.py. It stays in RAM then."""
        if self.unsent is None:
            from firmware.state.dlms_unsent import Unsent  # noqa: PLC0415 - RAM that only those pay for who send it

            self.unsent = Unsent(self._gateway.document(self._gateway.platform.root + _UNSENT))
            self.archive.floor = self.unsent.floor
        return self.unsent

    def end(self):
        """Write what waits, before a restart."""
        if self.unsent:
            self.unsent.save()

    def close(self):
        """All wires end."""
        self.readers.clear()
        self._rounds.clear()

    # What services ask; `number` is the id of a meter. All raise DlmsError.

    def reader_of(self, number):
        """Return the reader of a meter's wire. PeerError: there is no such meter, or its wire is off."""
        line = self.meters.find(number)
        if line is None:
            raise PeerError("there is no such meter")
        reader = self.readers.get(_PORTS[self.kept.plan_of(line).port])
        if reader is None:
            raise PeerError("its port is off")
        return reader

    def read_now(self, number):
        """Have a meter read next, all that is due or not."""
        reader = self.reader_of(number)
        reader.rounds.read_now(number)
        reader.wake()

    async def relay(self, number, is_on, who="somebody"):
        """Switch a relay, None: look; return its state as firmware/meters/dlms_jobs.py relay() says. who: for the event."""
        return await self._ask(number, "relay", COMMAND, is_on, who)

    async def present(self, number):
        """Read the present values now; return (UTC, columns with exponent and unit, value of each)."""
        return await self._ask(number, "present", INTERACTIVE)

    async def clock(self, number, is_set=False):
        """Read a clock, or set it; return {"utc", "drift_s"}."""
        return await self._ask(number, "clock", COMMAND if is_set else INTERACTIVE, is_set)

    async def read(self, number, class_id, ln, attribute, selector=None, is_raw=False):
        """Return an attribute of a meter: its value as lib/dlms/axdr.whole() makes it, or its octets."""
        reader = self.reader_of(number)
        jobs = self._gateway.router.module("firmware.meters.dlms_jobs")
        return await reader.ask(number, jobs.read(class_id, ln, attribute, selector, is_raw), INTERACTIVE, _RELAY_MS)

    async def visit(self, number, client, work, deadline_ms):
        """Do work(session, plan) over a link to a meter for another client, by its SAP: who associates is not us."""
        await self.reader_of(number).ask(client << 16 | number, work, INTERACTIVE, deadline_ms)

    async def object(self, number, class_id, ln, attribute):
        """Return an attribute of a meter as lib/dlms/axdr.whole() makes it, None if that cannot be, and its octets."""
        content = await self.read(number, class_id, ln, attribute, None, True)
        try:
            return axdr.whole(content), content
        except FormatError:
            return None, content

    async def _ask(self, number, what, priority, *arguments):
        reader = self.reader_of(number)
        jobs = self._gateway.router.module("firmware.meters.dlms_jobs")
        return await reader.ask(number, getattr(jobs, what)(self.kept, *arguments), priority, _RELAY_MS)


def _has_room(sessions):
    """Whether so many may be under way at once: those that are may still have to grow."""
    wanted = _RESERVE_BYTES + sessions * _SESSION_BYTES
    if gc.mem_free() < wanted:
        gc.collect()
    return gc.mem_free() >= wanted
