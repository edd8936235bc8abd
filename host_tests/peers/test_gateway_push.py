"""What the gateway publishes over its links: to mosquitto, heard by paho-mqtt."""

import contextlib
import json
import os
import random
import signal
import time

import pytest

from host_tests.authority import Authority
from host_tests.gateway import MANUAL, api, change, eventually, gateway
from host_tests.links import FLAT_METERS, MQTT, QUICK, certify, events, in_state, link, readings
from host_tests.mosquitto import Mosquitto, Receiver

HEAPS = {64: "1m", 32: "112k"}  # the latter is a device's
WINDOW = 8  # messages that may come twice with each new connection
FIELD = {**QUICK, "leftir_pushlink": 3, "rs485_pushlnk1": 3, "rs485_type_2": 0, "ir_ext_rel_mode": 0}
ROOT = "SG000017"
OFFLINE = b'{"state":"offline"}'


def up(bits, **more):
    options = {"heap": HEAPS[bits], "meters": MANUAL, "clock": time.time(), "settings": FIELD, **more}
    return gateway(bits, **options)


@contextlib.contextmanager
def brokers(tmp_path, **options):
    """Two brokers, the first with options of Mosquitto, and a receiver at each."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with Mosquitto(folders[0], **options) as one, Mosquitto(folders[1]) as two, Receiver(one) as first, Receiver(two) as second:
        yield one, two, first, second


def so_many(receiver, place, count, root=ROOT):
    """Wait until so many readings of a place have come; return them."""
    eventually(
        lambda: len(readings(receiver.messages, root, place)[0]) >= count,
        lambda: f"{place}: {[message[0] for message in receiver.messages]}",
    )
    return readings(receiver.messages, root, place)[0]


@pytest.mark.parametrize(
    ("bits", "kind"), [(32, "plain"), (32, "TLS"), (32, "mutual TLS"), (64, "mutual TLS")], ids=lambda value: str(value)
)
def test_both_links_tell_every_reading_to_brokers_of_their_own(tmp_path, bits, kind):
    authority, clients = Authority("Broker CA"), Authority("Device CA")
    server, device = authority.issue("broker", ["127.0.0.1"]), clients.issue("SG000017")
    options: dict = {} if kind == "plain" else {"server": server}
    if kind == "mutual TLS":
        options["clients"] = clients
    with brokers(tmp_path, **options) as (one, two, first, second), up(bits) as rig:
        names = {"ca": authority.identity.pem, "own": device.pem, "own_key": device.key_pem}
        certify(rig, **names)
        secure: dict = {"cert_file": "ca", "cli_cert": "own", "key_file": "own_key"}
        secure["tls"] = ("plain", "TLS", "mutual TLS").index(kind)
        change(rig, **link(1, one.port, **secure), **link(2, two.port, roottopic="second"))
        for place in FLAT_METERS:
            here, there = so_many(first, place, 4), so_many(second, place, 4, "second")
            count = min(len(here), len(there))
            assert here[:count] == there[:count]
            times = [one["ts"] for one in here]
            assert times == sorted(times)
        meter = so_many(first, "measurements/rs485/1", 1)[0]
        assert (meter["q"], meter["U1"], meter["I3"], meter["PF0"]) == ("good", 220.5, 0.019, 0.2124)
        assert so_many(first, "counters/rs485/1", 1)[0]["counter1nr"] == 1234.56
        in_state(rig, "Connected", 1)
        in_state(rig, "Connected", 2)
        assert json.loads(first.payloads("SG000017/pub/status")[-1])["state"] == "online"
        assert second.wait("second/pub/status/rs485/1") == [b'{"state":"online"}']


class Lives:
    """A broker that dies again and again, and what paho-mqtt received in each of its lives."""

    def __init__(self, broker):
        self._broker = broker
        self._receiver = Receiver(broker)
        self._before = []

    def end(self):
        self._broker.kill()
        self._receiver.until_lost()
        self._receiver.close()
        self._before += self._receiver.messages
        self._receiver = None

    def begin(self, gateway_pid):
        """The receiver is there before the gateway is: what a broker has nobody for it throws away."""
        os.kill(gateway_pid, signal.SIGSTOP)
        self._broker.start()
        self._receiver = Receiver(self._broker)
        os.kill(gateway_pid, signal.SIGCONT)

    def all(self):
        return self._before + (self._receiver.messages if self._receiver else [])


@pytest.mark.parametrize("bits", [32])
def test_a_broker_that_dies_twenty_times_gets_all_in_order(tmp_path, bits):
    """The other link's broker stays: what it was told is what there was to tell."""
    chance = random.Random(17)
    with brokers(tmp_path) as (one, two, first, second), up(bits) as rig:
        first.close()
        lives = Lives(one)
        change(rig, **link(1, one.port), **link(2, two.port))
        pid = rig.control("ready")["gateway_pid"]
        for number in range(20):
            seen = len(lives.all())
            eventually(lambda seen=seen: len(lives.all()) > seen, lambda: events(rig))
            time.sleep(chance.uniform(0, 1.2))
            lives.end()
            time.sleep(chance.uniform(0, 1))
            if number % 2:
                change(rig, push1_resp_time=5 + number)  # the pauses between tries begin anew
            lives.begin(pid)
        last = so_many(second, FLAT_METERS[0], 1)[-1]["ts"]
        for place in FLAT_METERS:
            eventually(
                lambda place=place: readings(lives.all(), ROOT, place)[0][-1]["ts"] > last,
                lambda: (events(rig), [one[0] for one in lives.all()[-10:]]),
            )
            here, repeated = readings(lives.all(), ROOT, place)
            times = [reading["ts"] for reading in here]
            assert times == sorted(times) and times[-1] > times[0] + 20000
            eventually(
                lambda place=place, times=times: readings(second.messages, ROOT, place)[0][-1]["ts"] >= times[-1],
                "the other link is behind",
            )
            there = readings(second.messages, ROOT, place)[0]
            assert here == there[: len(here)]
            assert repeated <= 20 * WINDOW


@pytest.mark.parametrize("bits", [32])
def test_a_backlog_survives_a_restart_and_a_power_cut(tmp_path, bits):
    with brokers(tmp_path) as (one, two, first, second), up(bits) as rig:
        second.close()
        lives = Lives(two)
        change(rig, **link(1, one.port), **link(2, two.port))
        so_many(first, FLAT_METERS[0], 2)
        lives.end()
        so_many(first, FLAT_METERS[0], 6)
        assert api(rig, "/api/restart", {})[0] == 202
        states(first, ["online", "offline", "online"])
        assert "Client SG000017-1 disconnected." in one.log()  # it has said goodbye
        offline = [index for index, message in enumerate(first.messages) if message[:2] == (f"{ROOT}/pub/status", OFFLINE)][0]
        known = {place: readings(first.messages[:offline], ROOT, place)[0] for place in FLAT_METERS}
        so_many(first, FLAT_METERS[0], len(known[FLAT_METERS[0]]) + 2)
        rig.control("reset")
        states(first, ["online", "offline", "online", "offline", "online"])
        lives.begin(rig.control("ready")["gateway_pid"])
        for place in FLAT_METERS:
            last = known[place][-1]["ts"]
            eventually(
                lambda place=place, last=last: readings(lives.all(), ROOT, place)[0][-1:][0]["ts"] > last,
                lambda: events(rig),
            )
            there = [reading for reading in readings(lives.all(), ROOT, place)[0] if reading["ts"] <= last]
            assert there == known[place]
        assert rig.log().count("Traceback") == 0, rig.log()


def states(receiver, expected):
    """Wait until the gateway's own status has gone through these."""

    def seen():
        return [json.loads(payload)["state"] for payload in receiver.payloads(f"{ROOT}/pub/status")]

    eventually(lambda: seen() == expected, seen)


def test_what_waited_goes_to_history_while_the_present_goes_ahead(tmp_path):
    with brokers(tmp_path) as (one, two, first, second), up(32) as rig:
        first.close()
        lives = Lives(one)
        change(rig, hass1_discovery=1, **link(1, one.port, retain=1), **link(2, two.port))
        eventually(lambda: any("/state/rs485/1" in message[0] for message in lives.all()), lambda: events(rig))
        lives.end()
        seen = len(so_many(second, FLAT_METERS[1], 1))
        waited = so_many(second, FLAT_METERS[1], seen + 4)[seen:]
        rig.control("clock", unix=time.time() + 3600)
        before = len(lives.all())
        lives.begin(rig.control("ready")["gateway_pid"])
        live = f"{ROOT}/pub/{FLAT_METERS[1]}"
        eventually(lambda: live in [message[0] for message in lives.all()[before:]], lambda: events(rig))
        since = lives.all()[before:]
        topics = [message[0] for message in since]
        history = readings([message for message in since if "/history/" in message[0]], ROOT, FLAT_METERS[1])[0]
        assert [one for one in history if one in waited] == waited
        assert json.loads(since[topics.index(live)][1])["ts"] > waited[-1]["ts"] + 3000000
        late = [index for index, topic in enumerate(topics) if "/history/" in topic]
        assert topics.index(f"{ROOT}/pub/state/rs485/1") < late[-1]
        assert not any(since[index][3] for index in late)
        with Receiver(one) as later:
            later.wait(live)
            assert [message[3] for message in later.messages if message[0] == live][0]  # the broker keeps the last one
            assert not any("/history/" in message[0] for message in later.messages)


def config(name):
    return f"homeassistant/device/{name}/config"


GATEWAY, INFRARED, CHARGING = config("sg_sg000017"), config("ie38md_x0000124"), config("wm3m4c_18230001")


def test_home_assistant_is_told_what_there_is_and_what_is_no_more(tmp_path):
    def kept(*expected):
        """What who comes now finds at the broker: wait until it is that."""

        def found():
            with Receiver(one, "homeassistant/#") as late, Receiver(one, "sentinel") as sentinel:
                late.publish("sentinel", b"", 1)
                sentinel.wait("sentinel")
                return sorted(message[0] for message in late.messages if message[3] and message[1])

        eventually(lambda: found() == sorted(expected), lambda: (found(), events(rig)))

    with brokers(tmp_path) as (one, _, first, _), up(32) as rig:
        change(rig, hass1_discovery=1, leftir_pushintv=600, rs485_pushint1=600, **link(1, one.port))
        kept(GATEWAY, INFRARED, CHARGING)
        message = json.loads(first.payloads(CHARGING)[-1])
        assert message["stat_t"] == f"{ROOT}/pub/state/rs485/1"
        assert {"U1", "P0", "counter1nr", "tariff"} <= set(message["cmps"])
        first.wait(f"{ROOT}/pub/state/rs485/1")
        seen = {topic: len(first.payloads(topic)) for topic in (GATEWAY, INFRARED, CHARGING, f"{ROOT}/pub/state/ir")}
        first.publish("homeassistant/status", b"online")
        for topic, count in seen.items():
            first.wait(topic, count + 1)
        change(rig, rs485_type_1=0)
        kept(GATEWAY, INFRARED)
        assert first.wait(f"{ROOT}/pub/status/rs485/1", 2)[-1] == OFFLINE
        change(rig, hass1_discovery=0)
        kept()
        assert rig.log().count("Traceback") == 0, rig.log()


def test_commands_are_carried_out_where_they_are_allowed(tmp_path):
    meters = [
        {"port": "ir_right", "model": "IR Bicom"},
        {"port": "rs485", "model": "WM3M4C", "serial": "18230001", "address": 35, "frozen": True, "values": {"U1": 221.5}},
        {"port": "rs485", "model": "Bicom", "serial": "B0000001", "address": 50},
    ]
    settings = {**FIELD, "ir_ext_rel_mode": 1, "left_ir_enabled": 0, "rs485_type_2": 3, "rs485_addr_2": 50}
    settings.update({"rs485_pushint1": 600, "rightir_pushintv": 600, "rs485_pushlnk2": 1, "rightir_pushlink": 1})
    orders, replies = f"{ROOT}/cmd", f"{ROOT}/pub/reply"

    def answer(command):
        """Give a command; return its reply."""
        count = len(first.payloads(replies))
        first.publish(orders, command if isinstance(command, bytes) else json.dumps(command).encode())
        return json.loads(first.wait(replies, count + 1)[count])

    def held(name):
        return rig.control("meter", name=name)["values"]["state"]

    with brokers(tmp_path) as (one, _, first, _), up(32, meters=meters, settings=settings) as rig:
        change(rig, **link(1, one.port))
        first.wait(f"{ROOT}/pub/status/rs485/2")
        subscription = f"{orders} (QoS 1)"
        assert subscription not in one.log()
        first.publish(orders, b'{"cmd":"relay","index":2,"val":"on"}', retain=True)
        first.publish(orders, b"x" * 1000000, retain=True)
        change(rig, push1_commands=1)
        eventually(lambda: subscription in one.log(), lambda: events(rig))
        assert answer({"id": "a7", "cmd": "relay", "index": 2, "val": "on"}) == {
            "ok": True,
            "id": "a7",
            "cmd": "relay",
            "state": 1,
        }
        assert len(first.payloads(replies)) == 1  # what the broker had kept is for nobody
        assert (held("B0000001"), held("ir_bicom")) == (1, 0)
        assert answer({"data": {"cmd": "bicom", "val": "toggle"}})["state"] == 1
        assert (held("B0000001"), held("ir_bicom")) == (1, 1)
        assert answer({"id": 4, "cmd": "relay", "addr": 50, "val": "off"})["state"] == 0
        assert held("B0000001") == 0
        refused = answer({"id": 5, "cmd": "relay", "index": 1, "val": "on"})
        assert (refused["ok"], refused["id"], "no such switch" in refused["error"]) == (False, 5, True)
        assert answer(b'{"cmd":')["ok"] is False
        assert "1024 bytes" in answer(b'{"cmd":"status","x":"' + b"x" * 1200 + b'"}')["error"]
        assert "no such command" in answer({"cmd": "format"})["error"]
        assert answer({"id": "m", "cmd": "measurements", "index": 1})["data"]["measurements"]["U1"] == "221.5 V"
        told = answer({"cmd": "settings"})["data"]
        assert told["mqtt1_port"] == one.port and not any("password" in name for name in told)
        place = f"{ROOT}/pub/measurements/rs485/1"
        count = len(first.payloads(place))
        assert answer({"cmd": "refresh"})["ok"]
        first.wait(place, count + 1)
        first.wait(f"{ROOT}/pub/bicom/ir")


def test_settings_are_taken_up_while_it_is_connected(tmp_path):
    place = FLAT_METERS[0]
    with brokers(tmp_path) as (one, two, first, second), up(32) as rig:
        change(rig, **link(1, one.port), **link(2, two.port))
        so_many(first, place, 2)
        change(rig, mqtt1_roottopic="cellar")
        so_many(first, place, 2, "cellar")
        change(rig, mqtt1_port=two.port, mqtt1_roottopic="moved")
        moved = so_many(second, place, 2, "moved")
        assert [message[1] for message in first.messages if message[0] == "cellar/pub/status"][-1] == OFFLINE
        change(rig, push1_protocol=0)
        in_state(rig, "Disabled")
        count = len(so_many(second, place, 1))
        so_many(second, place, count + 2)
        last = readings(second.messages, "moved", place)[0][-1]["ts"]
        change(rig, push1_protocol=MQTT)
        so_many(second, place, len(readings(second.messages, "moved", place)[0]) + 2, "moved")
        change(rig, leftir_pushintv=2)
        slow = so_many(second, place, len(so_many(second, place, 1)) + 4)[-3:]
        assert all(later["ts"] - reading["ts"] >= 1000 for reading, later in zip(slow, slow[1:])) and moved
        # The other link has all that either was told.
        all_of = {reading["ts"] for reading in so_many(second, place, 1)}
        elsewhere = [
            reading["ts"]
            for root, messages in ((ROOT, first.messages), ("cellar", first.messages), ("moved", second.messages))
            for reading in readings(messages, root, place)[0]
        ]
        assert {ts for ts in elsewhere if ts <= max(all_of)} <= all_of
        assert last not in (None, 0)
        assert rig.log().count("Traceback") == 0, rig.log()
