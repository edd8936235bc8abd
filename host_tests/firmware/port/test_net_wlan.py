"""Wi-Fi as a station over a fake network module: joining, losing, joining again; the pauses are skipped."""

import asyncio
import sys

sys.path.insert(0, "host_tests/fakes")  # a fake network: see there
import network

from firmware.port import net_wlan

sleep_ms = asyncio.sleep_ms


class Settings:
    def __init__(self, **values):
        self.values = values

    def get(self, name):
        return self.values.get(name, "")


class Gateway:
    """A station, what it told, and the pauses it asked for."""

    def __init__(self, **values):
        network.journal.clear()
        network.names.clear()
        network.WLAN.there = True
        network.WLAN.internal_errors = 0
        self.settings = Settings(**values)
        self.station = net_wlan.NetWlan()
        self.station.hostname = "sg000017"
        self.told = asyncio.Event()
        self.changes = []
        self.pauses = []

    async def _sleep(self, ms):
        self.pauses.append(ms)
        await sleep_ms(0)

    def _hear(self, is_up):
        self.changes.append(is_up)
        self.told.set()

    async def __aenter__(self):
        asyncio.sleep_ms = self._sleep
        self.task = asyncio.create_task(self.station.run(self.settings, self._hear))
        return self

    async def __aexit__(self, *error):
        self.task.cancel()
        asyncio.sleep_ms = sleep_ms
        try:
            await self.task
        except asyncio.CancelledError:
            pass

    async def change(self):
        """Wait for the next change and return what it was."""
        self.told.clear()
        await asyncio.wait_for(self.told.wait(), 20)
        return self.changes[-1]


def done(what):
    return [entry for entry in network.journal if entry[0] == what]


async def test_it_joins_and_tells_what_it_got():
    async with Gateway(wifi_ssid="home", wifi_password="secret") as gateway:
        assert await gateway.change()
        station = gateway.station
        await sleep_ms(0)
        await sleep_ms(0)
        assert (station.mode, station.ssid, station.rssi) == ("WiFi", "home", -61)
        assert (station.address, station.netmask) == ("192.168.1.50", "255.255.255.0")
        assert station.dns_servers == ("192.168.1.1",)
        assert done("config") == [("config", {"reconnects": 0})], "the driver would try by itself"
    assert gateway.changes == [True, False], "ended, it is down"
    assert (gateway.station.address, gateway.station.netmask) == ("0.0.0.0", "0.0.0.0")


async def test_dhcp_and_mdns_know_its_name_before_the_radio_is_on():
    for mdns_enabled in (1, 0):  # mDNS cannot be switched off, and DHCP wants the name in any case
        async with Gateway(wifi_ssid="home", wifi_password="secret", mdns_enabled=mdns_enabled) as gateway:
            assert await gateway.change()
            assert network.journal[:2] == [("hostname", "sg000017"), ("active", True)]
            assert network.names == ["sg000017"]


async def test_a_lost_connection_is_told_once_and_comes_back():
    async with Gateway(wifi_ssid="home", wifi_password="secret") as gateway:
        assert await gateway.change()
        network.WLAN.there = False
        assert not await gateway.change()
        station = gateway.station
        assert (station.ssid, station.rssi, station.address, station.dns_servers) == ("", 0, "0.0.0.0", ())
        while len(done("connect")) < 3:
            await sleep_ms(1)
        network.WLAN.there = True
        assert await gateway.change()
    assert gateway.changes == [True, False, True, False]


async def test_a_wrong_password_is_tried_ever_more_seldom():
    async with Gateway(wifi_ssid="home", wifi_password="guess") as gateway:
        while len(done("connect")) < 9:
            await sleep_ms(1)
    assert [pause for pause in gateway.pauses if pause >= 1000][:9] == [1000, 2000, 4000, 8000, 16000, 32000] + 3 * [60000]
    assert len(done("disconnect")) >= 8, "every attempt ends before the next"
    assert [state for _, state in done("active")][:3] == [True, False, True], "a driver that may be stuck is restarted"
    assert gateway.changes == []


async def test_errors_of_the_driver_are_attempts_that_failed():
    async with Gateway(wifi_ssid="home", wifi_password="secret") as gateway:
        network.WLAN.internal_errors = 3
        assert await gateway.change()
    assert len(done("connect")) == 4


async def test_a_static_address_is_taken():
    values = {"ip": "10.0.0.7", "netmask": "255.0.0.0", "gateway": "10.0.0.1", "dns1": "10.0.0.2", "dns2": "10.0.0.3"}
    async with Gateway(wifi_ssid="home", wifi_password="secret", static_ip_en=1, **values) as gateway:
        assert await gateway.change()
        assert gateway.station.address == "10.0.0.7"
        assert gateway.station.netmask == "255.0.0.0"
        assert gateway.station.dns_servers == ("10.0.0.2", "10.0.0.3")


async def test_a_static_address_that_is_none_leaves_dhcp():
    async with Gateway(wifi_ssid="home", wifi_password="secret", static_ip_en=1, ip="my house") as gateway:
        assert await gateway.change()
        assert gateway.station.address == "192.168.1.50"
        assert gateway.station.dns_servers == ("192.168.1.1",)


async def test_without_a_network_in_the_settings_it_waits():
    async with Gateway() as gateway:
        while len(gateway.pauses) < 5:
            await sleep_ms(1)
        assert network.journal == []
        gateway.settings.values.update(wifi_ssid="home", wifi_password="secret")
        assert await gateway.change()
