"""SHA-512 against published digests, and against itself in pieces. CPython's is in host_tests/peers/test_crypto_peers.py."""

from host_tests.lib.crypto.crypto_vectors import load, raw
from lib.crypto.sha512 import Sha512, sha512

ALSO_ON = ("arm",)


def test_published():
    for row in load("sha512"):
        what, row = row["what"], raw(row)
        assert sha512(row["message"]) == row["digest"], what
        assert sha512(row["message"][:1], row["message"][1:]) == row["digest"], what


def test_pieces_of_any_size():
    data = bytes([index * 7 & 0xFF for index in range(700)])
    expected = sha512(data)
    for size in (1, 3, 64, 111, 112, 127, 128, 129, 255, 256, 257, 700):
        for kind in (bytes, bytearray, memoryview):
            hash = Sha512()
            for at in range(0, 700, size):
                hash.update(kind(data[at : at + size]))
                hash.update(b"")
            assert hash.digest() == expected, (size, kind)
    assert Sha512(data).digest() == expected


def test_what_was_hashed_is_gone():
    hash = Sha512(b"secret" * 40)
    hash.digest()
    for buffer in (hash._work, hash._schedule, hash._rest, hash._state):
        assert not any(buffer)
