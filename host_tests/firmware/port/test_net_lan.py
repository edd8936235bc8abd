"""Ethernet over a fake of network.LAN: the driver, and when it is used in place of Wi-Fi."""

import asyncio
import sys

sys.path.insert(0, "host_tests/fakes")  # a fake network: see there
sys.path.insert(0, "boards/SG_E1")
import machine
import network as chip

from firmware.port import lan_actions, radio_fake, wlan_actions
from firmware.port.esp32 import Platform
from firmware.port.net_lan import NetLan
from firmware.services import network, network_search, network_trial
from host_tests.fakes.simulated_time import simulated
from host_tests.fakes.station import Station, ap

MODULES = (wlan_actions, radio_fake, network, network_search, network_trial)
CABLE = {"connection_mode": 1, "wifi_ssid": "home", "wifi_password": "secret"}


class Wired(Station):
    """A station that has Ethernet; `plug`: whether the cable is in from the start."""

    def __init__(self, time, access_points=(), plug=True, **settings):
        self.port = chip.LAN()
        if plug:
            active = self.port.active

            def activate(is_on):
                active(is_on)
                if is_on:
                    self.port.plug()

            self.port.active = activate
        super().__init__(time, access_points, NetLan(lambda: self.port), **settings)

    def has_wlan(self):
        return self.wlan.radio is not None


def test_what_the_board_has():
    machine.journal.clear()
    platform = Platform(None)
    assert (platform.network.mode, platform.lan.mode) == ("WiFi", "Ethernet")
    assert not chip.LAN.made, "no transceiver is touched before it is wanted"
    lan_actions.start(platform.lan)
    ((_, how),) = [entry for entry in chip.journal if entry[0] == "lan"]
    pins = {name: how[name].number for name in ("mdc", "mdio", "power", "ref_clk")}
    assert pins == {"mdc": 23, "mdio": 18, "power": 17, "ref_clk": 0}
    assert (how["ref_clk_mode"], how["phy_addr"], how["phy_type"]) == (machine.Pin.IN, 1, chip.PHY_LAN8720)
    chip.LAN.made[-1].plug()
    assert platform.lan.look() and platform.lan.dns_servers == ("192.168.7.1",)


def test_events_of_wifi_do_not_matter():
    port = chip.LAN()
    lan = NetLan(lambda: port)
    assert not lan.look()
    lan_actions.start(lan)
    assert not lan.look()
    port.plug()
    assert lan.look() and lan.address == "192.168.7.20"
    for status in (chip.ETH_STOPPED, chip.ETH_STARTED):  # what the chip takes events of Wi-Fi for
        port.state = status
        assert lan.look()
    port.unplug()
    assert not lan.look() and lan.address == "0.0.0.0"
    port.state, port.address = chip.ETH_STOPPED, "192.168.7.20"  # an address that is not true any more
    assert not lan.look()
    port.plug("0.0.0.0")
    assert not lan.look(), "DHCP has not answered yet"
    lan_actions.leave(lan)
    assert not port.is_on and not lan.look()


def test_a_static_address():
    port = chip.LAN()
    lan = NetLan(lambda: port)
    lan_actions.start(lan, ("10.0.0.7", "255.0.0.0", "0.0.0.0", "10.0.0.2"), ("10.0.0.2",))
    port.plug()
    assert lan.look() and (lan.address, lan.dns_servers) == ("10.0.0.7", ("10.0.0.2",))
    port.unplug()
    assert not lan.look()


@simulated(*MODULES)
async def test_with_ethernet_wifi_is_off(time):
    async with Wired(time, [ap("home")], **CABLE) as station:
        assert await station.up() < 1000
        await asyncio.sleep(3600)
        assert not station.has_wlan() and not station.provisions
        assert (station.shown.mode, station.shown.ssid, station.shown.address) == ("Ethernet", "", "192.168.7.20")


@simulated(*MODULES)
async def test_without_a_link_wifi_stands_in_until_it_is_back(time):
    async with Wired(time, [ap("home")], **CABLE) as station:
        await station.up()
        station.port.unplug()
        await station.down()
        assert 29000 <= await station.up() <= 33000
        assert station.shown.mode == "WiFi" and "no link on Ethernet" in station.told
        await asyncio.sleep(100)
        station.port.plug("192.168.7.99")
        await station.until(lambda: station.shown.mode == "Ethernet" and station.is_up(), 5)
        assert station.shown.address == "192.168.7.99" and not station.has_wlan()
        assert [is_up for _, is_up in station.changes] == [True, False, True, False, True]


@simulated(*MODULES)
async def test_without_a_link_and_without_wifi(time):
    async with Wired(time, plug=False, **CABLE) as station:
        await asyncio.sleep(600)
        assert [mode for _, mode in station.modes[:3]] == ["connecting", "provisioning", "connecting"]
        station.port.plug()
        assert await station.up(20) and station.shown.mode == "Ethernet" and not station.has_wlan()


@simulated(*MODULES)
async def test_no_fallback_if_it_is_not_wanted(time):
    async with Wired(time, [ap("home")], plug=False, lan_fallback=0, **CABLE) as station:
        await asyncio.sleep(3600)
        assert not station.has_wlan() and not station.provisions
        station.port.plug()
        await station.up(2)


@simulated(*MODULES)
async def test_wifi_by_choice_leaves_ethernet_alone(time):
    async with Wired(time, [ap("home")], wifi_ssid="home", wifi_password="secret") as station:
        await station.up()
        await asyncio.sleep(100)
        assert station.shown.mode == "WiFi" and not station.port.is_on


@simulated(*MODULES)
async def test_ethernet_serves_where_no_network_was_ever_told(time):
    async with Wired(time) as station:
        await station.up(2)
        assert station.shown.mode == "Ethernet"
    async with Wired(time, [ap("home")], plug=False) as station:
        await station.until(lambda: station.trial)
        station.trial.try_network(b"home", b"secret")
        await station.up(60)
        assert station.shown.mode == "WiFi" and not station.port.is_on, "now there is one"
