"""Builds what hangs on the wires from the settings, and builds it anew when they change. Part of the composition root."""

import asyncio
import gc

from micropython import const

import board
from firmware.bus.queue import COMMAND, INTERACTIVE, POLL
from firmware.meters.bicom import INFRARED_UNIT
from firmware.state.readings import Device
from firmware.state.schema import DLMS, IEC, IR_DLMS, RS485_DEVICES

_BAUDS = const((1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200))
_PARITIES = const("NOE")
_OURS = const((1, 2))  # values of rs485_protocol with which the field may have a master on RS-485
_SWITCH = const(3)  # the type of an RS-485 device that is a bistable switch
_COMMAND_MS = const(5000)
_SETTLE_MS = const(20)
_TRY_MS = const(2000)
_DEVICE_BYTES = const(3600)  # of heap, that a three-phase meter takes with its task, 32 bit
_RESERVE_BYTES = const(18432)  # for requests and all that comes and goes
_BEAT_MS = const(20000)  # a wire that is not served for so long is a fault: the longest exchange takes far less
# Settings that shape the field start so
_MINE = const(
    (
        "left_ir_enabled",
        "ir_counter_addr",
        "ir_ext_rel_mode",
        "ir_protocol",
        "rs485_protocol",
        "rs485_baud_rate",
        "rs485_parity",
        "rs485_stop_bits",
        "rs485_type_",
        "rs485_addr_",
        "sg_modbus_addr",
    )
)


class Field:
    """The wires, the devices on them, and their tasks. `buses` by port name: those that have a master; `readers`: those with
    IEC 62056-21 meters (`iec`: whether the board can have some). `document(path)` returns the Document of a file.

    `answer(pdu, out)` gives the gateway's own registers to the master that RS-485 may have; `slave`: who does that, or None.
    `load(name)` returns a module that is in RAM only while it is used. `is_safe`: the wires are there for who asks over the
    network, and for nobody else. Owners of wires that may be borrowed, whatever they are, are in `_owners`.
    """

    def __init__(
        self, platform, settings, readings, clock, events, supervisor, answer, load, is_safe=False, document=None, profiles=None
    ):
        self._platform = platform
        self._settings = settings
        self._readings = readings
        self._clock = clock
        self._events = events
        self._supervisor = supervisor
        self._answer = answer
        self._load = load
        self._is_safe = is_safe
        self._uarts = {}
        self._tasks = []
        self._beats = []
        self._waiting = []  # devices that there was no memory for yet
        self._again = asyncio.Event()  # the settings that shape the field have changed
        self._lines = {}  # how each port is set: (speed, parity, stop bits)
        self._owners = {}  # of wires that may be borrowed, by port: see firmware/bus/tunnel.py
        self._borrowed = ""  # the port that is on loan
        self._recall = None  # has whoever borrowed it let go at once
        self.document = document
        self.profiles = profiles  # returns what keeps load profiles
        self._iec = None  # firmware/iec.py, if there are such meters
        self.buses = {}
        self.readers = {}
        self.slave = None
        if "dlms" in board.PROTOCOLS:
            self.dlms = None  # firmware/dlms.py, once there are such meters
            self.make_dlms = self._no_dlms  # makes it: set by who has what they need
        # Made once, for all wires and devices
        self._interval_ms = lambda: settings.get("poll_ms")
        self._longest_ms = lambda: settings.get("response_ms")
        self._keeps = lambda: settings.get("modbus_max_age")
        self._told = lambda text: events.add("bus", text)
        settings.on_change(self._changed)

    def build(self):
        """Start masters and devices as the settings say."""
        self._list()
        self._open_all()

    def _list(self, with_iec=True):
        """List the devices that the settings have; nobody asks them yet. `with_iec`: those of which there may be many, too."""
        settings = self._settings
        meters = []
        protocol = settings.get("rs485_protocol")
        self._iec = None
        self._readings.devices = []  # their memory is wanted
        is_iec = "iec62056" in board.PROTOCOLS and settings.get("ir_protocol") == 1  # the left port
        if "iec62056" in board.PROTOCOLS and with_iec and (protocol == IEC or is_iec):
            from firmware.iec import Meters  # noqa: PLC0415 - RAM that only those pay for who have such meters

            self._iec = Meters(lambda path: self.document(self._platform.root + path))
            meters += self._iec.devices(self._platform.ports, settings, self._events)
        if "dlms" in board.PROTOCOLS and settings.get("ir_protocol") == IR_DLMS:
            pass
        elif settings.get("left_ir_enabled") and not is_iec:
            meters.append(Device("lir", "ir_left", settings.get("ir_counter_addr")))
        if settings.get("ir_ext_rel_mode"):
            meters.append(Device("rir", "ir_right", INFRARED_UNIT, is_switch=True))
        if "dlms" in board.PROTOCOLS and protocol == DLMS:
            protocol = IEC  # no Modbus devices there, either
        for slot in range(1, RS485_DEVICES + 1 if protocol != IEC else 1):
            kind = settings.get(f"rs485_type_{slot}")
            if kind:
                meters.append(Device(slot, "rs485", settings.get(f"rs485_addr_{slot}"), is_switch=kind == _SWITCH))
        self._readings.devices = meters
        self._readings.untried = set(meters)

    def _open_all(self):
        """Open the wires, and give each device its task."""
        settings = self._settings
        meters = self._readings.devices
        mode = settings.get("ir_ext_rel_mode")
        # The right port is sent to with two stop bits: both kinds of switch that are known can read that.
        lines = {
            "ir_left": (19200, "N", 1),
            "ir_right": (19200, "N", 2),
            "rs485": (
                _BAUDS[settings.get("rs485_baud_rate")],
                _PARITIES[settings.get("rs485_parity")],
                settings.get("rs485_stop_bits") + 1,
            ),
        }
        self._lines = lines
        used = {device.port for device in meters}
        if settings.get("rs485_protocol") == 2:
            used.add("rs485")
        if self._iec and not self._is_safe:
            for port in self._iec.ports:
                self._open_reader(port)
        for port in self._platform.ports:
            if port in self.readers:
                pass
            elif port in used and (port != "rs485" or settings.get("rs485_protocol") in _OURS):
                self._open(port, lines[port])
            elif port == "rs485" and settings.get("rs485_protocol") == 1 and not self._is_safe:
                self._open_slave(port, lines[port])
        if mode == 2 and "ir_left" in self.buses and not self._is_safe:
            from firmware.bus.relay_bridge import RelayBridge  # noqa: PLC0415 - RAM that few need

            self.buses["ir_left"].listener = RelayBridge(self.buses["ir_right"].ask).listen
        self._waiting = [device for device in meters if device.port in self.buses and not self._is_safe]
        self._readings.untried = set(self._waiting)  # nobody will ever ask the others
        self._readings.untried.update([device for device in meters if device.port in self.readers])
        self._start_waiting()
        if "dlms" in board.PROTOCOLS and not self._is_safe:
            self._open_dlms()

    def _start_waiting(self):
        """Start as many devices as there is memory for: better one less than a gateway that cannot go on."""
        gc.collect()
        room = (gc.mem_free() - _RESERVE_BYTES) // _DEVICE_BYTES
        while self._waiting and room > 0:
            self._start(self._waiting.pop(0))
            room -= 1

    def _uart(self, port, line):
        """Return (uart, beat) for the task of a wire."""
        self._port(port).configure(*line)
        beat = self._supervisor.beat(port, _BEAT_MS)
        self._beats.append(beat)
        return self._uarts[port], beat

    def _port(self, port):
        if port not in self._uarts:
            self._uarts[port] = self._platform.uart(port)
        return self._uarts[port]

    async def borrow(self, port, line, recall):
        """Return the Tunnel of a port, once its owner has let go of the wire; None if it cannot be had now.

        `line`: how it is set, None as the port is else. recall() is called when the wire is needed for what other settings
        want: then nobody touches it any more. In any case give_back() follows, for this may also be cancelled.
        """
        if self._borrowed or self._again.is_set() or port not in self._lines or port not in self._platform.ports:
            return None
        self._borrowed, self._recall = port, recall
        owner = self._owners.get(port)
        if owner:
            await owner.pause()
        return self._load("firmware.bus.tunnel").Tunnel(self._port(port), line or self._lines[port])

    def give_back(self, recall):
        """End what borrow() with this `recall` began, if it is not over."""
        if self._recall is not recall:
            return
        port, self._borrowed, self._recall = self._borrowed, "", None
        if port in self._uarts:
            self._uarts[port].configure(*self._lines[port])
        if port in self._owners:
            self._owners[port].resume()

    def _open_slave(self, port, line):
        from firmware.bus.modbus_slave import ModbusSlave  # noqa: PLC0415 - RAM that few need

        uart, beat = self._uart(port, line)
        self.slave = ModbusSlave(uart, self._settings.get("sg_modbus_addr"), self._answer, self._told, beat)
        self._owners[port] = self.slave
        self._tasks.append(self._supervisor.start(port, self.slave.run))

    def _open_reader(self, port):
        uart, beat = self._uart(port, (300, "N", 1))
        reader = self._iec.reader(
            port, uart, beat, self._told, self._clock, self._readings, self._events, self._load, self.profiles
        )
        self.readers[port] = self._owners[port] = reader
        self._tasks.append(self._supervisor.start(port, reader.run))

    def _no_dlms(self):
        raise NotImplementedError

    def _open_dlms(self):
        """Start the readers of DLMS meters that the settings want."""
        settings = self._settings
        ports = []
        if settings.get("rs485_protocol") == DLMS:
            ports.append("rs485")
        if settings.get("ir_protocol") == IR_DLMS:
            ports.append("ir_left")
        if not ports and not settings.get("dlms_network"):
            return
        self.wanted_dlms()
        for port in ports:
            if port in self._platform.ports:
                baud = _BAUDS[settings.get("dlms_baud")]
                self._lines[port] = (baud, "N", 1)
                uart, beat = self._uart(port, self._lines[port])
                self._owners[port] = self.dlms.serial(port, uart, baud, beat, self._told)
                self._tasks.append(self._supervisor.start(port, self._owners[port].run))
        if settings.get("dlms_network"):
            self._beats.append(self._supervisor.beat("network meters", _BEAT_MS))
            reader = self.dlms.network(self._beats[-1], self._told)
            self._tasks.append(self._supervisor.start("network meters", reader.run))
        self._tasks.append(self._supervisor.start("dlms", self.dlms.run))
        self._tasks.append(self._supervisor.start("dlms archive", self.dlms.upkeep.run))

    def wanted_dlms(self):
        """Return what reads DLMS meters and keeps what was read, though no port may have any now. It stays in RAM then."""
        self.dlms = self.dlms or self.make_dlms()
        return self.dlms

    def dlms_changed(self, number):
        """A DLMS meter of the list is new, another one or gone; None: all of them."""
        if self.dlms:
            self.dlms.changed(number)

    def _open(self, port, line):
        from firmware.bus.modbus_master import ModbusMaster  # noqa: PLC0415 - RAM that only those pay for who have such a wire

        uart, beat = self._uart(port, line)
        bus = ModbusMaster(port, uart, self._longest_ms, self._told, beat, self._keeps)
        self.buses[port] = self._owners[port] = bus
        self._tasks.append(self._supervisor.start(port, bus.run))

    def _start(self, device):
        bus = self.buses[device.port]

        def ask(request, is_urgent=False):
            return bus.ask(request, INTERACTIVE if is_urgent else POLL, device)

        if device.is_switch:
            from firmware.meters.bicom import Bicom  # noqa: PLC0415 - as above

            def command(request):
                return bus.ask(request, COMMAND, device, _COMMAND_MS)

            task = Bicom(device, ask, command, self._readings, self._events, self._interval_ms)
        else:
            from firmware.meters.meter import Meter  # noqa: PLC0415 - as above

            task = Meter(device, ask, self._clock, self._readings, self._events, self._interval_ms, self._load)
        self._tasks.append(self._supervisor.start(f"{device.port} {device.address}", task.run))

    def ask(self, port, request, client, deadline_ms, max_age_ms=0):
        """Ask a unit for a person or a program, `client`: to be awaited, as ModbusMaster.ask. PeerError if the port is off."""
        from lib.modbus.errors import GATEWAY_PATH, PeerError  # noqa: PLC0415 - as above
        from lib.modbus.limits import is_harmless  # noqa: PLC0415 - as above

        bus = self.buses.get(port)
        if bus is None:
            raise PeerError(GATEWAY_PATH)
        return bus.ask(request, INTERACTIVE if is_harmless(request.function) else COMMAND, client, deadline_ms, max_age_ms)

    def iec_lines(self):
        """Return the list of IEC meters as a list of its own, None if it is not in RAM."""
        return list(self._iec.lines) if self._iec else None

    def tick(self):
        """Have every wire's task show that it lives; to be called every second or so."""
        for bus in self.buses.values():
            bus.wake()
        for reader in self.readers.values():
            reader.wake()
        if "dlms" in board.PROTOCOLS and self.dlms:
            self.dlms.tick()

    def _changed(self, names):
        """Take other settings without a restart: all wires end and begin anew."""
        if "dlms" in board.PROTOCOLS and self.dlms:
            self.dlms.again()
        for name in names:
            if name.startswith(_MINE) or "dlms" in board.PROTOCOLS and name in ("dlms_baud", "dlms_network"):
                break
        else:
            return
        self.rebuild()

    def rebuild(self):
        """Have all wires end and begin anew."""
        self._again.set()  # first, for what follows takes memory
        self._close()
        self._list(False)
        self._readings.changed()

    def _close(self):
        if self._recall:
            self._recall()
        for bus in self.buses.values():
            bus.close()
        for task in self._tasks:
            task.cancel()
        for beat in self._beats:
            self._supervisor.forget(beat)
        self._tasks.clear()
        self._beats.clear()
        self.buses.clear()
        self._owners.clear()
        self.readers.clear()
        if "dlms" in board.PROTOCOLS and self.dlms:
            self.dlms.close()
        self.slave = None
        self._waiting = []

    async def run(self):
        """Build the field anew whenever the settings ask for it; started again with a pause if there is no memory for it."""
        told = None
        while True:
            if self._waiting:
                await asyncio.sleep_ms(_TRY_MS)  # requests come and go, and their memory with them
                self._start_waiting()
                if self._waiting and self._waiting[0] is not told:
                    told = self._waiting[0]
                    self._events.add(
                        "settings", f"no memory for {len(self._waiting)} devices, from {told.port} {told.address} on"
                    )
            else:
                await self._again.wait()
            if self._again.is_set():
                await asyncio.sleep_ms(_SETTLE_MS)  # the old tasks end, and their memory is free
                self._close()
                self.build()
                self._again.clear()
                self._readings.changed()
