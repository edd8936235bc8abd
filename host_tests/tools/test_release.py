"""The release tool as one uses it: keys, images, latest.json, and what it refuses."""

import hashlib
import json
import stat
import subprocess
import sys

import pytest

from tools.release import __main__ as release
from tools.release import image, keys, payload
from tools.release.errors import Refused

PACKED = b"\xd2\xcd\x31" + bytes(range(256)) * 40
ROMFS = PACKED + hashlib.sha256(PACKED).digest()


@pytest.fixture
def desk(tmp_path, monkeypatch, capsys):
    """Runs the tool with a firmware that has no keys yet; returns what it says, whether it went well or not."""
    monkeypatch.setattr(keys, "KEYS", tmp_path / "release_keys.py")
    keys.KEYS.write_text("KEYS = {}\n")
    (tmp_path / "app.romfs").write_bytes(ROMFS)

    def run(*words):
        outcome = release.main(["--keys", str(tmp_path / "keys"), "--out", str(tmp_path / "out"), *map(str, words)])
        return outcome or capsys.readouterr().out

    run.folder = tmp_path
    return run


def esp32_application(size=50000, chip=0, appended=1):
    """As ESP-IDF makes it: esp_image_header_t, segments, padding, SHA-256 of all that."""
    head = bytes((0xE9, 6, 2, 0x20)) + bytes(8) + chip.to_bytes(2, "little") + bytes(9) + bytes((appended,))
    assert len(head) == 24
    body = head + bytes(size // 16 * 16 - 24)
    return body + hashlib.sha256(body).digest()


def test_from_nothing_to_a_release(desk):
    assert "no key yet" in desk("image", "HOST", "--app", desk.folder / "app.romfs")
    assert "private half" in desk("key", 1)
    private = desk.folder / "keys" / "release-1.pem"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600 and b"PRIVATE KEY" in private.read_bytes()
    for bits in (64, 32):
        assert "counter 1" in desk("image", "HOST", "--bits", bits, "--app", desk.folder / "app.romfs")
    assert desk("latest").count("latest.json: HOST_") == 2
    made = sorted((desk.folder / "out").glob("*.img"))
    assert len(made) == 2 and "HOST_64" in desk("check", *made, desk.folder / "out" / "latest.json")
    again = made[0].read_bytes()
    desk("image", "HOST", "--bits", "32", "--app", desk.folder / "app.romfs")
    assert made[0].read_bytes() == again, "the same from the same"


def test_keys_are_kept_and_retired(desk):
    desk("key", 1)
    first = (desk.folder / "keys" / "release-1.pem").read_bytes()
    desk("key", 2)
    assert sorted(keys.public_keys()) == [1, 2]
    assert "retire one first" in desk("key", 3)
    app = ("--app", desk.folder / "app.romfs")
    assert "key 2" in desk("image", "HOST", *app)
    signed = desk.folder / "out" / next((desk.folder / "out").glob("*.img")).name
    assert "no longer" in desk("retire", 2)
    assert "key 2, which the firmware does not have" in desk("check", signed)
    assert "has no key 2" in desk("retire", 2)
    assert "key 1" in desk("image", "HOST", *app)
    desk("key", 1)
    assert (desk.folder / "keys" / "release-1.pem").read_bytes() == first, "a key is never made anew"
    desk("retire", 1)
    assert keys.public_keys() == {}
    assert desk("key", 0) == desk("key", 256) == "release: a key's number is 1 to 255"


def test_private_keys_stay_out_of_the_repository(desk):
    desk("key", 1)
    assert "inside the repository" in str(release.main(["--keys", str(keys.TOP / "build" / "keys"), "key", "1"]))
    assert not (keys.TOP / "build" / "keys").exists()


def test_a_private_key_that_is_not_the_firmwares(desk):
    desk("key", 1)
    (desk.folder / "keys" / "release-1.pem").unlink()
    assert "there is no" in desk("image", "HOST", "--app", desk.folder / "app.romfs")
    table = keys.KEYS.read_text()
    desk("key", 1)
    keys.KEYS.write_text(table)
    assert "not that of key 1" in desk("image", "HOST", "--app", desk.folder / "app.romfs")
    assert not list(desk.folder.glob("out/*.img"))


def test_applications_for_the_esp32(desk):
    desk("key", 1)
    app = desk.folder / "micropython.bin"
    assert "needs --app" in desk("image", "SG_W1")
    app.write_bytes(esp32_application())
    assert "SG_W1 " in desk("image", "SG_W1", "--app", app)
    made = next((desk.folder / "out").glob("*SG_W1*.img")).read_bytes()
    assert made.endswith(app.read_bytes())
    whole = esp32_application()
    wrong = (
        ("another chip", esp32_application(chip=9)),
        ("another form", ROMFS),
        ("bootloader in front", esp32_application(20000) + whole),
        ("cut off", whole[:-16]),
        ("padded", whole + bytes(16)),
        ("changed", whole[:1000] + b"\1" + whole[1001:]),
        ("no sum", esp32_application(appended=0)),
        ("nothing", b""),
    )
    for what, data in wrong:
        app.write_bytes(data)
        assert desk("image", "SG_W1", "--app", app).startswith("release: "), what
        with pytest.raises(Refused):
            payload.check_esp32(data)
    app.write_bytes(whole)
    assert "no ROMFS" in desk("image", "HOST", "--app", app)
    for data in (PACKED, ROMFS[:-1], ROMFS[:50] + b"x" + ROMFS[51:]):
        app.write_bytes(data)
        assert "SHA-256" in desk("image", "HOST", "--app", app)
    app.write_bytes(esp32_application(image.room("SG_W1") + 16))
    assert "room for" in desk("image", "SG_W1", "--app", app)


def test_what_nobody_may_sign():
    private = keys.Ed25519PrivateKey.generate()
    good = {"payload": ROMFS, "board": "HOST_64", "version": "1.2.3", "counter": 1, "minimum": "1.0", "key_id": 1}
    image.sign(**good, private=private)
    for change in (
        {"payload": b""},
        {"payload": bytes(image.room("SG_W1") + 1)},
        {"board": ""},
        {"board": "B" * 17},
        {"board": "SG W1"},
        {"board": "SG\u00e9"},
        {"version": "1.2.3.4"},
        {"version": "1.x"},
        {"version": "1..2"},
        {"version": "\u0661"},
        {"minimum": "1.2.4"},
        {"minimum": ""},
    ):
        with pytest.raises(Refused):
            image.sign(**(good | change), private=private)


def test_latest_that_was_tampered_with(desk):
    desk("key", 1)
    assert "no image in" in desk("latest")
    desk("image", "HOST", "--app", desk.folder / "app.romfs")
    desk("latest", "--url", "https://example.org/upgrades/")
    path = desk.folder / "out" / "latest.json"
    text = path.read_text()
    said = json.loads(text)["images"]["HOST_64"]
    assert said["url"].startswith("https://example.org/upgrades/opensg-HOST_64-")
    header = said["header"]
    for old, new in (
        (header, header[:40] + ("A" if header[40] != "A" else "B") + header[41:]),
        (f'"version": "{said["version"]}"', '"version": "99"'),
        ('"HOST_64"', '"SG_W1"'),
    ):
        assert old in text
        path.write_text(text.replace(old, new))
        assert desk("check", path).startswith("release: "), new
    path.write_text(text)
    assert desk("check", path).startswith(str(path))
    picture = next((desk.folder / "out").glob("*.img"))
    picture.write_bytes(picture.read_bytes()[:-1])
    assert "release: " in desk("latest"), "a damaged image is not announced"


def test_as_a_program():
    done = subprocess.run(
        [sys.executable, "-m", "tools.release", "check", __file__], cwd=keys.TOP, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and "no upgrade image" in done.stderr and not done.stdout


def test_what_fits_a_slot_is_what_its_gateway_takes():
    """lib/ota/header.py: what is before the last 16 KB, and no more than their list has hashes for."""
    assert image.room("SG_W1") == image.room("HOST_64") == 0x1B0000 - 0x4000
    assert image.room("ES_951") == (0x4000 - 256) // 32 * 4096 < 0x200000 - 0x4000
