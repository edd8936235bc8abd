"""Records the energy of every meter: its counters at each quarter of an hour, from which the energies are differences.

The first reading after a boundary counts as the one at the boundary, if it is not late. How it is kept:
lib/store/energy_log.py; what comes of restarts, steps of the clock and resets: docs/history.md. RAM holds nothing of a meter
but when it was recorded.
"""

import asyncio
import os
from struct import pack

from micropython import const

from firmware.state.readings import WATT_HOURS

QUARTER_S = const(900)

_LOOK_MS = const(1000)
_PAUSE_MS = const(50)  # between two writings: an erase holds the loop for about as long
_LATE_S = const(60)  # a reading later than this and the polling interval is not that of the boundary
_STEP_MS = const(10000)  # smaller steps of the clock change a quarter by no more than the readings' own times do
_NONE = const(255)  # row of a counter that is not there
# What is kept of a slot: quarter and steps of the clock at the last try, steps at the last recording, and the time of the
# reading in which a jump was seen first; there _TOLD says that its serial number was told to be there twice
_TRIED_AT = const(0)
_TRIED_STEPS = const(1)
_STEPS = const(2)
_DOUBTED_UTC = const(3)
_MOST_MANTISSA = const(0x3FFFFFFF)
_TOLD = const(1)


class History:
    """`folder` is where it is kept. `beat.beat()` is called at least every few seconds.

    `load(name)` returns a module that may be dropped afterwards: lib.store.energy_log is used for a moment each quarter.
    Without it that module stays.
    """

    def __init__(self, root, readings, clock, events, beat, load=None):
        self.folder = root + "/history"
        self._readings = readings
        self._clock = clock
        self._events = events
        self._beat = beat
        self._load = load
        self._slots = {}
        self._steps = 0  # of the clock, since the start
        self._stepped_ms = 0  # uptime of the last one, be it small
        self._since_utc = 0  # boundaries before this were not seen: the clock was stepped over them
        self._unmarked = False
        self._looked_utc = 0
        self._untold = True  # the next failure of the flash is news
        clock.on_step(self._stepped)

    def key(self, device):
        """Return the name of a device's history: its serial number, else slot and model. None while it is not known which
        meter that is, and for one that has the serial number of an earlier one."""
        serial = device.serial
        for other in self._readings.meters() if serial else ():
            if other is device:
                break
            if other.serial == serial:
                return None
        if serial or device.model:
            return _safe(serial) if serial else f"@{device.slot}-" + _safe(device.model)
        return None

    async def run(self):
        """Record for ever."""
        try:
            os.mkdir(self.folder)
        except OSError:
            pass  # it is there; or the flash fails, which the first recording will tell
        while True:
            self._beat.beat()
            if self._clock.is_set:
                utc = self._clock.utc()
                pace = max(1, utc - self._looked_utc) if self._looked_utc else 1  # 1, but in tests
                self._looked_utc = utc
                devices = self._readings.meters()
                if self._unmarked:
                    self._unmarked = False
                    for device in devices:
                        if self._mark(device):
                            await self._pause()
                for device in devices:
                    while self._look(device, pace):
                        await self._pause()
            await asyncio.sleep_ms(_LOOK_MS)

    def _log(self):
        if self._load:
            return self._load("lib.store.energy_log")
        from lib.store import energy_log

        return energy_log

    async def _pause(self):
        self._beat.beat()
        await asyncio.sleep_ms(_PAUSE_MS)

    def _stepped(self, step_ms, first):
        self._stepped_ms = self._clock.uptime_ms()
        self._looked_utc = 0
        if not first and abs(step_ms) > _STEP_MS:
            self._steps += 1
            self._unmarked = True
            self._since_utc = self._clock.utc()

    def _mark(self, device):
        """Note on flash that the clock was stepped, so that a restart does not hide it; return whether it was written to."""
        key = self.key(device)
        if key is None:
            return False
        try:
            self._log().mark(self.folder, key)
        except OSError as error:
            self._failed(error)  # until a restart it is known in RAM
        return True

    def _look(self, device, pace):
        """Record a device if it is due; return whether the flash was written to, and thus whether to look again."""
        group = device.group("counters")
        if group is None:
            return False
        utc = group.utc
        if utc % QUARTER_S > _LATE_S + pace * (group.fresh_ms // 3000):  # good for three polling intervals
            return False
        quarter = utc // QUARTER_S
        slot = self._slots.get(device.slot)
        if slot is None:
            slot = self._slots[device.slot] = [0, 0, 0, 0]
        if slot[_TRIED_AT] == quarter and slot[_TRIED_STEPS] == self._steps or slot[_DOUBTED_UTC] == utc:
            return False
        if quarter * QUARTER_S < self._since_utc or group.age_ms() >= self._clock.uptime_ms() - self._stepped_ms:
            return False  # the latter: its time is that of the clock before the step
        imported, exported = counter(device, group, "import"), counter(device, group, "export")
        if imported == exported:
            return False  # neither is there
        return self._record(device, slot, group, imported, exported, quarter)

    def _record(self, device, slot, group, imported, exported, quarter):
        where = f"{device.port} {device.address}: "
        key = self.key(device)
        if key is None:
            if slot[_DOUBTED_UTC] != _TOLD:
                self._events.add("history", where + f"serial number {device.serial} is there twice; left out")
            slot[:] = quarter, self._steps, slot[_STEPS], _TOLD
            return False
        exponents = group.exponent
        shift, divisor = 0, 1  # the log keeps 31 bits: of a longer reading the last digits are left out, of both counters alike
        while (
            imported != _NONE
            and group.mantissa[imported] // divisor >= _MOST_MANTISSA
            or (exported != _NONE and group.mantissa[exported] // divisor >= _MOST_MANTISSA)
        ):
            shift, divisor = shift + 1, 10 * divisor
        kind = pack(
            "<BBbb",
            imported,
            exported,
            0 if imported == _NONE else exponents[imported] + shift,
            0 if exported == _NONE else exponents[exported] + shift,
        )
        import_mantissa = 0 if imported == _NONE else group.mantissa[imported] // divisor
        export_mantissa = 0 if exported == _NONE else group.mantissa[exported] // divisor
        is_broken = slot[_STEPS] != self._steps
        # A jump is believed when the next reading has it too: between two questions to the meter an exponent may be new and
        # its mantissa not.
        is_sure = slot[_DOUBTED_UTC] // QUARTER_S == quarter
        energy_log = self._log()
        try:
            code = energy_log.append(self.folder, key, quarter, kind, import_mantissa, export_mantissa, is_broken, is_sure)
        except OSError as error:
            self._failed(error)
            slot[_TRIED_AT], slot[_TRIED_STEPS] = quarter, self._steps  # the next boundary is the next try
            return True
        self._untold = True
        if code == energy_log.DOUBTFUL:
            slot[_DOUBTED_UTC] = group.utc
            return False
        if code == energy_log.AGAIN:
            return True
        if code == energy_log.DAMAGED:
            self._events.add("history", where + "the newest part of its energy history was damaged")
        slot[:] = quarter, self._steps, self._steps, 0
        return True

    def _failed(self, error):
        if self._untold:
            self._events.add("history", f"the flash did not take the energy history: error {error.errno}")
        self._untold = False


def _safe(text):
    """Return a text as part of a file name: no two texts have the same."""
    return "".join([c if c.isalpha() or c.isdigit() else "%%%02x" % ord(c) for c in text])


def counter(device, group, direction):
    """Return the row of the counter of a direction, 255 if there is none: of active energy, of all phases.

    Of these the one that counts in most tariffs, so that it is the whole energy; then a non-resettable one; then the first.
    """
    found, best = _NONE, -1
    for index in range(len(group.rows)):
        if group.unit[index] == WATT_HOURS and not device.phases_of[index] and -3 <= group.exponent[index] <= 11:
            if device.direction(index) == direction:
                rank = 1 if index < device.non_resettable else 0
                for tariff in range(6):
                    rank += 2 * (device.tariffs[index] >> tariff & 1)
                if rank > best:
                    found, best = index, rank
    return found
