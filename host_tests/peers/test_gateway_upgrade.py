"""Upgrades of the whole gateway: over HTTPS from Python's ssl server, from the browser, and whatever may go wrong with them."""

import itertools
import json
import time

import pytest

from host_tests import upgrades
from host_tests.authority import Authority
from host_tests.file_server import FileServer, Hang, file, reply
from host_tests.gateway import api, change, command, detected, eventually, gateway, login
from host_tests.links import FLAT_METERS, QUICK, certify, in_state, link, readings
from host_tests.mosquitto import Mosquitto, Receiver
from host_tests.upgrades import KEYS, NEXT, Publisher, failed, latest, running, start, state, trust, upgradable
from host_tests.vectors import make_ota
from tools import image as builder
from tools.release import image

SERIAL = "SG000017"


@pytest.fixture(scope="module", params=(64, 32))
def bits(request):
    return request.param


@pytest.fixture(scope="module")
def content(bits, tmp_path_factory):
    return upgrades.make(tmp_path_factory.mktemp("image"), bits)


def statuses(rig):
    return command(rig, "get_status")


def test_a_version_over_https_while_the_buses_go_on(bits, content, tmp_path):
    with Publisher(next_img=content) as server, upgradable(bits, flash=tmp_path / "flash") as rig:
        detected(rig, 3)
        before = state(rig)
        assert (before["possible"], before["phase"], before["running"], before["last"]) == (True, "idle", "0.1", None)
        start(rig, server.url + "/next.img", trust(rig, server))
        after = running(rig, NEXT)
        assert after["last"]["ok"] and after["last"]["from"] == "0.1" and after["last"]["to"] == NEXT
        assert (after["phase"], after["sentence"]) == ("idle", "")
        assert statuses(rig)["sw_version"] == NEXT and statuses(rig)["upgrade_status"] == "OK"


def test_in_the_heap_of_a_device(tmp_path):
    """32 bits, 112 KB, the code frozen: whichever slot the boot loader starts, the same code runs."""
    content = upgrades.make(tmp_path, 32)
    with Publisher(next_img=content) as server, gateway(32, heap="112k", slots=True, release_key=KEYS) as rig:
        detected(rig, 3)
        start(rig, server.url + "/next.img", trust(rig, server))
        eventually(lambda: "the boot loader starts ota_1, on trial" in rig.log(), lambda: state(rig))


def pushed(receiver, count):
    """Wait for so many readings of a meter that is read each second; return their times in milliseconds."""
    return eventually(
        lambda: len(found := readings(receiver.messages, SERIAL, FLAT_METERS[1])[0]) >= count and [one["ts"] for one in found],
        lambda: [message[0] for message in receiver.messages],
    )


def test_in_the_heap_of_a_device_beside_a_link_with_tls(tmp_path):
    """The link gives way to the download, its readings wait; it comes back when that fails.

    On a device TLS has its memory outside Python's heap, here within: 20 KB are for that.
    """
    content = upgrades.make(tmp_path, 32)
    (tmp_path / "broker").mkdir()
    settings = {**QUICK, "leftir_pushlink": 1, "rs485_pushlnk1": 1}
    authority = Authority("Broker CA")
    identity = authority.issue("broker", ["127.0.0.1"])
    with (
        Mosquitto(tmp_path / "broker", server=identity) as broker,
        Receiver(broker) as receiver,
        Publisher(half_img=content[:200000], next_img=content) as server,
        gateway(32, heap="132k", slots=True, release_key=KEYS, settings=settings, clock=time.time()) as rig,
    ):
        detected(rig, 3)
        certificate = trust(rig, server)
        certify(rig, broker=authority.identity.pem)
        change(rig, **link(1, broker.port, tls=1, cert_file="broker"))
        times = pushed(receiver, 2)
        start(rig, server.url + "/half.img", certificate)
        assert failed(rig)["cause"] == "short"
        in_state(rig, "Connected")
        times = pushed(receiver, len(times) + 5)
        assert max(later - one for one, later in itertools.pairwise(sorted(times))) <= 3000, times
        start(rig, server.url + "/next.img", certificate)
        eventually(lambda: "the boot loader starts ota_1, on trial" in rig.log(), lambda: state(rig))
        assert "Traceback" not in rig.log(), rig.log()


def test_a_version_from_the_browser(bits, content):
    with upgradable(bits) as rig:
        status, _, body = rig.get("/api/upgrade/image", login(rig), "POST", content)
        assert status == 202, body
        assert json.loads(body) == {"version": NEXT}
        assert running(rig, NEXT)["last"]["ok"]


def test_the_firmware_itself_knows_its_publisher(tmp_path):
    """As it is made by tools/release: no key comes from the rig."""
    keys = f'KEYS = {{1: bytes.fromhex("{upgrades.KEYS[1]}")}}\n'
    first = builder.build("HOST", 64, {"firmware/release_keys.py": keys}, tmp_path / "first")
    content = upgrades.make(tmp_path, 64)
    with gateway(64, image=first) as rig:
        assert rig.get("/api/upgrade/image", login(rig), "POST", content)[0] == 202
        assert running(rig, NEXT)["last"]["ok"]


def test_an_upload_that_breaks_off_or_is_none(bits, content):
    with upgradable(bits) as rig:
        for body, cause in ((content[:9000], "short"), (b"\x89PNG\r\n\x1a\n" * 100, "not an image"), (content + b"\0", "long")):
            status, _, answer = rig.get("/api/upgrade/image", login(rig), "POST", body)
            assert status == 422, answer
            now = state(rig)
            assert (now["phase"], now["cause"]) == ("failed", cause)
            assert json.loads(answer)["error"] == now["sentence"]
        assert rig.get("/api/upgrade/image", login(rig), "POST", b"")[0] == 400
        assert rig.get("/api/upgrade/image", {}, "POST", content)[0] in (401, 403)
        assert statuses(rig)["upgrade_status"] == now["sentence"]


def changed(content, at, to=b"\0"):
    return content[:at] + to + content[at + len(to) :]


def test_images_that_are_refused_say_why(bits, content):
    payload = content[-4096:]
    board = f"HOST_{bits}"

    def signed(**other):
        values = {"board": board, "version": NEXT, "counter": 1, "minimum": "0.1", "key_id": 1} | other
        signer = values.pop("signer", "1")
        return image.sign(payload, private=make_ota.private(signer), **values)

    cases = (
        (b"<!DOCTYPE html><title>Log in</title>" * 20, "not an image"),
        (b"", "short"),
        (content[:5000], "short"),
        (content + bytes(4096), "long"),
        (signed(board="SG_W1"), "board"),
        (signed(counter=0), "counter"),
        (signed(minimum="0.1.1"), "version"),
        (signed(key_id=2), "key"),
        (signed(signer="stranger"), "signature"),
        (changed(content, 250), "signature"),
        (changed(content, 300, b"abcd"), "list"),
        (changed(content, len(content) - 5000, b"abcd"), "chunk"),
    )
    with Publisher() as server, upgradable(bits) as rig:
        certificate = trust(rig, server)
        for number, (body, cause) in enumerate(cases):
            path = f"/{number}"
            server.files[path] = body
            start(rig, server.url + path, certificate)
            now = failed(rig)
            assert now["cause"] == cause, now
            assert now["sentence"] and statuses(rig)["upgrade_status"] == now["sentence"]
        assert now["running"] == "0.1"


def test_two_upgrades_at_once_and_cancelling(content, bits):
    def answer(request):
        return [file(content)[:40000], Hang]

    with FileServer(answer) as server, upgradable(bits) as rig:
        start(rig, server.url + "/x")
        now = eventually(lambda: (now := state(rig))["done"] > 20000 and now, lambda: state(rig))
        assert (now["phase"], now["version"], now["total"]) == ("downloading", NEXT, len(content))
        assert statuses(rig)["app_status"] == "Upgrading"
        status, told = api(rig, "/api/upgrade", {"url": server.url + "/y"})
        assert status == 409 and NEXT in told["error"]
        status, _, body = rig.get("/api/upgrade/image", login(rig), "POST", content[:300])
        assert status == 409 and NEXT in json.loads(body)["error"]
        assert rig.get("/api/upgrade", {}, "DELETE")[0] in (401, 403)
        assert api(rig, "/api/upgrade", method="DELETE")[0] == 202
        eventually(lambda: state(rig)["phase"] == "idle", lambda: state(rig))
        assert api(rig, "/api/upgrade", method="DELETE")[0] == 409
        assert statuses(rig)["upgrade_status"] == "OK"


def test_a_download_goes_on_after_a_broken_connection_and_after_a_restart(content, bits, tmp_path):
    asked = []

    def answer(request):
        asked.append(request.start)
        part = file(content, request.start)
        head = part.index(b"\r\n\r\n") + 4
        if len(asked) == 1:
            return [part[: head + 100000]]  # breaks off
        if len(asked) == 2:
            return [part[: head + 100000], Hang]
        return [part]

    with Publisher() as server, upgradable(bits, flash=tmp_path / "flash") as rig:
        server.answer = answer
        start(rig, server.url + "/x", trust(rig, server))
        eventually(lambda: state(rig)["done"] > 180000, lambda: state(rig))
        rig.control("reset", cause="watchdog")
        assert running(rig, NEXT)["last"]["ok"]
        assert asked[0] == 0 < asked[1] < asked[2], asked
        assert asked[1] > 90000 and asked[2] > 180000, asked


def test_latest_json_tells_of_a_version_and_has_it_installed(content, bits):
    board = f"HOST_{bits}"
    with Publisher() as server, upgradable(bits) as rig:
        server.files["/o/latest.json"] = latest(content, "next.img", board)
        server.files["/o/next.img"] = content
        change(rig, upgrade_url=server.url + "/o/latest.json", upgrade_certificate=trust(rig, server))
        status, answer = api(rig, "/api/certificates/publisher", method="DELETE")
        assert status == 409 and "upgrade_certificate" in answer["error"]
        eventually(lambda: state(rig)["latest"] == NEXT, lambda: state(rig))  # by itself
        assert state(rig)["phase"] == "idle"
        events = [event["text"] for event in rig.get_json("/api/events")["events"]]
        assert any(NEXT in text and "can be installed" in text for text in events), events
        start(rig)
        assert running(rig, NEXT)["last"]["ok"]
        status, answer = api(rig, "/api/upgrade/check", {})
        assert status == 200 and (answer["latest"], answer["trouble"]) == (NEXT, ""), answer


def test_latest_json_that_is_none_or_announces_another_file(content, bits, tmp_path):
    board = f"HOST_{bits}"
    with Publisher() as server, upgradable(bits) as rig:
        assert "no address" in api(rig, "/api/upgrade/check", {})[1]["trouble"]
        certificate = trust(rig, server)
        change(rig, upgrade_url=server.url + "/latest.json", upgrade_certificate=certificate, upgrade_auto=0)
        good = latest(content, "next.img", board)
        for body, words in (
            (b"{}", "none"),
            (b"[1]", "none"),
            (good[:-9], "none"),
            (good.replace(b'"url": "next', b'"url": 5, "x": "next'), "none"),
            (latest(content[:200], "next.img", board), "none"),
            (good + b" " * 7000, "none"),
            (latest(content, "x", "SG_E1").replace(b'"SG_W1"', b'"SG_W2"'), "board"),
            (latest(changed(content, 250), "next.img", board), "signature"),
        ):
            server.files["/latest.json"] = body
            status, answer = api(rig, "/api/upgrade/check", {})
            assert status == 200 and words in answer["trouble"] and not answer["latest"], (body[:60], answer)
        other = image.sign(make_ota.payload(9000), board, "0.3", 1, "0.1", 1, make_ota.private("1"))
        server.files["/latest.json"], server.files["/next.img"] = good, other
        start(rig)
        assert failed(rig)["cause"] == "other"


def test_a_new_version_installs_itself_if_it_may(content, bits):
    with Publisher(next_img=content) as server, upgradable(bits) as rig:
        server.files["/latest.json"] = latest(content, "next.img", f"HOST_{bits}")
        change(rig, upgrade_url=server.url + "/latest.json", upgrade_certificate=trust(rig, server), upgrade_auto=2)
        assert running(rig, NEXT)["last"]["ok"]


def test_servers_that_are_not_there_or_not_right(content, bits):
    with Publisher(next_img=content) as server, upgradable(bits) as rig:
        certificate = trust(rig, server)
        for url, name, cause in (
            (server.url + "/nothing", certificate, "status"),
            (server.url + "/next.img", "", "certificate"),
            (server.url + "/next.img", "missing", "tls_files"),
            ("example.org/next.img", certificate, "address"),
        ):
            start(rig, url, name)
            assert failed(rig)["cause"] == cause
        with Publisher(next_img=content) as stranger:
            start(rig, stranger.url + "/next.img", certificate)
            assert failed(rig)["cause"] == "tls_authority"
        with FileServer(lambda request: [reply(500)]) as ill:
            start(rig, ill.url + "/x")
            now = eventually(lambda: (now := state(rig))["phase"] == "waiting" and now, lambda: state(rig))
            assert now["cause"] == "status" and "500" in now["sentence"]
            api(rig, "/api/upgrade", method="DELETE")
