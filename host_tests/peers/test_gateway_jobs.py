"""Reading jobs: meters that are read and told at set times, once, after a time without power too; and what was not read."""

import calendar
import json
import time

import pytest

from host_tests.gateway import api, change, eventually, gateway
from host_tests.links import events, link
from host_tests.mosquitto import Mosquitto, Receiver
from host_tests.rig import RigFailed

ROOT = "plant"
EVENING = calendar.timegm((2026, 2, 28, 23, 59, 40))
METERS = [{"family": "IEC Makel", "serial": f"8000000{number}", "opening": 9600} for number in (1, 2)]
SETTINGS = {
    **{"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_1": 0, "rs485_type_2": 0, "rs485_protocol": 3},
    **{"time_sync_src": 0, "timezone": "0"},
}


def up(bits, clock, **options):
    return gateway(bits, meters=METERS, clock=clock, settings=SETTINGS, **options)


def list_meters(rig):
    for number, meter in enumerate(METERS):
        plan = {"address": meter["serial"], "opening": 9600, "period": 240}
        assert api(rig, f"/api/iec_meters/{number + 1}", plan)[0] == 201


def job(rig, number=1):
    try:
        return next(job for job in api(rig, "/api/links")[1]["jobs"] if job["job"] == number)
    except RigFailed:
        return {"ended": 0}


def ended(rig, after, number=1):
    return eventually(
        lambda: (found := job(rig, number))["ended"] > after and found, lambda: (job(rig, number), events(rig)), 120
    )


def told(receiver, place):
    """Minutes of the day of the readings of a place."""
    found = []
    for topic, payload, _, _ in list(receiver.messages):
        if topic in (f"{ROOT}/pub/{place}", f"{ROOT}/pub/history/{place}"):
            found.append(time.strftime("%d %H:%M", time.gmtime(json.loads(payload)["ts"] // 1000)))
    return found


@pytest.mark.parametrize("bits", [64, 32])
def test_a_month_ends_and_the_power_fails_on_a_day(bits, tmp_path):
    flash = tmp_path / "flash"
    with Mosquitto(tmp_path) as broker, Receiver(broker) as receiver:
        with up(bits, EVENING, flash=flash) as rig:
            list_meters(rig)
            jobs = {"job1_when": "monthly 31 24:00", "job1_what": 1, "job2_when": "daily 06:00", "job2_meters": "2"}
            change(rig, **link(1, broker.port, roottopic=ROOT), **jobs)
            rig.control("clock", unix=EVENING)
            found = ended(rig, EVENING + 19)
            assert found["missed"] == "" and found["when"] == "monthly 31 24:00"
            for place in ("counters/rs485/1", "counters/rs485/2"):
                eventually(lambda place=place: told(receiver, place) == ["01 00:00"], lambda: receiver.messages)
            assert told(receiver, "measurements/rs485/1") == []
        morning = EVENING + 12 * 3600  # 01.03., 11:59: at 06:00 there was no power
        with up(bits, morning, flash=flash) as rig:
            ended(rig, morning - 1, 2)
            once = (["01 11:59"], ["01 12:00"])
            eventually(lambda: told(receiver, "measurements/rs485/2") in once, lambda: receiver.messages)
            assert job(rig)["ended"] < morning
        with up(bits, morning + 600, flash=flash) as rig:
            eventually(lambda: job(rig, 2)["ended"], lambda: job(rig, 2))
            rig.control("clock", unix=morning + 1200)
            eventually(lambda: api(rig, "/api/iec_meters")[1]["meters"][1]["status"] == "present", "the meter is not read")
            assert morning <= job(rig, 2)["ended"] < morning + 600  # made up for once
            assert len(told(receiver, "counters/rs485/2")) == 2


def test_a_meter_that_is_silent_is_named(tmp_path):
    with Mosquitto(tmp_path) as broker, Receiver(broker) as receiver, up(32, EVENING) as rig:
        list_meters(rig)
        mute = next(meter["name"] for meter in rig.control("field")["meters"] if meter["serial"] == METERS[0]["serial"])
        rig.control("meter", name=mute, fault="mute")
        change(rig, **link(1, broker.port, roottopic=ROOT), job1_when="hourly 00")
        rig.control("clock", unix=EVENING)
        eventually(lambda: job(rig)["waits_for"] == 1, lambda: job(rig), 120)
        rig.control("clock", unix=EVENING + 3601 + 60)
        assert ended(rig, EVENING)["missed"] == "1"
        assert "job 1: not read: 1" in events(rig)
        assert len(told(receiver, "counters/rs485/2")) == 1
