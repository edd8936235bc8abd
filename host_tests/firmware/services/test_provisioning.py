"""When provisioning is over, in simulated time, over a radio that does nothing; which one that is; what an ESP32 does then."""

import asyncio

from firmware.services import provisioning, provisioning_code, provisioning_guard
from host_tests.fakes.simulated_time import simulated

MODULES = (provisioning, provisioning_guard)
OVER_BLUETOOTH = "firmware.port.ble_aioble"
OVER_AP = "firmware.services.provisioning_ap"


class Connection:
    def is_connected(self):
        return True


class Trial:
    def __init__(self):
        self.state = "disconnected"
        self.reason = None
        self.details = ("192.168.4.17", b"Home", None, 0, 0)
        self.hold = False
        self.kept = 0

    def keep(self):
        self.kept += 1


class Transport:
    """In place of port/ble_aioble.py and services/provisioning_ap.py."""

    error = None

    def __init__(self, *arguments):
        _, _, self.endpoints, self.answer, _ = arguments
        self.connection = None
        self.is_on = False

    async def run(self, name):
        assert name == "PROV_00ABCD"
        self.is_on = True
        try:
            if self.error:
                raise self.error
            await asyncio.sleep(100000)
        finally:
            self.is_on = False


class Bench:
    """The gateway, as far as provisioning sees it, and the modules that it loads."""

    root = "/nowhere"
    mac = b"\0\0\0\x00\xab\xcd"
    pop = "SECRET2345"

    def __init__(self, is_host=True, over_ap=False, has_bluetooth=True):
        self.platform = self.identity = self.events = self.settings = self
        self.is_host = is_host
        self.over_ap = over_ap
        self.has_bluetooth = has_bluetooth
        self.loaded = []
        self.trial = Trial()
        self.told = []
        self.restarts = 0
        self.transport = None

    def load(self, name):
        self.loaded.append(name)
        if name in (OVER_BLUETOOTH, OVER_AP):
            return self
        return __import__(name, None, None, ("*",))

    def Transport(self, *arguments):  # noqa: N802 - it stands for a module
        self.transport = Transport(*arguments)
        return self.transport

    def bluetooth(self, load):
        if not self.has_bluetooth:
            raise ImportError("no module named 'bluetooth'")
        return "aioble", "UUID", "sleep_ms"

    def value(self, setting):
        assert setting.name == "wifi_ap_enabled"
        return self.over_ap

    def get(self, setting):
        return {"prov_security": 1, "wifi_ap_enabled": self.over_ap}[setting]

    def add(self, kind, text):
        self.told.append(text)

    def restart(self):
        self.restarts += 1

    def crashed(self, name, error):
        raise error


async def lasts_s(bench, time, during=None):
    """How long it takes, with somebody who does something meanwhile."""
    began = time.passed_ms()
    other = asyncio.create_task(during(bench)) if during else None
    await provisioning.run(bench, bench.load, 180)
    assert not bench.transport.is_on, "Bluetooth is still on"
    if other:
        other.cancel()
    return (time.passed_ms() - began) // 1000


async def comes(bench, after_s=100):
    await asyncio.sleep(after_s)
    bench.transport.connection = Connection()


@simulated(*MODULES)
async def test_three_minutes_without_a_phone(time):
    assert await lasts_s(Bench(), time) == 180


@simulated(*MODULES)
async def test_a_phone_gets_more_time_but_not_for_ever(time):
    assert await lasts_s(Bench(), time, comes) == 900

    async def goes(bench):
        await comes(bench)
        await asyncio.sleep(200)
        bench.transport.connection = None

    assert 300 <= await lasts_s(Bench(), time, goes) <= 361


@simulated(*MODULES)
async def test_what_works_ends_it_when_the_phone_knows(time):
    made = []
    kind = provisioning._Service

    def make(*arguments):
        made.append(kind(*arguments))
        return made[-1]

    provisioning._Service = make
    try:

        async def asking(bench):
            await comes(bench)
            bench.trial.state = "connecting"
            await asyncio.sleep(10)
            bench.trial.state = "connected"
            await asyncio.sleep(5)
            assert made[-1].state()[0] == provisioning.CONNECTED

        bench = Bench()
        assert 118 <= await lasts_s(bench, time, asking) <= 119
        assert not bench.restarts, "the host has nothing to give back"
        bench = Bench(is_host=False)
        await lasts_s(bench, time, asking)
        assert (bench.restarts, bench.trial.kept) == (1, 1)
    finally:
        provisioning._Service = kind


@simulated(*MODULES)
async def test_which_radio(time):
    for over_ap, has_bluetooth, used, other in (
        (False, True, OVER_BLUETOOTH, OVER_AP),
        (True, True, OVER_AP, OVER_BLUETOOTH),
        (True, False, OVER_AP, OVER_BLUETOOTH),
        (False, False, OVER_AP, OVER_BLUETOOTH),
    ):
        bench = Bench(over_ap=over_ap, has_bluetooth=has_bluetooth)
        assert await lasts_s(bench, time) == 180
        assert used in bench.loaded and other not in bench.loaded, (over_ap, has_bluetooth)


@simulated(*MODULES)
async def test_an_access_point_needs_no_restart(time):
    async def works(bench):
        await comes(bench)
        bench.trial.state = "connected"

    bench = Bench(is_host=False, over_ap=True)
    assert 115 <= await lasts_s(bench, time, works) <= 116
    assert not bench.restarts


@simulated(*MODULES)
async def test_what_works_ends_it_though_nobody_asks(time):
    async def works(bench):
        await comes(bench)
        bench.trial.state = "connected"

    assert 115 <= await lasts_s(Bench(), time, works) <= 116


@simulated(*MODULES)
async def test_what_is_being_tried_at_the_end_is_waited_for(time):
    async def tries(bench):
        await asyncio.sleep(179)
        bench.trial.state = "connecting"
        await asyncio.sleep(20)
        bench.trial.state = "failed"

    assert 199 <= await lasts_s(Bench(), time, tries) <= 200


@simulated(*MODULES)
async def test_a_bluetooth_that_does_not_start_is_told(time):
    Transport.error = OSError(12)
    try:
        await provisioning.run(Bench(), Bench().load, 180)
        raise AssertionError("nobody was told")
    except OSError as error:
        assert error.errno == 12
    finally:
        Transport.error = None


@simulated(*MODULES)
async def test_the_code_of_the_label(time):
    assert provisioning_code.text(Bench()) == (
        '{"ver":"v1","name":"PROV_00ABCD","pop":"SECRET2345","transport":"ble","security":"1"}'
    )
    assert provisioning_code.text(Bench(over_ap=True)) == (
        '{"ver":"v1","name":"PROV_00ABCD","pop":"SECRET2345","transport":"softap","password":"SECRET2345","security":"1"}'
    )
