"""The gateway's own inputs: pulses that outlive restarts and power cuts at bounded wear, and temperature with its faults."""

import asyncio
import os

from firmware.services.inputs import PULSES, TEMPERATURE, Inputs
from firmware.state.clock import Clock
from firmware.state.events import Events
from firmware.state.readings import Readings
from host_tests.fakes.clock import Port, Ticks
from host_tests.fakes.ram_flash import FOLDER, PowerCut, RamFlash, mounted
from host_tests.fakes.simulated_time import simulated

FILES = ("pulses.0", "pulses.1")


class Beat:
    def __init__(self):
        self.count = 0

    def beat(self):
        self.count += 1


class Bench:
    """Inputs on the flash that is mounted; `milliohm` is what the sensor shows."""

    def __init__(self, time=None):
        ticks = Ticks()
        clock = Clock(Port(ticks), time.ms if time else ticks)
        self._events = Events(clock)
        self.settings = {"pulse_cnt_en": 1, "adc_enabled": 1, "pt1000_lead_mohm": 0}
        self.milliohm = 1077935  # 20 degrees
        self.readings = Readings()
        self.beat = Beat()
        self.inputs = Inputs(self.readings, self.settings, clock, self._events, lambda: self.milliohm, FOLDER, self.beat)
        self._now_ms = 0
        self.inputs.edge(False, 0)

    def pulse(self, count=1):
        """Contacts of 30 ms with 30 ms between them."""
        for _ in range(count):
            self.inputs.edge(True, self._now_ms + 30)
            self.inputs.edge(False, self._now_ms + 60)
            self._now_ms += 60

    def run(self):
        return asyncio.create_task(self.inputs.run())

    def events(self):
        return [text for _, _, text in self._events.recent()]

    def shown(self, index):
        """Mantissa of a reading of the gateway, None if there is none."""
        group = self.readings.gateway
        return group.mantissa[index] if group.has(index) else None


def saved(*totals):
    """Save these totals, one after the other, with a restart before each; return the chip."""
    flash = mounted()
    for total in totals:
        bench = Bench()
        bench.pulse(total - bench.inputs.counter.total)
        bench.inputs.save()
    return flash


def total_after_restart():
    return Bench().inputs.counter.total


def test_first_start():
    mounted()
    bench = Bench()
    assert bench.inputs.counter.total == 0
    bench.inputs.save()
    assert os.listdir(FOLDER) == [], "there is nothing to write"


def test_pulses_outlive_an_orderly_restart():
    saved(5, 8, 13, 21)
    assert total_after_restart() == 21
    assert sorted(os.listdir(FOLDER)) == list(FILES)


def test_whichever_file_is_lost_only_the_last_save_is():
    for damage in ("removed", "emptied", "flipped", "cut"):
        for name in FILES:
            saved(5, 8, 13, 21)
            path = FOLDER + "/" + name
            with open(path, "rb") as file:
                content = bytearray(file.read())
            if damage == "removed":
                os.remove(path)
            else:
                content[7] ^= 0x10
                with open(path, "wb") as file:
                    file.write({"emptied": b"", "flipped": content, "cut": content[:10]}[damage])
            assert total_after_restart() in (13, 21), (damage, name, total_after_restart())


def test_power_cut_in_a_save():
    for totals in ((), (5,), (5, 8), (5, 8, 13)):
        flash = saved(*totals)
        start, old = bytes(flash.content), totals[-1] if totals else 0
        cuts = 0
        while True:
            cuts += 1
            flash = mounted(RamFlash(content=start))
            bench = Bench()
            bench.pulse(3)
            flash.cut_at = cuts
            try:
                bench.inputs.save()
                break
            except PowerCut:
                pass
            mounted(RamFlash(content=flash.content))
            assert total_after_restart() in (old, old + 3), (totals, cuts)
        assert cuts > 1 and total_after_restart() == old + 3


def test_a_reset_is_kept_at_once():
    saved(5, 8, 13)
    bench = Bench()
    bench.pulse(2)
    bench.inputs.reset_pulses()
    assert bench.inputs.counter.total == 0 and total_after_restart() == 0
    assert bench.events() == ["pulse counter reset at 15"]
    bench.pulse(1)
    bench.inputs.save()
    assert total_after_restart() == 1


@simulated()
async def test_wear_is_bounded_and_so_is_loss(time):
    flash = mounted()
    bench = Bench(time)
    task = bench.run()
    written = []
    for second in range(4 * 3600):
        bench.pulse()
        before = flash.writes
        await asyncio.sleep_ms(1000)
        if flash.writes != before:
            written.append(second)
            assert total_after_restart() >= bench.inputs.counter.total - 2, second
    assert 20 <= len(written) <= 24, written
    assert bench.inputs.counter.total - total_after_restart() <= 601
    # No pulse, no write.
    await asyncio.sleep_ms(700000)
    before = flash.writes
    await asyncio.sleep_ms(2 * 3600000)
    assert flash.writes == before and bench.beat.count > 20000
    task.cancel()


@simulated()
async def test_readings(time):
    mounted()
    bench = Bench(time)
    task = bench.run()
    bench.pulse(7)
    await asyncio.sleep_ms(2500)
    assert (bench.shown(PULSES), bench.shown(TEMPERATURE), bench.inputs.fault) == (7, 2000, "")
    revision = bench.readings.revision
    bench.pulse()
    bench.milliohm = 921599  # -20 degrees
    await asyncio.sleep_ms(1000)
    assert (bench.shown(PULSES), bench.shown(TEMPERATURE)) == (8, -2000) and bench.readings.revision > revision
    bench.settings["pt1000_lead_mohm"] = 39227  # as much again as ten degrees are
    await asyncio.sleep_ms(1000)
    assert abs(bench.shown(TEMPERATURE) + 3000) < 5
    bench.settings["pulse_cnt_en"] = bench.settings["adc_enabled"] = 0
    await asyncio.sleep_ms(1000)
    assert (bench.shown(PULSES), bench.shown(TEMPERATURE), bench.inputs.fault) == (None, None, "off")
    assert bench.events() == []
    task.cancel()


@simulated()
async def test_faults_of_the_sensor_are_told_once(time):
    mounted()
    bench = Bench(time)
    task = bench.run()
    for milliohm, fault in ((None, "open"), (20000000, "open"), (1077935, ""), (9, "short"), (9000000, "range"), (1077935, "")):
        bench.milliohm = milliohm
        await asyncio.sleep_ms(5000)
        assert bench.inputs.fault == fault
        assert bench.shown(TEMPERATURE) == (None if fault else 2000), fault
    assert bench.events() == ["temperature sensor: " + fault for fault in ("open", "short", "range")]
    task.cancel()
