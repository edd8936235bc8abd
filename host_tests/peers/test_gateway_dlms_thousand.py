"""Fields of DLMS meters, read by a gateway with little RAM: all that the meters have is archived, once, also after an outage.

The thousand themselves take too long here: `python -m host_tests.bench.dlms_field 1000` reads and compares them.
"""

import pytest

from host_tests.dlms_field import DAY, LARGE, NOW, Meters, all_read, compare_all, field, ids_of, kept, listed, load
from host_tests.gateway import eventually

DAYS = 5  # of load profiles in these tests, longer than the outage
OUTAGE_S = 3 * DAY
LATER = NOW + OUTAGE_S


def read(rig, meters, since=NOW):
    all_read(rig, len(meters), since)
    assert rig.get_json("/api/health")["crashes"] == 0, rig.log()


def test_all_ports_at_once(tmp_path):
    meters = Meters(rs485=7, ir_left=7, network=7)
    flash = tmp_path / "flash"
    with field(meters, {"dlms_profile_days": 1}, flash=flash, board=LARGE) as rig:
        load(rig, meters)
        read(rig, meters)
        ids = ids_of(rig)
    compare_all(meters, ids, kept(flash, ids, LARGE))


def test_ciphered_with_counters(tmp_path):
    meters = Meters(security=5, rs485=3)
    flash = tmp_path / "flash"
    with field(meters, {"dlms_profile_days": 1}, flash=flash) as rig:
        load(rig, meters)
        read(rig, meters)
        ids = ids_of(rig)
        for serial in ids:
            told = rig.control("meter", name=serial)["values"]
            assert told["replays"] == told["wrong_tags"] == 0 < told["client_counter"], told
    compare_all(meters, ids, kept(flash, ids))


@pytest.mark.parametrize("port", ["rs485", "network"])
def test_meters_are_mute_for_three_days(port, tmp_path):
    meters = Meters(**{port: 3})
    flash = tmp_path / "flash"
    with field(meters, {"dlms_profile_days": DAYS}, flash=flash) as rig:
        load(rig, meters)
        read(rig, meters)
        ids = ids_of(rig)
        for serial in ids:
            rig.control("meter", name=serial, fault="mute")
        rig.control("clock", unix=NOW + 7200)
        eventually(lambda: all(one["in_a_row"] for one in listed(rig)), lambda: listed(rig))
        for serial in ids:
            rig.control("meter", name=serial, fault="none")
        rig.control("clock", unix=LATER)
        read(rig, meters, LATER)
    compare_all(meters, ids, kept(flash, ids), NOW - DAYS * DAY, LATER)


def test_the_gateway_is_off_for_three_days(tmp_path):
    meters = Meters(rs485=2, network=1)
    flash = tmp_path / "flash"
    with field(meters, {"dlms_profile_days": DAYS}, flash=flash) as rig:
        load(rig, meters)
        read(rig, meters)
        ids = ids_of(rig)
        place = int(rig.control("meter", name="30000003")["values"]["host"].rpartition(":")[2])
    next(entry for entry in meters.entries if entry["port"] == "network")["tcp_port"] = place
    with field(meters, flash=flash, clock=LATER) as rig:
        read(rig, meters, LATER)
    compare_all(meters, ids, kept(flash, ids), NOW - DAYS * DAY, LATER)
