"""A gateway's connection as a test sees it: policy and driver over a fake radio, and what came of it, with times in ms."""

import asyncio

from firmware.port.net_wlan import NetWlan
from firmware.port.radio_fake import RadioFake
from firmware.services import network
from firmware.state.settings import Settings
from host_tests.fakes.loader import load


class Memory:
    """A document that is nowhere."""

    trouble = ""

    def load(self):
        return None

    def save(self, content):
        pass


class Platform:
    def __init__(self, wlan, lan):
        self.network = self.wlan = wlan
        self.lan = lan


class Radio(RadioFake):
    """Keeps what it was told to do as (ms, what, ...)."""

    def __init__(self, access_points, time):
        super().__init__(access_points)
        self.time = time
        self.calls = []

    def connect(self, ssid, password=None, *, bssid=None):
        self.calls.append((self.time.passed_ms(), "connect", ssid, bssid))
        super().connect(ssid, password, bssid=bssid)

    def scan(self):
        self.calls.append((self.time.passed_ms(), "scan"))
        return super().scan()

    def active(self, is_on):
        self.calls.append((self.time.passed_ms(), "active", is_on))
        super().active(is_on)

    def done(self, what):
        return [call for call in self.calls if call[1] == what]


def ap(ssid, psk="secret", rssi=-50, **more):
    """An access point as the rig has them."""
    more.update(ssid=ssid, psk=psk, rssi=rssi)
    return more


class Station:
    """`modes` and `changes` as (ms, what); `told`: the events' sentences; `provisions`: when provisioning began."""

    def __init__(self, time, access_points=(), lan=None, document=None, **settings):
        self.time = time
        self.radio = Radio(list(access_points), time)
        self.wlan = NetWlan(lambda: self.radio, lambda function, arguments: function(*arguments))
        self.settings = Settings("", document or (lambda path: Memory()))
        if settings:
            self.settings.change(settings)
        self.settings.restart_needed = False
        self.told, self.modes, self.changes, self.provisions = [], [], [], []
        self.platform = Platform(self.wlan, lan)
        self.trial = None
        self.task = None
        self.events = self

    def add(self, kind, text):
        """As the gateway's events."""
        assert kind in ("network", "settings")
        self.told.append(text)

    def _hear_mode(self, mode):
        if not self.modes or self.modes[-1][1] != mode:
            self.modes.append((self.time.passed_ms(), mode))

    def _hear_change(self, is_up):
        self.changes.append((self.time.passed_ms(), is_up))

    async def provision(self, seconds):
        self.provisions.append(self.time.passed_ms())
        await asyncio.sleep(seconds)

    def start(self):
        run = network.run(self, load, self._hear_mode, self._hear_change, self.provision)
        self.task = asyncio.create_task(run)

    async def __aenter__(self):
        self.start()
        return self

    async def __aexit__(self, *error):
        self.task.cancel()
        try:
            await self.task
        except asyncio.CancelledError:
            pass

    @property
    def shown(self):
        return self.platform.network

    def is_up(self):
        return bool(self.changes) and self.changes[-1][1]

    async def until(self, condition, patience_s=3600):
        """Wait for something; return how many ms that took."""
        began = self.time.passed_ms()
        while not condition():
            assert self.time.passed_ms() - began < patience_s * 1000, (self.told, self.modes)
            await asyncio.sleep_ms(100)
        return self.time.passed_ms() - began

    async def up(self, patience_s=3600):
        return await self.until(self.is_up, patience_s)

    async def down(self, patience_s=60):
        return await self.until(lambda: not self.is_up(), patience_s)
