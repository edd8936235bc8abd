"""Power fails at every flash operation of a new version's first start, of its confirmation, and of the way back.

A version that was verified starts every time, settings are as they were, and what was told to have stayed stays.
"""

import http.client
import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from host_tests import versions
from host_tests.gateway import api, change, command, eventually, gateway, settings
from host_tests.rig import RigFailed
from host_tests.versions import replaced

MAIN, STATUS = "firmware/main.py", "firmware/services/status.py"
POWER_CUT = 42
NO_FIELD = {"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_1": 0, "rs485_type_2": 0}
# Another order: switch to the other slot, and nothing else; and tell what came of it
SWITCHES = """
from firmware.services import upgrade_trial

async def factory_reset(gateway, request, response, body):
    import json
    if body.get("switch"):
        upgrade_trial.prepare(gateway, "0.2")
        gateway.platform.slots.switch()
    response.put(json.dumps({"outcome": upgrade_trial.outcome(gateway)}))
"""
GOOD = {STATUS: versions.source(STATUS) + SWITCHES}
BAD = {**GOOD, MAIN: replaced(MAIN, ("in self.settings.load():", "in ('they are gone',):"))}
STAYS, GOES = "has proven itself and stays", "was taken back: it could not read the settings"


@pytest.fixture(scope="module", params=("stays", "goes"))
def switched(request, tmp_path_factory):
    """(a chip that was switched to a new version, the image of the old one, the settings, what the log tells in the end)."""
    folder = tmp_path_factory.mktemp(request.param)
    chip = folder / "chip"
    first = versions.built(folder, version="0.1", changes=GOOD)
    second = versions.built(folder, version="0.2", changes=GOOD if request.param == "stays" else BAD)
    with gateway(flash=chip, image=first, meters=[], settings=NO_FIELD) as rig:
        change(rig, description="mine")
        found = settings(rig)
        versions.put(chip, second, "ota_1")
        assert api(rig, "/api/factory_reset", {"switch": 1}) == (200, {"outcome": None})
    return chip, first, found, STAYS if request.param == "stays" else GOES


def start(chip, image, **options):
    return gateway(flash=chip, image=image, meters=[], settings=NO_FIELD, trial_s=1, **options)


def has_ended(chip, image, number, end):
    """Start with power that fails at an operation; return (whether the log told of the end, whether power failed)."""
    log = chip.with_suffix(".log")
    try:
        with start(chip, image, power_cut=number, log=log) as rig:
            eventually(lambda: end in log.read_text() or rig.process.poll() is not None, log.read_text)
            if rig.process.poll() is None:
                return True, False
            assert rig.wait() == POWER_CUT, rig.errors()
            return end in log.read_text(), True
    except RigFailed as error:
        assert f"exit status {POWER_CUT}:" in str(error)
    return False, True


def outcome(rig):
    """What came of the upgrade, None while that is open or the gateway restarts."""
    try:
        return api(rig, "/api/factory_reset", {})[1]["outcome"]
    except (OSError, http.client.HTTPException):
        return None


def test_power_cuts_on_trial(switched, tmp_path):
    chip, image, before, end = switched
    seen = set()

    def cut_at(number):
        mine = tmp_path / str(number)
        shutil.copyfile(chip, mine)
        ended, was_cut = has_ended(mine, image, number, end)
        with start(mine, image) as rig:
            found = eventually(lambda: outcome(rig), lambda: (number, rig.log()))
            version = command(rig, "get_status")["sw_version"]
            assert version == ("0.2" if found["ok"] else "0.1"), (number, found)
            if ended:
                assert found["ok"] == (end == STAYS), (number, found)
            if end == GOES:
                assert not found["ok"], number
            assert settings(rig) == before, number
            seen.add(version)
        mine.unlink()
        return was_cut

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for first in range(1, 200, 8):
            cuts = list(pool.map(cut_at, range(first, first + 8)))
            if not all(cuts):
                assert not any(cuts[cuts.index(False) :]), cuts
                break
    count = first - 1 + cuts.index(False)
    assert count >= 8, "erase and program of the trial, the files, and more"
    assert seen == ({"0.1", "0.2"} if end == STAYS else {"0.1"})
