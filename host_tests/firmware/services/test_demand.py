"""Simultaneous demand: exact sums of several meters, the maximum of a month, what is not complete, restarts."""

import asyncio
import json
import os
from array import array

from firmware.services import demand as service
from firmware.services.demand import TOTAL, Demand
from firmware.state.readings import PRESENT, WATT_HOURS, Device, Group, Readings
from host_tests.firmware.services.profile_gateway import Beat, Gateway
from lib.clock import calendar
from lib.store.document import Document

T = calendar.to_unix(2026, 7, 15, 10)
MINUTE = 60


class Settings(dict):
    pass


class Platform:
    root = "/ram"


class Plant(Gateway):
    """Three meters with an import counter in Wh and an export counter in 10 Wh."""

    def __init__(self, period=15, flash=None, meters=(1, 2, 3)):
        Gateway.__init__(self, T, flash=flash)
        self.platform = Platform()
        self.values = {"demand_period": period, "demand_meters": ""}
        self.settings = self
        self.readings = Readings()
        for slot in meters:
            device = Device(slot, "rs485", slot)
            device.serial, device.status = f"X000{slot}", PRESENT
            device.phases_of, device.quadrants, device.tariffs = bytes(2), b"\x09\x06", bytes(2)
            device.is_swapped = True
            group = Group((("E1",), ("E2",)))
            group.unit[0] = group.unit[1] = WATT_HOURS
            group.mantissa = array("i", [1000 * slot, 10])
            group.exponent = array("b", [0, 1])
            device.groups["counters"] = group
            self.readings.devices.append(device)
        self.demand = Demand(self, Beat())
        self.utc = T
        self.start()

    def get(self, name):
        return self.values[name]

    def document(self, path):
        return Document(path)

    def open_profiles(self):
        return self.profiles

    def start(self):
        """What run() does at first."""

        async def once():
            task = asyncio.create_task(self.demand.run())
            await asyncio.sleep_ms(0)
            task.cancel()

        self.clock.set(self.utc * 1000, "test")
        asyncio.run(once())

    def pass_s(self, seconds, imported=(), exported=(), silent=()):
        """Let time pass; the meters count so much meanwhile, and are read each ten seconds."""
        count = seconds // 10
        for number in range(1, count + 1):
            self.utc += 10
            for at, device in enumerate(self.readings.devices):
                group = device.groups["counters"]
                for row, energies in ((0, imported), (1, exported)):
                    if at < len(energies):
                        before = energies[at] * (number - 1) // count
                        group.mantissa[row] += energies[at] * number // count - before
                if device.slot not in silent:
                    group.read(self.utc, 30000)
            self.demand.look(self.utc)

    def totals(self):
        self.profiles.settle()
        return [(one[0] - T, one[1], list(one[2])) for one in self.profiles.query(TOTAL, T - 99999, self.utc) if one]

    def told(self):
        return json.loads(self.ask(service.get, "/api/demand"))


def test_totals_of_each_demand_period():
    for period in (1, 5, 10, 15, 30, 60):
        plant = Plant(period)
        plant.pass_s(60 * period)
        plant.pass_s(60 * period, (500, 250, 7), (0, 3, 0))
        plant.pass_s(10)
        hours = 60 // period
        assert plant.totals() == [
            (60 * period, 4, [None, None]),
            (120 * period, 0, [(757 * hours, 0), (30 * hours, 0)]),
        ], (period, plant.totals())


def test_the_maximum_of_a_month_and_its_time():
    plant = Plant()
    plant.pass_s(900)
    for imported in (100, 900, 300):
        plant.pass_s(900, (imported, imported, 0))
    (month,) = plant.told()["months"]
    assert month == {
        "month": "2026-07",
        "period_min": 15,
        "import_w": 7200,
        "import_time": "15.07.2026 12:45:00",
        "export_w": 0,
        "export_time": "15.07.2026 12:30:00",
        "complete": 3,
        "incomplete": 1,
    }, month
    assert plant.told()["last"]["import_w"] == 2400 and plant.told()["last"]["complete"] is True
    assert plant.told()["meters"] == ["1", "2", "3"]
    again = Plant(flash=plant.flash)
    (kept,) = again.told()["months"]
    month["complete"] = kept["complete"]  # which is written once an hour
    assert kept == month, "kept over a restart"


def test_what_is_not_complete_makes_no_maximum():
    plant = Plant()
    plant.pass_s(900)
    plant.pass_s(900, (100, 100, 100))
    plant.pass_s(890, (900, 900, 900))
    plant.pass_s(100, silent=(2,))
    assert plant.told()["last"]["complete"] is False
    plant.pass_s(810, (90, 90, 90))
    totals = plant.totals()
    assert totals[2][1:] == (4, [(4 * 1800, 0), (0, 0)]), "what is known of it"
    (month,) = plant.told()["months"]
    assert (month["import_w"], month["complete"], month["incomplete"]) == (1200, 1, 3), month
    assert plant.totals()[3][1:] == (4, [(720, 0), (0, 0)]), "the one behind it began without a counter"
    plant.pass_s(900, (10, 10, 10))
    assert plant.totals()[4][1:] == (0, [(120, 0), (0, 0)])


def test_a_meter_that_was_exchanged_or_reset():
    plant = Plant()
    plant.pass_s(900)
    plant.readings.devices[0].groups["counters"].mantissa[0] = 3
    plant.pass_s(900, (100, 100, 100))
    plant.readings.devices[1].serial = "another"
    plant.pass_s(900, (100, 100, 100))
    plant.pass_s(900, (100, 100, 100))
    assert [total[1] for total in plant.totals()] == [4, 4, 4, 0]


def test_a_counter_that_a_reading_lacked_makes_no_maximum():
    plant = Plant()
    plant.pass_s(900)
    exponent = plant.readings.devices[0].groups["counters"].exponent
    exponent[0] = -128
    plant.pass_s(900, (100, 100, 100))
    exponent[0] = 0
    plant.pass_s(900, (100, 100, 100))
    plant.pass_s(900, (100, 100, 100))
    assert [total[1] for total in plant.totals()] == [4, 4, 4, 0], plant.totals()
    assert plant.told()["months"][0]["import_w"] == 1200


def test_a_step_of_the_clock():
    plant = Plant()
    plant.pass_s(900)
    plant.pass_s(900, (100, 100, 100))
    plant.clock.set((plant.utc + 400) * 1000, "test")
    plant.utc += 400
    plant.pass_s(500, (100, 100, 100))
    plant.pass_s(900, (100, 100, 100))
    assert [total[1] for total in plant.totals()] == [4, 0, 4, 0], plant.totals()


def test_only_some_meters():
    plant = Plant()
    plant.values["demand_meters"] = "1, 3"
    plant.pass_s(900)
    plant.pass_s(900, (100, 5000, 200))
    assert plant.totals()[1][2][0] == (1200, 0) and plant.told()["meters"] == ["1", "3"]


def test_a_month_ends_at_local_midnight_and_thirteen_stay():
    plant = Plant(60)
    start = calendar.to_unix(2026, 7, 31, 20)
    plant.demand._boundary = None
    plant.demand._record(start + 2 * 3600, [5000, 0], True)  # until 24:00 local time
    plant.demand._record(start + 3 * 3600, [4000, 0], True)
    assert [(month["month"], month["import_w"]) for month in plant.told()["months"]] == [("2026-07", 5000), ("2026-08", 4000)]
    for number in range(14):
        plant.demand._record(calendar.to_unix(2027 + number // 12, number % 12 + 1, 9), [number, 0], True)
    months = [month["month"] for month in plant.told()["months"]]
    assert len(months) == 13 and months[-1] == "2028-02" and months[0] == "2027-02", months


def test_a_flash_that_takes_nothing():
    plant = Plant()
    plant.pass_s(900)
    try:
        os.remove("/ram/demand.json")
    except OSError:
        pass
    os.mkdir("/ram/demand.json.new")  # nothing can be written there
    plant.pass_s(900, (100, 100, 100))
    assert plant.told()["last"]["import_w"] == 1200
    assert "maximum demand" in [event[2] for event in plant.events.recent()][-1]
