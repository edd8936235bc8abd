"""Which readings become the boundaries of quarters: through restarts, steps of the clock, lost meters, a failing flash."""

import asyncio
import os

import vfs

from firmware.state import readings as readings_module
from firmware.state.clock import Clock
from firmware.state.events import Events
from firmware.state.history import History
from firmware.state.readings import NOT_DETECTED, PRESENT, SILENT, WATT_HOURS, Device, Group, Readings
from host_tests.fakes.ram_flash import FOLDER, RamFlash, empty, fill, mounted
from host_tests.fakes.simulated_time import simulated
from lib.store import energy_log
from lib.store.energy_reader import intervals

Q = 1983870  # a boundary in July 2026
START = Q * 900 - 100  # when the tests begin
IMPORT, EXPORT = 6, 9  # quadrants
FRESH_MS = 8000


class Wall:
    """A hardware clock; `scale`: how many times as fast as the test's time."""

    def __init__(self, time, unix_s, scale=1):
        self._time, self._scale = time, scale
        self.is_set = False
        if unix_s:
            self.write_ms(unix_s * 1000)

    def read_ms(self):
        return self._unix_ms + (self._time.passed_ms() - self._passed_ms) * self._scale

    def write_ms(self, unix_ms):
        self._unix_ms, self._passed_ms = unix_ms, self._time.passed_ms()
        self.is_set = True


class Bench:
    """A gateway's state on the flash that is mounted; `second()` is called each second, then meters that answer are read."""

    def __init__(self, time, unix_s=START, scale=1):
        self.clock = Clock(Wall(time, unix_s, scale), time.ms)
        self.events = Events(self.clock)
        self.readings = Readings()
        self.beats = 0
        self.second = lambda: None
        self.start()

    def start(self):
        """As after a restart: what was in RAM is gone."""
        self.history = History(FOLDER, self.readings, self.clock, self.events, self, self.load)

    def beat(self):
        self.beats += 1

    @staticmethod
    def load(name):
        assert name == "lib.store.energy_log"
        return energy_log

    def meter(self, slot="lir", serial="X0000124", quadrants=(IMPORT, EXPORT), exponent=0):
        device = Device(slot, "ir_left" if slot == "lir" else "rs485", 33)
        device.model, device.serial, device.status = "IE38MD", serial, PRESENT
        count = len(quadrants)
        group = device.groups["counters"] = Group([(f"counter{n + 1}nr",) for n in range(count)])
        group.unit = bytearray([WATT_HOURS] * count)
        device.phases_of, device.quadrants = bytearray(count), bytearray(quadrants)
        device.tariffs, device.non_resettable = bytearray([15] * count), count
        for index in range(count):
            group.put(index, 1000, exponent)
        self.readings.devices.append(device)
        return device

    async def run(self, seconds):
        """Let time pass."""
        task = asyncio.create_task(self.history.run())
        for _ in range(seconds):
            self.second()
            for device in self.readings.devices:
                if device.status == PRESENT:
                    device.groups["counters"].read(self.clock.utc(), FRESH_MS)
            await asyncio.sleep_ms(1000)
        task.cancel()
        await asyncio.sleep_ms(0)

    def step(self, seconds):
        self.clock.set(self.clock.utc_ms() + seconds * 1000, "test")

    def known(self, device=None, key=None):
        """(quarter from Q on, count, import, export) of all that is known until now."""
        key = key or self.history.key(device or self.readings.devices[0])
        troubles = []
        found = intervals(self.history.folder, key, Q - 500, self.clock.utc() // 900, troubles)
        found = [(one[0] - Q, one[1], one[2], one[4]) for one in found if one]
        assert not troubles, troubles
        return found

    def told(self):
        return [text for _, kind, text in self.events.recent() if kind == "history"]


def chip(blocks=32):
    flash = RamFlash(blocks)
    vfs.VfsLfs2.mkfs(flash)
    return mounted(flash)


def add(device, *energies):
    """Energy flows through a meter."""
    group = device.groups["counters"]
    for index, energy in enumerate(energies):
        group.mantissa[index] += energy


@simulated(readings_module)
async def test_quarters_of_two_meters_through_a_restart(time):
    chip()
    bench = Bench(time)
    first, second = bench.meter(), bench.meter(2, "X0000125", (EXPORT, IMPORT))
    passed = [0]

    def flow():
        passed[0] += 1
        add(first, 1, passed[0] % 2)
        add(second, 0, 3)

    bench.second = flow
    await bench.run(100 + 2 * 900 + 400)
    bench.start()
    await bench.run(500 + 2 * 900 + 20)
    assert bench.known(first) == [(n, 1, 900, 450) for n in range(5)], bench.known(first)
    assert bench.known(second) == [(n, 1, 2700, 0) for n in range(5)], bench.known(second)
    assert bench.told() == [] and bench.beats >= 4000
    assert sorted(os.listdir(FOLDER + "/history")) == ["X0000124", "X0000125"]


@simulated(readings_module)
async def test_a_restart_just_behind_a_boundary(time):
    chip()
    bench = Bench(time)
    device = bench.meter()
    bench.second = lambda: add(device, 1)
    for seconds in (101, 5, 10, 900 - 15, 1, 1, 1, 900):
        await bench.run(seconds)
        bench.start()
    assert bench.known() == [(0, 1, 900, 0), (1, 1, 900, 0)], bench.known()


@simulated(readings_module)
async def test_without_time_nothing_is_recorded(time):
    chip()
    bench = Bench(time)
    device = bench.meter()
    bench.second = lambda: add(device, 1)
    await bench.run(200)
    # Power fails in the first quarter and comes back in the third.
    bench.clock = Clock(Wall(time, None), time.ms)
    bench.start()
    await bench.run(1600)
    assert bench.clock.utc() < 946690000 and bench.known() == []
    bench.clock.set((Q * 900 + 2000) * 1000, "test")
    await bench.run(800)
    assert bench.known() == [(0, 3, 2400, 0)], bench.known()


@simulated(readings_module)
async def test_a_meter_that_is_lost(time):
    # seconds, from 20 s before the boundary Q + 1
    for seconds, expected in (
        (40, [(0, 1, 920, 0), (1, 1, 880, 0)]),  # its first reading behind the boundary is not too late
        (200, [(0, 2, 1800, 0)]),
        (1700, [(0, 3, 2700, 0)]),
    ):
        chip()
        bench = Bench(time)
        device = bench.meter()
        bench.second = lambda device=device: add(device, 1)
        await bench.run(100 + 880)
        device.status = SILENT
        await bench.run(seconds)
        device.status = PRESENT
        await bench.run(100 + 2705 - 980 - seconds)
        known = bench.known()[: len(expected)]
        assert known == expected, (seconds, known)


@simulated(readings_module)
async def test_steps_of_the_clock(time):
    # what, seconds after the boundary Q + 1, step, known then of Q to Q + 3
    for what, after, step, expected in (
        ("small", 300, 9, [(0, 1, 900, 0), (1, 1, 891, 0), (2, 1, 900, 0)]),
        ("small, back", 300, -9, [(0, 1, 900, 0), (1, 1, 909, 0), (2, 1, 900, 0)]),
        ("half a minute", 300, 30, [(0, 1, 900, 0), (2, 1, 900, 0)]),
        ("half a minute back", 300, -30, [(0, 1, 900, 0), (2, 1, 900, 0)]),
        ("over a boundary", 890, 30, [(0, 1, 900, 0)]),  # it was not seen
        ("far over a boundary", 300, 900, [(0, 1, 900, 0)]),
        ("back over a boundary", 5, -30, [(1, 1, 900, 0), (2, 1, 900, 0)]),
        ("back a quarter", 300, -900, [(1, 1, 900, 0), (2, 1, 900, 0)]),
        ("back to before the start", 300, -9000, []),
    ):
        for restarts in (False, True):
            chip()
            bench = Bench(time, START)
            device = bench.meter()
            bench.second = lambda device=device: add(device, 1)
            await bench.run(100 + 900 + after)
            bench.step(step)
            await bench.run(3)
            if restarts:
                bench.start()
            await bench.run(max(10, (Q + 3) * 900 + 5 - bench.clock.utc()) if step > -9000 else 400)
            known = [one for one in bench.known() if 0 <= one[0] < 3]
            if restarts and after == 890:
                known.pop()  # what was so before a restart is not known: the first reading is not too late
            assert known == expected, (what, restarts, known)


@simulated(readings_module)
async def test_a_reading_from_before_a_step_is_none_from_behind(time):
    chip()
    bench = Bench(time)
    device = bench.meter()
    group = device.groups["counters"]
    group.read(Q * 900 + 1, 600000)  # by a clock that was ahead
    bench.clock.set((Q * 900 - 20) * 1000, "test")
    device.status = PRESENT
    task = asyncio.create_task(bench.history.run())
    await asyncio.sleep_ms(2500)
    assert os.listdir(bench.history.folder) == []
    await asyncio.sleep_ms(20000)
    assert os.listdir(bench.history.folder) == []
    group.read(bench.clock.utc(), FRESH_MS)
    await asyncio.sleep_ms(1500)
    assert os.listdir(bench.history.folder) == ["X0000124"]
    task.cancel()


@simulated(readings_module)
async def test_a_jump_counts_when_two_readings_show_it(time):
    chip()
    bench = Bench(time)
    device = bench.meter()
    group = device.groups["counters"]
    bench.second = lambda: add(device, 1)
    await bench.run(101 + 898)
    # Between two questions of one round: the exponent is new, the mantissa is not.
    group.exponent[0] = 1
    await bench.run(2)
    assert group.utc == (Q + 1) * 900
    group.exponent[0] = 0
    await bench.run(898)
    assert bench.known() == [(0, 1, 901, 0)], bench.known()
    # A reset stays; the second reading is a second late.
    group.mantissa[0] = 5
    await bench.run(902 + 900)
    assert bench.known() == [(0, 1, 901, 0), (2, 1, 899, 0), (3, 1, 900, 0)], bench.known()
    assert bench.told() == []


@simulated(readings_module)
async def test_which_counters(time):
    # unit, phase, quadrants, tariffs, exponent of each row; how many are not resettable; rows of import and export, or None
    wh, var = WATT_HOURS, WATT_HOURS + 1
    for what, rows, non_resettable, expected in (
        ("factory", ((wh, 0, 6, 15, 2), (wh, 0, 9, 15, 2), (var, 0, 3, 15, 2), (wh, 0, 6, 15, 2)), 3, (0, 1)),
        ("no active energy", ((var, 0, 6, 15, 2), (0, 0, 9, 15, 2)), 2, None),
        ("no counter known", (), 0, None),
        ("of a phase", ((wh, 1, 6, 15, 2), (wh, 0, 6, 15, 2)), 1, (1, 255)),
        ("by tariffs", ((wh, 0, 6, 1, 0), (wh, 0, 6, 2, 0), (wh, 0, 9, 3, 0), (wh, 0, 6, 3, 0)), 3, (3, 2)),
        ("both directions", ((wh, 0, 15, 15, 0), (wh, 0, 9, 15, 0)), 2, (255, 1)),
        ("resettable ones first", ((wh, 0, 6, 15, 0), (wh, 0, 12, 15, 0)), 0, (0, 255)),
        ("exponents that nobody means", ((wh, 0, 6, 15, 12), (wh, 0, 9, 15, -4), (wh, 0, 6, 15, -3)), 3, (2, 255)),
        ("never read", ((wh, 0, 6, 15, -128), (wh, 0, 9, 15, -128)), 2, None),
    ):
        chip(8)
        bench = Bench(time, Q * 900)
        device = bench.meter(quadrants=[row[2] for row in rows])
        group = device.groups["counters"]
        group.unit = bytearray([row[0] for row in rows])
        device.phases_of = bytearray([row[1] for row in rows])
        device.tariffs = bytearray([row[3] for row in rows])
        device.non_resettable = non_resettable
        for index, row in enumerate(rows):
            group.exponent[index] = row[4]
        await bench.run(2)
        path = bench.history.folder + "/X0000124"
        try:
            with open(path, "rb") as file:
                kind = tuple(file.read()[11:13])
        except OSError:
            kind = None
        assert kind == expected, (what, kind)


@simulated(readings_module)
async def test_names(time):
    chip()
    bench = Bench(time, Q * 900 - 2)
    first = bench.meter("lir", "../A.1%")
    second = bench.meter(3, "")
    third = bench.meter(4, "../A.1%")
    fourth = bench.meter(16, "")
    fourth.status, fourth.model = NOT_DETECTED, ""
    keys = [bench.history.key(device) for device in (first, second, third, fourth)]
    assert keys == ["%2e%2e%2fA%2e1%25", "@3-IE38MD", None, None], keys
    await bench.run(905)
    assert sorted(os.listdir(bench.history.folder)) == [keys[0], keys[1]]
    assert bench.told() == ["rs485 33: serial number ../A.1% is there twice; left out"], "once"


@simulated(readings_module)
async def test_a_flash_that_is_full_costs_no_reading_elsewhere(time):
    chip(12)
    bench = Bench(time)
    device = bench.meter()
    os.mkdir(bench.history.folder)
    fill()
    bench.second = lambda: add(device, 1)
    kinds = set()
    true = energy_log.append

    def refuse(*_):
        kinds.add(1)
        raise OSError(28)

    await bench.run(101)
    energy_log.append = refuse
    try:
        await bench.run(2700)
    finally:
        energy_log.append = true
    assert bench.told() == ["the flash did not take the energy history: error 28"] and kinds
    empty(FOLDER + "/filler")
    await bench.run(900)
    assert bench.known() == [(0, 4, 3600, 0)], bench.known()


@simulated(readings_module)
async def test_damage_is_told(time):
    chip()
    bench = Bench(time)
    bench.meter()
    await bench.run(110)
    with open(bench.history.folder + "/X0000124", "wb") as file:
        file.write(b"rubbish")
    await bench.run(1800)
    assert bench.told() == ["ir_left 33: the newest part of its energy history was damaged"]
    assert bench.known() == [(1, 1, 0, 0)]


@simulated(readings_module)
async def test_seventeen_meters_write_in_turn(time):
    chip(48)
    bench = Bench(time, Q * 900 - 2)
    for slot in range(17):
        bench.meter(slot or "lir", f"S{slot}")
    written = []
    true = energy_log.append

    def note(*arguments):
        written.append(time.passed_ms())
        return true(*arguments)

    energy_log.append = note
    try:
        await bench.run(20)
    finally:
        energy_log.append = true
    assert len(set(written)) == 17 and written[-1] - written[0] < 3000, written
    assert len(os.listdir(bench.history.folder)) == 17


@simulated(readings_module)
async def test_time_that_runs_faster(time):
    """In tests of the whole gateway an hour may take a minute: the limit on late readings goes with it."""
    chip()
    bench = Bench(time, START, scale=60)
    device = bench.meter()
    bench.second = lambda: add(device, 60)
    await bench.run(200)
    known = bench.known()
    assert len(known) >= 11 and all([one[1] == 1 and abs(one[2] - 900) <= 60 for one in known]), known
