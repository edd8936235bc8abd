"""The service that keeps the clock right, against SNTP and DNS servers on loopback: honest, rude and forged."""

import asyncio
import struct

from firmware.services import sntp
from firmware.services.clock import SntpService
from firmware.services.resolver import Resolver
from firmware.state.clock import Clock
from host_tests.fakes.clock import NOW_MS, Port, Ticks, clock_at
from host_tests.lib.aio.loopback import Peer
from lib.clock.dns import split_host
from lib.clock.errors import PeerError


class Events:
    def __init__(self):
        self.texts = []
        self.added = asyncio.Event()

    def add(self, kind, text):
        assert kind == "time"
        self.texts.append(text)
        self.added.set()


def sntp_reply(request, unix_ms, first=0x24, stratum=1, code=b"TEST", originate=None):
    """Return a server's answer at a moment of its own."""
    stamp = struct.pack(">II", unix_ms // 1000 + 2208988800, ((unix_ms % 1000 << 32) + 999) // 1000)
    head = struct.pack(">BBbbII", first, stratum, 6, -20, 0, 0)
    return head + code + stamp + (originate or request[40:48]) + stamp + stamp


def honest(ticks, there_ms=(0,), back_ms=(0,)):
    """Return an answer function; true time is NOW_MS when ticks are 0, and packets take as long as given, in turn."""
    count = 0

    def answer(request):
        nonlocal count
        ticks.now_ms += there_ms[count % len(there_ms)]
        reply = sntp_reply(request, NOW_MS + ticks.now_ms)
        ticks.now_ms += back_ms[count % len(back_ms)]
        count += 1
        return [reply]

    return answer


def service(clock, settings, dns_servers=()):
    made = SntpService(clock, settings, Events(), lambda: dns_servers, lambda name: sntp)
    made.spacing_ms = 0
    made.timeout_ms = made.dns_timeout_ms = 100
    return made


def told(made):
    return made.events.texts


async def test_the_first_answer_sets_the_clock():
    clock, ticks = clock_at()
    peer = Peer(honest(ticks))
    made = service(clock, {"ntp_server1": peer.host})
    assert made.pause_s() == 16
    assert await made.sync()
    assert clock.is_set and clock.utc_ms() == NOW_MS + ticks.now_ms and clock.source == peer.host
    assert told(made) == ["set by " + peer.host]
    assert len(peer.asked) == 3 and made.pause_s() == 3600
    assert len({bytes(request[40:48]) for request in peer.asked}) == 3  # a cookie is used once
    peer.close()


async def test_the_shortest_way_counts():
    clock, ticks = clock_at()
    peer = Peer(honest(ticks, (5, 3, 0), (400, 9, 300)))
    made = service(clock, {"ntp_server1": peer.host})
    assert await made.sync()
    assert made.delay_ms == 12 and NOW_MS + ticks.now_ms - clock.utc_ms() == 3  # half of 9 - 3
    peer.close()


async def test_a_clock_that_is_set_by_hand_meanwhile_spoils_nothing():
    clock, ticks = clock_at()
    answer = honest(ticks)

    def meddle(request):
        clock.set(clock.utc_ms() + 86400000, "phone")
        return answer(request)

    peer = Peer(meddle)
    made = service(clock, {"ntp_server1": peer.host})
    assert await made.sync() and clock.utc_ms() == NOW_MS + ticks.now_ms
    peer.close()


async def test_corrections_later_on():
    for off_ms, after_ms, text in (
        (0, 0, None),
        (4, 4, None),  # less than half of the 10 ms the answer took
        (400, 400, None),
        (-400, -400, None),
        (2500, 0, "step of -2.500 s by "),
        (-86400000, 0, "step of +86400.000 s by "),
    ):
        ticks = Ticks(5000)
        clock = Clock(Port(ticks, True, NOW_MS + 5000 + off_ms), ticks)
        peer = Peer(honest(ticks, (5,), (5,)))
        made = service(clock, {"ntp_server1": peer.host})
        assert await made.sync()
        assert clock.utc_ms() - NOW_MS - ticks.now_ms == after_ms, off_ms  # a slew has only begun
        ticks.now_ms += 70000
        assert abs(clock.utc_ms() - NOW_MS - ticks.now_ms) <= 4, off_ms  # ... and is through
        assert told(made) == ([text + peer.host] if text else []), off_ms
        peer.close()


async def test_what_is_no_answer_is_passed_over():
    clock, ticks = clock_at()
    stranger = Peer()
    wrong_ms = NOW_MS + 999999

    def answer(request):
        return [
            b"",
            b"\x24" * 47,
            bytes(request),  # our own words
            sntp_reply(request, wrong_ms, originate=b"guessed!"),
            sntp_reply(request, wrong_ms, stratum=0, code=b"DENY", originate=bytes(8)),
            sntp_reply(request, wrong_ms, first=0x25),
            (stranger, sntp_reply(request, wrong_ms)),
            sntp_reply(request, NOW_MS + ticks.now_ms),
        ]

    peer = Peer(answer)
    made = service(clock, {"ntp_server1": peer.host})
    assert await made.sync()
    assert clock.utc_ms() == NOW_MS + ticks.now_ms
    peer.close()
    stranger.close()


async def test_bad_servers_do_not_set_the_clock_and_the_next_is_asked():
    for reason, answer in (
        ("no answer", lambda request: []),
        ("unsynchronised", lambda request: [sntp_reply(request, NOW_MS, first=0xE4)]),
        ("unsynchronised", lambda request: [sntp_reply(request, NOW_MS, stratum=16)]),
        ("clock not set", lambda request: [sntp_reply(request, 946684800000)]),
        ("transmit", lambda request: [sntp_reply(request, NOW_MS)[:40] + bytes(8)]),
        ("INIT", lambda request: [sntp_reply(request, NOW_MS, stratum=0, code=b"INIT")]),
        ("DENY", lambda request: [sntp_reply(request, NOW_MS, stratum=0, code=b"DENY")]),
    ):
        clock, ticks = clock_at()
        bad = Peer(answer)
        settings = {"ntp_server1": bad.host}
        made = service(clock, settings)
        assert not await made.sync() and not clock.is_set, reason
        assert told(made) == [], reason  # not at the first failure
        assert await made.sync() is False and await made.sync() is False and await made.sync() is False
        seen = "asked for a pause" if reason == "DENY" else reason
        assert told(made) == ["no time server answers; " + bad.host + ": " + seen], (told(made), reason)
        good = Peer(honest(ticks))
        settings["ntp_server3"] = good.host
        assert await made.sync() and clock.utc_ms() == NOW_MS + ticks.now_ms, reason
        assert told(made)[1:] == ["set by " + good.host, good.host + " answers again"], reason
        # The one that answered is the first to be asked now.
        asked = len(bad.asked)
        assert await made.sync() and len(bad.asked) == asked, reason
        bad.close()
        good.close()


async def test_one_lost_packet_costs_one_sample():
    clock, ticks = clock_at()
    lost = [True, False, False]
    answer = honest(ticks)
    peer = Peer(lambda request: [] if lost.pop(0) else answer(request))
    made = service(clock, {"ntp_server1": peer.host})
    assert await made.sync() and len(peer.asked) == 3
    peer.close()


async def test_a_kiss_of_death_is_obeyed():
    for code, hold_s in ((b"RATE", 900), (b"DENY", 86400), (b"RSTR", 86400)):
        clock, ticks = clock_at()
        peer = Peer(lambda request, code=code: [sntp_reply(request, NOW_MS, stratum=0, code=code)])
        made = service(clock, {"ntp_server1": peer.host})
        await made.sync()
        assert len(peer.asked) == 1
        ticks.now_ms += (hold_s - 1) * 1000
        await made.sync()
        assert len(peer.asked) == 1, code
        ticks.now_ms += 1000
        await made.sync()
        assert len(peer.asked) == 2, code
        ticks.now_ms += 1000000  # once more RATE: twice as long
        await made.sync()
        assert len(peer.asked) == 2, code
        peer.close()


async def test_pauses():
    for is_set, pauses in ((False, (32, 64, 64, 64)), (True, (64, 128, 256, 512, 1024, 2048, 3600, 3600))):
        clock, _ = clock_at(NOW_MS if is_set else None)
        made = service(clock, {})
        for pause_s in pauses:
            await made.sync()
            assert made.pause_s() == pause_s
        made.wake()
        assert made.pause_s() == (3600 if is_set else 16)


async def test_nonsense_in_the_settings():
    for host in ("a b", "x:y", "1.2.3.4:0", "1.2.3.4:65536", "[::1]", "." * 300, "no.such.host"):
        clock, _ = clock_at()
        made = service(clock, {"ntp_server1": host, "ntp_server2": None, "ntp_server3": "  "})
        assert await made.sync() is False, host
    assert split_host("pool.ntp.org", 123) == ("pool.ntp.org", 123)
    assert split_host("10.0.0.1:1123", 123) == ("10.0.0.1", 1123)


async def test_run_obeys_its_switch_and_wakes():
    clock, ticks = clock_at()
    peer = Peer(honest(ticks))
    settings = {"ntp_server1": peer.host, "time_sync_src": 0}
    made = service(clock, settings)
    task = asyncio.create_task(made.run())
    await asyncio.sleep_ms(20)
    assert peer.asked == []
    settings["time_sync_src"] = 1
    made.wake()
    await made.events.added.wait()
    assert clock.is_set
    task.cancel()
    peer.close()


# Names


def dns_reply(query, *records, flags=0x8180):
    head = bytes(query[:2]) + struct.pack(">HHHHH", flags, 1, len(records), 0, 0)
    return head + bytes(query[12:]) + b"".join(records)


def a_record(address, ttl_s=300):
    return b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, ttl_s, 4) + bytes([int(part) for part in address.split(".")])


async def test_a_name_is_asked_for_and_remembered_for_as_long_as_it_lives():
    clock, ticks = clock_at()
    address = ["127.0.0.1"]
    dead = Peer()
    dead.close()
    mute = Peer()
    peer = Peer(
        lambda query: [
            b"\0" * 12,
            dns_reply(b"\0\0" + query[2:], a_record("6.6.6.6")),
            dns_reply(query, a_record(address[0])),
        ]
    )
    servers = ["not an address", dead.host, mute.host, peer.host]
    resolver = Resolver(lambda: servers, clock.uptime_s)
    resolver.timeout_ms = 100
    assert await resolver.resolve("192.168.1.1") == "192.168.1.1" and peer.asked == []
    assert await resolver.resolve("time.example") == "127.0.0.1"
    assert (len(mute.asked), len(peer.asked)) == (1, 1)
    address[0] = "127.0.0.2"
    ticks.now_ms += 299000
    assert await resolver.resolve("time.example") == "127.0.0.1"
    ticks.now_ms += 1000
    assert await resolver.resolve("time.example") == "127.0.0.2"
    # Nobody answers any more: what is known serves on, until somebody says it is of no use.
    servers[:] = [mute.host]
    ticks.now_ms += 300000
    assert await resolver.resolve("time.example") == "127.0.0.2"
    resolver.forget("time.example")
    try:
        await resolver.resolve("time.example")
    except OSError:
        pass
    else:
        raise AssertionError
    mute.close()
    peer.close()


async def test_a_name_that_one_server_does_not_know_another_may():
    clock, _ = clock_at()
    ignorant = Peer(lambda query: [dns_reply(query, flags=0x8183)])
    peer = Peer(lambda query: [dns_reply(query, a_record("10.1.2.3"))])
    servers = [ignorant.host, peer.host]
    resolver = Resolver(lambda: servers, clock.uptime_s)
    assert await resolver.resolve("sg.plant") == "10.1.2.3"
    servers.pop()
    try:
        await resolver.resolve("other.plant")
    except PeerError as error:
        assert error.args[0] == "NXDOMAIN" and len(ignorant.asked) == 2  # not asked twice for the same
    else:
        raise AssertionError
    ignorant.close()
    peer.close()


async def test_time_from_a_server_by_name():
    clock, ticks = clock_at()
    peer = Peer(honest(ticks))
    names = Peer(lambda query: [dns_reply(query, a_record("127.0.0.1"))])
    made = service(clock, {"ntp_server2": "pool.example:" + str(peer.port)}, [names.host])
    assert await made.sync() and clock.utc_ms() == NOW_MS + ticks.now_ms
    assert len(names.asked) == 1
    peer.close()
    names.close()
