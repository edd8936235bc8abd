"""GCM and the protection of APDUs: the vectors of the books, and what must not be believed."""

from host_tests.lib.dlms.dlms_script import AK, EK, Counter, raised
from lib.crypto.gcm import Gcm
from lib.dlms.ciphering import ROOM, Keys, at_once

TITLE = bytes.fromhex("4D4D4D0000BC614E")
PLAIN = bytes.fromhex("C0010000080000010000FF0200")
VECTORS = (
    (0x30, "C81E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B"),
    (0x10, "C81E1001234567C0010000080000010000FF020006725D910F9221D263877516"),
    (0x20, "C8122001234567411312FF935A47566827C467BC"),
)
# NIST's GCM test cases 1 to 4 for 128 bits (the additional data and the tags of the first 12 octets)
NIST = (
    ("00" * 16, "00" * 12, "", "", "", "58e2fccefa7e3061367f1d57"),
    ("00" * 16, "00" * 12, "", "00" * 16, "0388dace60b6a392f328c2b971b2fe78", "ab6e47d42cec13bdf53a67b2"),
    (
        "feffe9928665731c6d6a8f9467308308",
        "cafebabefacedbaddecaf888",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
        "5bc94fbc3221a5db94fae95a",
    ),
)


def keys(security=0x30, counter=0x01234567):
    return Keys(TITLE, EK, AK, Counter(counter), security)


def opener(security=0x30, peer_counter=-1, ak=AK, ek=EK):
    other = Keys(b"CLIENT 1", ek, ak, Counter(), security, peer_counter)
    other.peer_title = TITLE
    return other


def protect(ours, plain, prefix=b"\xc8"):
    buffer = bytearray(ROOM) + plain + bytes(12)
    return bytes(at_once(ours.protect(prefix, buffer, ROOM, len(plain))))


def test_gcm():
    for key, iv, clear, plain, cipher, tag in NIST:
        gcm = Gcm(bytes.fromhex(key))
        for _ in range(2):  # an object serves one message after the other
            text = bytearray.fromhex(plain)
            gcm.begin(bytes.fromhex(iv))
            gcm.authenticate(bytes.fromhex(clear))
            gcm.encrypt(text)
            assert bytes(text) == bytes.fromhex(cipher)
            assert gcm.tag() == bytes.fromhex(tag)
            gcm.begin(bytes.fromhex(iv))
            gcm.authenticate(bytes.fromhex(clear))
            gcm.check(text)
            assert gcm.tag() == bytes.fromhex(tag)
            gcm.decrypt(text)
            assert bytes(text) == bytes.fromhex(plain)


def test_vectors_both_ways():
    for security, wire in VECTORS:
        assert protect(keys(security), PLAIN).hex().upper() == wire
        body = memoryview(bytearray.fromhex(wire))[1:]
        assert bytes(at_once(opener(security).open(body))) == PLAIN


def test_gmac():
    ours = Keys(bytes.fromhex("4D4D4D0000000001"), EK, AK, Counter())
    assert ours.gmac(b"P6wRJ21F").hex().upper() == "1000000001" + "1A52FE7DD3E72748973C1E28"
    other = opener()
    other.peer_title = ours.title
    answer = bytearray(ours.gmac(b"P6wRJ21F"))
    assert other.is_answer(answer, b"P6wRJ21F")
    assert not other.is_answer(answer, b"P6wRJ21f")
    assert not other.is_answer(answer[:-1], b"P6wRJ21F")
    for bit in range(8 * len(answer)):
        answer[bit >> 3] ^= 1 << (bit & 7)
        assert not other.is_answer(answer, b"P6wRJ21F"), bit
        answer[bit >> 3] ^= 1 << (bit & 7)


def test_long_messages_in_slices():
    for size in (0, 1, 15, 16, 17, 255, 256, 257, 1000):
        for security in (0x10, 0x20, 0x30):
            plain = bytes([(7 * index) & 0xFF for index in range(size)])
            wire = bytearray(protect(keys(security), plain))
            assert bytes(at_once(opener(security).open(memoryview(wire)[1:]))) == plain, (size, security)
    steps = list(opener().open(memoryview(bytearray(protect(keys(), bytes(1000))))[1:]))
    assert len(steps) == 16  # eight slices for the tag, eight for the text


def test_nothing_of_a_wrong_message_is_used():
    wire = protect(keys(), PLAIN)
    for bit in range(8 * (len(wire) - 1)):
        damaged = bytearray(wire)
        damaged[1 + (bit >> 3)] ^= 1 << (bit & 7)
        other = opener()
        before = bytes(damaged)
        what, reason = raised(at_once, other.open(memoryview(damaged)[1:]))
        assert what in ("CipherError", "FormatError"), bit
        assert bytes(damaged) == before and other.peer_counter == -1, (bit, reason)
    for end in range(1, len(wire)):
        assert raised(at_once, opener().open(memoryview(bytearray(wire[1:end]))))[0] == "FormatError", end


def test_wrong_keys():
    wire = protect(keys(), PLAIN)
    for other in (opener(ak=EK), opener(ek=AK)):
        assert raised(at_once, other.open(memoryview(bytearray(wire))[1:])) == ("CipherError", "wrong tag")
    other = opener()
    other.peer_title = b"MMM\0\0\0\0\2"
    assert raised(at_once, other.open(memoryview(bytearray(wire))[1:])) == ("CipherError", "wrong tag")


def test_counters_grow():
    ours, other = keys(), opener(peer_counter=0x01234566)
    first, second = protect(ours, PLAIN), protect(ours, PLAIN)
    for wire, error in (
        (first, None),
        (first, ("CipherError", "counter used before")),
        (second, None),
        (first, ("CipherError", "counter used before")),
    ):
        assert raised(at_once, other.open(memoryview(bytearray(wire))[1:])) == error
    assert other.peer_counter == 0x01234568
    assert raised(protect, keys(counter=0x100000000), PLAIN) == ("CipherError", "no counter left")


def test_less_protection_than_agreed():
    for wanted, given in ((0x30, 0x10), (0x30, 0x20), (0x10, 0x20), (0x20, 0x10)):
        wire = protect(keys(given), PLAIN)
        assert raised(at_once, opener(wanted).open(memoryview(bytearray(wire))[1:])) == (
            "CipherError",
            "not protected as agreed",
        )
    assert bytes(at_once(opener(0x20).open(memoryview(bytearray(protect(keys(0x30), PLAIN)))[1:]))) == PLAIN
