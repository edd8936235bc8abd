"""Building and flashing an ESP32 board as one uses it. A stand-in has ESP-IDF's place; Espressif's tool checks the images."""

import json
import os
import re
import subprocess
import sys

import pytest
import stand_in_idf

from tools import flash, make_firmware
from tools.image import TOP
from tools.partitions import partition

ESPTOOL = flash.ESPTOOL
BOARD = "SG_W1"


def tool(*words, **environment):
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=TOP, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def idf(tmp_path_factory):
    folder = tmp_path_factory.mktemp("idf") / "stand-in"
    names = stand_in_idf.install(folder)
    names["PATH"] = f"{folder / 'bin'}:{os.environ['PATH']}"
    names["calls"] = str(folder / "calls")
    return names


@pytest.fixture(scope="module")
def built(idf):
    done = tool("tools.make_firmware", BOARD, **idf)
    assert done.returncode == 0, done.stdout + done.stderr
    return TOP / "build" / BOARD, done.stdout


def esptool(*words):
    done = subprocess.run([ESPTOOL, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_without_idf_three_lines_say_how_to_get_one():
    done = tool("tools.make_firmware", BOARD, IDF_PATH="")
    assert done.returncode == 1 and not done.stdout
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 3 and "v5.5.1" in lines[1] and "install.sh esp32" in lines[2]


def test_the_board_is_built_by_the_ports_own_makefile(built, idf):
    folder, told = built
    with open(idf["calls"]) as file:
        calls = file.read().splitlines()
    assert calls[0] == "--version" and calls[1].endswith("reconfigure") and calls[2].endswith("build")
    assert f"MICROPY_BOARD_DIR={TOP / 'boards' / BOARD}" in calls[2]
    left = re.search(r"(\d+) bytes, (\d+) left", told)
    assert left and int(left[1]) + int(left[2]) == 0x1AC000, "the slot without the 16 KB of the signature"
    assert {"micropython.bin", "firmware.bin", "manifest.json"} <= {path.name for path in folder.iterdir()}


def test_a_variant_is_asked_for(built, idf):
    done = tool("tools.make_firmware", BOARD, "--variant", "NO_BLUETOOTH", **idf)
    assert done.returncode == 0, done.stdout + done.stderr
    with open(idf["calls"]) as file:
        assert "MICROPY_BOARD_VARIANT=NO_BLUETOOTH" in file.read().splitlines()[-1]


def test_an_application_too_large_for_its_signature_is_refused():
    largest = stand_in_idf.image(bytes(0x1AC000 - 24 - 8 - 16 - 32))
    assert make_firmware.check_application(BOARD, largest) >= 0
    with pytest.raises(make_firmware.Refused, match="more than a slot"):
        make_firmware.check_application(BOARD, stand_in_idf.image(bytes(0x1AC000)))


def test_a_board_with_a_table_of_its_own_has_its_room():
    application = stand_in_idf.image(bytes(0x1AC000))
    assert make_firmware.check_application("ES_951", application) == 504 * 4096 - len(application)
    merged = b"\xe9".ljust(0x7000, b"\xff") + stand_in_idf.table("ES_951")
    make_firmware.check_merged("ES_951", merged.ljust(0xF000, b"\xff") + application, application)


def test_espressifs_tool_finds_whole_images_where_the_chip_looks(built, tmp_path):
    folder, _ = built
    merged = (folder / "firmware.bin").read_bytes()
    work = folder / "idf"
    esptool(
        *("--chip", "esp32", "merge-bin", "-o", tmp_path / "merged.bin", "--target-offset", "0x1000"),
        *(0x1000, work / "bootloader/bootloader.bin", 0x8000, work / "partition_table/partition-table.bin"),
        *(partition(BOARD, "ota_0").offset, folder / "micropython.bin"),
    )
    assert (tmp_path / "merged.bin").read_bytes() == merged
    told = esptool("--chip", "esp32", "image-info", folder / "micropython.bin")
    assert "(valid)" in told and "invalid" not in told.lower()


def test_a_browser_gets_the_file_and_its_place(built):
    folder, _ = built
    manifest = json.loads((folder / "manifest.json").read_text())
    (build,) = manifest["builds"]
    assert build["chipFamily"] == "ESP32" and build["parts"] == [{"path": "firmware.bin", "offset": 0x1000}]
    assert manifest["name"] == "OpenSG SG-W1" and manifest["version"]


@pytest.mark.parametrize("erase", [False, True])
def test_flashing_writes_below_the_file_system_unless_told_to_erase(built, erase):
    folder, _ = built
    done = tool("tools.flash", BOARD, "/dev/ttyUSB7", "--dry-run", *(["--erase"] if erase else []))
    assert done.returncode == 0, done.stderr
    assert "--port /dev/ttyUSB7" in done.stdout and done.stdout.rstrip().endswith(f"0x1000 {folder / 'firmware.bin'}")
    assert ("--erase-all" in done.stdout) is erase
    assert 0x1000 + (folder / "firmware.bin").stat().st_size <= partition(BOARD, "vfs").offset


def test_esptool_knows_the_words_it_is_given(built):
    done = tool("tools.flash", BOARD, "/dev/there-is-no-such-port")
    assert done.returncode != 0
    assert "there-is-no-such-port" in done.stdout + done.stderr and "Usage" not in done.stdout + done.stderr


def test_what_is_no_image_is_not_flashed(built):
    folder, _ = built
    whole = (folder / "firmware.bin").read_bytes()
    try:
        for wrong in (whole[:-1], whole[0xF000:], whole[:0x7000] + b"\xff\xff" + whole[0x7002:], b""):
            (folder / "firmware.bin").write_bytes(wrong)
            done = tool("tools.flash", BOARD, "/dev/null", "--dry-run")
            assert done.returncode == 1 and done.stderr.startswith("flash: "), done.stdout
    finally:
        (folder / "firmware.bin").write_bytes(whole)


def test_the_workflow_builds_with_the_same_versions():
    workflow = (TOP / ".github/workflows/firmware.yml").read_text()
    assert f"espressif/idf:{make_firmware.versions()['ESP_IDF']}" in workflow
    assert re.findall(r"\b(?:SG|HT|ES)_\w+", workflow) == make_firmware.BOARDS
