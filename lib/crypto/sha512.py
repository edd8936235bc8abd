"""SHA-512 (FIPS 180-4, 6.4), for chips whose hashlib has none."""

from micropython import const

from lib.crypto.sha512_block import CONSTANTS, SCHEDULE_SIZE, WORK_SIZE, compress

DIGEST_SIZE = 64
_BLOCK = const(128)
# The first 64 bits of the fractional parts of the square roots of the first eight primes, big-endian (FIPS 180-4, 5.3.5).
_START = (
    b"\x6a\x09\xe6\x67\xf3\xbc\xc9\x08\xbb\x67\xae\x85\x84\xca\xa7\x3b\x3c\x6e\xf3\x72\xfe\x94\xf8\x2b\xa5\x4f\xf5\x3a"
    b"\x5f\x1d\x36\xf1\x51\x0e\x52\x7f\xad\xe6\x82\xd1\x9b\x05\x68\x8c\x2b\x3e\x6c\x1f\x1f\x83\xd9\xab\xfb\x41\xbd\x6b"
    b"\x5b\xe0\xcd\x19\x13\x7e\x21\x79"
)


class Sha512:
    """update() takes bytes, digest() returns 64 bytes and ends it.

    A block of 128 bytes may take a millisecond: who shares a loop gives update() 1 KB at a time.
    """

    def __init__(self, data=b""):
        # Eight words, each as two of 32 bits in the order of the machine, the higher half first.
        self._state = bytearray(_turned(_START))
        self._work = bytearray(WORK_SIZE)
        self._schedule = bytearray(SCHEDULE_SIZE)
        self._rest = bytearray(_BLOCK)  # what did not fill a block
        self._length = 0
        self.update(data)

    def update(self, data):
        """Take bytes, a bytearray or a memoryview of bytes."""
        at, size = 0, len(data)
        held = self._length % _BLOCK
        self._length += size
        if held:
            at = min(size, _BLOCK - held)
            self._rest[held : held + at] = data[:at]
            if held + at < _BLOCK:
                return
            self._take(self._rest, 0)
        while size - at >= _BLOCK:
            self._take(data, at)
            at += _BLOCK
        if at < size:
            self._rest[: size - at] = data[at:]

    def digest(self):
        """Return the hash; no method may be called afterwards. What was hashed is wiped."""
        length = self._length
        padding = _BLOCK - 16 - (length + 1) % _BLOCK
        if padding < 0:
            padding += _BLOCK
        self.update(b"\x80" + bytes(padding) + (8 * length).to_bytes(16, "big"))
        digest = _turned(self._state)
        for buffer in (self._work, self._schedule, self._rest, self._state):
            buffer[:] = bytes(len(buffer))
        return digest

    def _take(self, data, at):
        compress(self._work, self._schedule, data, at, self._state, CONSTANTS)


def sha512(*parts):
    """Return the hash of some byte strings, joined."""
    hash = Sha512()
    for part in parts:
        hash.update(part)
    return hash.digest()


def _turned(words):
    """Bytes with each four in the other order: big-endian to little-endian and back."""
    return bytes([words[index ^ 3] for index in range(len(words))])
