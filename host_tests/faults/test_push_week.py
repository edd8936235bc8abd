"""A week of both links in a minute and a half, with brokers that die and fall silent at random.

The clock runs fast, the rest does not: pauses between tries, deadlines and the gateway's looks take their true time. So a turn
comes each simulated hour, not each quarter of one, which would be over before the gateway looks twice.
"""

import json
import random
import signal
import threading
import time

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from host_tests.authority import Authority
from host_tests.gateway import api, change, detected, eventually, gateway
from host_tests.mosquitto import Mosquitto

SCALE = 7000  # a week in 86 s, an hour in half a second
DAY_S = 86400 / SCALE
WEEK_S = 7 * DAY_S
TURN_S = 3600
WINDOW = 8  # messages that may come twice with each new connection
KILLS = 5  # of each broker: with each the gateway's pauses grow, and begin anew after a minute of true time only
FREEZES = 5
MOST_SKIPPED = 0.03  # of the turns: the machine may be so busy that the gateway sleeps through half a second
GROWTH = 3072  # bytes of heap: texts of events, of which a few are kept; 16 bytes for each reading would be 35000
SAMPLES = 8
ROOT = "week"
INPUTS = "inputs"
METERS = ("measurements/ir", "measurements/rs485/1", "measurements/rs485/2")
PLACES = (*METERS, "bicom/ir", "counters/ir", "counters/rs485/1", "counters/rs485/2", INPUTS)
FIELD = {
    "left_ir_enabled": 1,
    "ir_ext_rel_mode": 1,
    "rs485_type_1": 2,
    "rs485_addr_1": 35,
    "rs485_type_2": 4,
    "rs485_addr_2": 36,
    "poll_ms": 100,
    "gateway_pushlink": 3,
    "gateway_pushintv": 6 * TURN_S,  # they are measured each second
    "pulse_cnt_en": 1,
}
for _slot in ("leftir_push#", "rightir_push#", "rs485_push#1", "rs485_push#2"):
    _one = _slot.replace("#", "lnk" if "rs485" in _slot else "link")
    FIELD.update({_one: 3, _slot.replace("#", "int" if "rs485" in _slot else "intv"): TURN_S})
# The broker's keeper of messages, who may be away for a moment: they wait for him, in any number.
KEEPING = ("persistence true", "autosave_interval 0", "max_inflight_messages 0", "max_queued_messages 0")


class Keeper:
    """A broker, and a session at it that outlives its deaths: so nothing is lost between the broker and the test."""

    def __init__(self, folder, **options):
        folder.mkdir()
        self.broker = Mosquitto(folder, options=(*KEEPING, f"persistence_location {folder}/"), **options)
        self.messages = []
        self._subscribed = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, "keeper", clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._connected
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = lambda _, __, got: self.messages.append((got.topic, got.payload))

    def _connected(self, client, *_):
        client.subscribe(ROOT + "/pub/#", 1)

    def __enter__(self):
        self.broker.start()
        self._client.connect("127.0.0.1", self.broker.plain_port)
        self._client.loop_start()
        assert self._subscribed.wait(20)
        self.broker.kill(signal.SIGTERM)  # which has it write the session down
        self.broker.start()
        return self

    def __exit__(self, *_):
        self._client.loop_stop()
        self.broker.kill()

    def kill(self):
        eventually(self._client.is_connected, "paho-mqtt does not connect again")
        self.broker.kill()

    def readings(self, place):
        """(readings of a place in the order they came, late ones too and repeated ones once; how many were repeated)."""
        topics = (f"{ROOT}/pub/{place}", f"{ROOT}/pub/history/{place}")
        found = [json.loads(payload) for topic, payload in list(self.messages) if topic in topics]
        once = {reading["ts"]: reading for reading in reversed(found)}
        order = dict.fromkeys(reading["ts"] for reading in found)
        return [once[ts] for ts in order], len(found) - len(order)

    def last(self, place):
        return max((reading["ts"] for reading in self.readings(place)[0]), default=0)


def outages(chance, begin_s, end_s):
    """[(seconds since the start, whether it is the beginning, whether it is a death)] of one broker, one after the other."""
    kinds = [True] * KILLS + [False] * FREEZES
    chance.shuffle(kinds)
    share = (end_s - begin_s) / len(kinds)
    plan = []
    for number, is_death in enumerate(kinds):
        length = chance.uniform(0.5, 3.8)  # no answer for so long does not end a connection
        begin = begin_s + number * share + chance.uniform(1.5, share - length - 0.2)
        plan += [(begin, True, is_death), (begin + length, False, is_death)]
    return plan


def least_heap(rig):
    """Heap in use after a collection, when the least is under way."""
    used = []
    for _ in range(SAMPLES):
        used.append(rig.control("heap")["used"])
        time.sleep(0.1)
    return min(used)


def link(number, port, **more):
    named = {"server": "127.0.0.1", "port": port, "roottopic": ROOT, **more}
    return {f"push{number}_protocol": 1, f"push{number}_form": 1, **{f"mqtt{number}_{name}": named[name] for name in named}}


@pytest.mark.parametrize("bits", [32])
def test_a_week_of_outages_loses_nothing_and_leaves_nothing(tmp_path, bits):
    chance = random.Random(1707)
    authority = Authority("Broker CA")
    first = Keeper(tmp_path / "one", server=authority.issue("broker", ["127.0.0.1"]))
    second = Keeper(tmp_path / "two")
    # A device's heap and 8 KB: TLS has its memory outside of that there, and within it here.
    options = {"heap": "120k", "meters": "tools/rig/default.json", "time_scale": SCALE, "settings": FIELD}
    with first, second, gateway(bits, **options) as rig:
        detected(rig, 3)
        assert api(rig, "/api/certificates", {"name": "ca", "pem": authority.identity.pem.decode()})[0] == 201
        change(rig, **link(1, first.broker.port, tls=1, cert_file="ca"), **link(2, second.broker.port))
        for place in PLACES:
            eventually(lambda: first.last(place) and second.last(place), rig.log)  # noqa: B023
        began = time.monotonic()
        time.sleep(DAY_S)
        heap = least_heap(rig)

        plan = []
        for keeper in (first, second):
            plan += [(*event, keeper) for event in outages(chance, DAY_S + 1, WEEK_S - DAY_S / 2)]
        for at_s, is_beginning, is_death, keeper in sorted(plan, key=lambda event: event[0]):
            time.sleep(max(0, began + at_s - time.monotonic()))
            if not is_death:
                keeper.broker.freeze(is_beginning)
            elif is_beginning:
                keeper.kill()
            else:
                keeper.broker.start()
        time.sleep(max(0, began + WEEK_S - time.monotonic()))

        # Each has all that the other has: outages were at different times.
        ends = {place: max(first.last(place), second.last(place)) for place in PLACES}
        for place in PLACES:
            for keeper in (first, second):
                eventually(lambda: keeper.last(place) >= ends[place], lambda: (place, rig.log()))  # noqa: B023
        for place in PLACES:
            here, there = ([one for one in keeper.readings(place)[0] if one["ts"] <= ends[place]] for keeper in (first, second))
            times = [reading["ts"] for reading in here]
            assert times == sorted(times)
            assert [one["ts"] for one in there] == times
            assert here == there
            interval_s = FIELD["gateway_pushintv"] if place == INPUTS else TURN_S
            turns = (times[-1] - times[0]) // 1000 // interval_s
            assert turns * interval_s > 6 * 86400
            assert len(times) > (1 - MOST_SKIPPED) * turns, (place, len(times), turns)
        for keeper in (first, second):
            assert sum(keeper.readings(place)[1] for place in PLACES) <= KILLS * WINDOW
        eventually(lambda: least_heap(rig) <= heap + GROWTH, lambda: f"{least_heap(rig)} bytes of heap, {heap} after a day")
        log = rig.log()
        assert "task: " not in log and "journal: " not in log, log
        assert api(rig, "/api/health")[1]["crashes"] == 0
