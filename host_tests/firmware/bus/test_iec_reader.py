"""The reader of a wire with IEC 62056-21 meters under bad conditions: no wrong value, the error named, the others read."""

import asyncio

from firmware.bus import iec_reader, iec_session
from firmware.bus.iec_reader import IecReader
from firmware.meters.iec import IecMeters
from firmware.meters.iec_device import IecDevice
from firmware.state import iec_meters, readings
from firmware.state.events import Events
from firmware.state.readings import PRESENT, Readings
from host_tests.fakes.clock import NOW_MS, clock_at
from host_tests.fakes.iec_line import IecLine, IecMeter
from host_tests.fakes.simulated_time import simulated

MODULES = (iec_reader, iec_session, readings)
RIGHT = (1234567, 0)  # Wh
LINES = ("1.8.0(001234.567*kWh)", "2.8.0(000001.000*kWh)", "32.7.0(231.5*V)")


class Wire:
    """A reader of meters, each listed with its own number and what `plans` says by its number."""

    def __init__(self, time, meters, plans=None, **plan):
        self.time = time
        self.line = IecLine(time, meters)
        self.meters = meters
        lines, devices = [], []
        for at, meter in enumerate(meters):
            wanted = {"address": meter.number, "opening": meter.opening, "period": 1}
            wanted.update(plan)
            wanted.update((plans or {}).get(meter.number, {}))
            lines.append(iec_meters.checked(wanted))
            devices.append(IecDevice(at + 1, "rs485", wanted["address"], ""))
        clock, ticks = clock_at(NOW_MS)
        self.readings = Readings()
        self.readings.devices = self.devices = devices
        self.events = Events(clock)
        self.kept = IecMeters(devices, lines, clock, self.readings, self.events)
        self.reader = IecReader("rs485", self.line, self.kept, lambda: NOW_MS // 60000 + time.passed_ms() // 60000, self._told)
        self.told = []
        self._task = asyncio.create_task(self.reader.run())

    def _told(self, text):
        self.told.append(text)

    async def until(self, condition, longest_s=600):
        end = self.time.passed_ms() + 1000 * longest_s
        while not condition():
            assert self.time.passed_ms() < end, (self.kept.errors, [bytes(one) for one in self.line.sent[-6:]])
            await asyncio.sleep_ms(100)

    def values(self, at):
        """(exact counter 1.8.0 or None, status) as every output sees them."""
        group = self.devices[at].group("counters")
        if group is None:
            return None
        assert group.has(0)
        return group.mantissa[0], group.exponent[0]

    def end(self):
        self._task.cancel()


# fault of the first meter, what is told of it, whether it is asked for codes in programming mode
BROKEN = (
    ("mute", ("no answer",), False),
    ("parity", ("parity",), False),
    ("check", ("check",), False),
    ("truncated", ("truncated",), False),
    ("endless", ("endless", "deadline"), False),
    ("early", ("no answer",), False),
    ("stalls", ("no answer",), True),
    ("signs off", ("signed off",), True),
    ("password", ("password",), True),
)


@simulated(*MODULES)
async def test_a_broken_meter_shows_nothing_and_the_next_is_read(time):
    for row in BROKEN:
        await look_at_broken(time, *row)


async def look_at_broken(time, fault, told, programs):
    broken, sound = IecMeter("11111111", LINES, fault), IecMeter("22222222", LINES)
    plans = {"11111111": {"read": "R5 1.8.0 2.8.0", "password": "0000"}} if programs else {}
    wire = Wire(time, [broken, sound], plans)
    await wire.until(lambda: wire.kept.errors[0] != "not read yet")
    assert wire.kept.errors[0] in told, (fault, wire.kept.errors)
    assert wire.devices[0].status != PRESENT and not wire.devices[0].groups, fault
    await wire.until(lambda: wire.values(1) is not None)
    before = sound.readouts
    await wire.until(lambda: sound.readouts >= before + 2)
    assert wire.values(1) == RIGHT, fault
    assert wire.values(0) is None, fault
    broken.fault = ""
    if fault != "password":
        await wire.until(lambda: wire.values(0) is not None, 3600)
        assert wire.values(0) == RIGHT, fault
    wire.end()


@simulated(*MODULES)
async def test_a_meter_that_broke_keeps_no_old_values_as_new(time):
    for fault in ("mute", "parity", "check", "truncated"):
        await look_at_lost(time, fault)


async def look_at_lost(time, fault):
    broken, sound = IecMeter("11111111", LINES), IecMeter("22222222", LINES)
    wire = Wire(time, [broken, sound])
    await wire.until(lambda: wire.values(0) is not None and wire.values(1) is not None)
    broken.lines[1] = "1.8.0(009999.999*kWh)"
    broken.fault = fault
    await wire.until(lambda: wire.kept.errors[0])
    assert wire.values(0) is None and wire.values(1) == RIGHT, fault
    assert any(["lost, " + wire.kept.errors[0] in text for _, _, text in wire.events.recent()])
    broken.fault = ""
    await wire.until(lambda: wire.values(0) is not None, 1800)
    assert wire.values(0) == (9999999, 0), fault
    wire.end()


@simulated(*MODULES)
async def test_a_meter_that_does_not_change_its_speed_is_read_at_that_of_the_sign_on(time):
    meter = IecMeter("11111111", LINES, "late")
    wire = Wire(time, [meter, IecMeter("22222222", LINES)])
    await wire.until(lambda: wire.values(0) is not None and wire.values(1) is not None)
    assert wire.values(0) == wire.values(1) == RIGHT
    assert wire.reader.damaged >= 1 and meter.readouts >= 2
    wire.end()


@simulated(*MODULES)
async def test_an_answer_for_another_address(time):
    """A meter that answers whatever number is called, and one that is not there: the values are never those of the other."""
    stranger = IecMeter("33333333", LINES, "any address")
    wire = Wire(time, [IecMeter("11111111", LINES, "mute"), IecMeter("22222222", LINES, "mute")])
    wire.line.meters = [stranger]
    await wire.until(lambda: wire.kept.errors == ["other meter"] * 2)
    assert wire.values(0) is None and wire.values(1) is None
    stranger.number, stranger.lines[0] = "22222222", "0.0.0(22222222)"
    await wire.until(lambda: wire.values(1) is not None, 1800)
    assert wire.values(0) is None and wire.kept.errors[0] == "other meter"
    wire.end()


@simulated(*MODULES)
async def test_two_that_answer_at_once(time):
    wire = Wire(time, [IecMeter("11111111", LINES), IecMeter("22222222", LINES)])
    wire.line.meters = wire.meters + [IecMeter("11111111", ("1.8.0(000005.000*kWh)",))]
    await wire.until(lambda: wire.kept.errors[0] not in ("", "not read yet"))
    await wire.until(lambda: wire.values(1) is not None)
    assert wire.values(0) is None
    wire.end()


@simulated(*MODULES)
async def test_an_echo_is_passed_over(time):
    plans = {"22222222": {"read": "R5 1.8.0", "password": "0000"}}
    wire = Wire(time, [IecMeter("11111111", LINES), IecMeter("22222222", LINES)], plans)
    wire.line.echo = True
    await wire.until(lambda: wire.values(0) is not None and wire.values(1) is not None)
    assert wire.values(0) == wire.values(1) == RIGHT
    assert wire.reader.damaged == wire.reader.silent == 0
    wire.end()


@simulated(*MODULES)
async def test_an_optical_head(time):
    """One meter, called without a number at 300 baud, in all modes; and at one speed only."""
    for mode, opening, fastest in (("A", 300, 300), ("B", 300, 9600), ("C", 300, 9600), ("C", 300, 300), ("C", 9600, 9600)):
        await look_at_head(time, mode, opening, fastest)


async def look_at_head(time, mode, opening, fastest):
    meter = IecMeter("11111111", LINES, mode=mode, opening=opening, fastest=fastest)
    wire = Wire(time, [meter], address="", fastest=9600)
    await wire.until(lambda: wire.values(0) is not None)
    assert wire.values(0) == RIGHT, mode
    assert wire.devices[0].serial == "11111111" and wire.line.sent[0] == b"/?!\r\n"
    assert wire.reader.damaged == wire.reader.silent == 0, mode
    wire.end()


@simulated(*MODULES)
async def test_a_refused_password_is_not_sent_again_for_six_hours(time):
    meter = IecMeter("11111111", LINES, "password")
    wire = Wire(time, [meter], {"11111111": {"read": "R5 1.8.0", "password": "0000"}})
    await wire.until(lambda: wire.kept.errors[0] == "password")
    meter.fault = ""
    began = time.passed_ms()
    await wire.until(lambda: meter.passwords > 1, 8 * 3600)
    assert time.passed_ms() - began >= 359 * 60000
    await wire.until(lambda: wire.values(0) is not None)
    wire.end()


@simulated(*MODULES)
async def test_a_dead_meter_costs_the_others_a_tenth_at_most(time):
    """On a line that is always busy: what the others lose is seen by how often they are read."""
    alone = await readouts(time, ())
    assert alone > 100
    for fault in ("mute", "truncated", "check"):
        assert await readouts(time, (fault,)) >= alone * 9 // 10, fault


async def readouts(time, faults):
    """How often three meters are read in an hour, beside those with these faults: from when these are known on."""
    sound = [IecMeter("1234567" + str(at), LINES, fastest=300) for at in range(3)]
    broken = [IecMeter("7654321" + str(at), LINES, fault, fastest=300) for at, fault in enumerate(faults)]
    wire = Wire(time, sound + broken, fastest=300)
    wire.reader._minute = lambda: NOW_MS // 60000 + time.passed_ms() // 1000  # periods are over in no time
    await wire.until(lambda: "not read yet" not in wire.kept.errors, 7200)
    before = sum([meter.readouts for meter in sound])
    end = time.passed_ms() + 3600000
    await wire.until(lambda: time.passed_ms() >= end, 3700)
    wire.end()
    return sum([meter.readouts for meter in sound]) - before


@simulated(*MODULES)
async def test_who_looks_at_a_read_out_sees_it_from_its_beginning_and_no_password(time):
    """On a line with an echo; asked for before and in the middle of a turn."""
    seen = bytearray()
    over = []

    def tap(view):
        if view is None:
            over.append(bytes(seen))
        else:
            seen.extend(bytes([byte & 127 for byte in view]))

    meter = IecMeter("11111111", LINES)
    wire = Wire(time, [meter], {"11111111": {"read": "R5 1.8.0", "password": "0000"}})
    wire.line.echo = True
    for wait_s in (0, 2):
        seen[:] = b""
        over.clear()
        await wire.until(lambda: wire.reader._active < 0 and wire.values(0) is not None)
        wire.reader.read_now(0)
        await wire.until(lambda: wire.reader._active == 0)
        await asyncio.sleep_ms(1000 * wait_s)
        wire.reader.watched, wire.reader.tap = 0, tap
        wire.reader.read_now(0)
        await wire.until(lambda: over)
        wire.reader.watched, wire.reader.tap = -1, None
        assert seen.startswith(b"/?11111111!\r\n/OSG5FAKE\r\n") and b"1.8.0(001234.567*kWh)" in seen, seen
        assert b"0000)" not in seen and seen.count(b"OSG") == 1, seen
    wire.end()


@simulated(*MODULES)
async def test_a_meter_that_is_not_coped_with_does_not_keep_the_others_waiting(time):
    wire = Wire(time, [IecMeter("11111111", LINES), IecMeter("22222222", LINES)])
    wire.end()
    done = wire.kept.done

    def broken(index, plan, identification):
        if index == 0:
            raise MemoryError
        return done(index, plan, identification)

    wire.kept.done = broken

    async def supervised():
        while True:
            try:
                await wire.reader.run()
            except MemoryError:
                await asyncio.sleep_ms(500)

    task = asyncio.create_task(supervised())
    await wire.until(lambda: wire.values(1) is not None)
    assert wire.values(0) is None and wire.kept.errors[0]
    task.cancel()


@simulated(*MODULES)
async def test_a_refused_password_is_not_sent_again_when_the_clock_is_set(time):
    meter = IecMeter("11111111", LINES, "password")
    wire = Wire(time, [meter], {"11111111": {"read": "R5 1.8.0", "password": "0000"}})
    await wire.until(lambda: wire.kept.errors[0] == "password")
    real = wire.reader._minute
    wire.reader._minute = lambda: real() + 14000000  # it was 2000 before
    end = time.passed_ms() + 2 * 3600000
    await wire.until(lambda: time.passed_ms() > end, 3 * 3600)
    assert meter.passwords == 1
    await wire.until(lambda: meter.passwords > 1, 6 * 3600)
    wire.end()


@simulated(*MODULES)
async def test_nothing_more_is_wanted_of_a_meter_that_another_one_stands_in_for(time):
    stranger = IecMeter("33333333", LINES, "any address")
    wire = Wire(time, [IecMeter("11111111", LINES)])
    await wire.until(lambda: wire.values(0) is not None)
    wire.line.meters = [stranger]
    wire.reader.jobs[0] = iec_reader.PROFILE
    end = time.passed_ms() + 3 * 3600000
    await wire.until(lambda: time.passed_ms() > end, 4 * 3600)
    assert wire.kept.errors[0] == "other meter" and not wire.reader.jobs[0]
    assert stranger.readouts > 5
    assert len([text for _, _, text in wire.events.recent() if "other meter" in text]) == 1, wire.events.recent()
    wire.end()
