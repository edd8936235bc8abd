"""PBKDF2 with HMAC-SHA-256 (RFC 8018, 5.2), computed in slices, for a loop that must not be held.

Make a Pbkdf2, call step() with a few iterations at a time, letting others run in between, until it returns True; then `key`
is there.
"""

from lib.crypto.hmac import DIGEST_SIZE, Hmac


class Pbkdf2:
    """Derive `blocks` times 32 bytes, then in `key`. Each iteration of a block is two hashes of 96 bytes."""

    def __init__(self, password, salt, iterations, blocks=1):
        """password, salt: bytes."""
        self.key = b""
        self._hmac = Hmac(password)
        self._salt = salt
        self._iterations = iterations
        self._blocks = blocks
        self._begin(1)

    def _begin(self, block):
        self._block = block
        self._last = self._hmac.mac(self._salt + block.to_bytes(4, "big"))
        self._sum = int.from_bytes(self._last, "big")
        self._left = self._iterations - 1

    def step(self, count):
        """Do up to `count` iterations; return True when the key is whole."""
        last, total = self._last, self._sum
        for _ in range(min(count, self._left)):
            last = self._hmac.mac(last)
            total ^= int.from_bytes(last, "big")
        self._left -= min(count, self._left)
        self._last, self._sum = last, total
        if self._left:
            return False
        if len(self.key) < DIGEST_SIZE * self._block:
            self.key += total.to_bytes(DIGEST_SIZE, "big")
            if self._block < self._blocks:
                self._begin(self._block + 1)
        return len(self.key) == DIGEST_SIZE * self._blocks
