"""Power fails at flash operations while a meter's load profile is stored: all that the meter has is there afterwards, once.

A clean run counts them; `make test` cuts at some, `make test-powercut` at every one.
"""

import shutil
from http.client import HTTPException

import pytest

from host_tests.gateway import eventually, gateway
from host_tests.peers.test_gateway_iec_profiles import DAY, NOW, all_there, entry, expected, kept, read_by
from host_tests.rig import RigFailed

POWER_CUT = 42  # exit status
STEP = 13  # of the operations at which `make test` cuts
MOST = 400
LATER = NOW + DAY // 3
METER = entry("EMH", 2)


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    """A flash on which the meter is in the list, and nothing of its profile."""
    flash = tmp_path_factory.mktemp("listed") / "flash"
    with read_by({**METER, "fault": "mute"}, flash=flash):
        pass
    return flash


def run(flash, number):
    """Read two days, then eight hours more; return whether the power failed."""
    try:
        with gateway(meters=[METER], flash=flash, clock=NOW, power_cut=number) as rig:
            try:
                eventually(lambda: len(kept(rig)) == 193, lambda: kept(rig)[-1:])
                rig.control("clock", unix=LATER)
                eventually(lambda: len(kept(rig)) == 225, lambda: kept(rig)[-1:])
            except (OSError, HTTPException, RigFailed):
                assert rig.wait() == POWER_CUT
                return True
    except RigFailed as error:
        assert f"exit status {POWER_CUT}:" in str(error)
        return True
    return False


def test_power_cuts_while_a_profile_is_stored(listed, tmp_path, request):
    step = 1 if request.config.getoption("all_cuts") else STEP
    seen = set()
    for number in range(1, MOST, step):
        flash = tmp_path / "flash"
        shutil.copyfile(listed, flash)
        was_cut = run(flash, number)
        with gateway(meters=[{**METER, "fault": "mute"}], flash=flash, clock=LATER) as rig:
            found = [at for at, _ in kept(rig)]
            assert len(set(found)) == len(found), number
            seen.add(len(found))
        with gateway(meters=[METER], flash=flash, clock=LATER) as rig:
            all_there(rig, expected(METER, LATER))
            assert rig.get_json("/api/profile")["profiles"][0]["missing"] == 0, number
        if not was_cut:
            break
    else:
        raise AssertionError(f"more than {MOST} flash operations")
    assert 225 in seen and min(seen) < 225
