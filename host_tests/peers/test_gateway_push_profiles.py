"""Load profiles on their way to the links: to mosquitto, heard by paho-mqtt, and by HTTPS POST; all that the gateway keeps."""

import contextlib
import json
from collections import Counter

import pytest

from host_tests.authority import Authority
from host_tests.gateway import api, change, eventually, gateway
from host_tests.links import POST, certify, events, in_state, link
from host_tests.mosquitto import Mosquitto, Receiver
from host_tests.peers.test_gateway_iec_profiles import DAY, KEY, NOW, QUARTER, SETTINGS, all_there, entry, expected, listed
from host_tests.peers.test_gateway_post import web
from host_tests.peers.test_gateway_push import ROOT, Lives
from host_tests.rig import RigFailed

TOPIC = f"{ROOT}/pub/profile/rs485/1"
PUSHED = {**SETTINGS, "iec_pushlink": 1, "iec_pushintv": 60}
MOST_BYTES = 2200  # of a message
A_MESSAGE = 64  # records that it has at most


def up(meter, bits=64, now=NOW, **options):
    return gateway(bits, meters=[meter], clock=now, settings=PUSHED, **options)


def exact(text):
    """JSON with its numbers as they were written."""
    return json.loads(text, parse_float=str)


def messages(receiver, topic=TOPIC):
    return [payload for name, payload, *_ in list(receiver) if name == topic]


def records(payloads):
    """{UTC: record} of messages, and how often each came; each message in itself as it should be."""
    found, times = {}, Counter()
    for payload in payloads:
        assert len(payload) <= MOST_BYTES
        message = exact(payload)
        assert (message["key"], message["period_min"]) == (KEY, 15)
        assert message["columns"][0] == {"code": "1.5", "unit": "kW"}
        here = [record[0] for record in message["records"]]
        assert here == sorted(set(here)) and 0 < len(here) <= A_MESSAGE
        for record in message["records"]:
            assert found.setdefault(record[0], record) == record
        times.update(here)
    return found, times


def kept(rig):
    """{UTC: record} as /api/profile has it, without the column of local time."""
    status, _, body = rig.get(f"/api/profile/{KEY}?from=0&to=4000000000")
    return {record[0]: [record[0], *record[2:]] for record in exact(body)["records"]} if status == 200 else {}


def all_arrived(rig, payloads, wanted):
    """Wait until all that the meter has is kept and was told; return how often each record came."""
    all_there(rig, wanted, 90)

    def is_there():
        return set(records(payloads())[0]) >= set(wanted)

    eventually(is_there, lambda: (sorted(set(wanted) - set(records(payloads())[0]))[:5], events(rig), rig.log()[-800:]))
    found, times = records(payloads())
    assert found == kept(rig)
    assert "Traceback" not in rig.log(), rig.log()[-1500:]
    return times


@contextlib.contextmanager
def starting_anew(rig):
    """What is done within restarts the gateway: wait until it answers again."""
    before = rig.control("ready")["gateway_pid"]
    yield
    eventually(lambda: rig.control("ready")["gateway_pid"] != before, "it does not restart")

    def answers():
        with contextlib.suppress(OSError, RigFailed):
            return rig.get("/api/profile")[0] == 200

    eventually(answers, lambda: rig.log()[-800:])


@pytest.mark.parametrize("bits", [64, 32])
def test_each_record_goes_to_the_links_that_the_setting_names(bits, tmp_path):
    meter = entry("EMH", 5)
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with Mosquitto(folders[0]) as one, Mosquitto(folders[1]) as two, Receiver(one) as first, Receiver(two) as second:
        with up(meter, bits) as rig:
            change(rig, **link(1, one.port), **link(2, two.port))
            listed(rig, meter)
            times = all_arrived(rig, lambda: messages(first.messages), expected(meter, NOW))
            assert list(times) == sorted(times) and max(times.values()) == 1
            assert all(qos == 1 and not retain for topic, _, qos, retain in first.messages if topic == TOPIC)
            rig.control("clock", unix=NOW + 7200)
            times = all_arrived(rig, lambda: messages(first.messages), expected(meter, NOW + 7200))
            assert list(times) == sorted(times) and max(times.values()) == 1
            in_state(rig, "Connected", 2)
            assert not messages(second.messages)
            change(rig, iec_pushlink=3)
            times = all_arrived(rig, lambda: messages(second.messages), expected(meter, NOW + 7200))
            assert max(times.values()) == 1
            assert max(records(messages(first.messages))[1].values()) == 1


@pytest.mark.parametrize("bits", [64, 32])
def test_nothing_is_lost_with_the_broker_a_restart_and_the_power(bits, tmp_path):
    meter = entry("EMH", 5)
    with Mosquitto(tmp_path) as broker, up(meter, bits) as rig:
        lives = Lives(broker)
        change(rig, **link(1, broker.port))
        listed(rig, meter)
        eventually(lambda: len(messages(lives.all())) > 2, lambda: events(rig))
        lives.end()
        all_there(rig, expected(meter, NOW))
        rig.control("clock", unix=NOW + 6 * 3600)
        all_there(rig, expected(meter, NOW + 6 * 3600))
        with starting_anew(rig):
            rig.control("reset")
        rig.control("clock", unix=NOW + 12 * 3600)
        lives.begin(rig.control("ready")["gateway_pid"])
        all_arrived(rig, lambda: messages(lives.all()), expected(meter, NOW + 12 * 3600))
        count = len(messages(lives.all()))
        with starting_anew(rig):
            assert api(rig, "/api/restart", {})[0] == 202
        rig.control("clock", unix=NOW + 18 * 3600)
        all_arrived(rig, lambda: messages(lives.all()), expected(meter, NOW + 18 * 3600))
        since = records(messages(lives.all())[count:])[1]
        assert min(since) > NOW + 12 * 3600 - QUARTER  # what had arrived is not told again
        with starting_anew(rig):
            rig.control("reset")
        rig.control("clock", unix=NOW + 20 * 3600)
        times = all_arrived(rig, lambda: messages(lives.all()), expected(meter, NOW + 20 * 3600))
        assert max(times.values()) <= 4


def test_what_is_filled_in_later_arrives_too(tmp_path):
    hole = [NOW // QUARTER * QUARTER - 3 * DAY, NOW // QUARTER * QUARTER - 2 * DAY]
    later = {"oldest": NOW // QUARTER * QUARTER - 5 * DAY}
    meter = entry("EMH", 5, holes=[hole])
    flash = tmp_path / "flash"
    with Mosquitto(tmp_path) as broker, Receiver(broker) as receiver:
        with up(meter, flash=flash) as rig:
            change(rig, **link(1, broker.port))
            listed(rig, meter)
            all_arrived(rig, lambda: messages(receiver.messages), expected(meter, NOW))
            with starting_anew(rig):
                assert api(rig, "/api/restart", {})[0] == 202  # so that it is known what has arrived
        count = len(messages(receiver.messages))
        whole = {**meter, "holes": [], **later}
        broker.freeze()
        with up(whole, flash=flash) as rig:
            all_there(rig, expected(whole, NOW))
        broker.freeze(False)
        with up({**whole, "fault": "mute"}, flash=flash) as rig:  # from flash
            all_arrived(rig, lambda: messages(receiver.messages), expected(whole, NOW))
            since = records(messages(receiver.messages)[count:])[1]
            assert set(range(hole[0], hole[1] + 1, QUARTER)) <= set(since)
            assert len(since) < 2 * (hole[1] - hole[0]) // QUARTER and max(since.values()) == 1


def test_readings_that_waited_go_before_the_profile(tmp_path):
    meter = entry("EMH", 3)
    with Mosquitto(tmp_path) as broker, up(meter, 32) as rig:
        lives = Lives(broker)
        change(rig, **link(1, broker.port), iec_pushintv=60)
        in_state(rig, "Connected")
        lives.end()
        listed(rig, meter)
        all_there(rig, expected(meter, NOW))
        for minute in range(1, 13):
            rig.control("clock", unix=NOW + 60 * minute)
            eventually(
                lambda minute=minute: api(rig, "/api/links")[1]["links"][0]["backlog"] >= minute, lambda: api(rig, "/api/links")
            )
        backlog = api(rig, "/api/links")[1]["links"][0]["backlog"]
        lives.begin(rig.control("ready")["gateway_pid"])
        all_arrived(rig, lambda: messages(lives.all()), expected(meter, NOW))
        names = [topic for topic, *_ in lives.all()]
        before = [topic for topic in names[: names.index(TOPIC)] if "/measurements/" in topic or "/counters/" in topic]
        assert len(before) >= backlog


def test_posts_are_made_again_until_they_are_taken(tmp_path):
    authority = Authority("Server CA")
    meter = entry("EMH", 3)
    with web(authority.issue("web", ["127.0.0.1"]), tmp_path, [201, 500, 500]) as (port, got), up(meter, 32) as rig:
        certify(rig, ca=authority.identity.pem)
        change(rig, **link(1, port, protocol=POST, tls=1, cert_file="ca", path="/push"))
        listed(rig, meter)

        def payloads():
            told = [exact(body) for _, _, body in list(got)]
            assert all(one["gateway"] == ROOT for one in told)
            return [json.dumps(one["data"]).encode() for one in told if one["topic"] == "profile/rs485/1"]

        all_arrived(rig, payloads, expected(meter, NOW))
