"""The rig's flash chip over several starts: which application runs, and where power fails."""

import pytest

from host_tests import versions
from host_tests.gateway import command, eventually, gateway
from host_tests.rig import RigFailed
from tools.rig import boot_loader, flash

QUIET = {"meters": [], "settings": {"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_1": 0, "rs485_type_2": 0}}
POWER_CUT = f"exit status {42}:"


def version(rig):
    return command(rig, "get_status")["sw_version"], rig.control("ready")["slot"]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    return [versions.built(folder, version=name) for name in ("0.2", "0.3", "0.4")]


def start(chip, **options):
    return gateway(flash=chip, **QUIET, **options)


def test_what_was_never_upgraded_runs_what_was_built_last(tmp_path, images):
    chip = tmp_path / "chip"
    for image, expected in ((images[0], "0.2"), (images[1], "0.3"), (None, "0.1")):
        with start(chip, image=image) as rig:
            assert version(rig) == (expected, "ota_0")


def test_what_was_upgraded_runs_what_the_boot_loader_chooses(tmp_path, images):
    chip = tmp_path / "chip"
    with start(chip, image=images[0]):
        pass
    versions.put(chip, images[1], "ota_1")
    versions.chosen(chip, tmp_path, 2, boot_loader.VALID)
    with start(chip, image=images[2]) as rig:
        assert version(rig) == ("0.3", "ota_1")
        rig.control("reset")
        assert version(rig) == ("0.3", "ota_1")
    versions.chosen(chip, tmp_path, 3)
    with start(chip, trial_s=60) as rig:
        assert version(rig) == ("0.2", "ota_0")
        eventually(lambda: "has proven itself" in rig.log(), rig.log)
        rig.control("reset")
        assert version(rig) == ("0.2", "ota_0")


def test_a_damaged_image_does_not_run(tmp_path, images):
    chip = tmp_path / "chip"
    with start(chip, image=images[0]):
        pass
    versions.put(chip, images[1], "ota_1")
    versions.chosen(chip, tmp_path, 2, boot_loader.VALID)
    with open(chip, "r+b") as file:
        file.seek(flash.OURS.slots["ota_1"] + 200000)
        file.write(bytes(100))
    with start(chip) as rig:
        assert version(rig) == ("0.2", "ota_0")
    with open(chip, "r+b") as file:
        file.seek(flash.OURS.slots["ota_0"] + 200000)
        file.write(bytes(100))
    with pytest.raises(RigFailed, match="Neither slot holds a whole image"):
        start(chip).__enter__()


def test_power_fails_in_the_boot_loader_in_the_gateway_and_after_its_reset(tmp_path, images):
    """The operations are counted from power-on, whoever does them: a trial has two of the boot loader's first."""
    chip = tmp_path / "chip"

    def on_trial(cut=None):
        versions.put(chip, images[1], "ota_1")
        versions.chosen(chip, tmp_path, 2)
        return start(chip, power_cut=cut)

    with start(chip, image=images[0]):
        pass
    with on_trial() as rig:
        eventually(lambda: "has proven itself" in rig.log(), rig.log)
        done = rig.control("flash")["operations"]
    assert done > 4
    for cut in (1, 2):
        with pytest.raises(RigFailed, match=POWER_CUT):
            on_trial(cut).__enter__()
        with start(chip, image=images[0]) as rig:
            assert version(rig) == ("0.2", "ota_0")
    try:
        with on_trial(done - 2) as rig:
            assert rig.wait() == 42
    except RigFailed as error:
        assert POWER_CUT in str(error)
    with start(chip, image=images[0]) as rig:
        assert version(rig)[0] in ("0.2", "0.3")


def test_options_that_are_wrong(tmp_path, images):
    (tmp_path / "short").write_bytes(b"x")
    (tmp_path / "large").write_bytes(bytes(flash.OURS.slot_size + 1))
    for options, words in (
        ({"flash": tmp_path / "short"}, "no flash chip"),
        ({"flash": tmp_path / "chip", "image": tmp_path / "large"}, "a slot has"),
        ({"flash": tmp_path / "chip", "image": images[0], "release_key": {0: "00" * 32}}, "--release-key takes"),
        ({"flash": tmp_path / "chip", "image": images[0], "release_key": {1: "00" * 31}}, "--release-key takes"),
    ):
        with pytest.raises(RigFailed, match=words):
            gateway(**options).__enter__()
