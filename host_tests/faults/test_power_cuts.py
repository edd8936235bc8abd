"""The gateway loses power at every flash operation in turn: it always starts again, and what it did is whole or not done."""

import contextlib
import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

import pytest

from host_tests.ble_channel import AttError, Lost, Phone
from host_tests.gateway import api, eventually, factory_settings, gateway, login, patch, settings, vector
from host_tests.provisioning_client import Client
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


def test_power_cuts_while_a_phone_brings_a_network(tmp_path):
    """It knows the networks that it knew before, or the new one too; it is kept after the phone knows that it works."""
    networks = {"wifi_ssid": "old net", "wifi_password": "old secret"}
    aps = [{"ssid": "new net", "psk": "new secret"}]
    flash = tmp_path / "flash"
    with gateway(meters=[], flash=flash, settings={**NO_FIELD, **networks, "wifi_max_retry": 1}) as rig:
        old = settings(rig)
    seen = set()

    def provision(rig):
        rig.control("wifi", aps=aps)
        try:
            with Phone(rig.ready["ble"]) as phone:
                phone.connect()
                client = Client(phone, pop=rig.ready["pop"])
                client.connect()
                told = client.join("new net", "new secret", 0.3)
            eventually(lambda: settings(rig)["wifi_ssid"] == "new net", "it is not kept")
            return told
        except (AttError, HTTPException, Lost, ValueError) as error:  # the gateway is gone, and so is its Bluetooth
            raise OSError(*error.args)

    def cut_at(number):
        mine = tmp_path / str(number)
        shutil.copyfile(flash, mine)
        told, was_cut = until_cut(mine, number, provision)
        with start(mine) as rig:
            found = settings(rig)
            names = (found["wifi_ssid"], found["wifi_other1_ssid"])
            assert names in (("old net", ""), ("new net", "old net")), (number, names)
            if told is not None:
                assert told["state"] == "Connected" and names[0] == "new net"
            changed = {name for name in old if found[name] != old[name]}
            assert changed <= {"wifi_ssid", "wifi_other1_ssid", "wifi_other1_password"}, (number, changed)
        seen.add(names[0])
        mine.unlink()
        return was_cut

    assert survivors(cut_at) >= 3
    assert seen == {"old net", "new net"}


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory):
    """A flash file with settings, a certificate and a password on it; the settings of a new device; the device's secret."""
    flash = tmp_path_factory.mktemp("lived_in") / "flash"
    with start(flash) as rig:
        new = factory_settings(rig)
        pop = rig.ready["pop"]
        assert patch(rig, OLD)[0] == 200
        pem = vector("x509")["certificates"][0]["pem"]
        assert api(rig, "/api/certificates", {"name": "ca.pem", "pem": pem})[0] == 201
        assert api(rig, "/api/password", {"user": "admin", "password": pop, "new": PASSWORD})[0] == 204
    return flash, new, pop


def is_reset(rig, new, pop):
    """Whether it is as a new device; what it is otherwise has to be all as it was."""
    assert rig.ready["pop"] == pop and rig.ready["serial"] == "SG000017"
    opens = [password for password in (pop, PASSWORD) if rig.get("/api/settings", login(rig, password))[0] == 200]
    assert len(opens) == 1
    found = api(rig, "/api/settings", password=opens[0])[1]["values"]
    certificates = api(rig, "/api/certificates", password=opens[0])[1]["certificates"]
    signs = {opens == [pop], found == new, not certificates}
    assert len(signs) == 1, (opens, found, certificates)
    if signs == {True}:
        events = [event["text"] for event in rig.get_json("/api/events")["events"]]
        assert "factory reset done, asked for by web" in events, events
    return signs == {True}


def order(rig):
    return api(rig, "/api/factory_reset", {"confirm": "SG000017"}, password=PASSWORD)


def test_power_cuts_while_a_factory_reset_is_ordered(lived_in, tmp_path):
    flash, new, pop = lived_in
    seen = set()

    def cut_at(number):
        mine = tmp_path / str(number)
        shutil.copyfile(flash, mine)
        answer, was_cut = until_cut(mine, number, order)
        with start(mine) as rig:
            done = is_reset(rig, new, pop)
            if answer is not None:
                assert answer == (202, {}) and done, number
        seen.add(done)
        mine.unlink()
        return was_cut

    assert survivors(cut_at) >= 2
    assert seen == {False, True}


def test_power_cuts_while_a_factory_reset_is_done(lived_in, tmp_path):
    """Now and then power fails once more in the start that completes it."""
    flash, new, pop = lived_in
    ordered = tmp_path / "ordered"
    shutil.copyfile(flash, ordered)
    with start(ordered) as rig:
        assert order(rig)[0] == 202
        os.kill(rig.ready["gateway_pid"], signal.SIGKILL)  # before it restarts

    def cut_at(number):
        mine = tmp_path / str(number)
        shutil.copyfile(ordered, mine)
        _, was_cut = until_cut(mine, number, lambda _: None)
        if was_cut and number % 3 == 0:
            with contextlib.suppress(RigFailed), start(mine, power_cut=number // 3):
                pass
        with start(mine) as rig:
            found = settings(rig)
            assert found == new and rig.ready["pop"] == pop, number
            assert api(rig, "/api/certificates")[1] == {"certificates": []}, number
        mine.unlink()
        return was_cut

    assert survivors(cut_at) >= 6
