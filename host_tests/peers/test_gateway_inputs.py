"""The gateway's own inputs, driven by the rig: pulses of a contact, a Pt1000."""

import subprocess

import pytest

from host_tests.gateway import command, eventually, gateway, login, post
from host_tests.rig import TOP
from tools.rig.flash import OURS

NO_FIELD = {"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_1": 0, "rs485_type_2": 0}
STORED = 4294967301  # more than 32 bits
# Leaves a counter's record on a new flash chip, as the gateway does every ten minutes.
STORE = """
import vfs
from firmware.port.flash_file import FlashFile, PartitionFile
from lib.inputs.pulse_counter import PulseCounter
partition = PartitionFile(FlashFile({flash!r}, {size}), "vfs", *{place})
vfs.VfsLfs2.mkfs(partition)
vfs.mount(vfs.VfsLfs2(partition), "/flash")
counter = PulseCounter()
counter.add({total})
with open("/flash/pulses.1", "wb") as file:
    file.write(counter.record())
"""
CELSIUS = (-196, -40.04, -0.06, 25.55, 849.9)  # below -196.6 the resistance is a short


@pytest.fixture(scope="module", params=[64, 32])
def rig(request):
    with gateway(request.param, meters=[], settings=NO_FIELD) as rig:
        yield rig


def count(rig):
    return command(rig, "get_status")["dig_count"]


def counted(rig, total):
    eventually(lambda: count(rig) == total, lambda: (total, count(rig)))


def test_pulses_are_counted_once_each(rig):
    total = count(rig)
    for pulses, bounce in ((1, 0), (5, 0), (3, 4), (100, 0), (40, 9)):
        rig.control("pulse", count=pulses, bounce=bounce)
        total += pulses
        counted(rig, total)


def test_the_counter_is_reset_by_who_may(rig):
    rig.control("pulse", count=3)
    eventually(lambda: count(rig) >= 3, "no pulses counted")
    before = count(rig)
    for headers, status in (({}, 401), (login(rig, "wrong"), 401), (login(rig, Origin="http://attacker.example"), 403)):
        assert post(rig, "PULSE_RESET", headers)[0] == status
    assert count(rig) == before
    assert post(rig, "PULSE_RESET") == (204, "")
    assert count(rig) == 0
    rig.control("pulse", count=2)
    counted(rig, 2)


def test_what_was_saved_is_kept_over_a_reset(tmp_path):
    flash = tmp_path / "flash"
    source = STORE.format(flash=str(flash), total=STORED, size=OURS.size, place=OURS.places["vfs"])
    interpreter = TOP / ".tools" / "bin" / "micropython64"
    subprocess.run(
        [interpreter, "-c", source], check=True, cwd=TOP, env={"MICROPYPATH": f"{TOP}:{TOP / 'boards' / 'HOST'}:.frozen"}
    )
    with gateway(meters=[], flash=flash) as rig:
        assert count(rig) == STORED
        rig.control("reset")
        assert count(rig) == STORED
        rig.control("pulse", count=4)
        counted(rig, STORED + 4)
        assert post(rig, "PULSE_RESET") == (204, "")
        rig.control("reset")
        assert count(rig) == 0  # not the larger one of before


def temperature(rig):
    answer = command(rig, "get_status")
    return answer["pt1000_temp"], answer["pt1000_fault"]


@pytest.mark.parametrize("rig", [64], indirect=True)
def test_temperatures(rig):
    for celsius in CELSIUS:
        rig.control("pt1000", celsius=celsius)

        def shown():
            text, fault = temperature(rig)
            return text != "N/A" and not fault and abs(float(text) - celsius) <= 0.1

        eventually(shown, lambda: (celsius, temperature(rig)))


@pytest.mark.parametrize("rig", [64], indirect=True)
def test_a_broken_sensor_is_a_fault_and_no_temperature(rig):
    for fields, fault in (({"fault": "open"}, "open"), ({"fault": "short"}, "short"), ({"ohm": 3950}, "range")):
        rig.control("pt1000", **fields)
        eventually(lambda: temperature(rig) == ("N/A", fault), lambda: (fields, temperature(rig)))
        assert f"temperature sensor: {fault}" in rig.log()
    rig.control("pt1000", celsius=21.5)
    eventually(lambda: temperature(rig) == ("21.5", ""), lambda: temperature(rig))


@pytest.mark.parametrize("rig", [64], indirect=True)
def test_the_leads_are_taken_off(rig):
    rig.control("pt1000", ohm=1003.9)
    eventually(lambda: temperature(rig) == ("1.0", ""), lambda: temperature(rig))
    assert rig.get("/api/settings", login(rig), "PATCH", '{"pt1000_lead_mohm":3900}')[0] == 200
    eventually(lambda: temperature(rig) == ("0.0", ""), lambda: temperature(rig))
    assert rig.get("/api/settings", login(rig), "PATCH", '{"adc_enabled":0}')[0] == 200
    eventually(lambda: temperature(rig) == ("N/A", "off"), lambda: temperature(rig))
    assert rig.get("/api/settings", login(rig), "PATCH", '{"pt1000_lead_mohm":0,"adc_enabled":1}')[0] == 200
