"""From a simulated meter's rows to /api/profile, through the whole gateway: record for record what the meter has."""

import calendar
import contextlib
import json
from fractions import Fraction

import pytest

from host_tests.gateway import api, eventually, gateway
from tools.rig.families.iec import profile_value

SETTINGS = {
    **{"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_1": 0, "rs485_type_2": 0, "rs485_protocol": 3},
    "timezone": "Europe/Ljubljana",
}
KEY = "80000001"
DAY, QUARTER = 86400, 900


def utc(*civil):
    return calendar.timegm((*civil, 0, 0, 0)[:6])


NOW = utc(2026, 3, 10, 12, 7)


def entry(brand, days: float = 3, now=NOW, **more):
    return {
        "family": "IEC " + brand,
        "serial": KEY,
        "opening": 9600,
        "reaction_ms": 20,
        "oldest": now // QUARTER * QUARTER - int(days * DAY),
        **more,
    }


@contextlib.contextmanager
def read_by(meter, now=NOW, plan=None, **options):
    with gateway(meters=[meter], settings=SETTINGS, clock=now, **options) as rig:
        listed(rig, meter, plan)
        yield rig


def listed(rig, meter, plan=None):
    plan = {"address": meter["serial"], "opening": 9600, "fastest": 9600, "profile": "auto", "period": 1, **(plan or {})}
    status, answer = api(rig, "/api/iec_meters/1", plan)
    assert status in (200, 201), answer


def expected(meter, now, channels=3, step=QUARTER):
    """What the meter has: {UTC: values}."""
    holes = meter.get("holes", [])
    return {
        at: [profile_value(at, channel) for channel in range(channels)]
        for at in range(meter["oldest"], now + 1, step)
        if not any(first <= at <= last for first, last in holes)
    }


def kept(rig, first=0, last=4000000000):
    """What the gateway has: (UTC, values) as they are served."""
    status, _, body = rig.get(f"/api/profile/{KEY}?from={first}&to={last}")
    if status == 404:
        return []
    assert status == 200, body
    return [(record[0], record[3:]) for record in json.loads(body)["records"]]


def all_there(rig, wanted, patience_s=30, until=4000000000):
    """Wait until all is there, and see that nothing else is until a time, in order, once."""

    def look():
        found = kept(rig, last=until)
        assert "Traceback" not in rig.log(), rig.log()[-1500:]
        return len(found) >= len(wanted) and found

    def told():
        have = [at for at, _ in kept(rig)]
        return sorted(set(wanted) - set(have))[:5], len(have), len(wanted), rig.log()[-800:]

    found = eventually(look, told, patience_s)
    assert [at for at, _ in found] == sorted(wanted)
    for at, values in found:
        assert [Fraction(str(value)) for value in values] == [Fraction(value) for value in wanted[at]], at


BRANDS = (
    # brand, channels, columns
    ("EMH", 3, ["1.5 kW", "5.5 kvar", "8.5 kvar"]),
    ("Makel", 3, None),
    ("Kohler", 3, None),
    ("Luna", 3, None),
    ("Viko", 3, None),
    ("NZR", 3, None),
    ("MASS", 8, ["1.8.0 kWh", "5.8.0 kVArh"]),
    ("TEDAS", 6, ["1.8.0 kWh", "5.8.0 kVArh"]),
)


@pytest.mark.parametrize(("brand", "channels", "columns"), BRANDS)
def test_each_maker_s_profile_is_the_meter_s_own(brand, channels, columns):
    meter = entry(brand)
    with read_by(meter) as rig:
        all_there(rig, expected(meter, NOW, channels))
        listed_one = rig.get_json("/api/profile")["profiles"][0]
        assert listed_one["period_min"] == 15 and listed_one["missing"] == 0
        told = [f"{column['code']} {column['unit']}" for column in listed_one["columns"]]
        assert columns is None or told[: len(columns)] == columns


@pytest.mark.parametrize("minutes", [1, 5, 30, 60])
def test_other_periods(minutes):
    meters = [entry(brand, days=2 if minutes > 5 else 0.5, profile_min=minutes) for brand in ("EMH", "Makel")]
    with contextlib.ExitStack() as stack:  # side by side: they wait most of the time
        rigs = []
        for meter in meters:
            meter["oldest"] = meter["oldest"] // 3600 * 3600
            rigs.append(stack.enter_context(read_by(meter)))
        for rig, meter in zip(rigs, meters, strict=True):
            all_there(rig, expected(meter, NOW, step=60 * minutes), 150, NOW)
            assert rig.get_json("/api/profile")["profiles"][0]["period_min"] == minutes


def told_by_meter(rig):
    return rig.control("meter", name=KEY)["values"]


@pytest.mark.parametrize("damaged", [0, 1, 4, 8])
def test_of_partial_blocks_only_the_damaged_one_is_asked_for_again(damaged):
    """A digit of it changes on the way: no check but the block's finds that. Blocks have 20 lines."""
    meter = entry("EMH", damaged_part=damaged)
    with read_by(meter, plan={"profile": "R6 P.01 zYYMMDDhhmm"}) as rig:
        all_there(rig, expected(meter, NOW))
        told = told_by_meter(rig)
    assert told["parts"] >= 15 and told["repeated"] == (damaged > 0)
    last = NOW // QUARTER * QUARTER
    asked = [one for one in told["ranges"] if one[0] <= last - DAY <= one[1]]
    assert len(asked) == 1, "what the blocks brought was not asked for again"


AUTUMN = utc(2026, 10, 25, 1)  # UTC at which 03:00 becomes 02:00


@pytest.mark.parametrize(("brand", "seasons"), [("EMH", True), ("EMH", False), ("Makel", False)])
def test_the_double_hour_of_autumn_is_two_hours(brand, seasons):
    with contextlib.ExitStack() as stack:  # side by side: they wait most of the time
        started = []
        for late_s in (-45 * 60, 20 * 60, 6 * 3600):  # within the first, within the second, afterwards
            now = AUTUMN + late_s
            meter = entry(brand, 1, now, seasons=seasons)
            started.append((stack.enter_context(read_by(meter, now)), meter, now))
        for rig, meter, now in started:
            all_there(rig, expected(meter, now))
            rig.control("clock", unix=now + 7200)
        for rig, meter, now in started:
            all_there(rig, expected(meter, now + 7200))


def test_the_hour_that_spring_leaves_out_is_no_hole():
    now = utc(2026, 3, 29, 5)
    meter = entry("EMH", 1, now)
    with read_by(meter, now) as rig:
        all_there(rig, expected(meter, now))


@pytest.mark.parametrize("fault", ["twice", "shuffled", "bad_dates", "short_rows"])
@pytest.mark.parametrize("brand", ["EMH", "Makel"])
def test_rows_twice_out_of_order_or_wrong(fault, brand):
    meter = entry(brand, 2, rows_fault=fault)
    wanted = expected(meter, NOW)
    if fault == "short_rows":
        wanted = {at: values for at, values in wanted.items() if at % 7200}
    with read_by(meter) as rig:
        all_there(rig, wanted)
        if fault in ("bad_dates", "short_rows"):
            eventually(lambda: "rows were no records" in rig.log(), "the event")


def test_holes_of_the_meter_are_asked_for_twice_and_then_no_more():
    hole = [NOW // QUARTER * QUARTER - DAY, NOW // QUARTER * QUARTER - DAY + 7200]
    meter = entry("EMH", 2, holes=[hole])

    def asked(rig):
        return len([one for one in told_by_meter(rig)["ranges"] if one[0] < hole[1] and hole[0] < one[1]])

    with read_by(meter) as rig:
        for round_number in range(5):
            now = NOW + round_number * QUARTER
            rig.control("clock", unix=now)
            all_there(rig, expected(meter, now))
            assert asked(rig) == min(round_number + 1, 2)


def test_an_outage_of_three_days_is_filled(tmp_path):
    """The line is dead for a day and a half, then the gateway is off as long."""
    flash = tmp_path / "flash"
    meter = entry("EMH", 5)
    with read_by(meter, NOW - 3 * DAY, flash=flash) as rig:
        all_there(rig, expected(meter, NOW - 3 * DAY))
        rig.control("meter", name=KEY, fault="mute")
        rig.control("clock", unix=NOW - 36 * 3600)
        eventually(lambda: api(rig, "/api/iec_meters")[1]["meters"][0]["status"] != "present", "the line is not missed")
    with gateway(meters=[meter], flash=flash, clock=NOW) as rig:
        all_there(rig, expected(meter, NOW))
    with gateway(meters=[{**meter, "fault": "mute"}], flash=flash, clock=NOW) as rig:
        all_there(rig, expected(meter, NOW))  # from flash


@pytest.mark.parametrize("step_s", [-3 * DAY, 40 * DAY, -600])
def test_the_gateway_s_clock_is_wrong_for_a_while(step_s):
    """The meter's is right: its records have its times, and what came meanwhile is read afterwards."""
    meter = entry("EMH", 2)
    with read_by(meter) as rig:
        all_there(rig, expected(meter, NOW))
        rig.control("meter", name=KEY, fault="mute")
        rig.control("clock", unix=NOW + step_s)
        eventually(lambda: api(rig, "/api/iec_meters")[1]["meters"][0]["status"] != "present", "it is not asked")
        rig.control("meter", name=KEY, fault="none")
        rig.control("clock", unix=NOW + DAY)
        all_there(rig, expected(meter, NOW + DAY), 150)


def test_the_meter_s_clock_was_wrong_for_a_while(tmp_path):
    """Its records of the future do not keep those of the present from being read."""
    flash = tmp_path / "flash"
    meter = entry("EMH", 2)
    with read_by({**meter, "clock_ahead_s": 400 * DAY}, flash=flash) as rig:
        eventually(lambda: api(rig, "/api/iec_meters")[1]["meters"][0]["status"] == "present", "it is not read")
    with read_by(meter, flash=flash) as rig:
        all_there(rig, expected(meter, NOW), 90)
