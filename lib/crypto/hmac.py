"""HMAC with SHA-256 (RFC 2104), keyed once and used many times; and a comparison whose time tells nothing."""

from hashlib import sha256

_BLOCK = 64  # bytes that SHA-256 takes at once
DIGEST_SIZE = 32


class Hmac:
    """`mac(message)` gives 32 bytes. Keys longer than 64 bytes are hashed first, as the standard has it."""

    def __init__(self, key):
        if len(key) > _BLOCK:
            key = sha256(key).digest()
        self._inner = bytearray(b"\x36" * _BLOCK)
        self._outer = bytearray(b"\x5c" * _BLOCK)
        for index in range(len(key)):
            self._inner[index] ^= key[index]
            self._outer[index] ^= key[index]

    def mac(self, message):
        inner = sha256(self._inner)
        inner.update(message)
        outer = sha256(self._outer)
        outer.update(inner.digest())
        return outer.digest()


def same(given, expected):
    """Compare two byte strings in a time that depends on the length of `given` alone; False for empty ones."""
    if not expected:
        return False
    difference = len(given) ^ len(expected)
    for index in range(len(given)):
        difference |= given[index] ^ expected[index % len(expected)]
    return difference == 0
