"""Credentials that are brought while no network can be joined: tried, told, kept as a whole; the flash may lose power."""

import asyncio

from firmware.port import radio_fake, wlan_actions
from firmware.services import network, network_search, network_trial
from firmware.services.wifi_networks import stored, with_first
from firmware.state.settings import Settings
from host_tests.fakes.ram_flash import FOLDER, PowerCut, RamFlash, mounted
from host_tests.fakes.simulated_time import simulated
from host_tests.fakes.station import Station, ap
from lib.store.document import Document

MODULES = (wlan_actions, radio_fake, network, network_search, network_trial)
OLD = {"wifi_ssid": "old", "wifi_password": "old one"}


class Phone(Station):
    """A station whose provisioning is a client that does what the test says: `act(trial)`, a coroutine function."""

    act = None

    async def provision(self, seconds):
        self.provisions.append(self.time.passed_ms())
        if self.act is None:
            await asyncio.sleep(seconds)
        else:
            act, self.act = self.act, None
            await act(self.trial)


async def answered(trial):
    """Ask as the phones' programs do; return (state, reason, details) when it is no longer connecting."""
    for _ in range(300):
        if trial.state != "connecting":
            return trial.state, trial.reason, trial.details
        await asyncio.sleep_ms(100)
    raise AssertionError("it asks for ever")


@simulated(*MODULES)
async def test_a_network_that_works_becomes_the_first(time):
    station = Phone(time, [ap("new", "new one", channel=6, takes_ms=2000)], **OLD)
    told = []

    async def act(trial):
        assert (trial.state, trial.reason, trial.details) == ("disconnected", None, None)
        seen = await trial.scan()
        assert seen == [(b"new", b"\x02\0\0\0\0\0", 6, -50, 3, False)]
        trial.try_network(b"new", b"new one")
        assert trial.state == "connecting"
        told.append(await answered(trial))
        trial.keep()

    station.act = act
    async with station:
        assert await station.up() < 40000
        assert told == [("connected", None, ("127.0.0.1", b"new", b"\x02\0\0\0\0\0", 6, 3))]
        assert stored(station.settings) == [("new", "new one"), ("old", "old one")]
        assert not station.settings.restart_needed, "it is in use"
        assert station.trial is None
        assert (station.shown.ssid, station.modes[-1][1]) == ("new", "operational")
        assert not [event for event in station.told if "new one" in event or "old one" in event]


@simulated(*MODULES)
async def test_what_is_wanted_waits_for_the_answer_to_get_out(time):
    station = Phone(time, [ap("new", "new one"), ap("other", "other one")])

    async def act(trial):
        trial.delay_ms = 1000
        for name, password in ((b"new", b"new one"), (b"other", b"other one")):
            began = time.passed_ms()
            trial.try_network(name, password)
            assert trial.state == "connecting" and not trial.is_wanted()
            assert (await answered(trial))[0] == "connected"
            (at, _, tried, _) = station.radio.done("connect")[-1]
            assert tried == name and 1000 <= at - began <= 3500

    station.act = act
    async with station:
        await station.up()
        assert station.shown.ssid == "other"


@simulated(*MODULES)
async def test_what_worked_is_kept_though_nobody_asks(time):
    station = Phone(time, [ap("new")])

    async def act(trial):
        trial.try_network(b"new", b"secret")
        await asyncio.sleep(1000)

    station.act = act
    async with station:
        assert await station.up() < 40000
        assert stored(station.settings) == [("new", "secret")]


@simulated(*MODULES)
async def test_failures_are_told_and_another_attempt_may_follow(time):
    station = Phone(time, [ap("new", takes_ms=3000), ap("mute", dhcp=False), ap("stuck", takes_ms=100000)], **OLD)
    told = []

    async def act(trial):
        for ssid, password in ((b"new", b"wrong"), (b"nowhere", b"x"), (b"mute", b"secret"), (b"stuck", b"secret")):
            began = time.passed_ms()
            trial.try_network(ssid, password)
            told.append((await answered(trial))[:2])
            assert time.passed_ms() - began < 30000, ssid
        trial.keep()
        assert stored(station.settings) == [("old", "old one")], "what failed is not kept"
        trial.forget()
        assert trial.state == "disconnected"
        trial.try_network(b"new", b"secret")
        told.append((await answered(trial))[:2])

    station.act = act
    async with station:
        await station.up()
        assert told == [("failed", "auth_error")] + [("failed", "not_found")] * 3 + [("connected", None)]


@simulated(*MODULES)
async def test_an_attempt_in_favour_of_another(time):
    station = Phone(time, [ap("slow", takes_ms=100000), ap("new", takes_ms=1000)], **OLD)

    async def act(trial):
        trial.try_network(b"slow", b"secret")
        await asyncio.sleep(3)
        trial.try_network(b"new", b"secret")
        assert (await answered(trial))[0] == "connected"

    station.act = act
    async with station:
        await station.up(60)
        assert station.shown.ssid == "new"


@simulated(*MODULES)
async def test_a_hidden_network_and_one_access_point_of_several(time):
    point = "02:00:00:00:00:0b"
    station = Phone(time, [ap("n", bssid="02:00:00:00:00:0a"), ap("n", hidden=True, bssid=point, rssi=-77)], **OLD)

    async def act(trial):
        trial.try_network(b"n", b"secret", b"\x02\0\0\0\0\x0b", 11)
        assert (await answered(trial))[2] == ("127.0.0.1", b"n", b"\x02\0\0\0\0\x0b", 0, 0)

    station.act = act
    async with station:
        await station.up(60)
        assert station.shown.rssi == -77


@simulated(*MODULES)
async def test_what_cannot_be_a_network_is_refused(time):
    async with Station(time, **OLD) as station:
        await station.until(lambda: station.trial)
        trial = station.trial
        for arguments in (
            (b"", b""),
            (b"x" * 33, b""),
            (b"x", b"x" * 64),
            (b"x", b"\xff\xfe"),
            (b"x", b"a\nb"),
            (b"x", b"", b"12345"),
        ):
            try:
                trial.try_network(*arguments)
                refused = False
            except ValueError:
                refused = True
            assert refused and trial.state == "disconnected", arguments


@simulated(*MODULES)
async def test_a_flash_that_does_not_take_it(time):
    class Full:
        trouble = ""

        def load(self):
            return None

        def save(self, content):
            raise OSError(28)

    station = Phone(time, [ap("new")], document=lambda path: Full())

    async def act(trial):
        trial.try_network(b"new", b"secret")
        await answered(trial)
        trial.keep()

    station.act = act
    async with station:
        await station.up()
        assert station.told[0].startswith("new could not be kept") and stored(station.settings) == []


def test_the_order_of_the_stored_networks():
    settings = Settings("", lambda path: None)
    values = settings._values
    for ssid, password, expected in (
        ("a", "1", "a1"),
        ("b", "2", "b2 a1"),
        ("c", "3", "c3 b2 a1"),
        ("b", "4", "b4 c3 a1"),  # none is there twice
        ("b", "4", "b4 c3 a1"),
        ("d", "5", "d5 b4 c3 a1"),
        ("e", "6", "e6 d5 b4 c3"),
    ):
        values.update(with_first(settings, ssid, password))
        assert " ".join([name + word for name, word in stored(settings)]) == expected, (ssid, stored(settings))
    values.update({"wifi_ssid": "", "wifi_other2_ssid": ""})
    assert stored(settings) == [("d", "5"), ("c", "3")], "holes do not matter"


def test_power_cut_at_every_operation_while_a_network_is_kept():
    """The old ones or the new ones, never a name with another's password."""
    path = FOLDER + "/settings.json"
    flash = mounted()
    settings = Settings(path, Document)
    settings.load()
    settings.change(with_first(settings, "one", "1" * 20))
    settings.change(with_first(settings, "two", "2" * 20))
    old = stored(settings)
    new = [("three", "3" * 20)] + old
    start = bytes(flash.content)
    cuts, seen = 0, set()
    while True:
        cuts += 1
        flash = mounted(RamFlash(content=start))
        settings = Settings(path, Document)
        settings.load()
        flash.cut_at = cuts
        try:
            settings.change(with_first(settings, "three", "3" * 20))
            acknowledged = True
        except PowerCut:
            acknowledged = False
        was_cut = flash.cut_at <= 0
        mounted(RamFlash(content=flash.content))
        settings = Settings(path, Document)
        settings.load()
        found = stored(settings)
        assert found == new or (found == old and not acknowledged), (cuts, found)
        seen.add(found == new)
        if not was_cut:
            break
    assert cuts > 3 and seen == {False, True}
