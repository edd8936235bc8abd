"""The factory reset on the flash: what goes and what stays, and power cuts at every flash operation of both halves."""

import asyncio
import os

import vfs

from firmware.services import factory_reset
from firmware.services.factory_reset import begin, finish
from firmware.state.events import Events
from host_tests.fakes.clock import clock_at
from host_tests.fakes.ram_flash import FOLDER, PowerCut, RamFlash, empty, fill, mounted
from host_tests.fakes.simulated_time import simulated

# What the firmware keeps on its flash, and files of a later version that this one does not know
SETTINGS = ("settings.json", "settings.json.old", "settings.json.new", "accounts.json", "accounts.json.old")
FOLDERS = ("certs/ca.pem", "certs/.new", "history/X0000124", "history/X0000124.2301", "history/@2-WM1")
GOES = SETTINGS + FOLDERS + ("identity", "later/deep/down/file")
STAYS = ("identity.json", "identity.json.old", "identity.json.new", "pulses.0", "pulses.1")


class Platform:
    root = FOLDER


class Gateway:
    """A gateway at its start."""

    def __init__(self):
        self.platform = Platform()
        self.events = Events(clock_at()[0])
        self.restarts = 0

    def restart(self):
        self.restarts += 1

    def told(self):
        return [text for _, kind, text in self.events.recent() if kind == "start"]


def path_of(name):
    return FOLDER + "/" + name


def used():
    """Mount a flash on which all of it is, each file holding its name, some of them several times; return it."""
    flash = RamFlash(48)
    vfs.VfsLfs2.mkfs(flash)
    mounted(flash)
    for name in GOES + STAYS:
        parts = name.split("/")
        for depth in range(1, len(parts)):
            try:
                os.mkdir(path_of("/".join(parts[:depth])))
            except OSError:
                pass  # it is there
        with open(path_of(name), "w") as file:
            file.write(name * (1 if name in STAYS else 100))
    return flash


def found(folder=FOLDER):
    """Yield the paths of all files, and of folders with a slash at their end."""
    for name, kind, *_ in os.ilistdir(folder):
        path = folder + "/" + name
        if kind == 0x4000:
            yield path[len(FOLDER) + 1 :] + "/"
            yield from found(path)
        else:
            yield path[len(FOLDER) + 1 :]


def is_untouched():
    return set(GOES + STAYS) <= set(found())


def is_done():
    for name in STAYS:
        with open(path_of(name)) as file:
            assert file.read() == name, "what stays is as it was"
    return set(found()) == set(STAYS)


def started():
    """A start with what is on the flash; return the gateway."""
    gateway = Gateway()
    finish(gateway)
    return gateway


@simulated()
async def test_all_but_what_belongs_to_the_hardware_goes(time):
    for by, pause_ms in (("button", 2000), ("web", 500), ("Modbus", 500)):
        used()
        gateway = Gateway()
        begin(gateway, by)
        assert gateway.told() == [f"factory reset asked for by {by}"]
        assert is_untouched() and not gateway.restarts, "the answer is to get out first, the light to be seen"
        await asyncio.sleep_ms(pause_ms + 1)
        assert gateway.restarts == 1
        gateway = started()
        assert is_done()
        assert gateway.told() == [f"factory reset done, asked for by {by}"]
        assert started().told() == [], "once"


def test_an_ordinary_start_touches_nothing():
    flash = used()
    before = flash.writes, flash.erases
    assert started().told() == []
    assert is_untouched() and (flash.writes, flash.erases) == before


def test_a_new_device():
    mounted()
    asyncio.run(ordered())
    assert started().told() == ["factory reset done, asked for by web"] and list(found()) == []


async def ordered():
    begin(Gateway(), "web")


def test_power_cuts_while_it_is_ordered():
    """Either nothing came of it or all; and all once begin() has returned."""
    image = bytes(used().content)
    outcomes = set()
    number = 0
    was_cut = True
    while was_cut:
        number += 1
        flash = mounted(RamFlash(content=image))
        flash.cut_at = number
        try:
            asyncio.run(ordered())
            was_cut = False
        except PowerCut:
            pass
        mounted(RamFlash(content=flash.content))
        told = started().told()
        assert is_done() if told else is_untouched(), (number, told)
        assert told or was_cut, number
        outcomes.add(bool(told))
        assert "factory_reset" not in found(), number
    assert number >= 3 and outcomes == {False, True}


def test_power_cuts_while_it_is_done():
    """The next start completes it; now and then power fails once more in that."""
    flash = used()
    asyncio.run(ordered())
    image = bytes(flash.content)
    number = 0
    was_cut = True
    while was_cut:
        number += 1
        flash = mounted(RamFlash(content=image))
        flash.cut_at = number
        try:
            told = started().told()
            was_cut = False
        except PowerCut:
            pass
        for again in (number % 7 + 1, number % 3 + 1) if number % 2 else ():
            flash = mounted(RamFlash(content=flash.content))
            flash.cut_at = again
            try:
                started()
            except PowerCut:
                pass
        mounted(RamFlash(content=flash.content))
        last = started().told()
        assert is_done(), (number, list(found()))
        assert not was_cut or number % 2 or last in ([], ["factory reset done, asked for by web"]), (number, last)
    assert number >= len(GOES) and told == ["factory reset done, asked for by web"]


def test_a_full_flash():
    """The order needs next to no room, and there is room afterwards."""
    used()
    folder = fill()
    try:
        asyncio.run(ordered())
    except OSError:
        empty(folder)
        assert started().told() == [] and is_untouched(), "refused: nothing was begun"
        return
    assert started().told() == ["factory reset done, asked for by web"] and is_done()


def test_a_flash_that_fails_does_not_keep_it_from_starting():
    used()
    asyncio.run(ordered())

    def fail(path):
        raise OSError(5)

    class BrokenOs:
        ilistdir = os.ilistdir
        remove = rmdir = fail

    factory_reset.os = BrokenOs
    try:
        assert started().told() == ["factory reset not completed: error 5"]
    finally:
        factory_reset.os = os
    assert started().told() == ["factory reset done, asked for by web"] and is_done(), "the next start completes it"
