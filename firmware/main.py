"""The composition root: board and settings make objects, objects make tasks, one loop runs them. Only this room knows all."""

import asyncio
import gc
import sys

from micropython import const

import board

if board.PLATFORM == "host":
    from firmware.port.host import Platform
else:
    from firmware.port.esp32 import Platform
from firmware.field import Field
from firmware.routes import Router
from firmware.services import network
from firmware.services.clock import SntpService
from firmware.services.front import Front
from firmware.services.inputs import Inputs
from firmware.state.clock import Clock
from firmware.state.events import Events
from firmware.state.health import Health
from firmware.state.history import History
from firmware.state.identity import Identity
from firmware.state.logins import Logins
from firmware.state.readings import Readings
from firmware.state.settings import Settings
from firmware.state.upgrade import Upgrade
from firmware.version import VERSION
from lib.aio.supervisor import Supervisor
from lib.http.server import HttpServer

_WATCHDOG_MS = const(1000)
_COLLECT_BYTES = const(16384)  # often, so that what lasts does not come to lie far apart amid what goes
_HEADER_BYTES = const(960)  # browsers send 500 to 900
_BODY_BYTES = const(8192)  # in a buffer of its own, while it is needed
_GOODBYE_MS = const(5000)
_BEAT_MS = const(20000)  # a task that has not reported for so long stops the watchdog
_YOUTH_S = const(60)  # a start that ended sooner has failed
_FAILED_STARTS = const(5)  # in a row; then comes safe mode
# Settings that what serves the links takes up: their own, and which devices there are
_OF_PUSH = const("mqtt push hass job dlms_push gateway_push leftir_push rightir_push rs485_push rs485_t left_ir_e ir_ext")


class Gateway:
    """Everything that lives, made once; the services of firmware/routes.py get it. `platform`: see firmware/port/host.py."""

    def __init__(self, platform):
        self.platform = platform
        self.clock = Clock(platform.clock)
        self.events = Events(self.clock)
        self.events.on_event(lambda event: platform.log(f"{event[1]}: {event[2]}"))
        self.events.add("start", f"version {VERSION}, {platform.model}, cause: {platform.reset_cause}")
        platform.mount()
        self.router = Router(self)
        platform.load = self._load
        self.is_safe = platform.failed_starts >= _FAILED_STARTS  # then only what is needed to help the gateway runs
        try:
            open(platform.root + "/factory_reset").close()
            self._load("firmware.services.factory_reset").finish(self)
        except OSError:
            pass  # none was ordered before this start
        self.settings = Settings(platform.root + "/settings.json", self.document)
        self.troubles = 0  # with the settings at this start
        for trouble in self.settings.load():
            self.events.add("settings", trouble)
            self.troubles += 1
        if platform.first_settings:
            self.settings.change(platform.first_settings)
            self.settings.restart_needed = False  # nothing has begun yet
            platform.first_settings = None  # its RAM is wanted
        self.identity = Identity(platform.mac)
        self.identity.load(self.document(platform.root + "/identity.json"))
        self.readings = Readings()
        self.supervisor = Supervisor(self.crashed)
        beat = self.supervisor.beat
        self.health = Health(platform.reset_cause, beat("loop", _BEAT_MS))
        self.inputs = Inputs(
            self.readings,
            self.settings,
            self.clock,
            self.events,
            platform.pt1000(),
            platform.root,
            self._beat("inputs"),
        )
        self.field = Field(
            platform,
            self.settings,
            self.readings,
            self.clock,
            self.events,
            self.supervisor,
            self._answer_slave,
            self._load,
            self.is_safe,
            self.document,
            self.open_profiles,
        )
        self.history = History(platform.root, self.readings, self.clock, self.events, self._beat("history"), self._load)
        self.profiles = None  # load profiles of meters, once one has some: firmware/state/profiles.py
        self.demand = None  # of all meters together, once it is wanted: firmware/services/demand.py
        self.frames = None  # the log of raw frames, while somebody looks at it
        self.modbus_access = None  # who may change what over Modbus, while somebody may: firmware/state/modbus_access.py
        self.logins = Logins()
        self.modbus = []  # ModbusTcp: plain, with TLS, as the settings say
        self.server = HttpServer(
            self.router.find,
            header_bytes=_HEADER_BYTES,
            body_bytes=_BODY_BYTES,
            on_error=self._answer_failed,
            on_watch=beat("http", _BEAT_MS).beat,
        )
        self.sntp = SntpService(self.clock, self.settings, self.events, lambda: platform.network.dns_servers, self._load)
        self.settings.on_change(self._changed)
        self.settings.on_error = lambda error: self.crashed("settings", error)
        self.front = Front(self)
        self.upgrade = Upgrade()
        self.push = None  # what serves the links, once one is on: firmware/services/push.py
        self._is_pushing = False
        if "dlms" in board.PROTOCOLS:
            self._dlms_meters = None  # their list, once it is wanted
            self.dlms_server = None  # once it is on: firmware/services/dlms_server.py
            self.field.make_dlms = self._make_dlms
        self.on_trial = False  # a new version that has not proven itself yet: firmware/services/upgrade_trial.py
        self._is_young = not self.is_safe  # whether this start may still count as failed
        self.tunnel = None  # the transparent port, once it is on: firmware/services/tunnel.py
        self.trial = None  # by which credentials are tried, while provisioning runs: firmware/services/network_trial.py
        self.phones = None  # who serves them, while they may come over the own access point: services/provisioning_ap.py
        self._use_zone()

    async def run(self):
        """Start every task; never returns."""
        platform, start = self.platform, self.supervisor.start
        asyncio.get_event_loop().set_exception_handler(self._nobody_awaited)
        self.front.show("connecting")
        platform.button(self.front.button)
        platform.on_time(lambda unix_ms: self.clock.set(unix_ms, "board"))
        port = platform.http_port
        self.server.listen("0.0.0.0", self.settings.get("http_port") if port is None else port)
        self.field.build()
        start("network", lambda: network.run(self, self._load, self.front.show, self._network_changed, self._provision))
        start("http", self.server.run)
        start("health", self.health.run)
        start("field", self.field.run)
        start("clock", self.sntp.run)
        start("board", platform.run)
        if "modem" in board.PARTS and platform.lan and platform.lan.mode == "Modem":
            from firmware.services import modem  # noqa: PLC0415 - RAM that only such boards need

            start("modem", lambda: modem.run(self))
        if self.is_safe:
            self.events.add("start", f"safe mode: {platform.failed_starts} starts in a row failed")
        else:
            platform.pulse_input(self.inputs)
            start("inputs", self.inputs.run)
            start("history", self.history.run)
            self._start_wanted()
        ports = (None, None)
        if "discovery" in board.PARTS and self.settings.get("udp_enabled") and not self.is_safe:
            from firmware.services import discovery  # noqa: PLC0415 - not every board has it

            ports, sockets, poll = self._load("firmware.services.discovery_sockets").open(self)
            start("discovery", lambda: discovery.run(self, sockets, poll))
        modbus_ports = self._load("firmware.modbus").start(self)
        gc.collect()
        services = {
            "http": self.server.port,
            "modbus_tcp": modbus_ports[0],
            "modbus_tls": modbus_ports[1],
            "discovery": ports[0],
            "netbios": ports[1],
        }
        code = self._load("firmware.services.provisioning_code").text(self)
        platform.ready(pop=self.identity.pop, serial=self.identity.serial, code=code, **services)
        if self.identity.is_new and not platform.is_host:
            platform.log(code)  # where there is a console
        del code
        try:
            if platform.slots:
                self._load("firmware.services.upgrade_trial").begin(self)
        except Exception as error:  # whatever a file says: everything else goes on
            self.crashed("trial", error)
        await self._watch()

    def _provision(self, seconds):
        if "phones" in board.PARTS:
            service = self._load("firmware.services.provisioning")
        elif "setup" in board.PARTS:
            service = self._load("firmware.services.setup_ap")
        return service.run(self, self._load, seconds)

    async def _watch(self):
        """Feed the watchdog while every task with a beat reports."""
        reported = None
        while True:
            try:
                self._look_after()
                late = self.supervisor.late()
                if late is None:
                    self.platform.feed_watchdog()
                elif late != reported:
                    self.events.add("task", late + " does not report; the watchdog will restart the gateway")
                reported = late
            except MemoryError:
                gc.collect()  # the next round makes up for this one
            await asyncio.sleep_ms(_WATCHDOG_MS)

    def _look_after(self):
        """What is to be looked at every second."""
        if self._is_young and self.clock.uptime_s() >= _YOUTH_S:
            self._is_young = False
            self.platform.count_starts(0)
        self.field.tick()
        self.router.tick()
        if "server" in board.PARTS:
            rows = getattr(board, "LIGHTS", None)  # the host's board has none
            if rows:
                self.front.tell(*self._load("firmware.services.front_server").lights(self, rows))
        for server in self.modbus:
            server.tick()
        if self.frames and self.frames.is_forgotten():
            self.frames.end()
            self.frames = None
        if self.clock.uptime_s() >= self.upgrade.due_s:
            self._load("firmware.services.upgrade").look(self)
        if self.modbus_access and self.modbus_access.is_over(self.clock.uptime_s()):
            self.modbus_access = None

    @property
    def login(self):
        """What knows who may do what."""
        return self.router.module("firmware.services.login").Login(self)

    def accounts(self):
        """Return the passwords that people chose: read from flash now, for they are not kept in RAM."""
        return self.router.module("firmware.state.accounts").Accounts(self.platform.root + "/accounts.json")

    def registers(self, device, pdu, out):
        """Write the reply to a Modbus request into `out`, return its length: firmware/services/registers.py."""
        return self.router.module("firmware.services.registers").answer(self, device, pdu, out)

    def rows(self, model, of_counters):
        """Return the rows of a meter's group, there or not: the name is the first of each. None: not known."""
        family = self._load("firmware.meters.catalogue").find(model, self._load)
        return family and (family.counters if of_counters else family.values).rows

    def _answer_slave(self, pdu, out):
        return self.registers(None, pdu, out)

    def _beat(self, name):
        """Return the sign of life of a task that does not run in safe mode."""
        beat = self.supervisor.beat(name, _BEAT_MS)
        if self.is_safe:
            self.supervisor.forget(beat)
        return beat

    def document(self, path):
        """Return the Document of a file."""
        return self.router.module("lib.store.document").Document(path)

    def _load(self, name):
        """Return a module that is in RAM only while it is used."""
        return self.router.module(name)

    def restart(self):
        """Save what is not on flash yet, and begin anew; with links that is a moment later, for they say goodbye."""
        if self.push:
            asyncio.create_task(self._restart())
        else:
            self._reset()

    async def _restart(self):
        try:
            await asyncio.wait_for_ms(self.push.end(), _GOODBYE_MS)
        except Exception as error:
            self.crashed("push", error)
        finally:
            self._reset()

    def _reset(self):
        try:
            if self.on_trial:
                self._load("firmware.services.upgrade_trial").interrupted(self)
            self.inputs.save()
            if self.profiles:
                self.profiles.end()
            if "dlms" in board.PROTOCOLS and self._dlms_meters:
                self._dlms_meters.end()
                if self.field.dlms:
                    self.field.dlms.end()
        finally:
            self.platform.count_starts(0)  # somebody asked for it
            self.platform.reset()

    def open_profiles(self, is_new=True):
        """Return what keeps load profiles, made when the first meter has one; None on a board without. It stays in RAM then.

        is_new: also if nothing of any meter was ever kept.
        """
        if "profile" in board.PARTS and self.profiles is None:
            from firmware.state import profiles  # noqa: PLC0415 - RAM that only those pay for who have one

            if not is_new and not profiles.are_there(self.platform.root):
                return None
            self.profiles = profiles.KeptProfiles(self.platform.root, self.events, self._beat("profiles"), self._load)
            self.supervisor.start("profiles", self.profiles.run)
        return self.profiles

    @property
    def dlms_meters(self):
        """The list of DLMS meters (firmware/state/dlms_meters.py), made when it is wanted first. It stays in RAM then."""
        if self._dlms_meters is None:
            from firmware.state.dlms_meters import Meters  # noqa: PLC0415 - RAM that only those pay for who want it

            meters = Meters(self.platform.root, lambda text: self.events.add("meter", text), self._beat("dlms_meters"))
            meters.on_change = getattr(self.field, "dlms_changed", meters.on_change)
            self.supervisor.start("dlms_meters", meters.run)
            self._dlms_meters = meters
        return self._dlms_meters

    def _make_dlms(self):
        """Return what reads DLMS meters. It stays in RAM then."""
        from firmware.dlms import Dlms  # noqa: PLC0415 - RAM that only those pay for who have such meters

        return Dlms(self)

    def _start_wanted(self):
        """Start what serves the links, sums up the meters, lends a port, once that is on. It stays in RAM then."""
        get = self.settings.get
        if not self._is_pushing and (get("push1_protocol") or get("push2_protocol")):
            self._is_pushing = True
            self.supervisor.start("push", self._serve_links)
        if "profile" in board.PARTS and self.demand is None and get("demand_period"):
            from firmware.services.demand import Demand  # noqa: PLC0415 - as above

            self.demand = Demand(self, self._beat("demand"))
            self.supervisor.start("demand", self.demand.run)
        if "dlms" in board.PROTOCOLS and self.dlms_server is None and (get("dlms_server_enabled") or get("dlms_main_host")):
            from firmware.services.dlms_server import DlmsServer  # noqa: PLC0415 - as above

            self.dlms_server = DlmsServer(self)
            self.supervisor.start("dlms server", self.dlms_server.run)
        if "tunnel" in board.PROTOCOLS and self.tunnel is None and (get("tunnel_port") or get("rs485_protocol") == 4):
            from firmware.services.tunnel import Tunnel  # noqa: PLC0415 - not every board has it

            self.tunnel = Tunnel(self)
            self.supervisor.start("tunnel", self.tunnel.run)

    async def _serve_links(self):
        if self.push is None:  # here, for it may fail, which is nobody else's business
            from firmware.services.push import Push  # noqa: PLC0415 - RAM that only those pay for who have a link

            self.push = Push(self, self._load)
        await self.push.run()

    def factory_reset(self, by):
        """Forget all but what belongs to the hardware and begin anew soon; `by`: who wants it. OSError: it was not begun."""
        self._load("firmware.services.factory_reset").begin(self, by)

    def crashed(self, name, error):
        """A task or a request ended with an exception that nobody expected; None if it just ended."""
        self.events.add("task", f"{name} ended: {error!r}" if error else f"{name} ended")
        if error:
            self._trace(error)

    def _answer_failed(self, error, request):
        what = "server" if request is None else request.path
        self.events.add("task", f"http {what}: {error!r}")
        self._trace(error)

    def _nobody_awaited(self, _, context):
        """A task of a task failed: the loop tells, for nobody else would. Nothing may be raised here: it would end the loop."""
        try:
            self.crashed("a task", context["exception"])
        except Exception:
            pass

    def _trace(self, error):
        if self.platform.is_host:
            sys.print_exception(error)

    def _network_changed(self, is_up):
        if not is_up:
            self.events.add("network", "the connection is lost")
            return
        link = self.platform.network
        self.events.add("network", f"{link.ssid or link.mode}: connected, {link.address}")
        self.sntp.wake()

    def _changed(self, names):
        if "timezone" in names:
            self._use_zone()
        if not self.is_safe:
            self._start_wanted()
        if self.push and any([name.startswith(begin) for name in names for begin in _OF_PUSH.split()]):
            self.push.changed(names)
        if any([name.startswith("upgrade_") for name in names]):
            self.upgrade.changed(self.clock.uptime_s())
        for name in names:
            if name.startswith(("ntp_", "time_sync_src")):
                self.sntp.wake()
            if name.startswith(("modbus_o", "modbus_m", "sg_modbus", "ir_c", "left_ir_e", "rs485_t", "rs485_a")):
                self._load("firmware.modbus").tell_collisions(self)
                break

    def _use_zone(self):
        try:
            self.clock.use_zone(self.settings.get("timezone"))
        except ValueError as error:
            self.events.add("settings", f"timezone: {error}")


def start(config=None):
    """Run the gateway; `config` is the rig's description of this start, None on a device."""
    gc.threshold(_COLLECT_BYTES)
    gateway = Gateway(Platform(config))
    asyncio.run(gateway.run())
