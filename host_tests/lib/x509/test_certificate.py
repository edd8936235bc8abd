"""Certificates by a foreign tool are read as it reads them; what is damaged, cut short or something else is refused."""

import gc

from host_tests.lib.x509.x509_vectors import cut, der_of, flipped, load, refusal
from lib.x509.certificate import Certificate

VECTORS = load()
# Bytes on the heap, garbage included, with the pointers of 64 bits
MOST_READING = 16000
MOST_REFUSING = 500


def tlv(tag, *parts):
    """An element, its length in the shortest form."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    if size < 0x100:
        return bytes((tag, 0x81, size)) + content
    return bytes((tag, 0x82, size >> 8, size & 255)) + content


NAME = tlv(0x30, tlv(0x31, tlv(0x30, tlv(6, b"\x55\x04\x03"), tlv(12, b"a"))))
DATES = tlv(0x30, tlv(0x17, b"200101000000Z"), tlv(0x17, b"300101000000Z"))
EMPTY = tlv(0x30)
VERSION = tlv(0xA0, tlv(2, b"\2"))
NUMBER = tlv(2, b"\1")
END = EMPTY + tlv(3, b"\0\1")


def made(version=VERSION, number=NUMBER, issuer=NAME, dates=DATES, subject=NAME, rest=EMPTY, end=END):
    return tlv(0x30, tlv(0x30, version, number, EMPTY, issuer, dates, subject, rest), end)


def with_value(tag, value):
    return made(subject=tlv(0x30, tlv(0x31, tlv(0x30, tlv(6, b"\x55\x04\x03"), tlv(tag, value)))))


ODD = (
    # what, DER, the subject; "!" if it is refused
    ("the smallest", made(), "CN=a"),
    ("version 1", made(version=b""), "CN=a"),
    ("extensions", made(rest=EMPTY + tlv(0xA3, EMPTY)), "CN=a"),
    ("no subject", made(subject=EMPTY), ""),
    ("an empty part", made(subject=tlv(0x30, tlv(0x31))), ""),
    ("an empty value", with_value(12, b""), "CN="),
    ("UTF-8 cut short", with_value(12, b"M\xc3"), "CN=M\xc3"),
    ("a half pair in UTF-8", with_value(12, b"a\xed\xa0\x80"), "CN=a\ufffd"),
    ("an odd BMPString", with_value(0x1E, b"\0a\0"), "CN=a"),
    ("an odd UniversalString", with_value(0x1C, b"\0\0\0a\0\0"), "CN=a"),
    ("no such character", with_value(0x1C, b"\xff\xff\xff\xff\0\0\0a"), "CN=\ufffda"),
    ("2000 continuation bytes", with_value(12, b"\x80" * 2000), "CN="),
    ("2000 bytes", with_value(12, b"a" * 2000), "CN=" + "a" * 97),
    ("2000 bytes of BMPString", with_value(0x1E, b"\0a" * 1000), "CN=" + "a" * 97),
    ("600 parts", made(subject=tlv(0x30, NAME[2:] * 300)), ("CN=a, " * 20)[:100]),
    ("length in more octets than needed", b"\x30\x82\x00" + made()[1:2] + made()[2:], "CN=a"),
    ("bytes behind", made() + b"\0", "!"),
    ("indefinite length", b"\x30\x80" + made()[2:] + b"\0\0", "!"),
    ("length of 3 octets", b"\x30\x83\0\0" + made()[1:], "!"),
    ("length of 127 octets", b"\x30\xff" + b"\xff" * 200, "!"),
    ("a long tag", made(rest=EMPTY + b"\x3f\x20\0"), "!"),
    ("no key", made(rest=b""), "!"),
    ("a set as a name", made(subject=tlv(0x31)), "!"),
    ("a type that is no OID", made(subject=tlv(0x30, tlv(0x31, tlv(0x30, tlv(2, b"a"), tlv(12, b"a"))))), "!"),
    ("no value", made(subject=tlv(0x30, tlv(0x31, tlv(0x30, tlv(6, b"\x55\x04\x03"))))), "!"),
    ("one date", made(dates=tlv(0x30, tlv(0x17, b"200101000000Z"))), "!"),
    ("no serial number", made(number=b""), "!"),
    ("no signature", made(end=EMPTY), "!"),
    ("two signatures", made(end=END + tlv(3, b"\0\1")), "!"),
    ("nothing", b"", "!"),
    ("an empty sequence", EMPTY, "!"),
    ("two empty sequences", tlv(0x30, EMPTY, EMPTY), "!"),
    ("text", b"-----BEGIN CERTIFICATE-----", "!"),
    ("zeros", bytes(500), "!"),
    ("ones", b"\xff" * 500, "!"),
    ("sequences in sequences", b"\x30\x80" * 1000, "!"),
)


def test_as_the_foreign_tool_reads_them():
    for row in VECTORS["certificates"]:
        der = der_of(row)
        for form in (der, memoryview(der), bytearray(der)):
            found = Certificate(form)
            assert (found.subject, found.issuer) == (row["subject"], row["issuer"]), (row["what"], found.subject, found.issuer)
            assert [found.not_before, found.not_after] == row["dates"], (row["what"], found.not_before, found.not_after)
            assert [found.not_before_s, found.not_after_s] == row["unix_s"], (row["what"], found.not_before_s)


def test_odd_structures():
    for what, der, subject in ODD:
        sentence = refusal(Certificate, der)
        if subject == "!":
            assert sentence, what
        else:
            assert not sentence and Certificate(der).subject == subject, (what, sentence, Certificate(der).subject)


def test_cut_anywhere():
    for row in VECTORS["certificates"]:
        for short in cut(der_of(row)):
            assert refusal(Certificate, short), (row["what"], len(short))


def test_any_byte_changed():
    """Much of it stays a certificate: but names stay short and dates dates, and nothing but ValueError is raised."""
    for row in VECTORS["certificates"]:
        for damaged in flipped(der_of(row), 7):
            if not refusal(Certificate, damaged):
                found = Certificate(damaged)
                assert len(found.subject) <= 100 and len(found.issuer) <= 100, row["what"]
                assert len(found.not_before) == len(found.not_after) == 19, row["what"]


def test_every_value_of_every_byte_of_the_smallest():
    der = bytearray(made())
    for at in range(len(der)):
        good = der[at]
        for value in range(256):
            der[at] = value
            refusal(Certificate, der)
        der[at] = good


def test_keys_are_no_certificates():
    for row in VECTORS["keys"]:
        assert refusal(Certificate, der_of(row)), row["what"]


def test_memory():
    """Reading takes no copy of the whole, and lengths that promise much allocate nothing."""
    large = der_of(VECTORS["certificates"][1])
    damaged = bytearray(large)
    damaged[2:4] = b"\xff\xff"
    for der, most in ((large, MOST_READING), (damaged, MOST_REFUSING)):
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        refusal(Certificate, der)
        taken = gc.mem_alloc() - before
        gc.enable()
        assert taken <= most, taken
