"""HMAC, PBKDF2 and sealing against published vectors and against nonsense."""

from binascii import hexlify

from lib.crypto.hmac import Hmac, same
from lib.crypto.pbkdf2 import Pbkdf2
from lib.crypto.sealed import KEY_SIZE, seal, unseal

# RFC 4231, 4.2 to 4.4, 4.7 (key longer than a block)
MACS = (
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
)

# RFC 7914, 11 (both of 64 bytes), and the SHA-256 form of RFC 6070's cases as widely published
KEYS = (
    (
        "passwd",
        "salt",
        1,
        "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
        "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
    ),
    ("password", "salt", 1, "120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b"),
    ("password", "salt", 2, "ae4d0c95af6b46d32d0adff928f06dd02a303f8ef3c251dfd6e2d85a95474c43"),
    ("password", "salt", 4096, "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a"),
)


def test_hmac():
    for key, message, expected in MACS:
        assert hexlify(Hmac(key).mac(message)).decode() == expected


def test_pbkdf2_in_slices_of_any_size():
    for password, salt, iterations, expected in KEYS:
        for slice_size in (1, 7, 5000):
            if iterations // slice_size > 1000:
                continue
            job = Pbkdf2(password.encode(), salt.encode(), iterations, len(expected) // 64)
            steps = 0
            while not job.step(slice_size):
                steps += 1
                assert steps <= 2 * iterations
            assert hexlify(job.key).decode() == expected, (password, iterations, slice_size)


def test_comparison():
    for given, expected, equal in (
        (b"abc", b"abc", True),
        (b"abd", b"abc", False),
        (b"ab", b"abc", False),
        (b"abcc", b"abc", False),
    ):
        assert same(given, expected) == equal
    assert not same(b"", b"") and not same(b"", b"a") and not same(b"abcabc", b"abc")


def test_sealing():
    key, iv = bytes(range(KEY_SIZE)), bytes(range(16))
    for size in range(50):
        plain = bytes([size]) * size
        box = seal(key, iv, plain)
        assert box[:16] == iv and len(box) == 16 + (size // 16 + 1) * 16 + 32
        assert unseal(key, box) == plain


def refused(key, box):
    try:
        unseal(key, box)
    except ValueError:
        return True
    return False


def test_what_is_not_as_it_was_is_refused():
    key, iv = bytes(range(KEY_SIZE)), bytes(16)
    box = seal(key, iv, b"the secrets")
    for at in range(len(box)):
        for bit in (1, 128):
            changed = bytearray(box)
            changed[at] ^= bit
            assert refused(key, bytes(changed)), at
    for size in range(len(box)):
        assert refused(key, box[:size]), size
    assert refused(key, box + b"\0") and refused(key, box + bytes(16)) and refused(bytes(KEY_SIZE), box)
