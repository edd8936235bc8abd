"""Who the device is: a number from its MAC address, a secret that lasts."""

import os

from firmware.state.identity import Identity
from host_tests.fakes.ram_flash import FOLDER, PowerCut, RamFlash, mounted
from lib.store.document import Document

PATH = FOLDER + "/identity.json"
MAC = b"\xc4\x4f\x33\x1b\x9d\x3d"

SERIALS = (
    (MAC, "SG809725"),  # 1B9D3D is 1809725
    (b"\xc4\x4f\x33\x00\x00\x11", "SG000017"),
    (b"\0\0\0\0\0\0", "SG000000"),
    (b"\xff\xff\xff\xff\xff\xff", "SG777215"),
    (b"\0\0\0\x0f\x42\x40", "SG000000"),  # 1000000
)

# What is in the file in place of a secret
DAMAGED = (b"", b"{", b"[]", b"7", b'"23456789AB"', b"{}", b'{"pop": 12345678}', b'{"pop": null}', b'{"pop": "short"}', b"\xff")


def started():
    identity = Identity(MAC)
    identity.load(Document(PATH))
    return identity


def test_serial_number():
    for mac, serial in SERIALS:
        identity = Identity(mac)
        assert identity.serial == serial and identity.mac == mac, mac


def test_a_secret_is_drawn_once():
    mounted()
    first = started()
    assert first.is_new and len(first.pop) == 10
    for _ in range(3):
        again = started()
        assert again.pop == first.pop and not again.is_new and again.serial == first.serial


def test_secrets_differ_and_cannot_be_misread():
    secrets = set()
    used = set()
    for _ in range(200):
        mounted()
        identity = started()
        secrets.add(identity.pop)
        used.update(identity.pop)
    assert len(secrets) == 200
    assert used == set("23456789ABCDEFGHJKLMNPQRSTUVWXYZ"), sorted(used)


def test_a_damaged_file_is_replaced():
    for content in DAMAGED:
        mounted()
        with open(PATH, "wb") as file:
            file.write(content)
        identity = started()
        assert identity.is_new and len(identity.pop) == 10, content
        assert started().pop == identity.pop, content


def test_a_longer_secret_from_manufacture_is_kept():
    mounted()
    with open(PATH, "wb") as file:
        file.write(b'{"pop": "a-secret-of-the-factory"}')
    assert started().pop == "a-secret-of-the-factory"


def test_power_cut_at_the_first_start():
    """What was shown is what counts: either the secret was kept, or the next start draws another."""
    flash = mounted()
    start = bytes(flash.content)
    cuts = 0
    while True:
        cuts += 1
        flash = mounted(RamFlash(content=start))
        flash.cut_at = cuts
        identity = Identity(MAC)
        try:
            identity.load(Document(PATH))
            break
        except PowerCut:
            pass
        mounted(RamFlash(content=flash.content))
        again = started()
        assert len(again.pop) == 10 and started().pop == again.pop, cuts
        assert again.is_new or again.pop == identity.pop, cuts
    assert cuts > 2 and started().pop == identity.pop


def test_a_flash_that_takes_nothing_is_reported():
    mounted()
    identity = Identity(MAC)
    try:
        identity.load(Document(FOLDER + "/missing/identity.json"))
    except OSError:
        assert "missing" not in os.listdir(FOLDER)
        return
    raise AssertionError
