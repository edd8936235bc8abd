"""A document on littlefs: old or new after a power cut at any moment, and no damage that nobody notices."""

import os

from host_tests.fakes.ram_flash import FOLDER, PowerCut, RamFlash, empty, fill, mounted
from lib.store.document import Document

PATH = FOLDER + "/settings.json"
FIRST = {"values": {"location": "Cabinet 1"}, "version": 1}
SECOND = {"values": {"location": "Cabinet 2", "wifi_password": "grün und blau"}, "version": 1}
LONG = {"values": ["something long"] * 400}  # more than a block


def saved(*values):
    """Return a chip on which these were saved, one after the other, and its document."""
    flash = mounted()
    document = Document(PATH)
    for value in values:
        document.save(value)
    return flash, document


def read_bytes(path=PATH):
    with open(path, "rb") as file:
        return file.read()


def write_bytes(content, path=PATH):
    with open(path, "wb") as file:
        file.write(content)


def test_nothing_there_is_no_trouble():
    mounted()
    document = Document(PATH)
    assert document.load() is None and document.trouble == ""


def test_what_was_saved_last_is_loaded():
    _, document = saved(FIRST, SECOND, FIRST, LONG, SECOND)
    for reader in (document, Document(PATH)):
        assert reader.load() == SECOND and reader.trouble == ""
    document.remove()
    assert document.load() is None and os.listdir(FOLDER) == []


def test_power_cut_at_every_operation_of_a_save():
    for what, before, after in (
        ("first save", (), FIRST),
        ("second save", (FIRST,), SECOND),
        ("later save", (SECOND, FIRST), SECOND),
        ("longer", (FIRST, SECOND), LONG),
        ("shorter", (SECOND, LONG), FIRST),
    ):
        flash, _ = saved(*before)
        start = bytes(flash.content)
        old = before[-1] if before else None
        cuts = 0
        met = []
        while True:
            cuts += 1
            flash = mounted(RamFlash(content=start))
            flash.cut_at = cuts
            try:
                Document(PATH).save(after)
                break
            except PowerCut:
                pass
            flash = mounted(RamFlash(content=flash.content))
            document = Document(PATH)
            found = document.load()
            assert found in (old, after), (what, cuts, found)
            assert document.trouble == "", (what, cuts, document.trouble)
            met.append(found == after)
            # The next save works, whatever was left over.
            document.save({"cut": cuts})
            assert Document(PATH).load() == {"cut": cuts}, (what, cuts)
        assert cuts > 3 and met.count(True) <= 2, (what, met)  # it becomes valid at the very end
        assert Document(PATH).load() == after


def test_every_flipped_bit_is_noticed():
    for what, values in (("with a version before", (FIRST, SECOND)), ("the only one", (SECOND,))):
        _, document = saved(*values)
        good = read_bytes()
        for at in range(len(good) - 1):  # behind the last byte nothing follows: it is no part of what is kept
            for bit in range(8):
                write_bytes(good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :])
                found = document.load()
                assert document.trouble.startswith(PATH), (what, at, bit)
                if len(values) > 1:
                    assert found == FIRST, (what, at, bit, found)
        write_bytes(good)
        assert document.load() == SECOND and document.trouble == ""


def test_truncated_anywhere():
    _, document = saved(FIRST, SECOND)
    good = read_bytes()
    for length in range(len(good) - 1):
        write_bytes(good[:length])
        assert document.load() == FIRST and document.trouble.startswith(PATH), length
    os.remove(PATH + ".old")
    for length in range(len(good) - 1):
        write_bytes(good[:length])
        found = document.load()
        # All of the object but the checksum: doubtful, yet the best there is.
        assert found in (None, SECOND) and document.trouble.startswith(PATH), (length, found)


def test_content_that_is_no_document():
    for what, content in (
        ("empty", b""),
        ("line break", b"\n"),
        ("text", b"hello\n"),
        ("erased flash", b"\xff" * 300),
        ("NULs", bytes(300)),
        ("half an object", b'{"values": {"loc'),
        ("no UTF-8", b'{"a": "\xc3"}\n00000000\n'),
        ("deep", b"[" * 5000),
        ("long string", b'"' + b"x" * 5000),
        ("wrong checksum of nothing", b"00000000\n"),
    ):
        for before in ((), (FIRST,)):
            _, document = saved(*before)
            if before:
                os.rename(PATH, PATH + ".old")
            write_bytes(content)
            found = document.load()
            assert found == (FIRST if before else None) or what == "wrong checksum of nothing", (what, found)
            assert document.trouble.startswith(PATH), what
            document.save(SECOND)
            assert document.load() == SECOND and document.trouble == "", what


def test_a_person_may_write_the_file():
    """JSON without a checksum serves, but is reported."""
    _, document = saved()
    write_bytes(b'{"values":\n {"location": "here"}}\n')
    assert document.load() == {"values": {"location": "here"}} and document.trouble == PATH + ": wrong checksum"


def test_both_versions_damaged():
    _, document = saved(FIRST, SECOND)
    write_bytes(b"{", PATH + ".old")
    write_bytes(b"{")
    assert document.load() is None and document.trouble.startswith(PATH + ":")


def test_a_full_flash_leaves_the_old():
    flash, document = saved(FIRST, SECOND)
    folder = fill()
    for _ in range(3):
        try:
            document.save(LONG)
        except OSError:
            pass
        else:
            raise AssertionError("there was room")
        assert document.load() == SECOND and document.trouble == ""
        mounted(flash)
        assert document.load() == SECOND and document.trouble == ""
    empty(folder)
    document.save(LONG)
    assert document.load() == LONG


def test_a_left_over_new_file_is_harmless():
    for content in (b"", b'{"values": {"loc', b'{"stolen": 1}\n00000000\n', b"x" * 9000):
        _, document = saved(FIRST)
        write_bytes(content, PATH + ".new")
        assert document.load() == FIRST and document.trouble == ""
        document.save(SECOND)
        assert document.load() == SECOND and document.trouble == ""
        assert sorted(os.listdir(FOLDER)) == ["settings.json", "settings.json.old"]


def test_wear():
    """A change of the settings costs a handful of erases, spread over the chip."""
    flash, document = saved(FIRST, SECOND)
    before = flash.erases
    for number in range(20):
        document.save({"values": {"location": "x" * 600, "number": number}, "version": 1})
    assert 0 < flash.erases - before <= 100, flash.erases - before
