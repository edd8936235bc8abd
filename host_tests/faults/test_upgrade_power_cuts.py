"""Power fails at any flash operation of an upgrade, of a trial, of the way back: a whole version starts, and nothing is lost.

An upgrade is recorded operation by operation, boot loader and restarts included. How the chip looks when power fails half-way
through the n-th operation follows from the record; on each such chip a gateway is started. A few upgrades are cut in truth,
which shows that the record does not lie; with `make test-powercut` one at each operation.
"""

import hashlib
import os
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException

import pytest

from host_tests import upgrades
from host_tests.gateway import api, change, eventually, settings
from host_tests.rig import RigFailed
from host_tests.upgrades import NEXT, Publisher, running, start, state, trust, upgradable
from tools.rig.flash import OURS, operate, operations

POWER_CUT = 42  # exit status of a gateway that lost power where it was told to
OLD = "0.1"
LEAST = 200  # operations: the slot alone takes two for each block
IN_TRUTH = 6
TO_THE_END = 8  # are followed until the upgrade was made in spite of it
TRIAL_S = 3
MOST_S = 60
SOON_S = 10
FIELD = {
    **{"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_1": 0, "rs485_type_2": 0},
    **{"description": "north hall", "location": "n" * 40, "mqtt2_server": "second.example"},
    **{"pulse_cnt_en": 1, "gateway_pushlink": 1, "gateway_pushintv": 1},
    **{"push1_protocol": 1, "push1_form": 1, "mqtt1_server": "127.0.0.1", "mqtt1_port": 9},  # where nobody listens
}
WAITING = 5  # readings that wait for the link


class Story:
    """What happened to a chip: `before`, the operations, and the settings and readings that it holds all the time."""

    versions = (OLD, NEXT)

    def __init__(self, folder, content, server):
        self.folder, self.content, self._server = folder, content, server
        chip, log = folder / "chip", folder / "log"
        with upgradable(flash=chip, meters=[], settings=FIELD) as rig:
            self._certificate = trust(rig, server)
            eventually(lambda: backlog(rig) >= WAITING, "no reading waits")
            change(rig, gateway_pushintv=43200)  # no others come
            assert api(rig, "/api/restart", {})[0] == 202  # which writes them down
            eventually(lambda: "cause: reset" in rig.log() and is_up(rig), "no restart")
            eventually(lambda: backlog(rig) >= WAITING, "readings are lost by a restart")
            self.settings = settings(rig)
        self.before = chip.read_bytes()
        with self.up(chip, flash_log=log) as rig:
            self.start(rig)
            self.end(rig)
        self.operations = list(operations(log.read_bytes()))

    def up(self, chip, **options):
        return upgradable(flash=chip, meters=[], trial_s=TRIAL_S, **options)

    def end(self, rig):
        """Wait until the story is over."""
        raise NotImplementedError

    def start(self, rig):
        start(rig, self._server.url + "/next.img", self._certificate)

    def cut(self, number):
        """Return the chip after power failed half-way through an operation: 1 is the first."""
        chip = bytearray(self.before)
        for operation in self.operations[: number - 1]:
            operate(chip, *operation)
        operate(chip, *self.operations[number - 1], is_half=True)
        return bytes(chip)


class Good(Story):
    def end(self, rig):
        assert running(rig, NEXT)["last"]["ok"]


class Bad(Story):
    """The new version finds no network, and gives up."""

    def end(self, rig):
        last = running(rig, OLD)["last"]
        assert not last["ok"] and "no connection" in last["reason"]


def backlog(rig):
    (link, _) = rig.get_json("/api/links")["links"]
    assert link["dropped"] == 0
    return link["backlog"]


def is_up(rig):
    with suppress(OSError, HTTPException, RigFailed):
        return state(rig)
    return None


def payload(content):
    """The SHA-256 of an image file's payload, and its size."""
    size = int.from_bytes(content[16:20], "little")
    return hashlib.sha256(content[-size:]).digest(), size


@pytest.fixture(scope="module")
def story(request, tmp_path_factory):
    kind = request.param
    overlay = {}
    if kind is Bad:
        path = "firmware/services/network.py"
        text = (upgrades.builder.TOP / path).read_text()
        line = "    lan = gateway.platform.lan\n"
        assert text.count(line) == 1
        overlay[path] = text.replace(line, "    await asyncio.sleep(1000)\n" + line)
    folder = tmp_path_factory.mktemp("story")
    content = upgrades.make(folder, **overlay)
    with Publisher(next_img=content) as server:
        yield kind(folder, content, server)


def check(story, rig):
    """A whole version runs, and what the chip held is there."""
    now = eventually(lambda: is_up(rig), "it does not answer", MOST_S)
    assert now["running"] in story.versions
    slot = rig.control("ready")["slot"]
    with open(rig.ready["flash"], "rb") as chip:
        chip.seek(OURS.slots[slot])
        content = chip.read(OURS.slot_size)
    if now["running"] == NEXT:
        digest, size = payload(story.content)
        assert hashlib.sha256(content[:size]).digest() == digest
    assert settings(rig) == story.settings
    eventually(lambda: backlog(rig) >= WAITING, "readings are lost", SOON_S)
    assert "Traceback" not in rig.log(), rig.log()


def survives(story, number, to_the_end=False):
    """Start on a chip that lost power at an operation; to the end: have it become the new version after all."""
    chip = story.folder / str(number)
    chip.write_bytes(story.cut(number))
    try:
        with story.up(chip) as rig:
            check(story, rig)
            if to_the_end:
                eventually(lambda: (now := is_up(rig)) and not now["on_trial"], "the trial does not end", MOST_S)
                if state(rig)["running"] == OLD:
                    with suppress(AssertionError):  # it goes on by itself where the header was there
                        story.start(rig)
                running(rig, NEXT)
                check(story, rig)
    except Exception as error:
        address, data = story.operations[number - 1]
        what = "the erasing" if data is None else f"{len(data)} bytes"
        raise AssertionError(f"cut at operation {number}: {what} at {address:#x}") from error
    chip.unlink()


def all_of(work, numbers):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(work, numbers))


@pytest.mark.parametrize("story", [Good], indirect=True)
def test_whatever_is_cut_off_a_whole_version_starts(story):
    assert len(story.before) == OURS.size and len(story.operations) > LEAST
    all_of(lambda number: survives(story, number), range(1, len(story.operations) + 1))


@pytest.mark.parametrize("story", [Good], indirect=True)
def test_after_a_cut_the_upgrade_can_be_made(story):
    numbers = random.Random(21).sample(range(1, len(story.operations) + 1), TO_THE_END)
    all_of(lambda number: survives(story, number, to_the_end=True), numbers)


@pytest.mark.parametrize("story", [Good], indirect=True)
def test_cuts_in_truth(story, request):
    numbers = range(1, len(story.operations) - 4)  # the last ones may not come: not every upgrade has as many
    if not request.config.getoption("all_cuts"):
        numbers = random.Random(22).sample(numbers, IN_TRUTH)

    def cut(number):
        chip = story.folder / f"truth-{number}"
        chip.write_bytes(story.before)
        with suppress(RigFailed), story.up(chip, power_cut=number) as rig:
            with suppress(OSError, HTTPException, AssertionError):
                story.start(rig)
            assert rig.wait() == POWER_CUT, number
        with story.up(chip) as rig:
            check(story, rig)
        chip.unlink()

    all_of(cut, numbers)


@pytest.mark.parametrize("story", [Bad], indirect=True)
def test_the_way_back_can_be_cut_anywhere(story):
    """From the moment on when the other slot is chosen; what is before that is the same with a good version."""
    first = min(n for n, (address, _) in enumerate(story.operations, 1) if OURS.slots["ota_0"] > address >= 0xD000)
    numbers = range(first, len(story.operations) + 1)

    def goes_back(number):
        chip = story.folder / str(number)
        chip.write_bytes(story.cut(number))
        with story.up(chip) as rig:
            eventually(lambda: (now := is_up(rig)) and not now["on_trial"] and now["running"] == OLD, number, MOST_S)
            check(story, rig)
        chip.unlink()

    all_of(goes_back, numbers)
