"""Upgrade images of three makers: the release tool, the writer of the test's vectors, and the gateway's receiver, who shares
no code with them. All three have to agree on what an image is, and two on what is none."""

import base64
import json
import os
import random
import subprocess

import pytest

from host_tests.conftest import TOP, interpreter
from host_tests.vectors import make_ota
from tools.release import image, latest
from tools.release.errors import Refused

KEYS = {1: make_ota.public("1"), 2: make_ota.public("2")}
DEVICE = {"board": "SG_W1", "version": "0.9.2", "counter": 3, "keys": {str(name): key.hex() for name, key in KEYS.items()}}


@pytest.fixture(params=(64, 32), scope="module")
def receiver(request):
    command = [interpreter(request.param), "-X", "heapsize=8m", TOP / "host_tests" / "peers" / "ota_receive.py"]
    environment = dict(os.environ, MICROPYPATH=f"{TOP}:.frozen")
    with subprocess.Popen(
        command, cwd=TOP, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def receive(path, change=None, step=5000, **other):
            order = DEVICE | {"file": str(path), "slot": str(path) + ".slot", "change": change, "step": step} | other
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield receive
        process.stdin.close()


def by_tool(data, **changed):
    values = {"board": "SG_W1", "version": "0.10", "counter": 3, "minimum": "0.9.2", "key_id": 1} | changed
    return image.sign(data, private=make_ota.private(str(values["key_id"])), **values)


def refused_by_tool(data):
    try:
        image.check(data, KEYS)
    except Refused:
        return True
    return False


def test_vectors_are_what_their_maker_makes():
    assert make_ota.OUT.read_text() == make_ota.text(), "run: python host_tests/vectors/make_ota.py"


@pytest.mark.parametrize("size", (1, 4096, 4097, 120 * 4096, 121 * 4096, make_ota.ROOM))
def test_two_makers_make_the_same(size):
    data = make_ota.payload(size)
    assert by_tool(data) == make_ota.image(data)
    assert by_tool(data, key_id=2) == make_ota.image(data, key_id=2, signer="2")
    assert by_tool(data, board="HOST_32", counter=70000) == make_ota.image(data, board=b"HOST_32", counter=70000)


def test_the_tool_refuses_what_is_wrong_for_every_gateway():
    for what, size, changed, cause in make_ota.ROWS + make_ota.LATER:
        if size > 6 * 4096:
            continue
        whole = make_ota.image(make_ota.payload(size), **changed)
        for_some = cause in ("board", "counter", "version")  # other gateways take these
        assert refused_by_tool(whole) == (cause != "" and not for_some), what


@pytest.mark.parametrize("size", (1, 50000, make_ota.ROOM))
def test_the_gateway_takes_what_the_tool_makes(receiver, tmp_path, size):
    data = make_ota.payload(size)
    path = tmp_path / "image"
    path.write_bytes(by_tool(data))
    assert receiver(path) == {"cause": "", "words": "0.10", "taken": path.stat().st_size}
    assert (tmp_path / "image.slot").read_bytes() == data
    assert receiver(path, board="SG_E1")["cause"] == "board"
    assert receiver(path, counter=4)["cause"] == "counter"
    assert receiver(path, version="0.9.1")["cause"] == "version"
    assert receiver(path, keys={"2": KEYS[2].hex()})["cause"] == "key"
    assert receiver(path, keys={"1": KEYS[2].hex()})["cause"] == "signature"


def test_changed_bytes_anywhere(receiver, tmp_path):
    """Tool and gateway refuse the same; the gateway does so at the end of the chunk at the latest."""
    data = make_ota.payload(30000)
    whole = by_tool(data)
    start = len(whole) - len(data)
    path = tmp_path / "image"
    path.write_bytes(whole)
    chosen = random.Random(7)
    places = [chosen.randrange(256) for _ in range(60)] + [chosen.randrange(len(whole)) for _ in range(60)]
    for at in places:
        change = chosen.randrange(1, 256)
        changed = bytearray(whole)
        changed[at] ^= change
        assert refused_by_tool(bytes(changed)), (at, change)
        answer = receiver(path, [at, change], 64)
        assert answer["cause"], (at, change)
        end = 256 if at < 256 else start if at < start else min(start + ((at - start) // 4096 + 1) * 4096, len(whole))
        assert answer["taken"] <= end + 63, (at, change, answer)


def test_latest_is_read_as_documented(tmp_path):
    """By who knows the document only: the header in it is the image's first 256 bytes, and so it is signed."""
    images = {"SG_W1": by_tool(bytes(5000)), "SG_E1": by_tool(bytes(6000), board="SG_E1")}
    (tmp_path / "old.img").write_bytes(by_tool(bytes(7000), version="0.9.9"))
    for board, made in images.items():
        (tmp_path / f"{board}.img").write_bytes(made)
    said = json.loads(latest.make(tmp_path, "https://example.org/", KEYS).read_text())
    assert said["format"] == 1 and set(said["images"]) == set(images)
    for board, made in images.items():
        entry = said["images"][board]
        assert base64.b64decode(entry["header"]) == made[:256]
        assert entry["url"] == f"https://example.org/{board}.img" and entry["version"] == "0.10"
