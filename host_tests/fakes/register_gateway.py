"""A gateway as firmware/services/registers.py sees it: the real settings, clock, events, readings, and fakes of the rest."""

import sys

import vfs

from firmware.meters import layout
from firmware.meters.ie import family
from firmware.services import registers
from firmware.state.events import Events
from firmware.state.readings import PRESENT, WATT_HOURS, Device, Group, Readings
from firmware.state.settings import Settings
from firmware.state.upgrade import Upgrade
from host_tests.fakes.clock import clock_at
from host_tests.fakes.ram_flash import FOLDER, RamFlash, mounted

NOON_MS = 1784109600000  # 15.07.2026 10:00:00 UTC
_OUT = bytearray(b"\xa5" * 300)


class Network:
    mode = "WiFi"
    rssi = -61
    address = "192.168.1.209"


class Platform:
    model = "SG-W1"
    hardware = "A"
    mac = b"\xc4\x4f\x33\x00\x00\x11"
    network = Network()


class Identity:
    serial = "SG000017"


class Health:
    heap_min = 0x00010002
    lag_us = 12345

    def heap_free(self):
        return 0x00030004


class Supervisor:
    crashes = 3


class Server:
    requests = 65537


class Counter:
    total = 0x00020003


class Inputs:
    def __init__(self):
        self.group = Group((("temperature",), ("pulses",)))
        self.counter = Counter()
        self.resets = 0
        self.fails = False

    def reset_pulses(self):
        if self.fails:
            raise OSError(28)
        self.resets += 1


class Router:
    def module(self, name):
        __import__(name)
        return sys.modules[name]

    def make_room(self):
        pass


class Gateway:
    def __init__(self, **settings):
        self.flash = RamFlash(32)
        vfs.VfsLfs2.mkfs(self.flash)
        mounted(self.flash)
        self.settings = Settings(FOLDER + "/settings.json")
        self.clock, self.ticks = clock_at(NOON_MS)
        self.settings.change(settings)
        self.clock.use_zone(self.settings.get("timezone"))
        self.platform = Platform()
        self.identity = Identity()
        self.events = Events(self.clock)
        self.readings = Readings()
        self.inputs = Inputs()
        self.health = Health()
        self.supervisor = Supervisor()
        self.server = Server()
        self.router = Router()
        self.modbus_access = self.trial = None
        self.upgrade = Upgrade()
        self.is_safe = self.on_trial = False
        self.restarts = 0
        self.resets = []  # who wanted them

    def restart(self):
        self.restarts += 1

    def factory_reset(self, by):
        self.resets.append(by)

    def pass_s(self, seconds):
        """Let time pass."""
        for _ in range(seconds // 1000):
            self.ticks.now_ms += 1000000
            self.clock.uptime_s()
        self.ticks.now_ms += 1000 * (seconds % 1000)

    def ask(self, pdu, device=None):
        """Return the reply PDU to a request, both as hexadecimal."""
        out = memoryview(_OUT)
        out[:] = b"\xa5" * len(out)
        length = registers.answer(self, device, memoryview(bytes.fromhex(pdu)), out[:253])
        assert length <= 253 and bytes(out[253:]) == b"\xa5" * 47
        return bytes(out[:length]).hex()

    def read(self, function, address, count, device=None):
        """Return the bytes of registers, or the code of the exception."""
        reply = self.ask("%02x%04x%04x" % (function, address, count), device)
        if reply.startswith("%02x%02x" % (function, 2 * count)):
            assert len(reply) == 4 + 4 * count
            return bytes.fromhex(reply[4:])
        assert reply.startswith("%02x" % (function | 0x80)) and len(reply) == 4, reply
        return int(reply[2:])

    def write(self, address, values):
        """Write registers with function 16, one with 6 if it is an int; return the exception's code, 0 if there is none."""
        if isinstance(values, int):
            pdu = "06%04x%04x" % (address, values)
            echo = pdu
        else:
            echo = "10%04x%04x" % (address, len(values) // 2)
            pdu = echo + "%02x" % len(values) + bytes(values).hex()
        reply = self.ask(pdu)
        if reply == echo:
            return 0
        assert reply.startswith("86" if isinstance(values, int) else "90") and len(reply) == 4, reply
        return int(reply[2:])

    def last_event(self):
        return list(self.events.recent())[-1][1:]

    def meter(self, slot="lir", model="IE38MD"):
        """Add a meter that answers; its values are to be put with put()."""
        device = Device(slot, "ir_left", 33)
        device.model, device.serial, device.software = model, "X0000124", 123
        device.status = PRESENT
        kind = family(model)
        device.phases = kind.phases
        rows = layout.THREE_PHASES if kind.phases == 3 else layout.SINGLE_PHASE
        counters = kind.counters.rows
        device.groups = {"measurements": Group(rows), "counters": Group(counters)}
        device.non_resettable, device.resettable = 4, len(counters) - 4
        for name in ("phases_of", "quadrants", "tariffs"):
            setattr(device, name, bytearray(len(counters)))
        for group in device.groups.values():
            group.read(self.clock.utc(), 60000)
        self.readings.devices.append(device)
        return device


def put(device, **values):
    """Put values: name=(mantissa, exponent)."""
    for group in device.groups.values():
        for index, row in enumerate(group.rows):
            if row[0] in values:
                group.put(index, *values[row[0]])


def configure(device, index, quadrants, tariffs=15, phase=0, unit=WATT_HOURS):
    """What the counter of a row counts."""
    device.quadrants[index] = quadrants
    device.tariffs[index] = tariffs
    device.phases_of[index] = phase
    device.groups["counters"].unit[index] = unit
