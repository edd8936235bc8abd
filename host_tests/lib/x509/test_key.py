"""Private keys in their three forms pass; certificates, encrypted keys, and what is cut short or damaged do not."""

from host_tests.lib.x509.x509_vectors import cut, der_of, flipped, load, refusal
from lib.x509 import key

VECTORS = load()

OTHER = (
    ("nothing", b""),
    ("an empty sequence", b"\x30\0"),
    ("a number alone", b"\x30\3\2\1\0"),
    ("a number and text", b"\x30\6\2\1\0\x0c\1a"),
    ("a PKCS#8 that is encrypted", b"\x30\7\x30\3\x06\1\0\4\0"),
    ("bytes behind", b"\x30\5\2\1\0\4\0\0"),
    ("a length too long", b"\x30\5\2\1\0\4\1"),
    ("text", b"-----BEGIN PRIVATE KEY-----"),
)


def test_every_form():
    for row in VECTORS["keys"]:
        key.check(der_of(row))
        key.check(memoryview(der_of(row)))


def test_cut_anywhere():
    for row in VECTORS["keys"]:
        for short in cut(der_of(row)):
            assert refusal(key.check, short), (row["what"], len(short))


def test_any_byte_changed():
    for row in VECTORS["keys"]:
        for damaged in flipped(der_of(row)):
            refusal(key.check, damaged)


def test_something_else():
    for what, der in OTHER:
        assert refusal(key.check, der), what
    for row in VECTORS["certificates"]:
        assert refusal(key.check, der_of(row)), row["what"]
