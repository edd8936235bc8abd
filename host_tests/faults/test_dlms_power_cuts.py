"""Power fails at flash operations while a DLMS meter is read and archived: nothing that was there goes, nothing comes twice.

A clean run counts them; `make test` cuts at some, `make test-powercut` at every one. The meter is ciphered: after each cut it
knows the highest invocation counter that was seen, and takes none again.
"""

import shutil
from http.client import HTTPException

import pytest

from host_tests.dlms_field import DAY, NOW, PROFILE, QUARTER, Meters, compare_all, field, ids_of, kept, listed, load
from host_tests.rig import RigFailed

POWER_CUT = 42  # exit status
STEP = 13  # of the operations at which `make test` cuts
MOST = 300
LATER = NOW + DAY // 3
KINDS = range(5)  # all but events


@pytest.fixture(scope="module")
def listed_only(tmp_path_factory):
    """(meters, flash, ids): the list is on flash, and nothing of the meter."""
    meters = Meters(security=5, rs485=1)
    flash = tmp_path_factory.mktemp("first") / "flash"
    meters.entries[0]["fault"] = "mute"
    with field(meters, {"dlms_profile_days": 1}, bits=64, heap="1m", flash=flash) as rig:
        load(rig, meters)
        ids = ids_of(rig)
    meters.entries[0]["fault"] = "none"
    return meters, flash, ids


def seen(rig, meters):
    """The highest invocation counter that the meter has seen; it has refused none."""
    told = rig.control("meter", name=next(iter(meters.numbers)))["values"]
    assert told["replays"] == told["wrong_tags"] == 0, told
    return told["client_counter"]


def run(meters, flash, clock, number=None):
    """Read, and if it is NOW once more eight hours later; return whether the power failed. The meter goes on counting."""
    entry = meters.entries[0]
    try:
        with field(meters, bits=64, heap="1m", flash=flash, clock=clock, power_cut=number) as rig:
            try:
                for now in (clock, LATER):
                    rig.control("clock", unix=now)
                    while not all((one["good_utc"] or 0) >= now for one in listed(rig)):
                        entry["client_counter"] = seen(rig, meters)
                entry["client_counter"] = seen(rig, meters)
            except (OSError, HTTPException, RigFailed):
                assert rig.wait() == POWER_CUT
                return True
    except RigFailed as error:
        assert f"exit status {POWER_CUT}:" in str(error)
        return True
    return False


def test_power_cuts_while_a_meter_is_archived(listed_only, tmp_path, request):
    meters, before, ids = listed_only
    number = next(iter(ids.values()))
    lengths = set()
    for cut in range(1, MOST, 1 if request.config.getoption("all_cuts") else STEP):
        flash = tmp_path / "flash"
        shutil.copyfile(before, flash)
        meters.entries[0]["client_counter"] = 0
        was_cut = run(meters, flash, NOW, cut)
        then = kept(flash, ids, kinds=KINDS)
        lengths.add(len(then[number, PROFILE][1]))
        assert not was_cut or not run(meters, flash, LATER)
        found = kept(flash, ids, kinds=KINDS)
        begin = found[number, PROFILE][1][0][0]  # a day before it was read first
        assert begin < LATER - DAY + QUARTER, cut
        compare_all(meters, ids, found, begin, LATER)
        for place, (_, rows) in found.items():
            times = [row[0] for row in rows]
            assert times == sorted(set(times)), (cut, place)
            assert all(row in rows for row in then[place][1]), (cut, place)
        if not was_cut:
            break
    else:
        raise AssertionError(f"more than {MOST} flash operations")
    assert lengths == {0, 96, 128}
