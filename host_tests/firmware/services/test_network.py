"""When which network is tried: hours of it in simulated time, over the driver and a fake radio."""

import asyncio

from firmware.port import radio_fake, wlan_actions
from firmware.services import network, network_search, network_trial
from host_tests.fakes.simulated_time import simulated
from host_tests.fakes.station import Station, ap

MODULES = (wlan_actions, radio_fake, network, network_search, network_trial)
HOME = {"wifi_ssid": "home", "wifi_password": "secret"}
THREE = {  # further ones
    "wifi_ssid": "home",
    "wifi_password": "secret",
    "wifi_other1_ssid": "office",
    "wifi_other1_password": "secret",
    "wifi_other2_ssid": "garage",
    "wifi_other2_password": "secret",
    "wifi_other3_ssid": "phone",
    "wifi_other3_password": "secret",
}


@simulated(*MODULES)
async def test_the_stored_network_is_joined_at_once(time):
    async with Station(time, [ap("home", takes_ms=1500)], **HOME) as station:
        assert await station.up() < 3000
        shown = station.shown
        assert (shown.mode, shown.ssid, shown.rssi, shown.address) == ("WiFi", "home", -50, "127.0.0.1")
        assert [mode for _, mode in station.modes] == ["connecting", "operational"]
        assert station.told == [] and station.radio.done("scan") == []
        await asyncio.sleep(3600)
        assert len(station.radio.calls) == 2, "it is left alone"


@simulated(*MODULES)
async def test_half_a_minute_of_connecting_and_three_of_provisioning_for_ever(time):
    async with Station(time, **HOME) as station:
        station.radio.search_ms = 2500
        await asyncio.sleep(3600)
        cycles = station.modes[:-1]
        assert len(cycles) >= 30
        for index, (ms, mode) in enumerate(cycles):
            assert mode == ("provisioning" if index % 2 else "connecting")
            lasts_s = (station.modes[index + 1][0] - ms) / 1000
            if index % 2:
                assert 178 <= lasts_s <= 192, lasts_s  # an attempt that had begun is ended first
            else:
                assert 26 <= lasts_s <= 32, lasts_s
        assert station.told == ["no connection: home not found"], "once, not for each attempt"
        tries = [ms for ms, *_ in station.radio.done("connect")]
        pauses = [later - ms for ms, later in zip(tries, tries[1:])]
        assert min(pauses) >= 1000 and max(pauses) <= 75000, (min(pauses), max(pauses))


@simulated(*MODULES)
async def test_pauses_grow_to_a_minute(time):
    async with Station(time, wifi_max_retry=0, **HOME) as station:
        await station.until(lambda: station.provisions)
        await asyncio.sleep(170)
        tries = [ms for ms, *_ in station.radio.done("connect")]
        pauses = [(later - ms) // 1000 for ms, later in zip(tries, tries[1:])]
        # the second attempt and all later ones wait 6 s for a status that an attempt does not change
        assert pauses[:2] == [2, 9] and all([a <= b + 1 for a, b in zip(pauses, pauses[1:])]), pauses
        assert 60 <= pauses[-1] <= 70, pauses


@simulated(*MODULES)
async def test_without_a_network_only_provisioning_makes_sense(time):
    async with Station(time) as station:
        await asyncio.sleep(3600)
        assert [mode for _, mode in station.modes] == ["provisioning"]
        assert len(station.provisions) in (19, 20) and station.radio.done("connect") == []
        assert station.told == []


@simulated(*MODULES)
async def test_so_many_attempts_as_the_settings_say(time):
    for most in (1, 2, 3):
        async with Station(time, wifi_max_retry=most, **HOME) as station:
            await station.until(lambda: station.provisions)
            assert len(station.radio.done("connect")) == most


@simulated(*MODULES)
async def test_further_networks_are_tried_in_their_order(time):
    for there, expected in ((("phone", "garage"), "garage"), (("office", "phone"), "office"), (("phone", "home"), "home")):
        async with Station(time, [ap(name, takes_ms=2000) for name in there], **THREE) as station:
            assert await station.up() < 30000
            assert station.shown.ssid == expected
            names = [call[2] for call in station.radio.done("connect")]
            assert names[0] == b"home" and names[-1] == expected.encode()
            assert all([name in (b"home", expected.encode()) for name in names]), "what is not in reach is not tried"


@simulated(*MODULES)
async def test_each_network_has_its_turn_within_the_half_minute(time):
    mute = [ap(name, dhcp=False, takes_ms=2000) for name in ("home", "office", "garage")]
    async with Station(time, mute + [ap("phone", takes_ms=3000)], **THREE) as station:
        assert await station.up() < 31000
        assert station.shown.ssid == "phone" and not station.provisions


@simulated(*MODULES)
async def test_hidden_networks(time):
    async with Station(time, [ap("home", hidden=True, takes_ms=2000)], **HOME) as station:
        assert await station.up() < 5000
    async with Station(time, [ap("x"), ap("garage", hidden=True, takes_ms=2000)], **THREE) as station:
        assert await station.up() < 30000
        assert station.shown.ssid == "garage"


@simulated(*MODULES)
async def test_wrong_password(time):
    async with Station(time, [ap("home", psk="other", takes_ms=3000)], **HOME) as station:
        await station.until(lambda: station.provisions)
        assert station.told == ["no connection: home wrong password"]
        await asyncio.sleep(1800)
        assert len(station.told) == 1
        station.radio.access_points = [ap("home")]
        await station.up(200)
    assert "secret" not in str(station.told)


@simulated(*MODULES)
async def test_an_address_that_never_comes(time):
    async with Station(time, [ap("home", dhcp=False, takes_ms=2000)], **HOME) as station:
        await station.until(lambda: station.provisions)
        assert 25000 <= time.passed_ms() <= 45000
        assert station.told == ["no connection: home no address"]
        station.radio.access_points = [ap("home")]
        await station.up(80)
    static = dict(HOME)
    static.update({"static_ip_en": 1, "ip": "10.0.0.5", "netmask": "255.0.0.0", "dns1": "10.0.0.1", "dns2": "10.0.0.2"})
    async with Station(time, [ap("home", dhcp=False)], **static) as station:
        assert await station.up() < 1000
        assert (station.shown.address, station.shown.netmask) == ("10.0.0.5", "255.0.0.0")
        assert station.shown.dns_servers == ("10.0.0.1", "10.0.0.2")


@simulated(*MODULES)
async def test_an_access_point_that_goes_and_comes(time):
    async with Station(time, [ap("home", takes_ms=1500)], **HOME) as station:
        await station.up()
        for away_s in (2, 20, 60, 200, 5000):
            there, station.radio.access_points = station.radio.access_points, []
            assert await station.down() <= 2000
            shown = station.shown
            assert (shown.ssid, shown.rssi, shown.address, shown.dns_servers) == ("", 0, "0.0.0.0", ())
            await asyncio.sleep(away_s)
            station.radio.access_points = there
            back_ms = await station.up(100)
            assert back_ms <= (15000 if away_s < 20 else 75000), (away_s, back_ms)
        told = [is_up for _, is_up in station.changes]
        assert told == [True] + [False, True] * 5
        assert station.modes[-1][1] == "operational"


@simulated(*MODULES)
async def test_while_somebody_is_there_the_stored_networks_wait(time):
    async with Station(time, **HOME) as station:
        await station.until(lambda: station.provisions)
        station.trial.hold = True
        count = len(station.radio.done("connect"))
        station.radio.access_points = [ap("home")]
        await asyncio.sleep(170)
        assert len(station.radio.done("connect")) == count
        await station.up(40)


@simulated(*MODULES)
async def test_a_driver_that_is_stuck_is_restarted(time):
    async with Station(time, [ap("home")], **HOME) as station:
        await station.up()
        station.radio.access_points = []
        await station.down()
        station.radio.is_stuck = True
        station.radio.access_points = [ap("home")]
        assert await station.up() < 240000
        assert [call[2] for call in station.radio.done("active")] == [True, False, True]


@simulated(*MODULES)
async def test_a_driver_that_does_not_start(time):
    station = Station(time, [ap("home")], **HOME)
    failures = []

    def make():
        if len(failures) < 3:
            failures.append(True)
            raise OSError("Wifi Out of Memory")
        return station.radio

    station.wlan.make_radio = make
    async with station:
        assert 30000 <= await station.up() < 40000
    assert station.told == ["WiFi does not start: OSError('Wifi Out of Memory',)"]


@simulated(*MODULES)
async def test_errors_of_the_driver_are_attempts_that_failed(time):
    async with Station(time, [ap("home")], **HOME) as station:
        connect, left = station.radio.connect, [3]

        def fail(*arguments, **more):
            if left[0]:
                left[0] -= 1
                raise OSError("Wifi Internal Error")
            connect(*arguments, **more)

        station.radio.connect = fail
        assert await station.up() < 15000


@simulated(*MODULES)
async def test_provisioning_that_fails_does_not_end_the_search(time):
    station = Station(time, **HOME)

    async def provision(_):
        raise MemoryError("no memory")

    station.provision = provision
    async with station:
        await asyncio.sleep(600)
        station.radio.access_points = [ap("home")]
        await station.up(60)
    assert [event for event in station.told if "provisioning failed" in event] == [
        "provisioning failed: MemoryError('no memory',)"
    ]


def mesh(weak, strong, **more):
    return [
        ap("home", rssi=weak, bssid="02:00:00:00:00:0a", **more),
        ap("home", rssi=strong, bssid="02:00:00:00:00:0b", **more),
        ap("other", rssi=-20),
    ]


@simulated(*MODULES)
async def test_roaming_to_a_much_stronger_access_point(time):
    async with Station(time, mesh(-60, -90), **HOME) as station:
        await station.up()
        await asyncio.sleep(1000)
        station.radio.access_points = mesh(-71, -60)  # 11 dB better
        await asyncio.sleep(1000)
        assert len(station.radio.done("connect")) == 1
        station.radio.access_points = mesh(-80, -60)
        await station.until(lambda: station.shown.bssid == b"\x02\0\0\0\0\x0b", 400)
        await asyncio.sleep(1000)
        assert station.shown.rssi == -60 and station.shown.ssid == "home"
        assert [is_up for _, is_up in station.changes] == [True], "nobody need know"
        assert station.told == ["home: changed to an access point with -60 dBm, from -80 dBm"]
        assert len(station.radio.done("connect")) == 2


@simulated(*MODULES)
async def test_a_scan_is_made_only_when_weak_and_every_five_minutes_at_most(time):
    for weak, scans in ((-70, 0), (-71, 11)):
        async with Station(time, mesh(weak, weak + 5), **HOME) as station:
            await station.up()
            await asyncio.sleep(3600)
            assert len(station.radio.done("scan")) in (scans, scans + bool(scans)), (weak, station.radio.done("scan"))
            assert len(station.radio.done("connect")) == 1 and station.is_up()


@simulated(*MODULES)
async def test_a_stronger_access_point_that_does_not_take_the_gateway_in(time):
    async with Station(time, mesh(-80, -95), **HOME) as station:
        await station.up()
        points = mesh(-80, -50)
        points[1]["psk"] = "another"
        station.radio.access_points = points
        await station.until(lambda: len(station.radio.done("connect")) > 1, 400)
        assert await station.up() < 60000
        assert await station.until(lambda: station.is_up() and station.shown.rssi == -80) < 60000


@simulated(*MODULES)
async def test_names_of_any_bytes(time):
    for text in ("caf\\xe9", "a\\\\b", "Küche", "\\x00\\xff", "x" * 32):
        async with Station(time, [ap(text)], wifi_ssid=text, wifi_password="secret") as station:
            assert await station.up() < 3000
            assert station.shown.ssid == text
    assert station.radio.done("connect")[0][2] == b"x" * 32
