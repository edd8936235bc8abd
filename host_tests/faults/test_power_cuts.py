"""The gateway loses power at every flash operation in turn: it always starts again, and settings are never torn."""

import contextlib
import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from host_tests.gateway import api, gateway, login, patch, settings
from host_tests.rig import RigFailed

PASSWORD = "a long password"
POWER_CUT = 42  # exit status of a gateway that lost power where it was told to
NO_FIELD = {"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_1": 0, "rs485_type_2": 0}
OLD = {"description": "old", "location": "o" * 40, "mqtt1_server": "old.example", "poll_ms": 1111}
NEW = {"description": "new", "location": "n" * 40, "mqtt1_server": "new.example", "poll_ms": 2222, "mqtt1_roottopic": "topic"}
MOST = 400  # more operations than any of this takes


def start(flash, **options):
    return gateway(meters=[], flash=flash, settings=NO_FIELD, **options)


def survivors(runs):
    """run(n) for n = 1, 2, ... until one run ends without a power cut; two at a time. Returns how many were cut."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for first in range(1, MOST, 8):
            cuts = list(pool.map(runs, range(first, first + 8)))
            if not all(cuts):
                assert not any(cuts[cuts.index(False) :]), cuts
                return first - 1 + cuts.index(False)
    raise AssertionError(f"more than {MOST} flash operations")


def until_cut(flash, number, ask):
    """Start with power that fails at an operation; return (what ask(rig) gave, None if power failed before; whether it did)."""
    try:
        with start(flash, power_cut=number) as rig:
            try:
                return ask(rig), False
            except OSError:  # the connection ended
                assert rig.wait() == POWER_CUT
    except RigFailed as error:
        assert f"exit status {POWER_CUT}:" in str(error)
    return None, True


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    """A flash file with the old settings on it."""
    flash = tmp_path_factory.mktemp("used") / "flash"
    with start(flash) as rig:
        assert patch(rig, {"description": "older"})[0] == 200  # so that there is a version before
        assert patch(rig, OLD)[0] == 200
        before = settings(rig)
    return flash, before, {**before, **NEW}


def test_power_cuts_during_a_change_of_settings(used, tmp_path):
    flash, old, new = used
    seen = set()

    def cut_at(number):
        mine = tmp_path / str(number)
        shutil.copyfile(flash, mine)
        answer, was_cut = until_cut(mine, number, lambda rig: patch(rig, NEW))
        with start(mine) as rig:
            found = settings(rig)
            assert found in (old, new), (number, found)
            if answer is not None:  # what was acknowledged is kept
                assert answer[0] == 200 and found == new, number
            assert patch(rig, {"description": "goes on"})[0] == 200
        seen.add(found == new)
        mine.unlink()
        return was_cut

    count = survivors(cut_at)
    assert count >= 4
    assert seen == {False, True}


@pytest.mark.usefixtures("used")
def test_power_cuts_during_the_very_first_start(tmp_path):
    """Formatting, identity, first settings; now and then power fails once more soon after it came back."""

    def cut_at(number):
        mine = tmp_path / str(number)
        pop, was_cut = until_cut(mine, number, lambda rig: rig.ready["pop"])
        if was_cut and number % 3 == 0:
            with contextlib.suppress(RigFailed), start(mine, power_cut=number // 3):
                pass
        with start(mine) as rig:
            assert len(rig.ready["pop"]) >= 8 and rig.ready["serial"] == "SG000017"
            if not was_cut:
                assert rig.ready["pop"] == pop
            assert patch(rig, OLD)[0] == 200
            found = settings(rig)
            assert {name: found[name] for name in OLD} == OLD
        mine.unlink()
        return was_cut

    assert survivors(cut_at) >= 4


def test_power_cuts_during_a_change_of_the_password(used, tmp_path):
    """One of the two passwords opens the device afterwards, and what was acknowledged is the new one."""
    flash, _, _ = used
    seen = set()

    def cut_at(number):
        mine = tmp_path / str(number)
        shutil.copyfile(flash, mine)
        answer, was_cut = until_cut(
            mine, number, lambda rig: api(rig, "/api/password", {"password": rig.ready["pop"], "new": PASSWORD})
        )
        with start(mine) as rig:
            opens = [rig.get("/api/settings", login(rig, word))[0] == 200 for word in (rig.ready["pop"], PASSWORD)]
            assert sum(opens) == 1, (number, opens)
            if answer is not None:
                assert answer[0] == 204 and opens[1], number
        seen.add(opens[1])
        mine.unlink()
        return was_cut

    assert survivors(cut_at) >= 3
    assert seen == {False, True}
