"""A wire with DLMS meters and its reader, in simulated time: what tests of the reader begin with."""

import asyncio
import os

from firmware.bus import dlms_reader, dlms_session
from firmware.bus.dlms_gate import Gate
from firmware.bus.dlms_reader import DlmsReader
from firmware.bus.dlms_serial import SerialWire
from firmware.bus.dlms_session import DlmsSession
from firmware.meters import dlms_profile
from firmware.meters.dlms import DlmsMeters
from firmware.meters.dlms_rounds import DlmsRounds
from firmware.state import dlms_device, readings
from firmware.state.dlms_batch import Batch
from firmware.state.dlms_meters import Meters
from firmware.state.events import Events
from firmware.state.readings import Readings
from host_tests.fakes.clock import NOW_MS, clock_at
from host_tests.fakes.dlms_line import CLIENT, PASSWORD, DlmsLine, DlmsMeter
from host_tests.fakes.ram_flash import FOLDER, RamFlash, mounted
from lib.clock import posix_tz
from lib.dlms.client import Client
from lib.dlms.link import Link

MODULES = (dlms_reader, dlms_session, dlms_profile, readings)
NOW = NOW_MS // 1000
FLASH = RamFlash(80)  # one for all tests: there is not memory for more
SETTINGS = {
    "dlms_present_min": 15,
    "dlms_profile_hours": 1,
    "dlms_profile_days": 2,
    "dlms_daily_at": 10,
    "dlms_events": 1,
    "dlms_clock": 1,
}


class Wire:
    """Meters with addresses from 17 on, listed as `plans` say by serial, or all alike."""

    def __init__(self, time, count=1, settings=None, plans=None, archive=True, faults=None, gate=None, **plan):
        import vfs

        vfs.VfsLfs2.mkfs(FLASH)
        mounted(FLASH)
        self.time = time
        self.clock, self._ticks = clock_at(NOW_MS)
        self.clock.zone = posix_tz.fixed(180)
        self._began = time.passed_ms()
        self._was_ms = self._ticks.now_ms
        self.clock._ticks = self._wind
        self.settings = dict(SETTINGS)
        self.settings.update(settings or {})
        self.list = Meters(FOLDER, self._told)
        for _ in self.list.load():
            pass
        self.meters, self.ids = [], []
        one = Batch(self.list)
        for _ in one.begin():
            pass
        for at in range(count):
            serial = "1%07d" % (at + 1)
            meter = DlmsMeter(17 + at, serial, (faults or {}).get(serial, ""), self.now, since=NOW - 3 * 86400)
            self.meters.append(meter)
            values = {"serial": serial, "physical": 17 + at, "client": CLIENT, "security": 1, "password": PASSWORD.decode()}
            values["shown"] = int(at < 16)
            values.update(plan)
            values.update((plans or {}).get(serial, {}))
            self.ids.append(one.take(values))
            if one.is_due:
                one.write()
        one.write()
        one.end()
        self.archive = dlms_device.on_flash(FOLDER, None) if archive else None
        self.readings = Readings()
        self.events = Events(self.clock)
        self.told = []
        self.line = DlmsLine(time, self.meters)
        self.kept = DlmsMeters(
            self.list,
            self.archive,
            self.clock,
            self.readings,
            self.events,
            lambda name: self.settings[name],
            b"OSG\0\0\0\0\1",
            os.urandom,
        )
        for _ in self.kept.list_devices(()):
            pass
        self.readings.devices = list(self.kept.devices.values())
        self.session = DlmsSession(SerialWire(self.line, 9600), Link(512, 1024), Client(1024))
        self.rounds = DlmsRounds(self.kept, 0)
        self.reader = DlmsReader("rs485", self.session, self.rounds, self._told, gate or Gate(lambda sessions: True))
        self._task = asyncio.create_task(self.reader.run())

    def _wind(self):
        self._ticks.now_ms = self._was_ms + self.time.passed_ms() - self._began
        return self._ticks()

    def now(self):
        return self.clock.utc()

    def _told(self, text):
        self.told.append(text)

    def state(self, at=0):
        return self.list.state(self.ids[at])

    def device(self, at=0):
        return self.kept.devices[self.ids[at]]

    def rows(self, kind, at=0):
        """{UTC: (columns, values)} of what was archived of a meter."""
        found = {}
        for row in self.archive.rows(self.ids[at], kind, 0, 4000000000):
            if row:
                found[row[0]] = (self.archive.columns(row[2]), list(row[3]))
        return found

    def texts(self):
        return [text for _, _, text in self.events.recent()]

    async def until(self, condition, longest_s=600):
        end = self.time.passed_ms() + 1000 * longest_s
        while not condition():
            assert self.time.passed_ms() < end, (self.texts(), self.told, vars_of(self.state()))
            await asyncio.sleep_ms(100)

    def end(self):
        self._task.cancel()


def vars_of(state):
    return {name: getattr(state, name) for name in ("good_utc", "failed_utc", "failures", "reason", "newest", "drift_s")}
