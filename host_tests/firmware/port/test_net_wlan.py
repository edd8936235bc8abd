"""The driver of a station over a fake of network.WLAN: how attempts end, what is seen, what is known of a connection."""

import asyncio

from firmware.port import radio_fake, wlan_actions
from firmware.port.net_wlan import NetWlan
from firmware.port.radio_fake import RadioFake
from host_tests.fakes.simulated_time import simulated
from host_tests.fakes.station import ap

MODULES = (wlan_actions, radio_fake)
# The statuses of failed attempts (platform sheet), and what they are called
STATUSES = (
    (200, "no answer"),
    (201, "not found"),
    (202, "wrong password"),
    (203, "no answer"),
    (204, "wrong password"),
    (15, "wrong password"),
    (210, "wrong password"),
    (211, "not found"),
    (212, "not found"),
    (8, "no answer"),
)


def started(access_points, **more):
    wlan = NetWlan(lambda: RadioFake(access_points), lambda function, arguments: function(*arguments))
    wlan_actions.start(wlan, **more)
    return wlan


@simulated(*MODULES)
async def test_how_attempts_end(time):
    points = [
        ap("good", takes_ms=1200),
        ap("open", psk=""),
        ap("hidden", hidden=True),
        ap("mute", dhcp=False),
        ap("slow", takes_ms=60000),
    ]
    for ssid, password, ends, longest_ms in (
        (b"good", "secret", "connected", 1500),
        (b"good", "wrong", "wrong password", 3000),
        (b"open", "", "connected", 3000),
        (b"hidden", "secret", "connected", 3000),
        (b"nowhere", "secret", "not found", 3000),
        (b"mute", "secret", "no address", 20000),
        (b"slow", "secret", "no answer", 20000),
    ):
        wlan = started(points)
        began = time.passed_ms()
        assert await wlan_actions.join(wlan, ssid, password) == ends, ssid
        assert time.passed_ms() - began <= longest_ms, ssid
        assert wlan.look() is (ends == "connected"), ssid
        assert wlan.address == ("127.0.0.1" if ends == "connected" else "0.0.0.0")


@simulated(*MODULES)
async def test_a_failure_of_before_does_not_count(time):
    points = []
    wlan = started(points)
    for _ in range(3):
        assert await wlan_actions.join(wlan, b"home", "secret") == "not found"
    points.append(ap("home", takes_ms=5000))
    assert wlan.radio.status() == 201
    assert await wlan_actions.join(wlan, b"home", "secret") == "connected"


@simulated(*MODULES)
async def test_every_status_has_a_name(time):
    for status, name in STATUSES:
        wlan = started([])
        radio = wlan.radio
        radio._failure = 7
        radio.connect = lambda *_, radio=radio, status=status, **__: setattr(radio, "_failure", status)
        assert await wlan_actions.join(wlan, b"x", "") == name, status


@simulated(*MODULES)
async def test_joining_another_leaves_the_first_and_waits_a_second(time):
    wlan = started([ap("a"), ap("b", rssi=-60)])
    assert await wlan_actions.join(wlan, b"a", "secret") == "connected"
    began = time.passed_ms()
    assert await wlan_actions.join(wlan, b"b", "secret", b"\x02\0\0\0\0\1") == "connected"
    assert time.passed_ms() - began >= 1000
    assert (wlan.rssi, wlan.bssid) == (-60, b"\x02\0\0\0\0\1")


@simulated(*MODULES)
async def test_an_attempt_can_be_ended(time):
    wlan = started([ap("slow", takes_ms=60000)])
    began = time.passed_ms()
    assert await wlan_actions.join(wlan, b"slow", "secret", is_over=lambda: time.passed_ms() > 2000) == "aborted"
    assert time.passed_ms() - began < 3000


@simulated(*MODULES)
async def test_what_is_in_reach(time):
    wlan = started([ap("a", auth="open", channel=11), ap("b", hidden=True, rssi=-80)])
    assert await wlan_actions.scan(wlan) == [
        (b"a", b"\x02\0\0\0\0\0", 11, -50, 0, False),
        (b"", b"\x02\0\0\0\0\1", 1, -80, 3, True),
    ]
    wlan.radio.connect(b"a", "secret")
    assert await wlan_actions.scan(wlan) == [], "it does not scan while it connects"


@simulated(*MODULES)
async def test_a_scan_runs_beside_the_loop_and_never_hangs(time):
    threads = []
    wlan = NetWlan(lambda: RadioFake([ap("a")]), lambda function, arguments: threads.append((function, arguments)))
    wlan_actions.start(wlan)
    scan = asyncio.create_task(wlan_actions.scan(wlan))
    await asyncio.sleep_ms(2300)
    function, arguments = threads.pop()
    function(*arguments)  # the thread ends
    assert len(await scan) == 1 and time.passed_ms() < 3000
    assert await wlan_actions.scan(wlan) == [] and time.passed_ms() < 20000, "that thread never ends"

    def fail(function, arguments):
        raise OSError("can't create thread")

    wlan.start_thread = fail
    assert await wlan_actions.scan(wlan) == []


@simulated(*MODULES)
async def test_what_is_known_of_a_connection(time):
    points = [ap("a", rssi=-61)]
    wlan = started(points)
    assert (wlan.mode, wlan.ssid, wlan.rssi, wlan.address, wlan.netmask, wlan.dns_servers) == (
        "WiFi",
        "",
        0,
        "0.0.0.0",
        "0.0.0.0",
        (),
    )
    await wlan_actions.join(wlan, b"a", "secret")
    assert (wlan.rssi, wlan.netmask, wlan.dns_servers) == (-61, "255.0.0.0", ())
    points[0]["rssi"] = -75
    for _ in range(10):
        assert wlan.look()
    assert wlan.rssi == -75
    points.clear()
    assert not wlan.look()
    wlan_actions.leave(wlan)
    assert not wlan.look() and wlan.radio is None
    wlan_actions.leave(wlan)


@simulated(*MODULES)
async def test_a_static_address(time):
    static = ("10.0.0.7", "255.0.0.0", "10.0.0.1", "10.0.0.2")
    wlan = started([ap("a", dhcp=False)], addresses=static, dns_servers=("10.0.0.2", "10.0.0.3"))
    assert await wlan_actions.join(wlan, b"a", "secret") == "connected"
    assert (wlan.address, wlan.netmask, wlan.dns_servers) == ("10.0.0.7", "255.0.0.0", ("10.0.0.2", "10.0.0.3"))


def test_the_fake_keeps_the_rules_of_the_radio():
    radio = RadioFake([ap("a")])
    for wrong in (lambda: radio.connect(b"a", "secret"), radio.scan, radio.disconnect, lambda: radio.status("rssi")):
        try:
            wrong()
            raised = False
        except OSError:
            raised = True
        assert raised, "it is off, or not connected"
    radio.active(True)
    assert radio.status() == 1000
    radio.connect(b"a", "secret")
    assert radio.status() == 1010 and radio.isconnected()
    try:
        radio.connect(b"a", "secret")
        raised = False
    except OSError:
        raised = True
    assert raised, "it is connected"
    radio.access_points = []
    assert radio.status() == 200 and not radio.isconnected()
    radio.access_points = [ap("a")]
    assert not radio.isconnected(), "it never connects by itself"
