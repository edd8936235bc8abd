"""Certificates and keys on littlefs: kept under their names and told apart by content; whole or not there after a power cut."""

import gc
import os

import tls

from firmware.state.certificates import Certificates, Refused
from host_tests.fakes.ram_flash import FOLDER, PowerCut, RamFlash, empty, fill, mounted
from host_tests.lib.x509.x509_vectors import der_of, load

CERTS = FOLDER + "/certs"
VECTORS = load()
SIGNED, CLIENT, SMALL, ISSUED = VECTORS["certificates"][:4]
LARGE, KEY = VECTORS["keys"][2:4]  # RSA 4096, EC P-256

NAMES = (
    # what, name, whether it may be one
    ("as people name them", "ca.pem", True),
    ("one letter", "a", True),
    ("a digit first", "1-client_cert.KEY", True),
    ("dots", "a..b.", True),
    ("32 characters", "x" * 32, True),
    ("as a temporary file elsewhere", "ca.new", True),
    ("33 characters", "x" * 33, False),
    ("none", "", False),
    ("a dot first", ".new", False),
    ("the folder", ".", False),
    ("the folder above", "..", False),
    ("out of the folder", "../settings.json", False),
    ("from the root", "/settings.json", False),
    ("in a folder", "a/b", False),
    ("a backslash", "a\\b", False),
    ("a blank", "a b", False),
    ("NUL", "a\0", False),
    ("a line end", "a\n", False),
    ("no ASCII", "ključ.pem", False),
    ("a dash first", "-a", False),
    ("an underscore first", "_a", False),
    ("a number", 7, False),
    ("nothing", None, False),
    ("a list", ["a"], False),
    ("bytes", b"ca.pem", False),
)
TEXTS = (
    # what, text, a word of the sentence
    ("none", None, "text"),
    ("a number", 5, "text"),
    ("bytes", SMALL["pem"].encode(), "text"),
    ("empty", "", "BEGIN"),
    ("no PEM", "hello", "BEGIN"),
    ("two", SMALL["pem"] * 2, "one by one"),
    ("an encrypted key", VECTORS["encrypted"][0]["pem"], "encrypted"),
    ("a key called a certificate", KEY["pem"].replace("PRIVATE KEY", "CERTIFICATE"), "what its"),
    ("a certificate called a key", SMALL["pem"].replace("CERTIFICATE", "PRIVATE KEY"), "what its"),
    ("a line missing", "\n".join(SMALL["pem"].split("\n")[:3] + SMALL["pem"].split("\n")[4:]), "damaged"),
    ("nothing in it", "-----BEGIN CERTIFICATE----------END CERTIFICATE-----", "damaged"),
    ("too large", "-----BEGIN CERTIFICATE-----" + "AAAA" * 1400 + "-----END CERTIFICATE-----", "more than 4096"),
)


def fresh():
    flash = mounted()
    return flash, Certificates(FOLDER)


def refused(certificates, name, text):
    """(field, sentence) of a refusal."""
    try:
        certificates.add(name, text)
    except Refused as error:
        return error.field, str(error)
    return None, None


def is_absent(act, name):
    try:
        act(name)
    except KeyError:
        return True
    return False


def test_nothing_there():
    _, certificates = fresh()
    assert certificates.names() == [] and list(certificates.entries()) == [] and os.listdir(FOLDER) == []
    assert is_absent(certificates.load, "ca.pem") and is_absent(certificates.remove, "ca.pem")


def test_what_was_added_is_there():
    _, certificates = fresh()
    for name, row in (("root", SIGNED), ("client.key", KEY), ("Ca.pem", SMALL), ("client.pem", CLIENT)):
        found, kind, certificate = certificates.add(name, row["pem"])
        assert found == name and kind == ("key" if row is KEY else "certificate"), name
        assert certificate is None if row is KEY else certificate.subject == row["subject"], name
        for reader in (certificates, Certificates(FOLDER)):
            assert reader.load(name) == der_of(row), name
    assert certificates.names() == ["Ca.pem", "client.key", "client.pem", "root"]
    told = [(name, kind, one and one.subject) for name, kind, one in certificates.entries()]
    assert told == [
        ("Ca.pem", "certificate", SMALL["subject"]),
        ("client.key", "key", None),
        ("client.pem", "certificate", CLIENT["subject"]),
        ("root", "certificate", SIGNED["subject"]),
    ]
    certificates.remove("root")
    assert is_absent(certificates.load, "root") and is_absent(certificates.remove, "root")
    assert certificates.names() == ["Ca.pem", "client.key", "client.pem"]


def test_names():
    for what, name, good in NAMES:
        _, certificates = fresh()
        field, _ = refused(certificates, name, SMALL["pem"])
        assert field == (None if good else "name"), what
        assert certificates.names() == ([name] if good else []), what
        assert os.listdir(FOLDER) == (["certs"] if good else []), what
        if not good:
            assert is_absent(certificates.load, name) and is_absent(certificates.remove, name), what


def test_texts_that_are_refused():
    _, certificates = fresh()
    for what, text, word in TEXTS:
        field, sentence = refused(certificates, "ca.pem", text)
        assert field == "pem" and word in sentence, (what, field, sentence)
    assert os.listdir(FOLDER) == []


def test_a_name_is_given_once():
    _, certificates = fresh()
    certificates.add("ca.pem", SMALL["pem"])
    field, sentence = refused(certificates, "ca.pem", SIGNED["pem"])
    assert field == "" and "ca.pem" in sentence and certificates.load("ca.pem") == der_of(SMALL)


def test_twelve_at_most():
    flash, certificates = fresh()
    for number in range(12):
        certificates.add(f"c{number:02d}", (SMALL, KEY, CLIENT)[number % 3]["pem"])
    field, sentence = refused(certificates, "one-more", SMALL["pem"])
    assert field == "" and "12" in sentence and len(certificates.names()) == 12
    # Only one of them is in memory at a time.
    gc.collect()
    before = gc.mem_alloc()
    for number, (name, _, _) in enumerate(certificates.entries()):
        assert name == f"c{number:02d}"
        gc.collect()
        assert gc.mem_alloc() - before < 4000, (name, gc.mem_alloc() - before)
    certificates.remove("c05")
    certificates.add("one-more", SMALL["pem"])
    assert len(certificates.names()) == 12


def test_power_cut_at_every_operation():
    """Adding: the entry is there whole or not at all; deleting: likewise; the others stay."""
    for what, before, act in (
        ("the first", (), lambda certificates: certificates.add("new", SMALL["pem"])),
        ("another", (("old", KEY),), lambda certificates: certificates.add("new", SMALL["pem"])),
        ("a large one", (("old", KEY),), lambda certificates: certificates.add("new", LARGE["pem"])),
        ("deleting", (("old", KEY), ("new", SMALL)), lambda certificates: certificates.remove("new")),
        ("deleting a large one", (("old", KEY), ("new", LARGE)), lambda certificates: certificates.remove("new")),
    ):
        flash, certificates = fresh()
        for name, row in before:
            certificates.add(name, row["pem"])
        start = bytes(flash.content)
        cuts = 0
        while True:
            cuts += 1
            flash = mounted(RamFlash(content=start))
            flash.cut_at = cuts
            try:
                act(Certificates(FOLDER))
                break
            except PowerCut:
                pass
            mounted(RamFlash(content=flash.content))
            certificates = Certificates(FOLDER)
            found = certificates.names()
            assert not before or der_of(KEY) == certificates.load("old"), (what, cuts)
            if "new" in found:
                whole = der_of(LARGE if "large" in what else SMALL)
                assert certificates.load("new") == whole, (what, cuts)
                certificates.remove("new")
            assert ".new" not in (os.listdir(CERTS) if "certs" in os.listdir(FOLDER) else []), (what, cuts)
            certificates.add("later", CLIENT["pem"])
            assert certificates.load("later") == der_of(CLIENT), (what, cuts)
        assert cuts > 1, what
        assert ("new" in Certificates(FOLDER).names()) != ("deleting" in what), what


def test_a_full_flash_keeps_what_is_there():
    flash, certificates = fresh()
    certificates.add("old", KEY["pem"])
    folder = fill()
    for _ in range(3):
        try:
            certificates.add("new", CLIENT["pem"])
        except OSError:
            pass
        else:
            raise AssertionError("there was room")
        assert os.listdir(CERTS) == ["old"] and certificates.load("old") == der_of(KEY)
    mounted(flash)
    assert certificates.names() == ["old"]
    empty(folder)
    certificates.add("new", CLIENT["pem"])
    assert certificates.load("new") == der_of(CLIENT)


def test_what_else_lies_in_the_folder():
    _, certificates = fresh()
    certificates.add("ca.pem", SMALL["pem"])
    os.mkdir(CERTS + "/folder")
    for name, content in (
        (".new", b"left over"),
        ("_not ours", b"x"),
        ("empty", b""),
        ("text", b"hello"),
        ("pem", SMALL["pem"].encode()),
        ("huge", b"\x30\x82\xff\xff" + bytes(20000)),
        ("half", der_of(SMALL)[:100]),
    ):
        with open(CERTS + "/" + name, "wb") as file:
            file.write(content)
    told = [(name, kind) for name, kind, _ in certificates.entries()]
    damaged = [(name, "damaged") for name in ("empty", "half", "huge", "pem", "text")]
    assert told == [("ca.pem", "certificate")] + damaged
    assert ".new" not in os.listdir(CERTS) and len(certificates.load("huge")) == 4096
    for name, _ in damaged:
        certificates.remove(name)
    assert [name for name, _, _ in certificates.entries()] == ["ca.pem"]


def test_deleted_while_they_are_listed():
    _, certificates = fresh()
    for name in "abc":
        certificates.add(name, SMALL["pem"])
    listed = certificates.entries()
    assert next(listed)[0] == "a"
    certificates.remove("b")
    assert [name for name, _, _ in listed] == ["c"]


def test_tls_takes_them():
    """What load() returns is what SSLContext wants."""
    _, certificates = fresh()
    for certificate, keys in ((VECTORS["certificates"][0], (0, 1)), (VECTORS["certificates"][2], (3, 4))):
        certificates.add("ca", certificate["pem"])
        tls.SSLContext(tls.PROTOCOL_TLS_CLIENT).load_verify_locations(certificates.load("ca"))
        for number in keys:
            certificates.add("key", VECTORS["keys"][number]["pem"])
            tls.SSLContext(tls.PROTOCOL_TLS_CLIENT).load_cert_chain(certificates.load("ca"), certificates.load("key"))
            certificates.remove("key")
        certificates.remove("ca")
